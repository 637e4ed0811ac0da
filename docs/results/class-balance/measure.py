"""Compare ways to treat rare classes with none, on the finished runs of the study class-balance.

Usage: measure.py. Needs the workspace (variable SERCLI_WORKSPACE) in which `run.sh` trained the runs. Writes
results.csv beside this file. Runs are left out if not all their folds have seeds 0, 1 and 2.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import sercli
from sercli.evaluation import DRAWS, MetricRow, compare, holm, measure, metric_by_key
from sercli.evaluation.resampling import draw, percentile
from sercli.records import ClassPredictions
from sercli.reports.run import report_run
from sercli.studies import get_study
from sercli.studies.results import find_finished

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
HEADER = (
    *("features", "column", "utterances", "speakers", "way", "UA", "low", "high", "WA", "low", "high"),
    *("rarest class", "its utterances", "its recall", "low", "high"),
    *("UA minus neither", "low", "high", "p", "Holm p", "recall minus neither", "low", "high"),
)


def main() -> None:
    """Write a line for each row and column of the study."""
    tests: list[float] = []
    lines = []
    for (features, column), runs in collect().items():
        for line, p in compare_ways(runs):
            lines.append(([features, column, *line], None if p is None else len(tests)))
            tests += [] if p is None else [p]
    corrected = holm(tests)
    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        place = HEADER.index("Holm p")
        for line, test in lines:
            line[place] = "" if test is None else f"{corrected[test]:.4f}"
            writer.writerow(line)


def collect() -> dict[tuple[str, str], dict[str, ClassPredictions]]:
    """Read the predictions of all complete runs, by features and column, then by way."""
    found: dict[tuple[str, str], dict[str, ClassPredictions]] = {}
    for cell in get_study("class-balance").cells():
        run = find_finished(cell, sercli.Workspace())
        if run is None:
            continue
        report = report_run(run, draws=1)
        folds = int(report.trials[0].settings()["provenance"]["folds"])
        if Counter(trial.seed for trial in report.trials) == dict.fromkeys(SEEDS, folds):
            features, _, way = cell.row.name.rpartition(", ")
            found.setdefault((features, cell.on.name), {})[way] = report.predictions
    return {key: runs for key, runs in found.items() if "neither" in runs and len(runs) > 1}


def compare_ways(runs: dict[str, ClassPredictions]) -> Iterator[tuple[list[str], float | None]]:
    """Yield the cells of each way after features and column, and p of its difference in UA."""
    comparison = compare(runs)
    first = runs["neither"]
    counts = Counter(first.classes[index] for index in first.target.tolist())
    (rarest, least), (_, second) = sorted(counts.items(), key=lambda each: each[1])[:2]
    single = least < second  # otherwise no class is the rarest
    for way, predictions in runs.items():
        metrics = [metric_by_key(key) for key in ("ua", "wa")]
        cells = [cell for row in measure(predictions, metrics) for cell in value_and_ends(row)]
        cells += [rarest, str(least // len(SEEDS))] if single else ["", ""]
        recall = difference = ["", "", ""]
        if single:
            hits = {name: recall_by_speaker(each, rarest) for name, each in runs.items()}
            recall, difference = with_interval(hits[way]), with_interval(hits[way], hits["neither"])
        paired, p = ["", "", ""], None
        if way == "neither":
            difference = ["", "", ""]
        else:
            row = comparison.table.row("ua", "difference", "neither", way)
            paired, p = value_and_ends(row), row.test.p
        stated = "" if p is None else f"{p:.4f}"
        counted = [str(comparison.tested), str(comparison.speakers), way]
        yield [*counted, *cells, *recall, *paired, stated, "", *difference], p


def value_and_ends(row: MetricRow) -> list[str]:
    """Return a value and its interval in per cent."""
    return [f"{100 * each:.1f}" for each in (row.value, row.interval.low, row.interval.high)]


def recall_by_speaker(predictions: ClassPredictions, name: str) -> np.ndarray:
    """Count the utterances of a class and those that were recognised, (speakers, 2)."""
    of_class = predictions.target == predictions.classes.index(name)
    right = of_class & (predictions.predicted == predictions.target)
    who = np.array(predictions.speakers)
    names = predictions.known_speakers
    return np.array([[of_class[who == each].sum(), right[who == each].sum()] for each in names])


def with_interval(counts: np.ndarray, base: np.ndarray | None = None) -> list[str]:
    """Return a recall, or its difference from another one, with the interval over speakers, in per cent."""

    def value(times: np.ndarray) -> np.ndarray:
        drawn = [times @ each for each in (counts, base) if each is not None]  # (draws, 2)
        own, *other = (each[:, 1] / np.where(each[:, 0] > 0, each[:, 0], np.nan) for each in drawn)
        return own - other[0] if other else own

    interval = percentile(np.concatenate([value(times) for times in draw(len(counts), DRAWS)]), len(counts))
    total = value(np.ones((1, len(counts)), dtype=np.int64))[0]
    return [f"{100 * each:.1f}" for each in (total, interval.low, interval.high)]


if __name__ == "__main__":
    main()
