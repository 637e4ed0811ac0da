"""Predictions as a CSV file: a row per utterance, a probability per class."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sercli import files
from sercli.errors import RunError
from sercli.evaluation._reading import AGAIN, reading, refuse_repeated
from sercli.records import Predictions, join_rows

_COLUMNS = ["id", "fold", "seed", "speaker", "gender", "target", "predicted"]


def write_csv(path: Path, predictions: Predictions) -> None:
    """Write predictions, whole or not at all; absent text is an empty cell, probabilities lose no digit."""
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(_COLUMNS + [f"p({name})" for name in predictions.classes])
        writer.writerows(
            [*row, predictions.classes[target], predictions.classes[predicted], *map(repr, probabilities)]
            for *row, target, predicted, probabilities in zip(
                predictions.ids,
                predictions.folds,
                predictions.seeds,
                predictions.speakers,
                predictions.genders,
                predictions.target,
                predictions.predicted,
                predictions.probabilities.tolist(),
                strict=True,
            )
        )


def read_csv(path: Path) -> Predictions:
    """Read predictions that `write_csv` wrote.

    Raises:
        RunError: the file is missing or damaged; the message names the line.
    """
    with reading(path) as reader:
        header: list[str] = next(reader, [])
        classes = _classes(header, path)
        rows = [_row(cells, classes, f"{path}:{reader.line_num}") for cells in reader]
    refuse_repeated(path, ((name, fold, seed) for name, fold, seed, *_ in rows))
    ids, folds, seeds, speakers, genders, target, probabilities = (
        zip(*rows, strict=True) if rows else ((),) * 7
    )
    return Predictions(
        classes=classes,
        ids=ids,
        target=np.array(target, dtype=np.int64),
        probabilities=np.array(probabilities, dtype=np.float64).reshape(len(rows), len(classes)),
        speakers=speakers,
        genders=genders,
        folds=folds,
        seeds=seeds,
    )


def pool(parts: Sequence[Predictions]) -> Predictions:
    """Put the predictions of several folds and seeds under one another.

    Raises:
        RunError: there are none, or their classes differ.
    """
    if not parts:
        raise RunError("no predictions to pool; test at least one fold")
    classes = parts[0].classes
    for part in parts:
        if part.classes != classes:
            both = f"{', '.join(classes)}; {', '.join(part.classes)}"
            raise RunError(f"can't pool predictions of different classes ({both}); pool runs of one scheme")
    return Predictions(
        classes=classes,
        target=np.concatenate([part.target for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        **join_rows(parts),
    )


def _classes(header: list[str], path: Path) -> tuple[str, ...]:
    names = header[len(_COLUMNS) :]
    classes = tuple(name[2:-1] for name in names)
    if (
        header[: len(_COLUMNS)] != _COLUMNS
        or not classes
        or names != [f"p({name})" for name in classes]
        or len(set(classes)) < len(classes)
    ):
        expected = ", ".join(_COLUMNS)
        raise RunError(f"{path}:1: expected the columns {expected}, then p(CLASS) for each class; {AGAIN}")
    return classes


_Row = tuple[str, str, int, str | None, str | None, int, list[float]]


def _row(cells: list[str], classes: tuple[str, ...], place: str) -> _Row:
    if len(cells) != len(_COLUMNS) + len(classes):
        expected = len(_COLUMNS) + len(classes)
        raise RunError(f"{place}: {len(cells)} cells, expected {expected}; {AGAIN}")
    name, fold, seed, speaker, gender, target, predicted, *numbers = cells
    for column, label in (("target", target), ("predicted", predicted)):
        if label not in classes:
            raise RunError(f"{place}: {column} '{label}' is none of {', '.join(classes)}; {AGAIN}")
    probabilities = [_probability(number, place) for number in numbers]
    if abs(sum(probabilities) - 1) > 1e-3:
        raise RunError(f"{place}: probabilities add up to {sum(probabilities):g}, not 1; {AGAIN}")
    best = classes[probabilities.index(max(probabilities))]
    if predicted != best:
        raise RunError(f"{place}: predicted '{predicted}', but '{best}' is more probable; {AGAIN}")
    try:
        number = int(seed)
    except ValueError:
        raise RunError(f"{place}: seed '{seed}' is not a whole number; {AGAIN}") from None
    return name, fold, number, speaker or None, gender or None, classes.index(target), probabilities


def _probability(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1 + 1e-6:  # a mean over segments may round to just above one
        raise RunError(f"{place}: probability '{text}' is not a number from 0 to 1; {AGAIN}")
    return value
