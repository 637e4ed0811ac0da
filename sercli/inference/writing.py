"""Predictions as lines of JSON, CSV, RTTM or labels of Audacity."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from sercli.errors import ConfigError
from sercli.inference.prediction import Prediction
from sercli.manifest.interop.rttm import ABSENT
from sercli.plain import json
from sercli.plain.csv import to_line
from sercli.records import TRACE_RATE
from sercli.tasks import Outputs

Rows = Literal["files", "windows", "turns", "frames"]
"""The unit of a line in CSV."""

_BLANKS = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class CsvLines:
    """Writes predictions as CSV: the columns of the table, then the predictions.

    A line is a recording, a window, a turn, or a frame of continuous labels. ``span`` numbers the stretches
    of equal class, from one. A turn has the column ``speaker``, unless the table has one. A recording without
    a turn has one line, whose cells after its length are empty.
    """

    def __init__(self, outputs: Outputs, rows: Rows, columns: Sequence[str] = ()) -> None:
        """Lay out the columns.

        Args:
            outputs: what the network gives.
            rows: what has a line of its own.
            columns: of the table that names the recordings.

        Raises:
            ConfigError: the table has a column with the name of a column of predictions.
        """
        self.rows, self.own = rows, columns
        classes = outputs.classes
        of_classes = ["predicted", "probability", "unsure", "unlike", *(f"p({name})" for name in classes)]
        results = [*(of_classes if classes else ["unlike"]), *outputs.dimensions]
        speaker = [] if "speaker" in columns else ["speaker"]
        self.columns = {
            "files": ["duration_s", *results],
            "windows": ["duration_s", "start_s", "end_s", *(["span"] if classes else []), *results],
            "turns": ["duration_s", "start_s", "end_s", *speaker, *results],
            "frames": ["time_s", *outputs.dimensions],
        }[rows]
        both = [name for name in self.columns if name in columns]
        if both:
            raise ConfigError(
                f"--table: its column '{both[0]}' is one that predictions have in CSV; rename it in the "
                "table, or give --json, which keeps the columns of the table apart"
            )

    @property
    def header(self) -> str:
        """The first line."""
        return to_line([*(self.own or ["file"]), *self.columns])

    def lines(self, prediction: Prediction, cells: Sequence[str] = ()) -> Iterator[str]:
        """Yield the lines of a recording; ``cells`` are the table's."""
        own = list(cells) or [prediction.file]
        if self.rows == "frames" and prediction.trace is not None:
            for number, values in enumerate(prediction.trace.tolist()):
                yield to_line([*own, f"{number / TRACE_RATE:.2f}", *map(repr, values)])
        elif self.rows == "windows":
            yield from self._windows(prediction, own)
        elif self.rows == "turns":
            if not prediction.windows:
                yield to_line([*own, repr(prediction.duration), *[""] * (len(self.columns) - 1)])
            for turn in prediction.windows:
                place = [repr(prediction.duration), repr(turn.start), repr(turn.end)]
                place += [turn.speaker or ""] if "speaker" in self.columns else []
                yield to_line([*own, *place, *_results(prediction, turn.probabilities, turn.values)])
        elif prediction.trace is not None:
            means = map(repr, prediction.trace.mean(axis=0).tolist())
            yield to_line([*own, repr(prediction.duration), prediction.unlike or "", *means])
        else:
            results = _results(prediction, prediction.probabilities, prediction.values)
            yield to_line([*own, repr(prediction.duration), *results])

    def _windows(self, prediction: Prediction, own: list[str]) -> Iterator[str]:
        spans = [stretch.windows for stretch in prediction.stretches] or [(0, len(prediction.windows))]
        for number, span in enumerate(spans, 1):
            for window in prediction.windows[slice(*span)]:
                place = [repr(prediction.duration), repr(window.start), repr(window.end)]
                place += [str(number)] if prediction.classes else []
                yield to_line([*own, *place, *_results(prediction, window.probabilities, window.values)])


def rttm_names(files: Sequence[Path]) -> dict[str, str]:
    """Return the name of each file in RTTM: without folders and suffix, unless two files are alike in that.

    A name of RTTM has no blanks: they become underscores.
    """
    paths = {str(path) for path in files}
    names = {path: _BLANKS.sub("_", Path(path).stem) for path in paths}
    return names if len({*names.values()}) == len(paths) else {path: _BLANKS.sub("_", path) for path in paths}


def rttm_lines(prediction: Prediction, file: str) -> Iterator[str]:
    """Yield a line of RTTM for each turn, or for each stretch of windows of one class.

    The field of the orthography holds the class, that of the confidence its probability. Times count from
    the start of the file, whose name is that of `rttm_names`.
    """
    for each in prediction.stretches:
        speaker = _BLANKS.sub("_", prediction.windows[each.windows[0]].speaker or ABSENT)
        times = f"{prediction.place_of(each)[0]:.3f} {each.end - each.start:.3f}"
        label = _BLANKS.sub("_", each.predicted)
        yield f"SPEAKER {file} 1 {times} {label} {ABSENT} {speaker} {each.probability:.3f} {ABSENT}"


def audacity_lines(prediction: Prediction) -> Iterator[str]:
    """Yield a label of Audacity for each turn, or for each stretch of windows of one class.

    Times count from the start of the file.
    """
    for each in prediction.stretches:
        speaker = prediction.windows[each.windows[0]].speaker
        label = f"{speaker}: {each.predicted}" if speaker else each.predicted
        start, end = prediction.place_of(each)
        yield f"{start:.3f}\t{end:.3f}\t{_BLANKS.sub(' ', label)}"


def encodable(text: str, encoding: str | None) -> str:
    r"""Escape what an encoding can't hold; bytes of a file's name that are no text become ``\udcff``."""
    known = encoding or "utf-8"
    return text.encode(known, "backslashreplace").decode(known)


def printable(text: str, encoding: str | None = None) -> str:
    """Escape characters that break a line or change its direction, and those that the encoding lacks."""
    return encodable(_CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text), encoding)


def to_json(
    prediction: Prediction,
    columns: Sequence[str] = (),
    cells: Sequence[str] = (),
    encoding: str | None = None,
) -> str:
    """Return a recording's line of JSON; ``table`` holds the cells of the table."""
    content = prediction.to_dict()
    if columns:
        content["table"] = dict(zip(columns, cells, strict=True))
    line = json.to_json(content, escaped=False)
    return line if line == encodable(line, encoding) else json.to_json(content)


def _results(prediction: Prediction, probabilities: Sequence[float], values: Sequence[float]) -> list[str]:
    if not probabilities:
        return [prediction.unlike or "", *map(repr, values)]
    top = max(probabilities)
    unsure = "" if prediction.unsure_below is None else "yes" if top < prediction.unsure_below else "no"
    predicted = prediction.classes[probabilities.index(top)]
    return [predicted, repr(top), unsure, prediction.unlike or "", *map(repr, (*probabilities, *values))]
