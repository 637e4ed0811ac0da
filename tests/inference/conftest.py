import numpy as np
import pytest
from conftest import SMALL, tone

from sercli.devices import Device
from sercli.preparation import prepare
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")

SEGMENTED = {
    "arch": "attpool",
    "features": {"bins": 64},
    "segments": {"size_s": 0.2, "hop_s": 0.1, "test_hop_s": 0.08, "frames": 20},
    "training": {"max_epochs": 1, "batch_size": 8},
}
REGRESSION = {
    "arch": "cnnlstm",
    "corpus": "synth-continuous",
    "scheme": None,
    "model": {"filters": [4, 4, 4], "hidden_size": 8, "layers": 1, "dropout": 0.0},
    "segments": {"size_s": 1.0, "hop_s": 0.5, "test_hop_s": 1.0},
    "training": {"max_epochs": 1, "lr": 0.01},
}


@pytest.fixture(scope="session")
def place(small_workspace, tmp_path_factory):
    """The small corpus in a workspace of our own."""
    place = Workspace(tmp_path_factory.mktemp("trained") / "w")
    (place.root / "corpora").mkdir(parents=True)
    for corpus in (small_workspace.root / "corpora").iterdir():
        (place.root / "corpora" / corpus.name).symlink_to(corpus)
    return place


@pytest.fixture(scope="session")
def train(place):
    """Train the first fold: train(settings) returns plan and trial."""

    def train_(settings):
        given = {"corpus": "emodb", "scheme": "emodb-4"} | settings
        given = {name: value for name, value in given.items() if value is not None}
        plan = make_plan(configure(given, place, CPU), place, "1", (0,))
        compute_features(plan)
        (trial,) = train_trials(plan, CPU, lambda line: None)
        return plan, trial

    return train_


@pytest.fixture(scope="session")
def small(train):
    """A network of whole utterances."""
    return train(SMALL)


@pytest.fixture(scope="session")
def segmented(train):
    """A network of segments."""
    return train(SEGMENTED)


@pytest.fixture(scope="session")
def regressor(train, place):
    """A network of continuous labels, trained on recordings of 3.4 s."""
    time = np.arange(85) / 25

    def talk(speaker, seconds, rng):
        loud = np.sin(np.pi * time + rng.uniform(0, 6))
        samples = tone(3.4, seed=int(rng.integers(100))) * np.repeat(1.5 + loud, 640)
        return samples.astype(np.float32), np.stack([loud, -loud], 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sercli.corpora.synth_continuous.talk", talk)
        prepare("synth-continuous", None, place)
    return train(REGRESSION)
