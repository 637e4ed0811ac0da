"""Write the predictions of ``sercli predict``: to standard output, or to a file that can be resumed."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sercli.cli._output import printable, progress_bar
from sercli.cli._predictions import Format, Layout, draw, layout_of

if TYPE_CHECKING:
    from sercli.inference.inputs import Inputs
    from sercli.inference.predict import Predictor

_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


@dataclass(frozen=True, slots=True)
class Work:
    """What a command predicts and writes.

    Attributes:
        predictor: applies the model.
        inputs: recordings to predict.
        enrolment: recordings that are only used to standardise.
        form: format of the output.
        picture: file that the timeline of the only recording is drawn to.
        windowed: whether the user chose the length or hop of windows.
    """

    predictor: "Predictor"
    inputs: "Inputs"
    enrolment: Sequence[Path]
    form: Format
    picture: Path | None
    windowed: bool


def print_predictions(work: Work) -> int:
    """Print the predictions; return the number of failed files."""
    layout = layout_of(work.form, work.predictor, work.inputs, sys.stdout.encoding)
    if layout.header is not None:
        print(layout.header)

    def show(_: int, lines: Iterable[str]) -> None:
        for line in lines:
            print(line)

    return _predict(work, layout, show)


def write_predictions(work: Work, out: Path, model: Path) -> int:
    """Write the predictions to a file; return the number of failed files. An interrupted command resumes.

    Without any result, an earlier file is left as it is.

    Args:
        work: the predictions.
        out: the file; see `check_out`.
        model: folder of the bundle.
    """
    from sercli.inference.journal import Journal

    layout = layout_of(work.form, work.predictor, work.inputs, "utf-8")
    files = work.inputs.files
    with Journal(out, files, _describe(work, model)) as journal:
        if journal.done:
            typer.echo(f"note: {len(journal.done)} of {len(files)} files are done already", err=True)
        try:
            failed = _predict(work, layout, journal.add, journal.done)
        except KeyboardInterrupt:
            if journal.done:
                kept = f"{len(journal.done)} of {len(files)} files are done, see {printable(journal.place)}"
                typer.echo(f"note: {kept}; the same command resumes there", err=True)
            raise
        if journal.done:
            journal.finish(layout.header)
        else:
            typer.echo(f"note: there are no results, so {printable(out)} is not written", err=True)
    return failed


def check_out(out: Path, read: Sequence[Path], bundle: Path) -> Path:
    """Refuse to replace an input or a recording, and to write to a place where a file can't be replaced.

    Returns:
        Target of a link, otherwise the path itself.
    """
    from sercli.audio import SUFFIXES
    from sercli.errors import ConfigError

    # /dev/stdout may be a file; a replacement would delete its earlier content.
    if str(out) == "-" or (out.exists() and not out.is_file()) or str(out).startswith(_STREAMS):
        raise ConfigError(f"{out}: not a file; name a file, or leave --out out to print the predictions")
    if out.suffix.lower() in SUFFIXES:
        raise ConfigError(f"{out}: the name of a recording; predictions are text, name a .txt, .csv or .json")
    # Unlike Path.resolve, os.path.realpath accepts circular links.
    place, kept, *inputs = (Path(os.path.realpath(each)) for each in (out, bundle, *read))
    if place in inputs or place.is_relative_to(kept):
        raise ConfigError(f"{out}: is read by this command, so it can't be replaced; name another file")
    return place


def _describe(work: Work, model: Path) -> list[object]:
    """Return what results depend on: the version, the model, the options and the inputs, ready for JSON."""
    import sercli
    from sercli import files
    from sercli.inference.journal import stamp

    predictor = work.predictor
    # Where recordings are standardised by their common statistics, each result depends on all of them.
    common = [*work.inputs.files, *work.enrolment] if predictor.needs_several else []
    return [
        sercli.__version__,
        files.sha256(model / "bundle.json"),  # it has the digest of the weights
        [predictor.device.type, predictor.precision, predictor.timeline, predictor.window_s, predictor.hop_s],
        [predictor.unsure_below, work.form],
        work.inputs.describe(),
        [os.fsencode(path).hex() for path in work.enrolment],
        [stamp(path) for path in common],
    ]


def _predict(
    work: Work,
    layout: Layout,
    keep: Callable[[int, Iterable[str]], None],
    done: Collection[int] = (),
) -> int:
    """Give the lines of each file to ``keep`` once they are known; return the number of failed files."""
    from sercli.inference.inputs import predict_inputs
    from sercli.inference.writing import printable as shown
    from sercli.records import Problem

    failed = uncut = 0
    inputs = work.inputs
    with progress_bar("predicting") as progress:
        found = predict_inputs(work.predictor, inputs, work.enrolment, done)
        for count, (number, prediction) in enumerate(found, len(done) + 1):
            progress(count, len(inputs.files))
            if isinstance(prediction, Problem):
                failed += 1
                typer.echo(f"error: {shown(str(prediction), sys.stderr.encoding)}", err=True)
                continue
            uncut += not prediction.windows
            if prediction.note is not None:
                note = shown(f"{prediction.file}: {prediction.note}", sys.stderr.encoding)
                typer.echo(f"note: {note}", err=True)
            if work.picture is not None:
                draw(prediction, work.picture, whole=not inputs.spans)
            keep(number, layout.lines(prediction, inputs.rows[number] if inputs.rows else ()))
    if work.windowed and uncut:
        fact = f"recordings of up to a minute are not cut into windows: {uncut}"
        typer.echo(f"note: {fact}; give --timeline to use --window-s and --hop-s for them too", err=True)
    return failed
