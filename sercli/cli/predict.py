"""``sercli predict``."""

import io
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from sercli.cli._live import live as follow
from sercli.cli._options import (
    ColumnOption,
    SegmentsOption,
    UnsureBelowOption,
    VadOption,
    VadSetOption,
    WorkspaceOption,
    find_turns,
    key_values,
)
from sercli.cli._output import printable, progress_bar
from sercli.cli._predictions import BY_SUFFIX, Format, Layout, draw, layout_of

if TYPE_CHECKING:
    from sercli.bundle import Bundle
    from sercli.inference.inputs import Inputs
    from sercli.inference.predict import Predictor
    from sercli.manifest.turns import TurnList
    from sercli.voice import VoiceConfig

# Options that --live and --microphone use, besides the bundle.
_CALM = ("margin", "hold_s", "smooth_s", "silence_db")  # settings of `Steadiness`
_LIVE = {"bundle", "live", "microphone", "json", "csv", "workspace", "enrol", "window_s", "hop_s", *_CALM}
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


def predict(
    context: typer.Context,
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Model to apply: the folder of a bundle or a trial, or a run (name, end of the name, or "
            "latest). [default: the starter model, see `sercli doctor`]",
            show_default=False,
        ),
    ] = None,
    audio: Annotated[
        list[str] | None,
        typer.Argument(
            help="Audio files or folders; - reads a list of names from standard input.", show_default=False
        ),
    ] = None,
    *,
    table: Annotated[
        Path | None,
        typer.Option(
            help="Table with a column of audio files, whose columns are copied to the output, or another "
            "list that `sercli prepare` reads.",
        ),
    ] = None,
    columns: ColumnOption = None,
    audio_root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the file names of the table are relative to. [default: that of the table]",
            show_default=False,
        ),
    ] = None,
    speaker_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The same as --column speaker=COLUMN, for a model that standardises per speaker.",
            show_default=False,
        ),
    ] = None,
    same_speaker: Annotated[
        bool,
        typer.Option(
            "--same-speaker",
            help="State that one person speaks in all files, for a model that standardises per speaker.",
        ),
    ] = False,
    enrol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="File or folder with recordings of the same person (--same-speaker) or of the same origin, "
            "only used to standardise; may be repeated. [default: the files to predict]",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The same as --format csv.")] = False,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Format of the output: text; json (one line for each file); csv (one line for each file, "
            "window, turn or frame); rttm or audacity (one line for each turn or time of one class). "
            "[default: the suffix of --out if it is .json, .csv or .rttm, otherwise text]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write to this file, which is replaced only when all predictions are done. Until then "
            "they are in FILE.part; the same command resumes there if it was interrupted."
        ),
    ] = None,
    vad: VadOption = False,
    vad_set: VadSetOption = None,
    segments: SegmentsOption = None,
    timeline: Annotated[
        bool | None,
        typer.Option(
            "--timeline/--no-timeline",
            help="Predict window by window. [default: for files longer than a minute]",
            show_default=False,
        ),
    ] = None,
    window_s: Annotated[
        float | None, typer.Option(help="Length of a window in seconds.", show_default=False)
    ] = None,
    hop_s: Annotated[
        float | None,
        typer.Option(
            help="Seconds from the start of one window to the start of the next.", show_default=False
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the timeline of one file to this picture: .png, .pdf or .svg.")
    ] = None,
    unsure_below: UnsureBelowOption = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Predict while raw audio arrives on standard input: 16 kHz, mono, signed 16 bits.",
        ),
    ] = False,
    microphone: Annotated[
        bool,
        typer.Option("--microphone", help="Predict while the microphone records (needs sercli[live])."),
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Live: lead in probability that changes the shown class at once. [default: 0.3]",
            show_default=False,
        ),
    ] = None,
    hold_s: Annotated[
        float | None,
        typer.Option(
            help="Live: seconds of a smaller lead that change the shown class. [default: 1.5]",
            show_default=False,
        ),
    ] = None,
    smooth_s: Annotated[
        float | None,
        typer.Option(
            help="Live: time constant in seconds of the average that the bars show. [default: 1]",
            show_default=False,
        ),
    ] = None,
    silence_db: Annotated[
        float | None,
        typer.Option(
            help="Live: level below which a second is silence, decibels of full scale. [default: -60]",
            show_default=False,
        ),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="Device to predict on: auto, cpu or gpu.")] = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Utterances in one batch. [default: 4 on a CPU, otherwise 32]", min=1, show_default=False
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            help="Number format of the network: 32-true, auto, bf16-mixed or 16-mixed. The short formats "
            "change the probabilities."
        ),
    ] = "32-true",
    workspace: WorkspaceOption = None,
) -> None:
    """Predict the emotion of recordings.

    `sercli predict speech.wav` uses the starter model, `sercli predict MODEL speech.wav` another one.

    A file that cannot be read is reported on stderr, and the other files are predicted; the exit status is
    then 1.
    """
    from sercli import files
    from sercli.devices import choose_device, resolve_precision
    from sercli.inference.inputs import divide_names, list_recordings, read_table
    from sercli.inference.predict import Predictor
    from sercli.workspace import Workspace

    shape = _format(form, out, json=json, csv=csv)
    if live or microphone:
        _refuse_unused(context)
        calm = dict(zip(_CALM, (margin, hold_s, smooth_s, silence_db), strict=True))
        predictor = _predictor_for_live(_find(workspace, bundle)[1], window_s, enrol or [])
        follow(predictor, hop_s, calm, microphone=microphone, json=json, csv=csv)
        return
    _refuse_calm(context)
    chosen = _chosen(columns or [], speaker_column, same_speaker=same_speaker)
    if (chosen or audio_root) and table is None:
        raise typer.BadParameter("--column, --speaker-column and --audio-root need a --table")
    if picture is not None:
        from sercli.figures import check_suffix  # imports matplotlib

        check_suffix(picture)
    named = [*([] if bundle is None else [bundle]), *(audio or [])]
    if not named and table is None:
        raise typer.BadParameter("name audio files, folders that hold some, or a --table")
    model, recordings = divide_names(Workspace(workspace), named, listed=table is not None)
    if table is not None and recordings:
        raise typer.BadParameter("name files or a --table, not both")
    finding = find_turns(vad=vad, vad_set=vad_set, segments=segments)
    if finding and (timeline is not None or window_s is not None or hop_s is not None):
        raise typer.BadParameter("--vad and --segments name what is predicted; leave the windows out")
    device = choose_device(accelerator)
    number = resolve_precision(precision, device)
    place, loaded = _find(workspace, model)
    predictor = Predictor(
        loaded,
        device=device.torch,
        batch_size=batch_size,
        unsure_below=unsure_below,
        timeline=True if picture is not None and timeline is None and not finding else timeline,
        window_s=window_s,
        hop_s=hop_s,
        precision=number,
    )
    inputs = read_table(table, chosen, audio_root) if table else list_recordings(recordings, _names())
    inputs = _prepare_inputs(inputs, same_speaker=same_speaker)
    inputs = _with_turns(inputs, finding, table)
    enrolment = _enrolment(predictor, enrol or [], same_speaker=same_speaker)
    out = _check_out(out, [*inputs.files, *filter(None, (table, segments))], place)
    asked = "--same-speaker" if same_speaker else "--speaker-column" if speaker_column else ""
    _check_asked(predictor, inputs, picture, unsure_below, asked)
    layout = layout_of(shape, predictor, inputs)
    if out is None:
        failed = _print(predictor, inputs, layout, picture, enrolment)
    else:
        turns = [vad, vad_set, segments and files.sha256(segments)]
        described = _describe(predictor, place, inputs, enrolment, [shape, number, turns])
        failed = _write(predictor, inputs, layout, picture, enrolment, out, described)
    if failed:
        typer.echo(f"{failed} of {len(inputs.files)} files failed", err=True)
        raise typer.Exit(1)


