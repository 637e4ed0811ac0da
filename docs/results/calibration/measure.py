"""Compare temperatures fitted on the dev part of one fold with those fitted on the dev parts of all folds.

    python docs/results/calibration/measure.py RUN_FOLDER

No temperature is fitted on an utterance that its model is tested on. A dev part without a mistake has no best
temperature: that fold keeps its probabilities. Only the trials of the first seed are used.
"""

import sys
from pathlib import Path

import numpy as np

from sercli.errors import RunError
from sercli.evaluation.calibration import apply_temperature, fit_temperature, measure_calibration
from sercli.records import ClassPredictions, pool
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_dev, read_tested_classes


def without(trial: Trial, tested: ClassPredictions) -> ClassPredictions:
    """Read the predictions of a dev part without the utterances of a test part."""
    dev, names = read_dev(trial), set(tested.ids)
    if dev is None:
        raise SystemExit(f"{trial.path}: no predictions of a dev part")
    return dev.select([row for row, name in enumerate(dev.ids) if name not in names])


def fit_or_one(dev: ClassPredictions) -> float:
    """Fit a temperature; return one, which changes nothing, if every prediction is right."""
    try:
        return fit_temperature(dev).value
    except RunError:
        return 1.0


def main(folder: Path) -> None:
    """Print the errors on the test parts of all folds, pooled."""
    trials = Run(folder).require_finished()
    trials = [trial for trial in trials if trial.seed == trials[0].seed]
    tested = [read_tested_classes(trial) for trial in trials]
    fitted = {
        "none": [1.0 for _ in trials],
        "dev part of the fold": [
            fit_or_one(without(trial, test)) for trial, test in zip(trials, tested, strict=True)
        ],
        "dev parts of all folds": [
            fit_temperature(pool([without(trial, test) for trial in trials])).value for test in tested
        ],
    }
    print("temperature fitted on,lowest,highest,ECE %,Brier score,negative log-likelihood")
    for name, values in fitted.items():
        rows = pool([apply_temperature(test, value) for test, value in zip(tested, values, strict=True)])
        found = measure_calibration(rows)
        true = rows.probabilities[np.arange(len(rows)), rows.target]
        loss = -np.log(np.maximum(true, 1e-30)).mean()
        print(
            f"{name},{min(values):.2f},{max(values):.2f},{100 * found.ece:.1f},{found.brier:.3f},{loss:.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
