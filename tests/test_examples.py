"""The examples run as they are, and the entries of ``examples/own`` do what the documentation states."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import tone

from sercli import registry
from sercli.augmentations import get_augmentation
from sercli.corpora import get_corpus
from sercli.features import get_feature

OWN = Path(__file__).parent.parent / "examples/own"
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, path], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "UA" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.fixture
def own(monkeypatch):
    monkeypatch.setenv(registry.VARIABLE, "")
    registry.add_folder(OWN)


def test_the_energy_is_the_log_of_the_level_of_each_frame(own):
    feature = get_feature("energy")
    config = feature.config()
    loud_and_half = np.concatenate([np.full(320, 0.5), np.full(160, -0.5)]).astype(np.float32)
    found = feature.extract(loud_and_half, config)
    # The second frame has half as many samples: its level is 0.5 / sqrt(2).
    np.testing.assert_allclose(found, np.log([[[0.5 + 1e-5, 0.5 / 2**0.5 + 1e-5]]]), rtol=1e-6)
    assert found.dtype == np.float32
    assert found.shape == (*feature.shape(config), feature.count_frames(480, config))
    np.testing.assert_allclose(feature.extract(np.zeros(320, np.float32), config), feature.silence(config))


def test_the_cut_sets_one_stretch_to_zero_and_leaves_its_input(own):
    entry = get_augmentation("cut")
    samples = np.ones(8000, np.float32)
    changed = entry.apply(samples, np.random.default_rng(0), entry.config(p=1))
    zeros = np.flatnonzero(changed == 0)
    assert 0 < len(zeros) <= 3200
    assert zeros[-1] - zeros[0] + 1 == len(zeros)
    assert samples.all()
    assert entry.apply(samples, np.random.default_rng(0), entry.config(p=0)) is samples


def test_the_school_is_read_from_its_names(own, tmp_path):
    for name in ("03_joy_2.wav", "04_rage_1.wav", "readme.wav"):
        (tmp_path / name).touch()
    happy, angry, foreign = get_corpus("school").parse(tmp_path)
    assert (happy.id, happy.speaker, happy.emotion) == ("school/03_joy_2", "03", "happiness")
    assert (angry.file, angry.emotion) == ("04_rage_1.wav", "anger")
    assert str(foreign) == "readme.wav: not a name such as 03_joy_2.wav"


@pytest.mark.slow
def test_the_entries_of_ones_own_are_trained_together(own, tmp_path, write_wav, command_line):
    words = {"rage": 320, "joy": 240, "grief": 170, "fright": 110}
    for seed, (speaker, word) in enumerate((s, w) for s in ("01", "02", "03") for w in words):
        for take in (1, 2):
            samples = tone(0.5, pitch=words[word], seed=10 * seed + take)
            write_wav(tmp_path / "school" / f"{speaker}_{word}_{take}.wav", samples)
    at = ("--workspace", tmp_path / "workspace")
    assert command_line("prepare", "school", tmp_path / "school", *at)[0] == 0
    chosen = (
        "--arch",
        "stats-pool",
        "--corpus",
        "school",
        "--set",
        "features.kind=energy",
        "--augment",
        "cut",
    )
    status, printed, error = command_line("train", *chosen, "--fold", "1", "--max-epochs", "2", *at)
    assert (status, error) == (0, "")
    assert "on energy" in printed
    assert "augment   cut" in printed