def _format(form: Format | None, out: Path | None, *, json: bool, csv: bool) -> Format:
    """Return the format of the output: the one that is named, otherwise that of the file's suffix."""
    named: list[Format] = [name for name, given in (("json", json), ("csv", csv)) if given]  # type: ignore[misc]
    if len({*named, *filter(None, [form])}) > 1:
        raise typer.BadParameter("give one of --json, --csv and --format")
    suffix = "" if out is None else out.suffix.lower()
    return next(filter(None, [form, *named]), BY_SUFFIX.get(suffix, "text"))


def _with_turns(inputs: "Inputs", finding: "TurnList | VoiceConfig | None", table: Path | None) -> "Inputs":
    """Add what finds the turns to the inputs, and print the notes of a list."""
    if finding is None:
        return inputs
    from sercli.inference.inputs import turns_by_voice
    from sercli.voice import VoiceConfig

    if isinstance(finding, VoiceConfig):
        return replace(inputs, turns=turns_by_voice(finding))
    if table is not None or inputs.speakers:
        raise typer.BadParameter("--segments names the speakers; leave --table and --same-speaker out")
    turns, notes = finding.assign(inputs.files)
    for note in notes:
        typer.echo(f"note: {printable(note)}", err=True)
    return replace(inputs, turns=lambda recording: turns[recording.path])


