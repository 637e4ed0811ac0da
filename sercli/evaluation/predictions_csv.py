"""Predictions as a CSV file.

Each row begins with id, fold, seed, speaker and gender. For classes, it continues with the true and the
predicted class and the probability of each class; if the labels are from votes, with the classes that each
rater named (``anger | anger + sadness | neutral``; in a name, a backslash comes before ``|``, ``+`` and
another backslash); and with the columns of values, if the network gives them. For values, it continues with
the gold standard of each dimension, then the prediction of each dimension. If the values are of frames, a row
is a frame, and its number comes first.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sercli import files
from sercli.errors import RunError
from sercli.records import ClassPredictions, Predictions, ValuePredictions

_AGAIN = "remove its folder, and train or test again"
_RESTORE = "if another program saved the file, restore the original"
_FIRST = ["id", "fold", "seed", "speaker", "gender"]
_CLASS = [*_FIRST, "target", "predicted"]
_FRAME = [*_FIRST, "frame"]
_RATERS = "raters"
_BETWEEN_RATERS, _BETWEEN_CLASSES = " | ", " + "

_Line = tuple[int, list[str]]
"""Number of a line in the file, and the cells of the line."""


def write_predictions(path: Path | str, predictions: Predictions) -> None:
    """Write predictions, completely or not at all; missing text is an empty cell.

    Probabilities lose no digit. Values have nine digits, which is the precision of a 32-bit float.
    """
    header, rows = _layout(predictions)
    with (
        files.replacing(Path(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def read_predictions(path: Path | str) -> Predictions:
    """Read predictions that `write_predictions` wrote; the header shows their kind.

    Raises:
        RunError: the file is missing or damaged; the message names the line.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            first = header[0] if header else ""
            if first.startswith(("\ufeff", "id;", "id\t")):
                raise RunError(f"{path}:1: it does not begin with 'id,'; {_RESTORE}; {_AGAIN}")
            lines = ((reader.line_num, cells) for cells in reader)
            read = _read_classes if header[: len(_CLASS)] == _CLASS else _read_values
            found: Predictions = read(path, header, lines)
    except FileNotFoundError:
        raise RunError(f"{path}: no such predictions; {_AGAIN}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path}: not a table of predictions ({error}); {_AGAIN}") from None
    counted = Counter(zip(found.ids, found.units, strict=True))
    repeated = next((name for (name, _), count in counted.items() if count > 1), None)
    if repeated:
        raise RunError(f"{path}: '{repeated}' occurs more than once in a fold; {_AGAIN}")
    return found


def _layout(predictions: Predictions) -> tuple[list[str], Iterable[Sequence[object]]]:
    """Return header and rows."""
    firsts = zip(
        predictions.ids,
        predictions.folds,
        predictions.seeds,
        predictions.speakers,
        predictions.genders,
        strict=True,
    )
    if isinstance(predictions, ClassPredictions):
        classes = predictions.classes
        known = predictions.raters is not None
        rows = zip(
            *(firsts, predictions.target, predictions.predicted, predictions.probabilities.tolist()),
            predictions.raters or [()] * len(predictions),
            strict=True,
        )
        values = predictions.values
        dimensions = () if values is None else values.dimensions
        beside = [[]] * len(predictions) if values is None else _value_rows(values)
        header = [*_CLASS, *(f"p({name})" for name in classes), *([_RATERS] if known else [])]
        return [*header, *_value_columns(dimensions)], (
            [
                *(*first, classes[target], classes[predicted], *map(repr, probabilities)),
                *([_write_raters(raters, classes)] if known else []),
                *more,
            ]
            for (first, target, predicted, probabilities, raters), more in zip(rows, beside, strict=True)
        )
    if isinstance(predictions, ValuePredictions):
        pairs = zip(predictions.target, predictions.predicted, strict=True)
        start = _FRAME if predictions.per_frame else _FIRST
        return [*start, *_value_columns(predictions.dimensions)], (
            [*first, *([frame] if predictions.per_frame else []), *(f"{value:.9g}" for value in row)]
            for first, both in zip(firsts, pairs, strict=True)
            for frame, row in enumerate(np.concatenate(both, axis=1).tolist())
        )
    raise TypeError(f"no layout for {type(predictions).__name__}")


def _value_rows(values: ValuePredictions) -> list[list[str]]:
    """Return the cells of the values of utterances."""
    pairs = zip(values.target, values.predicted, strict=True)
    return [[f"{value:.9g}" for value in np.concatenate(both, axis=1)[0]] for both in pairs]


