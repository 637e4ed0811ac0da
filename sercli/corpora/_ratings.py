"""Read RECOLA's rating files, and make a gold standard from several raters.

Source: Ringeval et al., FG 2013 EmoSPACE workshop; the raters' weights as in the baseline of
Valstar et al., AVEC 2016 workshop.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sercli.errors import CorpusError
from sercli.records import TRACE_RATE

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Centring = Literal["agreement", "none"]

_LIMIT = 1 + 1e-6
# Limits of a curve that is moved by the difference of two means, each within [-1, 1].
_CENTRED_LIMIT = 3.0
# If rows are further apart than this, the file lacks some rows.
_LONGEST_GAP_S = 1.0
_ATTRIBUTE = re.compile(r"@attribute\s+['\"]?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ratings:
    """One dimension of one recording.

    Attributes:
        times: seconds from the start of the recording, rising, (frames,).
        values: in [-1, 1], a column for each rater or one of the gold standard, (frames, columns).
    """

    times: Floats
    values: Table


def read(path: Path, place: str) -> Ratings:
    """Read a rating file, the raters' ``.csv`` or the gold standard's ``.arff``; messages name ``place``.

    Raises:
        CorpusError: the file is missing, or is not ratings over rising times.
    """
    lines = _read_lines(path, place)
    numbered = is_centred(path) and lines[0].startswith((";", '"";'))
    rows = _arff_rows(lines, place) if path.suffix.lower() == ".arff" else _csv_rows(lines, place)
    numbers: list[int] = []
    table: list[list[float]] = []
    for number, cells in rows:
        table.append([_number(cell, cells[0], f"{place}:{number}") for cell in cells])
        numbers.append(number)
    if not table:
        raise CorpusError(f"{place}: has no ratings")
    array = np.array(table)
    if numbered:  # the first column holds the number of the row, not the time
        array[:, 0] /= TRACE_RATE
    ratings = Ratings(array[:, 0], array[:, 1:])
    _check(ratings, numbers, place, _CENTRED_LIMIT if is_centred(path) else _LIMIT)
    return ratings


def is_centred(path: Path) -> bool:
    """Return whether a rating file is in a folder of centred curves."""
    return any(re.search("cent(red|ered)$", folder.name, re.IGNORECASE) for folder in list(path.parents)[1:3])


def count_raters(path: Path, place: str) -> int:
    """Read the number of raters from the header of a ``.csv`` file.

    Raises:
        CorpusError: the file is missing or begins with a different header.
    """
    return len(_header(_read_lines(path, place), place)[1]) - 1


def gold_standard(ratings: Table, centring: Centring) -> Floats:
    r"""Join several raters' curves of one recording.

    Raters use different middles of the scale. With centring, each curve is moved so that its mean over time
    equals the weighted mean of all raters. The weight of a rater is his or her mean agreement with the
    others:

    .. math:: g(t) = \frac1R \sum_r (x_r(t) - \bar x_r) + \frac{\sum_r a_r \bar x_r}{\sum_r a_r}

    :math:`a_r` is the rater's mean concordance with the others, or 0 if that is negative. If no rater agrees
    with another one, all have the same weight.

    Args:
        ratings: (frames, raters).
        centring: ``none`` for the plain mean.

    Returns:
        The curve, (frames,).
    """
    mean: Floats = ratings.mean(axis=1)
    if centring == "none":
        return mean
    agreement = _agreement(ratings)
    agreement = np.where(agreement > 1e-9, agreement, 0)  # a rounding error must have no weight
    if not agreement.any():
        return mean
    centre = np.average(ratings.mean(axis=0), weights=agreement)
    return np.asarray(mean - mean.mean() + centre, dtype=np.float64)


def count_frames(times: Floats) -> int:
    """Count the rows of a trace from time 0 to the last of these times."""
    # A last time of 299.99999 s means 300 s, written with few digits.
    return math.floor(float(times[-1]) * TRACE_RATE + 1e-3) + 1


def sample(times: Floats, curve: Floats, frames: int, lag_s: float) -> Floats:
    """Interpolate a curve to a value every 40 ms from time 0 on, and move it ``lag_s`` seconds earlier.

    The last value is repeated at the end for the duration of the lag.

    Returns:
        The curve, (frames,).
    """
    return np.asarray(np.interp(np.arange(frames) / TRACE_RATE + lag_s, times, curve), dtype=np.float64)


def _agreement(ratings: Table) -> Floats:
    """Return each rater's mean concordance with the others, (raters,); zero for a single rater."""
    raters = ratings.shape[1]
    means = ratings.mean(axis=0)
    deviations = ratings - means
    covariance = deviations.T @ deviations / len(ratings)  # (raters, raters)
    variance = np.diag(covariance)
    spread = variance[:, None] + variance + (means[:, None] - means) ** 2
    # Two equal, constant curves have no concordance, because nothing was rated.
    flat = spread < 1e-12
    concordance = np.where(flat, 0, 2 * covariance / np.where(flat, 1, spread))
    np.fill_diagonal(concordance, 0)
    return np.asarray(concordance.sum(axis=1) / max(raters - 1, 1), dtype=np.float64)


