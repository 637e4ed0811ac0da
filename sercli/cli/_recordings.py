"""The recordings that the options of ``sercli predict`` name, and who speaks in them."""

import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from sercli.cli._options import column_pairs
from sercli.cli._output import printable

if TYPE_CHECKING:
    from sercli.inference.inputs import Inputs
    from sercli.inference.predict import Predictor
    from sercli.manifest.turns import TurnList
    from sercli.voice import VoiceConfig


def columns_by_field(
    columns: Sequence[str], speaker_column: str | None, *, same_speaker: bool
) -> dict[str, str]:
    """Return the columns of a table by field; a column without a field is that of the files."""
    if speaker_column is not None and same_speaker:
        raise typer.BadParameter("give --speaker-column or --same-speaker, not both")
    pairs = [each if "=" in each else f"file={each}" for each in columns]
    if speaker_column is not None:
        pairs.append(f"speaker={speaker_column}")
    return column_pairs(pairs)


def read_inputs(
    names: Sequence[str],
    table: Path | None,
    columns: dict[str, str],
    audio_root: Path | None,
    turns: "TurnList | VoiceConfig | None",
    *,
    same_speaker: bool,
) -> "Inputs":
    """Read what is to be predicted, and print the notes about it and the rows that can't be read.

    Args:
        names: files and folders, if there is no table.
        table: list of the recordings.
        columns: column of the table by field.
        audio_root: folder that the file names of the table are relative to.
        turns: list of turns, or settings that find them.
        same_speaker: whether one person speaks in all recordings.

    Raises:
        AudioError: there are no recordings.
        ManifestError: a list can't be read, or the turns do not belong to the recordings.
    """
    from sercli.inference.inputs import list_recordings, read_table
    from sercli.voice import VoiceConfig

    inputs = read_table(table, columns, audio_root) if table else list_recordings(names, _names())
    notes = inputs.notes
    if same_speaker:
        inputs = replace(inputs, speakers=("the speaker",) * len(inputs.files))
    if isinstance(turns, VoiceConfig):
        inputs = replace(inputs, turns=turns)
    elif turns is not None:
        if table is not None or same_speaker:
            raise typer.BadParameter("--segments names the speakers; leave --table and --same-speaker out")
        by_file, more = turns.assign(inputs.files)
        inputs, notes = replace(inputs, turns=by_file), (*notes, *more)
    for note in notes:
        typer.echo(f"note: {printable(note)}", err=True)
    for problem in inputs.problems:
        typer.echo(f"error: {printable(problem)}", err=True)
    return inputs


def read_enrolment(predictor: "Predictor", names: Sequence[str], *, same_speaker: bool) -> Sequence[Path]:
    """List the recordings of --enrol, which are of one speaker unless the model needs no speakers."""
    from sercli.inference.inputs import list_recordings

    if names and not same_speaker and (predictor.needs_speakers or not predictor.needs_several):
        raise typer.BadParameter("--enrol needs --same-speaker")
    return list_recordings(names).files if names else ()


def _names() -> TextIO:
    """Return standard input as text that keeps any bytes, as names of files do."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    return sys.stdin
