"""List the trials of a study: epochs, kept epoch, UA and seconds of each.

Usage: trials.py STUDY WORKSPACE OUT.csv. Only rows with finished trials are written.
"""

import csv
import sys
from pathlib import Path

from sercli.studies import get_study
from sercli.studies.results import find_finished
from sercli.workspace import Workspace


def main(study: str, workspace: str, out: str) -> None:
    """Write a line for each finished trial."""
    with Path(out).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("row", "corpus", "fold", "seed", "epochs", "kept_epoch", "dev_ua", "test_ua", "seconds")
        )
        for cell in get_study(study).cells():
            run = find_finished(cell, Workspace(workspace))
            for trial in run.finished() if run else ():
                found = trial.metrics()
                values = (f"{100 * found[key]:.1f}" for key in ("dev_ua", "test_ua"))
                where = (
                    cell.row.name,
                    cell.on.corpus,
                    trial.fold,
                    trial.seed,
                    found["epochs"],
                    found["epoch"],
                )
                writer.writerow((*where, *values, f"{found['seconds']:.0f}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
