"""A small corpus with continuous labels."""

import numpy as np
import pytest
from conftest import tone

from sercli.preparation import prepare
from sercli.workspace import Workspace

SECONDS = 3.4


@pytest.fixture(scope="session")
def talking(tmp_path_factory):
    """A workspace with the continuous corpus, every recording a few seconds of tone."""
    time = np.arange(int(SECONDS * 25)) / 25

    def talk(speaker, seconds, rng):
        loud = np.sin(2 * np.pi * time / 2 + rng.uniform(0, 6))
        samples = tone(SECONDS, seed=int(rng.integers(100))) * np.repeat(1.5 + loud, 640)
        return samples.astype(np.float32), np.stack([loud, -loud], 1)

    workspace = Workspace(tmp_path_factory.mktemp("talking"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sercli.corpora.synth_continuous.talk", talk)
        prepare("synth-continuous", None, workspace)
    return workspace
