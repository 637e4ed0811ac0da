"""The parts of a recording that a visitor can play, and the files of an answer to download."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sercli.inference.prediction import Prediction
from sercli.inference.writing import CsvLines, Rows, to_json
from sercli.records import TRACE_RATE
from sercli.web.loaded import LoadedModel

_TRACE_S = 10  # length of a part of a recording with continuous labels, seconds


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a recording.

    Attributes:
        start: where it begins, seconds.
        end: where it ends.
        text: the prediction for it.
    """

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a visitor can save.

    Attributes:
        kind: name of its format.
        name: its file name.
        address: its content, as a ``data:`` address.
    """

    kind: str
    name: str
    address: str


def spans_of(prediction: Prediction) -> tuple[Span, ...]:
    """List the parts of a recording in order.

    These are the turns, or the stretches of equal class, or the windows where there are no classes, or ten
    seconds each of continuous labels. A recording that was predicted as one has one part; one without speech
    has none if turns were predicted.
    """
    if prediction.trace is not None:
        return _spans_of_trace(prediction)
    if prediction.stretches:
        return tuple(
            Span(each.start, each.end, f"{each.predicted} {100 * each.probability:.1f} %")
            for each in prediction.stretches
        )
    if prediction.windows:
        return tuple(
            Span(start, end, _list_values(prediction.dimensions, window.values, "{:.2f}"))
            for (start, end), window in zip(prediction.spans, prediction.windows, strict=True)
        )
    return () if prediction.by_turn else (Span(0.0, prediction.duration, ""),)


def downloads(
    model: LoadedModel, predictions: Sequence[Prediction], name: str = "recordings"
) -> tuple[Download, ...]:
    """Make the files of an answer: CSV and JSON, with the lines that ``sercli predict`` writes.

    Args:
        model: the model.
        predictions: its predictions; in CSV, each has a line, or each of its turns, windows or frames.
        name: name of the recording, or of all of them.
    """
    outputs = model.predictor.bundle.outputs
    csv = CsvLines(outputs, "frames" if outputs.per_frame else _rows(predictions))
    lines = [csv.header, *(line for each in predictions for line in csv.lines(each))]
    own = f"{Path(name).stem}-{re.sub(r'[^A-Za-z0-9.]+', '-', model.name).strip('-')}"
    return (
        Download("CSV", f"{own}.csv", _address("text/csv", lines)),
        Download(
            "JSON", f"{own}.json", _address("application/json", [to_json(each) for each in predictions])
        ),
    )


def _rows(predictions: Sequence[Prediction]) -> Rows:
    if any(each.by_turn for each in predictions):
        return "turns"
    cut = bool(predictions) and all(len(each.windows) > 1 for each in predictions)
    return "windows" if cut else "files"


def _spans_of_trace(prediction: Prediction) -> tuple[Span, ...]:
    trace, size = prediction.trace, _TRACE_S * TRACE_RATE
    if trace is None:
        return ()
    starts = [first for first in range(0, len(trace), size) if first == 0 or len(trace) - first >= size // 2]
    return tuple(
        Span(
            first / TRACE_RATE,
            prediction.duration if stop == len(trace) else stop / TRACE_RATE,
            _list_values(prediction.dimensions, trace[first:stop].mean(axis=0).tolist(), "{:+.2f}"),
        )
        for first, stop in pairwise([*starts, len(trace)])
    )


def _list_values(names: Sequence[str], values: Sequence[float], form: str) -> str:
    return ", ".join(f"{name} {form.format(value)}" for name, value in zip(names, values, strict=True))


def _address(kind: str, lines: Sequence[str]) -> str:
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(content).decode()}"
