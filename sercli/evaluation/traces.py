"""Predictions of continuous labels as a CSV file: a row per frame."""

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sercli import files
from sercli.errors import RunError
from sercli.evaluation._reading import AGAIN, reading, refuse_repeated
from sercli.records import TracePredictions, join_rows

_COLUMNS = ["id", "fold", "seed", "speaker", "gender", "frame"]

_Line = tuple[int, list[str]]  # its number and its cells


def write_csv(path: Path, predictions: TracePredictions) -> None:
    """Write predictions, whole or not at all; absent text is an empty cell.

    Values have nine digits, which is all that a 32-bit float has.
    """
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(_COLUMNS + _value_columns(predictions.dimensions))
        for *recording, target, predicted in zip(
            predictions.ids,
            predictions.folds,
            predictions.seeds,
            predictions.speakers,
            predictions.genders,
            predictions.target,
            predictions.predicted,
            strict=True,
        ):
            values = np.concatenate([target, predicted], axis=1).tolist()
            writer.writerows(
                [*recording, frame, *(f"{value:.9g}" for value in row)] for frame, row in enumerate(values)
            )


def read_csv(path: Path) -> TracePredictions:
    """Read predictions that `write_csv` wrote.

    Raises:
        RunError: the file is missing or damaged; the message names the line.
    """
    with reading(path) as reader:
        dimensions = _dimensions(next(reader, []), path)
        width = len(_COLUMNS) + 2 * len(dimensions)
        lines = ((reader.line_num, cells) for cells in reader)
        rows = [
            _recording(list(group), width, path) for _, group in groupby(lines, key=lambda line: line[1][:5])
        ]
    refuse_repeated(path, ((name, fold, seed) for name, fold, seed, *_ in rows))
    ids, folds, seeds, speakers, genders, values = zip(*rows, strict=True) if rows else ((),) * 6
    return TracePredictions(
        dimensions=dimensions,
        ids=ids,
        target=tuple(both[:, : len(dimensions)] for both in values),
        predicted=tuple(both[:, len(dimensions) :] for both in values),
        speakers=speakers,
        genders=genders,
        folds=folds,
        seeds=seeds,
    )


def pool(parts: Sequence[TracePredictions]) -> TracePredictions:
    """Put the predictions of several folds and seeds under one another.

    Raises:
        RunError: there are none, or their dimensions differ.
    """
    if not parts:
        raise RunError("no predictions to pool; test at least one fold")
    dimensions = parts[0].dimensions
    for part in parts:
        if part.dimensions != dimensions:
            both = f"{', '.join(dimensions)}; {', '.join(part.dimensions)}"
            raise RunError(
                f"can't pool predictions of different dimensions ({both}); pool runs of one scheme"
            )
    return TracePredictions(
        dimensions=dimensions,
        target=tuple(trace for part in parts for trace in part.target),
        predicted=tuple(trace for part in parts for trace in part.predicted),
        **join_rows(parts),
    )


def _value_columns(dimensions: Sequence[str]) -> list[str]:
    return [*dimensions, *(f"predicted {name}" for name in dimensions)]


def _dimensions(header: list[str], path: Path) -> tuple[str, ...]:
    names = header[len(_COLUMNS) :]
    dimensions = tuple(names[: len(names) // 2])
    if header != _COLUMNS + _value_columns(dimensions) or not dimensions:
        expected = ", ".join(_COLUMNS)
        raise RunError(
            f"{path}:1: expected the columns {expected}, then DIMENSION for each, "
            f"then predicted DIMENSION; {AGAIN}"
        )
    return dimensions


_Recording = tuple[str, str, int, str | None, str | None, NDArray[np.float64]]


def _recording(lines: list[_Line], width: int, path: Path) -> _Recording:
    """Make one of the lines of a recording, which differ in frame and values only."""
    for place, cells in lines:
        if len(cells) != width:
            raise RunError(f"{path}:{place}: {len(cells)} cells, expected {width}; {AGAIN}")
    first, (name, fold, seed, speaker, gender, *_) = lines[0]
    for expected, (place, cells) in enumerate(lines):
        if cells[5] != str(expected):
            raise RunError(f"{path}:{place}: frame '{cells[5]}', expected {expected}; {AGAIN}")
    try:
        number = int(seed)
    except ValueError:
        raise RunError(f"{path}:{first}: seed '{seed}' is not a whole number; {AGAIN}") from None
    values = np.array([list(_values(cells, f"{path}:{place}")) for place, cells in lines])
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        place, cells = lines[int(finite.argmin())]
        raise RunError(f"{path}:{place}: {', '.join(cells[6:])}: not all are finite numbers; {AGAIN}")
    return name, fold, number, speaker or None, gender or None, values


def _values(cells: list[str], place: str) -> Iterator[float]:
    try:
        yield from map(float, cells[6:])
    except ValueError as error:
        raise RunError(f"{place}: {error}; {AGAIN}") from None
