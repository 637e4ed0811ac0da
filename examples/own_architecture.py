"""Train and evaluate a network of one's own, kept outside of the package.

Its file is ``examples/own/models/stats_pool.py``. Here it learns from the embedded synthetic corpus:

    python examples/own_architecture.py
"""

import tempfile
from pathlib import Path

import sercli

# The folder holds models/, as the package does; on the command line it is `--plugins examples/own`.
sercli.add_folder(Path(__file__).parent / "own")

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        workspace = sercli.Workspace(Path(folder))
        sercli.prepare("synth", None, workspace)
        run = sercli.train(
            workspace,
            arch="stats-pool",
            corpus="synth",
            folds="1-2",
            settings=["model.channels=32", "training.max_epochs=8"],
        )
        table = sercli.report_run(run).evaluation.table
        ua, wa = (table.row(key).value for key in ("ua", "wa"))
        print(f"UA {100 * ua:.1f} %, WA {100 * wa:.1f} %")