def _read_lines(path: Path, place: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise CorpusError(f"{place}: no such file") from None
    except OSError as error:
        raise CorpusError(f"{place}: can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{place}: not text") from None


def _header(lines: list[str], place: str) -> tuple[int, list[str]]:
    """Return the index of a ``.csv`` file's header line, and its columns, time first."""
    for index, line in enumerate(lines):
        columns = [name.strip() for name in line.strip().removesuffix(";").split(";")]
        columns[0] = columns[0].strip('"') or "time"  # pandas writes no name above the numbers of the rows
        if columns[0].lower() == "time" and len(columns) > 1 and all(columns):
            return index, columns
        if line.strip():
            shown = line.strip()[:60]
            raise CorpusError(f"{place}:{index + 1}: the header '{shown}' is not like 'time;FM1;FM2'")
    raise CorpusError(f"{place}: the file is empty")


def _csv_rows(lines: list[str], place: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number, and time and ratings as text."""
    start, columns = _header(lines, place)
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if not line.strip():
            continue
        cells = [cell.strip().replace(",", ".") for cell in line.split(";")]
        if len(cells) == len(columns) + 1 and not cells[-1]:
            cells.pop()
        if len(cells) != len(columns):
            raise CorpusError(f"{place}:{number}: {len(cells)} columns, the header has {len(columns)}")
        yield number, cells


def _arff_rows(lines: list[str], place: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number, and time and gold standard as text."""
    names: list[str] = []
    time = gold = -1
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("%"):
            continue
        if time >= 0:
            cells = re.split(r"\s*,\s*|\t+", line)
            if len(cells) != len(names):
                raise CorpusError(f"{place}:{number}: {len(cells)} columns, the header has {len(names)}")
            yield number, [cells[time], cells[gold]]
        elif match := _ATTRIBUTE.match(line):
            names.append(match[1].lower())
        elif line.lower().startswith("@data"):
            if not {"frametime", "goldstandard"} <= set(names):
                raise CorpusError(f"{place}: no @attribute frameTime and GoldStandard before @data")
            time, gold = names.index("frametime"), names.index("goldstandard")
    if time < 0:
        raise CorpusError(f"{place}: not an ARFF file with @attribute lines and @data")


def _number(cell: str, time: str, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CorpusError(f"{where}: '{cell}' at {time} s is not a number")
    return number


def _check(ratings: Ratings, numbers: list[int], place: str, limit: float) -> None:
    """Refuse times that do not rise from the recording's start without gaps, and values out of range."""
    times = ratings.times
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int((steps <= 0).argmax()) + 1
        raise CorpusError(f"{place}:{numbers[row]}: time {times[row]:g} s follows {times[row - 1]:g} s")
    if not 0 <= times[0] <= _LONGEST_GAP_S:
        raise CorpusError(f"{place}:{numbers[0]}: begins at {times[0]:g} s, not at 0")
    if (steps > _LONGEST_GAP_S + 1e-9).any():
        row = int(steps.argmax()) + 1
        between = f"{times[row - 1]:g} and {times[row]:g} s"
        raise CorpusError(f"{place}:{numbers[row]}: nothing between {between}; rows are missing")
    beyond = np.abs(ratings.values).max(axis=1) > limit
    if beyond.any():
        row = int(beyond.argmax())
        worst = ratings.values[row][np.abs(ratings.values[row]).argmax()]
        raise CorpusError(
            f"{place}:{numbers[row]}: {worst:g} at {times[row]:g} s is not within [-{limit:.0f}, {limit:.0f}]"
        )