def _enrolment(predictor: "Predictor", enrol: Sequence[str], *, same_speaker: bool) -> Sequence[Path]:
    """List the recordings of --enrol, which are of one speaker unless the model needs no speakers."""
    from sercli.inference.inputs import list_recordings

    if enrol and not same_speaker and (predictor.needs_speakers or not predictor.needs_several):
        raise typer.BadParameter("--enrol needs --same-speaker")
    return list_recordings(enrol).files if enrol else ()


def _prepare_inputs(inputs: "Inputs", *, same_speaker: bool) -> "Inputs":
    """Print the notes on the inputs, and name the one speaker if there is only one."""
    for note in inputs.notes:
        typer.echo(f"note: {printable(note)}", err=True)
    return replace(inputs, speakers=("the speaker",) * len(inputs.files)) if same_speaker else inputs


def _predictor_for_live(bundle: "Bundle", window_s: float | None, enrol: Sequence[str]) -> "Predictor":
    """Return the predictor of a stream, whose one speaker or corpus is that of the recordings of --enrol."""
    from sercli.inference.inputs import enrol_others, list_recordings
    from sercli.inference.live import SPEAKER
    from sercli.inference.predict import Predictor

    predictor = Predictor(bundle, window_s=window_s)
    if enrol:
        speaker = SPEAKER if predictor.needs_speakers else None
        enrol_others(predictor, list_recordings(enrol).files, speaker)
    return predictor


def _refuse_calm(context: typer.Context) -> None:
    """Refuse options that only a stream has."""
    for parameter in _given(context):
        if parameter.name in _CALM:
            raise typer.BadParameter(f"{parameter.opts[0]} needs --live or --microphone")


def _find(workspace: Path | None, name: str | None) -> "tuple[Path, Bundle]":
    """Find and load a model, the starter without a name; print what a user must know about it.

    The folder is printed unless the user named it.
    """
    from sercli import starter
    from sercli.bundle import Bundle, describe_outputs
    from sercli.inference.inputs import find_bundle
    from sercli.workspace import Workspace

    name = name or starter.NAME
    place = find_bundle(Workspace(workspace), name)
    if name != starter.NAME and place != Path(name):
        typer.echo(f"note: bundle {printable(place)}", err=True)
    bundle = Bundle.load(place)
    if bundle.outputs.dimensions and not bundle.outputs.per_frame:
        typer.echo(f"note: {describe_outputs(bundle)}; values are not limited to the scale", err=True)
    for line in starter.describe(bundle.facts, place) if name == starter.NAME else ():
        typer.echo(f"note: {printable(line)}", err=True)
    return place, bundle


def _chosen(columns: Sequence[str], speaker_column: str | None, *, same_speaker: bool) -> dict[str, str]:
    """Return the column by field; a column without a field is that of the files."""
    if speaker_column is not None and same_speaker:
        raise typer.BadParameter("give --speaker-column or --same-speaker, not both")
    pairs = [each if "=" in each else f"file={each}" for each in columns]
    if speaker_column is not None:
        pairs.append(f"speaker={speaker_column}")
    return key_values("--column", pairs, empty=True)


def _refuse_unused(context: typer.Context) -> None:
    """Refuse options that would be ignored."""
    given = [
        parameter.opts[0] if parameter.param_type_name == "option" else "files"
        for parameter in _given(context)
        if parameter.name not in _LIVE
    ]
    if given:
        raise typer.BadParameter(
            f"--live and --microphone name their input, and print step by step: leave {', '.join(given)} out"
        )


def _given(context: typer.Context) -> "Iterator[Any]":
    """Yield the parameters that the command line names."""
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is not None and source.name != "DEFAULT":
            yield parameter


def _check_asked(
    predictor: "Predictor",
    inputs: "Inputs",
    picture: Path | None,
    unsure_below: float | None,
    named: str = "",
) -> None:
    """Refuse options that have no effect on these recordings or this bundle."""
    from sercli.errors import ConfigError

    outputs = predictor.bundle.outputs
    if named and not predictor.needs_speakers:
        raise ConfigError(f"{named}: this model does not standardise per speaker; leave the option out")
    if inputs.turns is not None and outputs.per_frame:
        raise ConfigError(
            "this model gives values by frame, of complete recordings; leave --vad or --segments out"
        )
    if picture is not None and len(inputs.files) > 1:
        raise ConfigError(f"--picture draws one file, {len(inputs.files)} are named; name one of them")
    if picture is not None and not outputs.per_frame and predictor.timeline is False and inputs.turns is None:
        raise ConfigError("--picture draws a timeline; leave --no-timeline out")
    if unsure_below is not None and not outputs.classes:
        raise ConfigError("--unsure-below is for classes, but this bundle predicts none; leave it out")


