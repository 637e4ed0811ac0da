"""Lay out the predictions of ``sercli predict``: text, JSON, CSV, RTTM, labels of Audacity, a picture."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sercli.inference.inputs import Inputs
    from sercli.inference.predict import Predictor
    from sercli.inference.prediction import Prediction, Stretch, Window
    from sercli.inference.writing import CsvLines
    from sercli.tasks import Outputs

Format = Literal["text", "json", "csv", "rttm", "audacity"]
BY_SUFFIX: dict[str, Format] = {".json": "json", ".jsonl": "json", ".csv": "csv", ".rttm": "rttm"}

_PARTS = 2000  # of a waveform in a picture
_SPAN = 18  # characters of the start and the end of a turn
_LONGEST_NAME = 48  # characters of a file's name in the readable table; longer names lose their beginning


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines of an output format.

    Attributes:
        header: first line of the output, if it has one.
        lines: function that returns the lines of a prediction, with the cells of its row in a table.
    """

    header: str | None
    lines: Callable[["Prediction", Sequence[str]], Iterable[str]]


def layout_of(form: Format, predictor: "Predictor", inputs: "Inputs", encoding: str | None) -> Layout:
    """Return the lines of a format, with only such characters as the encoding of the output has.

    Raises:
        ConfigError: the format is for parts of recordings with classes, and there are none; or a table has a
            column with the name of a column of predictions.
    """
    from sercli.inference.writing import encodable

    layouts: dict[Format, Callable[[Predictor, Inputs, str | None], Layout]] = {
        "text": _text,
        "json": _json,
        "csv": _csv,
        "rttm": _rttm,
        "audacity": _audacity,
    }
    made = layouts[form](predictor, inputs, encoding)
    return Layout(
        None if made.header is None else encodable(made.header, encoding),
        lambda prediction, cells: [encodable(line, encoding) for line in made.lines(prediction, cells)],
    )


def _text(predictor: "Predictor", inputs: "Inputs", encoding: str | None) -> Layout:
    from sercli.inference.writing import printable

    least = 4 if inputs.turns is None else _SPAN
    width = min(_LONGEST_NAME, max(least, *(len(printable(str(path), encoding)) for path in inputs.files)))
    return Layout(
        _header(predictor.bundle.outputs, width),
        lambda prediction, _: _readable(prediction, printable(prediction.file, encoding), width),
    )


def _json(_: "Predictor", inputs: "Inputs", encoding: str | None) -> Layout:
    from sercli.inference.writing import to_json

    return Layout(None, lambda prediction, cells: [to_json(prediction, inputs.columns, cells, encoding)])


def _csv(predictor: "Predictor", inputs: "Inputs", _: str | None) -> Layout:
    csv = _csv_lines(predictor, inputs)
    return Layout(csv.header, csv.lines)


def _rttm(predictor: "Predictor", inputs: "Inputs", _: str | None) -> Layout:
    from sercli.inference.writing import rttm_lines, rttm_names

    _refuse_without_parts("rttm", predictor, inputs)
    names = rttm_names(inputs.files)
    return Layout(None, lambda prediction, _: rttm_lines(prediction, names[prediction.file]))


def _audacity(predictor: "Predictor", inputs: "Inputs", _: str | None) -> Layout:
    from sercli.errors import ConfigError
    from sercli.inference.writing import audacity_lines

    _refuse_without_parts("audacity", predictor, inputs)
    if (count := len({*inputs.files})) > 1:
        raise ConfigError(
            f"--format audacity writes the labels of one file, {count} are named; name one of them, or take "
            "--format rttm"
        )
    return Layout(None, lambda prediction, _: audacity_lines(prediction))


def _refuse_without_parts(form: str, predictor: "Predictor", inputs: "Inputs") -> None:
    from sercli.errors import ConfigError

    if not predictor.bundle.classes:
        raise ConfigError(f"--format {form} writes classes over time; this model has none")
    if inputs.turns is None and not predictor.timeline:
        raise ConfigError(f"--format {form} writes classes over time; give --vad, --segments or --timeline")


def _csv_lines(predictor: "Predictor", inputs: "Inputs") -> "CsvLines":
    """Choose the rows of CSV: files, windows of a timeline, turns, or frames."""
    from sercli.inference.writing import CsvLines, Rows

    rows: Rows = "windows" if predictor.timeline else "files"
    if predictor.bundle.outputs.per_frame:
        rows = "files" if predictor.timeline is False else "frames"
    elif inputs.turns is not None:
        rows = "turns"
    return CsvLines(predictor.bundle.outputs, rows, inputs.columns)


