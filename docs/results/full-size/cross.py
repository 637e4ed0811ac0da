"""Compare the networks of a study on the other corpus, which `sercli eval RUN --on` tested them on.

Usage: cross.py STUDY WORKSPACE OUT.csv REFERENCE, the row to compare with, such as 'MelCNN, emodb'.
Rows whose networks are not tested on the other corpus are left out. Differences in UA are paired over
the speakers of the tested corpus; p is corrected for the rows of the file.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from sercli import evaluate
from sercli.evaluation import compare, holm, read_predictions
from sercli.records import ClassPredictions
from sercli.studies import get_study
from sercli.studies.results import find_finished
from sercli.workspace import Workspace

TESTED = {"emodb": "on-ravdess-ravdess-4-nocalm", "ravdess": "on-emodb-emodb-4"}


def read(study: str, workspace: str) -> dict[str, ClassPredictions]:
    """Read the predictions of the networks of each row for the other corpus."""
    found = {}
    for cell in get_study(study).cells():
        run = find_finished(cell, Workspace(workspace))
        path = run and run.path / TESTED[cell.on.corpus] / "predictions.csv"
        if path and path.exists():
            predictions = read_predictions(path)
            assert isinstance(predictions, ClassPredictions)
            found[f"{cell.row.name}, {cell.on.corpus}"] = predictions
    return found


def figures(predictions: ClassPredictions) -> dict[str, str]:
    """Return UA and WA with their intervals, the mean confidence, and the class that is predicted most."""
    table = evaluate(predictions).table
    found = {}
    for key in ("ua", "wa"):
        row = table.row(key)
        assert row.interval is not None
        values = (row.value, row.interval.low, row.interval.high)
        found |= {
            name: percent(value)
            for name, value in zip((key, f"{key}_low", f"{key}_high"), values, strict=True)
        }
    counts = np.bincount(predictions.predicted, minlength=len(predictions.classes))
    return found | {
        "mean_confidence": percent(predictions.probabilities.max(axis=1).mean()),
        "predicted_most": predictions.classes[counts.argmax()],
        "predicted_most_share": percent(counts.max() / counts.sum()),
    }


def differences(rows: dict[str, ClassPredictions], reference: str) -> dict[str, dict[str, str]]:
    """Return the difference of each row's UA from that of the reference, with p corrected for all rows."""
    others = [name for name in rows if name != reference]
    found = [
        compare({"first": rows[reference], "second": rows[name]}).table.group("difference")[0]
        for name in others
    ]
    corrected = holm([each.test.p for each in found])
    return {
        name: {
            "difference": percent(each.value),
            "difference_low": percent(each.interval.low),
            "difference_high": percent(each.interval.high),
            "p": f"{each.test.p:.4f}",
            "holm_p": f"{p:.4f}",
        }
        for name, each, p in zip(others, found, corrected, strict=True)
    }


def percent(value: float) -> str:
    """Format a share in per cent."""
    return f"{100 * value:.1f}"


def main(study: str, workspace: str, out: str, reference: str) -> None:
    """Write a line for each row that was trained on the corpus of the reference."""
    corpus = reference.rpartition(", ")[2]
    found = read(study, workspace)
    rows = {name: each for name, each in found.items() if name.rpartition(", ")[2] == corpus}
    compared = differences(rows, reference)
    lines = [{"row": name, **figures(each), **compared.get(name, {})} for name, each in rows.items()]
    with Path(out).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(max(lines, key=len)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