def _check_out(out: Path | None, read: Sequence[Path], bundle: Path) -> Path | None:
    """Refuse to replace an input or a recording, and to write to a place where a file can't be replaced.

    Returns:
        Target of a link, otherwise the path itself.
    """
    from sercli.audio import SUFFIXES
    from sercli.errors import ConfigError

    if out is None:
        return None
    # /dev/stdout may be a file; a replacement would delete its earlier content.
    if (out.exists() and not out.is_file()) or str(out).startswith(_STREAMS):
        raise ConfigError(f"{out}: not a file; name a file, or leave --out out")
    if out.suffix.lower() in SUFFIXES:
        raise ConfigError(f"{out}: the name of a recording; predictions are text, name a .txt, .csv or .json")
    # Unlike Path.resolve, os.path.realpath accepts circular links.
    place, kept, *inputs = (Path(os.path.realpath(each)) for each in (out, bundle, *read))
    if place in inputs or place.is_relative_to(kept):
        raise ConfigError(f"{out}: is read by this command, so it can't be replaced; name another file")
    return place


def _describe(
    predictor: "Predictor", place: Path, inputs: "Inputs", enrolment: Sequence[Path], options: object
) -> list[object]:
    """Return what results depend on: the version, the model, the options and the inputs, ready for JSON."""
    import sercli
    from sercli import files

    return [
        sercli.__version__,
        files.sha256(place / "bundle.json"),  # it has the digest of the weights
        [predictor.device.type, predictor.timeline, predictor.window_s, predictor.hop_s],
        predictor.unsure_below,
        options,
        [os.fsencode(path).hex() for path in (*inputs.files, *enrolment)],
        [inputs.columns, inputs.rows, inputs.spans, inputs.speakers],
    ]


def _print(
    predictor: "Predictor",
    inputs: "Inputs",
    layout: Layout,
    picture: Path | None,
    enrolment: Sequence[Path],
) -> int:
    """Print the predictions; return the number of failed files."""

    def show(number: int, lines: Sequence[str]) -> None:  # noqa: ARG001
        for line in lines:
            print(line)

    header = _header(layout, sys.stdout.encoding)
    if header is not None:
        print(header)
    return _predict(predictor, inputs, layout, picture, enrolment, show, sys.stdout.encoding)


def _header(layout: Layout, encoding: str | None) -> str | None:
    """Return the first line of the output, if there is one."""
    from sercli.inference.writing import encodable

    header = layout.header(encoding)
    return None if header is None else encodable(header, encoding)


def _write(
    predictor: "Predictor",
    inputs: "Inputs",
    layout: Layout,
    picture: Path | None,
    enrolment: Sequence[Path],
    out: Path,
    described: object,
) -> int:
    """Write the predictions to a file; return the number of failed files. An interrupted command resumes."""
    from sercli.inference.journal import Journal

    count = len(inputs.files)
    with Journal(out, inputs.files, described) as journal:
        if journal.done:
            typer.echo(f"note: {len(journal.done)} of {count} files are done already", err=True)
        try:
            failed = _predict(
                predictor, inputs, layout, picture, enrolment, journal.add, "utf-8", journal.done
            )
        except KeyboardInterrupt:
            if journal.done:
                kept = f"{len(journal.done)} of {count} files are done, see {printable(journal.place)}"
                typer.echo(f"note: {kept}; the same command resumes there", err=True)
            raise
        journal.finish(_header(layout, "utf-8"))
    return failed


def _predict(
    predictor: "Predictor",
    inputs: "Inputs",
    layout: Layout,
    picture: Path | None,
    enrolment: Sequence[Path],
    keep: Callable[[int, Sequence[str]], None],
    encoding: str | None,
    done: Collection[int] = (),
) -> int:
    """Give the lines of each file to ``keep`` once they are known; return the number of failed files."""
    from sercli.inference.inputs import predict_inputs
    from sercli.inference.writing import encodable
    from sercli.inference.writing import printable as shown
    from sercli.processor import keep_freed_memory
    from sercli.records import Problem

    keep_freed_memory()
    failed = 0
    with progress_bar("predicting") as progress:
        found = predict_inputs(predictor, inputs, enrolment, done)
        for count, (number, prediction) in enumerate(found, len(done) + 1):
            progress(count, len(inputs.files))
            if isinstance(prediction, Problem):
                failed += 1
                typer.echo(f"error: {shown(str(prediction), sys.stderr.encoding)}", err=True)
                continue
            if prediction.note is not None:
                typer.echo(
                    f"note: {shown(f'{prediction.file}: {prediction.note}', sys.stderr.encoding)}",
                    err=True,
                )
            if picture is not None:
                draw(prediction, picture, whole=not inputs.spans)
            cells = inputs.rows[number] if inputs.rows else ()
            keep(number, [encodable(line, encoding) for line in layout.lines(prediction, cells, encoding)])
    return failed


def _names() -> TextIO:
    """Return standard input as text that keeps any bytes, as names of files do."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    return sys.stdin