def _write_raters(raters: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    names = [re.sub(r"([\\|+])", r"\\\1", name) for name in classes]
    return _BETWEEN_RATERS.join(_BETWEEN_CLASSES.join(names[index] for index in own) for own in raters)


def _read_raters(text: str, classes: Sequence[str], place: str) -> tuple[tuple[int, ...], ...]:
    found = []
    for own in text.split(_BETWEEN_RATERS) if text else []:
        names = [re.sub(r"\\(.)", r"\1", name) for name in own.split(_BETWEEN_CLASSES)]
        foreign = next((name for name in names if name not in classes), None)
        if foreign is not None:
            raise RunError(f"{place}: raters: '{foreign}' is none of {', '.join(classes)}; {_AGAIN}")
        found.append(tuple(classes.index(name) for name in names))
    return tuple(found)


def _value_columns(dimensions: Sequence[str]) -> list[str]:
    return [*dimensions, *(f"predicted {name}" for name in dimensions)]


def _read_classes(path: Path, header: list[str], lines: Iterable[_Line]) -> ClassPredictions:
    names = header[len(_CLASS) :]
    classes = tuple(name[2:-1] for name in names if name.startswith("p("))
    others = names[len(classes) :]
    last = others[:1] if others[:1] == [_RATERS] else []
    others = others[len(last) :]
    dimensions = tuple(others[: len(others) // 2])
    expected = [*_CLASS, *(f"p({name})" for name in classes), *last, *_value_columns(dimensions)]
    if header != expected or not classes or len(set(classes)) < len(classes):
        raise RunError(
            f"{path}:1: expected the columns {', '.join(_CLASS)}, then p(CLASS) for each class; {_AGAIN}"
        )
    rows, targets, probabilities, raters, values = [], [], [], [], []
    end = len(header) - len(others) - len(last)
    for number, cells in lines:
        place = f"{path}:{number}"
        rows.append(_first(cells, len(header), place))
        if last:
            raters.append(_read_raters(cells[end], classes, place))
        target, own = _class_cells(cells[len(_FIRST) : end], classes, place)
        targets.append(target)
        probabilities.append(own)
        if dimensions:
            values.append(_frames(path, [(number, cells)], end + len(last), numbered=False))
    columns = _columns(rows)
    return ClassPredictions(
        classes=classes,
        target=np.array(targets, dtype=np.int64),
        probabilities=np.array(probabilities, dtype=np.float64).reshape(len(rows), len(classes)),
        raters=tuple(raters) if last else None,
        values=_value_predictions(values, dimensions, columns, per_frame=False) if dimensions else None,
        **columns,
    )


def _class_cells(cells: list[str], classes: tuple[str, ...], place: str) -> tuple[int, list[float]]:
    """Read the cells after the first ones: index of the true class, and probabilities."""
    target, predicted, *numbers = cells
    for column, label in (("target", target), ("predicted", predicted)):
        if label not in classes:
            raise RunError(f"{place}: {column} '{label}' is none of {', '.join(classes)}; {_AGAIN}")
    probabilities = [_probability(number, place) for number in numbers]
    if abs(sum(probabilities) - 1) > 1e-3:
        raise RunError(f"{place}: probabilities add up to {sum(probabilities):g}, not 1; {_AGAIN}")
    best = classes[probabilities.index(max(probabilities))]
    if predicted != best:
        raise RunError(f"{place}: predicted '{predicted}', but '{best}' is more probable; {_AGAIN}")
    return classes.index(target), probabilities


def _probability(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1 + 1e-6:  # a mean over segments may round to just above one
        raise RunError(f"{place}: probability '{text}' is not a number from 0 to 1; {_AGAIN}")
    return value


def _read_values(path: Path, header: list[str], lines: Iterable[_Line]) -> ValuePredictions:
    per_frame = header[len(_FIRST) : len(_FRAME)] == _FRAME[-1:]
    start = _FRAME if per_frame else _FIRST
    names = header[len(start) :]
    dimensions = tuple(names[: len(names) // 2])
    if header != start + _value_columns(dimensions) or not dimensions:
        raise RunError(
            f"{path}:1: expected the columns {', '.join(_CLASS)}, then p(CLASS) for each class; or "
            f"{', '.join(_FRAME)}, then DIMENSION for each, then predicted DIMENSION; {_AGAIN}"
        )
    rows, values = [], []
    for _, group in groupby(lines, key=lambda line: line[1][: len(_FIRST)] if per_frame else line[0]):
        own = list(group)
        for number, cells in own:
            first = _first(cells, len(header), f"{path}:{number}")
        rows.append(first)
        values.append(_frames(path, own, len(start), numbered=per_frame))
    return _value_predictions(values, dimensions, _columns(rows), per_frame=per_frame)


def _value_predictions(
    values: Sequence[NDArray[np.float64]],
    dimensions: tuple[str, ...],
    columns: dict[str, Any],
    *,
    per_frame: bool,
) -> ValuePredictions:
    return ValuePredictions(
        dimensions=dimensions,
        target=tuple(both[:, : len(dimensions)] for both in values),
        predicted=tuple(both[:, len(dimensions) :] for both in values),
        per_frame=per_frame,
        **columns,
    )


def _frames(path: Path, lines: Sequence[_Line], start: int, *, numbered: bool) -> NDArray[np.float64]:
    """Read the values of one recording, (frames, gold standards and predictions)."""
    for expected, (number, cells) in enumerate(lines):
        if numbered and cells[start - 1] != str(expected):
            raise RunError(f"{path}:{number}: frame '{cells[start - 1]}', expected {expected}; {_AGAIN}")
    values = np.array([list(_values(cells[start:], f"{path}:{number}")) for number, cells in lines])
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        number, cells = lines[int(finite.argmin())]
        raise RunError(f"{path}:{number}: {', '.join(cells[start:])}: not all are finite numbers; {_AGAIN}")
    return values


def _values(cells: list[str], place: str) -> Iterator[float]:
    try:
        yield from map(float, cells)
    except ValueError as error:
        raise RunError(f"{place}: {error}; {_AGAIN}") from None


_First = tuple[str, str, int, str | None, str | None]


def _first(cells: list[str], width: int, place: str) -> _First:
    """Read the cells that all layouts have."""
    if len(cells) != width:
        why = "" if cells else f" (an empty line); {_RESTORE}"
        raise RunError(f"{place}: {len(cells)} cells, expected {width}{why}; {_AGAIN}")
    name, fold, seed, speaker, gender = cells[: len(_FIRST)]
    try:
        return name, fold, int(seed), speaker or None, gender or None
    except ValueError:
        raise RunError(f"{place}: seed '{seed}' is not an integer; {_AGAIN}") from None


def _columns(rows: Sequence[_First]) -> dict[str, Any]:
    ids, folds, seeds, speakers, genders = zip(*rows, strict=True) if rows else ((),) * 5
    return {"ids": ids, "folds": folds, "seeds": seeds, "speakers": speakers, "genders": genders}
