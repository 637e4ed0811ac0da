"""A training, and a prediction, through the Python API leave the caller's process as it was."""

import gc
import logging
import os
import random
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from conftest import SMALL

from sercli.inference.predict import Predictor
from sercli.runs.training import TrainingConfig
from sercli.training import train
from sercli.training.processes import training_process
from sercli.workspace import Workspace


def state():
    """Return what a process has set that a library could change."""
    gc.collect()  # a generator that was left early cleans up when it is collected
    umask = os.umask(0o022)
    os.umask(umask)
    cudnn = torch.backends.cudnn
    return {
        "umask": umask,
        "threads": torch.get_num_threads(),
        "cudnn": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
        "warnings": list(warnings.filters),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "levels": [logging.getLogger(name).level for name in ("", "lightning.pytorch", "lightning.fabric")],
        "random": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()),  # noqa: NPY002
        "seeds": {name: value for name, value in os.environ.items() if name.startswith("PL_")},
    }


def differences(before):
    after = state()
    return [name for name, value in before.items() if value != after[name]]


def test_a_training_and_a_prediction_leave_the_process_as_it_was(small_workspace, tmp_path):
    own = Workspace(tmp_path / "own")
    own.root.mkdir()
    (own.root / "corpora").symlink_to(small_workspace.root / "corpora")
    settings = ["model.filters=8", "model.blocks=1"]
    settings += [
        f"training.{name}={'null' if value is None else value}" for name, value in SMALL["training"].items()
    ]
    before = state()
    run = train(own, SMALL["arch"], "emodb", scheme=SMALL["scheme"], folds="1", settings=settings)
    assert differences(before) == []
    audio = next(own.corpus("emodb").rglob("*.wav"))
    before = state()
    assert len(list(Predictor(run.trials()[0].bundle).predict([audio]))) == 1
    assert differences(before) == []


def test_a_training_that_fails_leaves_the_process_as_it_was_too():
    def fail():
        with training_process(TrainingConfig()):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            torch.manual_seed(5)
            raise KeyboardInterrupt

    before = state()
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert differences(before) == []


def test_importing_changes_nothing():
    code = (
        "import os, signal, warnings; os.umask(0o027); before = list(warnings.filters)\n"
        "import sercli, sercli.files, sercli.training.trials, sercli.inference.predict, sercli.cli\n"
        "assert os.umask(0) == 0o027 and 'OMP_NUM_THREADS' not in os.environ"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_training_without_epochs_and_a_study_that_is_finished_import_only_torch():
    code = (
        "import sys\n"
        "import sercli.training.settings, sercli.training.search, sercli.training.trials, sercli.audit.run\n"
        "import sercli.studies.running, sercli.training.estimate, sercli.corpora.synth\n"
        "import sercli.preparation, sercli.inference.inputs\n"
        "slow = {'lightning', 'torchmetrics', 'scipy', 'matplotlib', 'pandas', 'torch._dynamo'}\n"
        "assert not slow & sys.modules.keys(), slow & sys.modules.keys()\n"
        "import sercli.reports.study, sercli.reports.compare, sercli.reports.run\n"
        "slow -= {'matplotlib'}\n"
        "assert not slow & sys.modules.keys(), slow & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
