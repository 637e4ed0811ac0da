"""Train and evaluate a network of one's own, kept outside of the package.

Its two files lie in ``examples/own``. Here it learns from the embedded synthetic corpus:

    python examples/own_architecture.py
"""

import tempfile
from pathlib import Path

import sercli.models
import sercli.training
from sercli.preparation import prepare
from sercli.reports.gather import gather
from sercli.training import train
from sercli.workspace import Workspace

OWN = Path(__file__).parent / "own"

# An entry is found by its file's name, in the folders of its family. These are two more.
sercli.models.__path__.append(str(OWN / "models"))
sercli.training.__path__.append(str(OWN / "training"))

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        prepare("synth", None, workspace)
        run = train(
            workspace,
            arch="stats-pool",
            corpus="synth",
            folds="1-2",
            settings=["model.channels=32", "training.max_epochs=8"],
        )
        evaluation = gather(run).evaluation
        print(f"UA {100 * evaluation.ua:.1f} %, WA {100 * evaluation.wa:.1f} %")
