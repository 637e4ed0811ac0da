"""A training resumes from the checkpoint that was written, or says that it is damaged."""

import copy
import hashlib
import json

import pytest
import torch
from conftest import SMALL

from sercli.devices import Device
from sercli.errors import RunError
from sercli.training import checkpoints
from sercli.training.checkpoints import WholeCheckpoints
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")
CHECKPOINT = {
    "epoch": 3,
    "state_dict": {"network.weight": torch.arange(5000.0), "network.bias": torch.zeros(3)},
    "callbacks": {"History": {"rows": [{"epoch": 1, "dev_ua": 0.5}]}},
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run" / "fold-01" / "seed-0" / "checkpoints" / "last.ckpt"
    WholeCheckpoints().save_checkpoint(CHECKPOINT, path)
    return path


def _assert_refused(path, fact="damaged"):
    for read in (checkpoints.read, WholeCheckpoints().load_checkpoint):
        with pytest.raises(RunError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: {fact}")
        assert str(caught.value).endswith(f"remove {path.parent.parent} and train again")
        assert "\n" not in str(caught.value)


def test_what_was_written_is_read_and_torch_reads_it_too(file):
    for found in (checkpoints.read(file), torch.load(file, weights_only=True)):
        assert found["epoch"] == 3
        assert found["callbacks"] == CHECKPOINT["callbacks"]
        torch.testing.assert_close(found["state_dict"], CHECKPOINT["state_dict"])


def test_the_last_bytes_are_the_digest_of_all_others(file):
    content = file.read_bytes()
    assert content[-71:-64] == b"sha256:"
    assert content[-64:].decode() == hashlib.sha256(content[:-71]).hexdigest()


@pytest.mark.parametrize("share", [k / 40 for k in range(41)])
def test_one_bit_anywhere_is_found(file, share):
    content = bytearray(file.read_bytes())
    content[round(share * (len(content) - 1))] ^= 0x04
    file.write_bytes(content)
    _assert_refused(file)


@pytest.mark.parametrize("kept", [0, 1, 10, 1000, 20_000, -100, -1])
def test_one_that_is_cut_names_the_file(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    _assert_refused(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"more",
        lambda content: b"more" + content,
        lambda content: bytes(len(content)),
        lambda content: content[:5000] + bytes(5000) + content[10_000:],
        lambda content: b"<html></html>",
        lambda content: json.dumps({"epoch": len(content)}).encode(),
    ],
)
def test_other_damages_are_found(file, change):
    file.write_bytes(change(file.read_bytes()))
    _assert_refused(file)


def test_one_that_is_missing_or_a_folder_is_named(file):
    file.unlink()
    _assert_refused(file, "missing")
    file.mkdir()
    _assert_refused(file)


def test_one_of_an_earlier_sercli_is_read_unless_its_numbers_changed(file):
    torch.save(CHECKPOINT, file)  # without a digest
    assert checkpoints.read(file)["epoch"] == 3
    content = bytearray(file.read_bytes())
    content[content.index(torch.tensor(2500.0).numpy().tobytes())] ^= 0x40  # a weight
    file.write_bytes(content)
    _assert_refused(file)


def test_arguments_that_a_module_records_are_not_kept(file):
    recorded = {"hyper_parameters": {"outputs": Device("cpu")}, "hparams_name": "kwargs"}
    WholeCheckpoints().save_checkpoint(CHECKPOINT | recorded, file)
    assert checkpoints.read(file).keys() == CHECKPOINT.keys()


def test_another_object_is_not_called_damage(file):
    WholeCheckpoints().save_checkpoint(CHECKPOINT | {"extra": Device("cpu")}, file)
    _assert_refused(file, "has an object of sercli.devices.Device, and only numbers, texts and tensors")


@pytest.fixture
def interrupted(small_workspace, tmp_path):
    """A training that was killed in its third epoch, and how it ends."""
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (place.root / name).symlink_to(small_workspace.root / name)
    settings = copy.deepcopy(SMALL)
    settings["training"]["max_epochs"] = 3
    plan = make_plan(configure(settings, place, CPU), place, "1")
    said = []

    def interrupt(line):
        said.append(line)
        if len(said) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train_trials(plan, CPU, interrupt)
    return plan


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x44
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_no_training_resumes_from_a_damaged_checkpoint(interrupted, name):
    (trial,) = interrupted.trials
    _flip(trial.checkpoints / name)
    said = []
    with pytest.raises(RunError, match=rf"{name}: damaged since it was written; remove {trial.path}"):
        train_trials(interrupted, CPU, said.append)
    assert said == []
    assert not trial.finished


def test_the_history_that_counts_is_the_one_in_the_checkpoint(interrupted):
    (trial,) = interrupted.trials
    first, second = trial.history()[:2]
    text = trial.history_file.read_text()
    trial.history_file.write_text(text.replace(f"{first['dev_ua']:.9g}", "0.987654321"))
    train_trials(interrupted, CPU, lambda line: None)
    assert trial.history()[:2] == [first, second]
    assert trial.metrics()["dev_ua"] <= max(row["dev_ua"] for row in trial.history())
