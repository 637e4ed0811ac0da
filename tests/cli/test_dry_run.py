"""`train --dry-run`: the time of a training on a corpus whose features nobody has computed yet."""

import re

import pytest

from sercli.workspace import Workspace


@pytest.fixture
def fresh(tmp_path, small_workspace):
    """The small corpus without any features."""
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    (place.root / "corpora").symlink_to(small_workspace.root / "corpora")
    return place


TINY = {
    "mdcnn": ("model.filters=4", "model.blocks=1"),
    "diccoser": ("model.channels=4",),
    "attpool": ("model.first_layer=[2,2]", "model.head=gap"),
}


def dry_run(place, command_line, arch, *options):
    settings = [word for each in TINY[arch] for word in ("--set", each)]
    given = ("--corpus", "emodb", "--scheme", "emodb-4", "--protocol", "leave-one-speaker-out")
    where = ("--workspace", place.root, "--accelerator", "cpu", "--dry-run", "--fold", "1-2")
    status, out, err = command_line("train", "--arch", arch, *given, *settings, *where, *options)
    assert (status, err) == (0, "")
    assert not place.runs.exists()
    return out


@pytest.mark.parametrize("arch", TINY)
def test_it_states_the_time_before_features_are_computed(fresh, command_line, arch):
    out = dry_run(fresh, command_line, arch, "--max-epochs", "7")
    assert re.search(r"^features  \d+ utterances to compute$", out, re.MULTILINE)
    (takes,) = [line for line in out.splitlines() if line.startswith("takes")]
    assert re.search(r"about \d.* an epoch, at most \d.* for 7 epochs of 2 trials", takes)


def test_it_says_that_features_come_on_top_only_if_they_do(fresh, command_line):
    first = dry_run(fresh, command_line, "mdcnn")
    assert "without the features still to compute" in first
    status, _, err = command_line("features", "emodb", "--kind", "logmel3d", "--workspace", fresh.root)
    assert (status, err) == (0, "")
    assert "without the features" not in dry_run(fresh, command_line, "mdcnn")


@pytest.mark.parametrize(("arch", "told"), [("diccoser", False), ("attpool", False), ("mdcnn", True)])
def test_the_warning_of_flip_is_printed_only_for_features_that_hold_slopes(fresh, command_line, arch, told):
    out = dry_run(fresh, command_line, arch, "--augment", "flip")
    assert re.search(r"^augment +flip", out, re.MULTILINE)
    assert ("slopes in time" in out) == told
    noise = dry_run(fresh, command_line, arch, "--augment", "noise")
    assert "noise fills pauses" in noise