def _header(outputs: "Outputs", width: int) -> str:
    if outputs.per_frame:
        return f"{'file':<{width}}  seconds" + "".join(
            f"  {name:>8}  {'from':>6}  {'to':>6}" for name in outputs.dimensions
        )
    classes = outputs.classes
    best = f"  {'class':<{_widest(classes)}}     %" if classes else ""
    return f"{'file':<{width}}{best}" + "".join(f"  {name:>8}" for name in outputs.names)


def _readable(prediction: "Prediction", name: str, width: int) -> Iterator[str]:
    """Yield a line for the file and one for each section of its timeline."""
    name = name if len(name) <= width else f"...{name[3 - width :]}"
    marks = [
        mark
        for mark, holds in (("unsure", prediction.unsure), (prediction.unlike, prediction.unlike))
        if holds
    ]
    notes = "".join(f"  {mark}" for mark in marks)
    if prediction.trace is not None:
        cells = "".join(
            f"  {values.mean():8.3f}  {values.min():6.3f}  {values.max():6.3f}"
            for values in prediction.trace.T
        )
        yield f"{name:<{width}}  {prediction.duration:7.1f}{cells}{notes}"
        return
    if prediction.by_turn:
        yield from _readable_turns(prediction, name, width, notes)
        return
    yield f"{name:<{width}}{_numbers(prediction, prediction.probabilities, prediction.values)}{notes}"
    widest = _widest(prediction.classes)
    for each in prediction.stretches:
        span = _span(prediction, each)
        yield f"{span:>{width}}  {each.predicted:<{widest}} {100 * each.probability:5.1f}"
    if not prediction.classes:
        for window in prediction.windows:
            yield f"{_span(prediction, window):>{width}}{_cells(prediction.dimensions, window.values)}"


def _readable_turns(prediction: "Prediction", name: str, width: int, notes: str) -> Iterator[str]:
    """Yield a line for the file, one for each turn, and one for each speaker."""
    if not prediction.windows:
        yield f"{name:<{width}}  no speech"
        return
    yield f"{name:<{width}}{_numbers(prediction, prediction.probabilities, prediction.values)}{notes}"
    for turn in prediction.windows:
        span = _span(prediction, turn)
        speaker = f"  {turn.speaker}" if turn.speaker else ""
        yield f"{span:>{width}}{_numbers(prediction, turn.probabilities, turn.values)}{speaker}"
    for each in prediction.speakers:
        length = f"{each.seconds:.1f} s in all"
        yield f"{length:>{width}}{_numbers(prediction, each.probabilities, each.values)}  {each.speaker}"


def _span(prediction: "Prediction", part: "Window | Stretch") -> str:
    """Write where a part is in its file."""
    start, end = prediction.place_of(part)
    return f"{start:.1f} to {end:.1f} s"


def _numbers(prediction: "Prediction", probabilities: Sequence[float], values: Sequence[float]) -> str:
    """Return the class, its probability, all probabilities, and the values, as far as there are any."""
    if not prediction.classes:
        return _cells(prediction.dimensions, values)
    top = max(probabilities)
    best = prediction.classes[list(probabilities).index(top)]
    cells = "".join(
        f"  {100 * value:{max(8, len(name))}.1f}"
        for name, value in zip(prediction.classes, probabilities, strict=True)
    )
    width = _widest(prediction.classes)
    return f"  {best:<{width}} {100 * top:5.1f}{cells}{_cells(prediction.dimensions, values)}"


def _cells(names: Sequence[str], values: Sequence[float]) -> str:
    return "".join(f"  {value:{max(8, len(name))}.2f}" for name, value in zip(names, values, strict=True))


def _widest(classes: tuple[str, ...]) -> int:
    return max([5, *(len(name) for name in classes)])


def draw(prediction: "Prediction", picture: Path, *, whole: bool) -> None:
    """Draw the course of a prediction; a complete recording with its waveform."""
    import numpy as np

    from sercli.audio import envelope
    from sercli.figures import save
    from sercli.figures.timeline import Traced, Waveform, class_timeline, traces, value_timeline

    title = Path(prediction.file).name
    if prediction.trace is not None:
        save(traces([Traced(title, prediction.trace)], prediction.dimensions), picture)
        return
    speakers = [window.speaker for window in prediction.windows] if prediction.by_turn else []
    wave = Waveform(*envelope(Path(prediction.file), _PARTS), speakers) if whole else None
    spans, names = prediction.spans, prediction.classes or prediction.dimensions
    rows = [window.probabilities or window.values for window in prediction.windows]
    numbers = np.array(rows, dtype=np.float64).reshape(-1, len(names))  # (spans, classes or dimensions)
    timeline = class_timeline if prediction.classes else value_timeline
    save(timeline(spans, numbers, names, prediction.duration, title, wave=wave), picture)
