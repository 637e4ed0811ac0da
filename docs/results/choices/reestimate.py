"""Make the trials of `statistics re-estimated` from the finished trials of `DiCCOSER`, without a training.

`training.batch_statistics=reestimated` changes no training step: it is one pass over the training part with
the weights that are kept. So a trial with it is a finished trial without it, plus this pass.

    python docs/results/choices/reestimate.py WORKSPACE
"""

import shutil
import sys
from pathlib import Path

from sercli import files
from sercli.bundle import Bundle
from sercli.devices import choose_device
from sercli.plain.yaml import to_yaml
from sercli.training._finish import Trained, finish, settings
from sercli.training.batch_statistics import reestimate
from sercli.training.folds import load_parts, plain_training_part
from sercli.training.plan import Plan, make_plan
from sercli.training.processes import training_process
from sercli.training.settings import configure
from sercli.workspace import Workspace

SETTINGS = {
    "arch": "diccoser",
    "corpus": "emodb",
    "scheme": "emodb-4",
    "protocol": "leave-one-speaker-out",
    "model": {"input": "logmel"},
}


def main(workspace: Workspace) -> None:
    """Write each trial that is still missing."""
    device = choose_device("cpu")

    def plan_with(**training: str) -> Plan:
        return make_plan(
            configure(SETTINGS | {"training": training}, workspace, device), workspace, seeds=(0, 1, 2)
        )

    running, again = plan_with(), plan_with(batch_statistics="reestimated")
    recipe = again.config.training
    for before, trial in zip(running.trials, again.trials, strict=True):
        if trial.finished or not before.finished:
            continue
        with training_process(recipe):
            parts = load_parts(again, trial.fold, trial.seed)
            trial.path.mkdir(parents=True, exist_ok=True)
            files.write_text(trial.config_file, to_yaml(settings(again, trial, device)))
            shutil.copy(before.history_file, trial.history_file)
            network = Bundle.load(before.bundle).network
            reestimate(network, plain_training_part(again, parts), recipe.batch_size, trial.seed)
            made = finish(again, trial, parts, Trained(network, before.metrics()["epoch"] - 1), device, {})
        print(trial, made["test_ua"], flush=True)


if __name__ == "__main__":
    main(Workspace(Path(sys.argv[1])))
