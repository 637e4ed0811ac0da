"""``sercli predict``."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._live import live as follow
from sercli.cli._options import (
    AcceleratorOption,
    ColumnOption,
    SegmentsOption,
    UnsureBelowOption,
    VadOption,
    VadSetOption,
    WorkspaceOption,
    find_turns,
)
from sercli.cli._output import note_starter, printable
from sercli.cli._predictions import BY_SUFFIX, Format
from sercli.cli._recordings import columns_by_field, read_enrolment, read_inputs
from sercli.cli._writing import Work, check_out, print_predictions, write_predictions

if TYPE_CHECKING:
    from sercli.bundle import Bundle
    from sercli.inference.inputs import Inputs
    from sercli.inference.predict import Predictor

# Options that --live and --microphone use, besides the bundle.
_CALM = ("margin", "hold_s", "smooth_s", "silence_db")  # settings of `Steadiness`
_OTHER_TABLES = (".xlsx", ".xls", ".ods", ".parquet", ".tsv", ".feather")
_LIVE = {"bundle", "live", "microphone", "json", "csv", "workspace", "enrol", "window_s", "hop_s", *_CALM}


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
    accelerator: AcceleratorOption = "auto",
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
    _refuse_ignored(context, live=live or microphone)
    shape = _format(form, out, json=json, csv=csv)
    if live or microphone:
        calm = dict(zip(_CALM, (margin, hold_s, smooth_s, silence_db), strict=True))
        _, loaded = _load(workspace, bundle)
        follow(loaded, window_s, hop_s, calm, enrol or [], microphone=microphone, json=json, csv=csv)
        return
    from sercli.devices import resolve_precision, use_device
    from sercli.inference.inputs import divide_names
    from sercli.inference.predict import Predictor
    from sercli.workspace import Workspace

    chosen = columns_by_field(columns or [], speaker_column, same_speaker=same_speaker)
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
    turns = find_turns(vad=vad, vad_set=vad_set, segments=segments)
    if turns and (timeline is not None or window_s is not None or hop_s is not None):
        raise typer.BadParameter("--vad and --segments name what is predicted; leave the windows out")
    device = use_device(accelerator)
    number = resolve_precision(precision, device)
    place, loaded = _load(workspace, model)
    predictor = Predictor(
        loaded,
        device=device.torch,
        batch_size=batch_size,
        unsure_below=unsure_below,
        timeline=True if picture is not None and timeline is None and not turns else timeline,
        window_s=window_s,
        hop_s=hop_s,
        precision=number,
    )
    _refuse_tables(recordings, table)
    inputs = read_inputs(recordings, table, chosen, audio_root, turns, same_speaker=same_speaker)
    enrolment = read_enrolment(predictor, enrol or [], same_speaker=same_speaker)
    if out is not None:
        out = check_out(out, [*inputs.files, *filter(None, (table, segments))], place)
    asked = "--same-speaker" if same_speaker else "--speaker-column" if speaker_column else ""
    _refuse_unfit(predictor, inputs, picture, unsure_below, asked)
    windowed = window_s is not None or hop_s is not None
    work = Work(predictor, inputs, enrolment, shape, picture, windowed)
    failed = print_predictions(work) if out is None else write_predictions(work, out, place)
    if failed := failed + len(inputs.problems):
        typer.echo(f"{failed} of {len(inputs.files) + len(inputs.problems)} files failed", err=True)
        raise typer.Exit(1)


def _refuse_tables(files: Sequence[Path | str], table: Path | None) -> None:
    """Refuse a table in place of a recording."""
    from sercli.manifest.tables import LIST_SUFFIXES

    for file in map(Path, files):
        if table is None and file.suffix.lower() in LIST_SUFFIXES and file.is_file():
            raise typer.BadParameter(
                f"{file}: a table, not a recording; give it with --table {quote(str(file))}"
            )


def _refuse_ignored(context: typer.Context, *, live: bool) -> None:
    """Refuse options that have no effect on a stream, or on anything else."""
    given = []
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is not None and source.name != "DEFAULT":
            given.append(parameter)
    if live and (ignored := [each for each in given if each.name not in _LIVE]):
        names = (each.opts[0] if each.param_type_name == "option" else "files" for each in ignored)
        raise typer.BadParameter(
            f"--live and --microphone name their input, and print step by step: leave {', '.join(names)} out"
        )
    for parameter in given:
        if parameter.name in _CALM and not live:
            raise typer.BadParameter(f"{parameter.opts[0]} needs --live or --microphone")


def _format(form: Format | None, out: Path | None, *, json: bool, csv: bool) -> Format:
    """Return the format of the output: the one that is named, otherwise that of the file's suffix."""
    named: list[Format] = [name for name, given in (("json", json), ("csv", csv)) if given]  # type: ignore[misc]
    if len({*named, *filter(None, [form])}) > 1:
        raise typer.BadParameter("give one of --json, --csv and --format")
    suffix = "" if out is None else out.suffix.lower()
    chosen: Format | None = next(filter(None, [form, *named]), BY_SUFFIX.get(suffix))
    if chosen is None and suffix in _OTHER_TABLES:
        raise typer.BadParameter(
            f"--out {out}: {suffix} is not written; end the name in {', '.join(BY_SUFFIX)} or .txt"
        )
    return "text" if chosen is None else chosen


def _load(workspace: Path | None, name: str | None) -> "tuple[Path, Bundle]":
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
    if name == starter.NAME:
        note_starter(bundle.facts, place)
    return place, bundle


def _refuse_unfit(
    predictor: "Predictor",
    inputs: "Inputs",
    picture: Path | None,
    unsure_below: float | None,
    named: str = "",
) -> None:
    """Refuse options that have no effect on these recordings or this model."""
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
