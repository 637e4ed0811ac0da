"""The model and the recordings that a command line names: files, folders, lists and tables of recordings."""

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sercli import audio, files, starter
from sercli.errors import AudioError, ConfigError, ManifestError, RunError, UnknownNameError, list_some
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction
from sercli.inference.recordings import Recording
from sercli.manifest.column_choice import check_columns
from sercli.manifest.interop import read_other
from sercli.manifest.lengths import without_foreign_times
from sercli.manifest.listing import Entry, read_entries
from sercli.manifest.recordings import Found, Missing, Recordings, describe_renamed
from sercli.manifest.values import explain_span, explain_time, parse_number
from sercli.plain.json import to_json
from sercli.records import Note, Problem, Turn, Utterance
from sercli.runs.folder import find_run, is_run
from sercli.voice import VoiceConfig, find_speech
from sercli.workspace import Workspace

_SHOWN = 3
# Files that make a folder a bundle.
_OF_BUNDLE = ("bundle.json", "weights.safetensors")
# Columns of a list that is no table, between the id and the emotion.
_FACTS = ("file", "start", "end", "speaker", "gender", "session", "dialog", "text_id", "transcript")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Recordings, and the rows of a table about them.

    Attributes:
        files: the recordings.
        columns: names of the table's columns, none without a table.
        rows: the table's cells by recording.
        notes: how the table was read, or what was left out of folders, one line each.
        spans: start and end in seconds of the part of each recording that is meant; none if all of each.
        speakers: who speaks in each; empty if unknown.
        turns: the turns of each file, or how they are found, if they are predicted in place of the file.
        problems: the rows of the table that name no recording, or a part without usable times.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    spans: tuple[tuple[float | None, float | None], ...] = ()
    speakers: tuple[str | None, ...] = ()
    turns: VoiceConfig | Mapping[Path, Sequence[Turn]] | None = None
    problems: tuple[Problem, ...] = ()

    def describe(self) -> list[object]:
        """Return all that predictions depend on, ready for JSON."""
        turns: object = None
        if isinstance(self.turns, VoiceConfig):
            turns = self.turns.to_dict()
        elif self.turns is not None:
            turns = [[(own.start, own.end, own.speaker) for own in self.turns[file]] for file in self.files]
        files = [os.fsencode(file).hex() for file in self.files]
        return [files, self.columns, self.rows, self.spans, self.speakers, turns]

    def find_turns(self, recording: Recording) -> Sequence[Turn]:
        """Return the turns of a recording, in order."""
        if isinstance(self.turns, VoiceConfig):
            return find_speech(recording.stream(), self.turns)
        return self.turns[recording.path] if self.turns else ()


def list_recordings(names: Sequence[str], lines: Iterable[str] = ()) -> Inputs:
    """List the recordings of some names, each once.

    Args:
        names: files; folders, searched with all below them for files that are named as audio, of formats
            that are not read too; ``-`` for the names in ``lines``.
        lines: a name each, such as standard input; empty ones are passed over.

    Raises:
        AudioError: there are none, or the first line is not text.
    """
    found: list[Path] = []
    notes: list[str] = []
    for name in names:
        given = _names_in(lines) if name == "-" else [name]
        for each in given:
            inside, more = _expand(Path(each))
            found += inside
            notes += more
    if not found:
        places = ", ".join(names) or "nothing was named"
        there = f" ({'; '.join(notes)})" if notes else ""
        raise AudioError(f"{places}: no recordings; give audio files, or folders that hold some{there}")
    return Inputs(tuple(dict.fromkeys(found)), notes=tuple(dict.fromkeys(notes)))


def _names_in(lines: Iterable[str]) -> list[str]:
    """Return the names of a list, one on a line.

    Raises:
        AudioError: its first line is not text, as in a recording; a later such line is a name of no file.
    """
    names = [line.rstrip("\r\n").removeprefix("\ufeff") for line in lines if line.strip()]
    if names and "\0" in names[0]:
        raise AudioError(
            "-: standard input is not text; - takes the names of files or folders, one on a line, in UTF-8; "
            "save a recording to a file, and name the file"
        )
    return names


def read_table(
    path: Path, columns: Mapping[str, str] | None = None, audio_root: Path | None = None
) -> Inputs:
    """Read a list of recordings, any that `sercli prepare` and `sercli audit` read.

    A table keeps its columns. Another list has the columns that its utterances have values for. A row that
    can't be read is a problem of its own, as long as there are others.

    Args:
        path: the list, usually a table.
        columns: column by field, as far as the user names it.
        audio_root: the folder that relative names count from; that of the list if not given.

    Raises:
        ConfigError: it has no such column, or there is no such field.
        ManifestError: it can't be read, has no rows, or each row has too many or too few cells, no file or
            no times.
    """
    if not path.exists():
        raise ManifestError(f"{path}: no such table")
    chosen = check_columns(columns or {})
    other = read_other(path, chosen)
    folder = path if path.is_dir() else path.parent
    entries: list[Entry] = []
    listed: list[Utterance] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for item in read_entries(path, chosen) if other is None else other:
        read = _utterance(item) if isinstance(item, Entry) else item
        if isinstance(read, Utterance):
            listed.append(read)
            entries += [item] if isinstance(item, Entry) else []
        elif isinstance(read, Note):
            notes += [f"{path.name}: {read.fact}"] if _is_worth_a_note(read) else []
        elif read.harmless:
            notes.append(f"{path.name}: {read.fact}")
        else:
            place = str(folder / read.place) if other is None else read.place
            problems.append(replace(read, place=place))
    if not listed:
        problem = problems[0] if problems else Problem(str(path), "lists no recording")
        raise (ConfigError if problem.fact.startswith("no column") else ManifestError)(str(problem))
    if other is None:
        columns_kept = tuple(entries[0].values)
        rows = [[entry.values[name] for name in columns_kept] for entry in entries]
    else:
        columns_kept, rows = _cells(listed)
    base = audio_root or folder
    if not base.is_dir():
        raise ManifestError(f"{base}: no such folder; --audio-root names the folder of the audio files")
    found = Recordings(base).find(each.file for each in listed)
    notes += [f"{path.name}: {note.fact}" for note in describe_renamed(found, path.name)]
    near = [f"{name}: {each.fact}" for name, each in found.items() if isinstance(each, Missing) and each.fact]
    there = {name: each.file for name, each in found.items() if isinstance(each, Found)}
    placed = [replace(each, file=there.get(each.file, each.file)) for each in listed]
    placed, times = without_foreign_times(placed, base, path.name)
    notes += [f"{path.name}: {times.fact}"] if times else []
    spans = tuple((each.start, each.end) if each.source is None else (None, None) for each in placed)
    notes += [f"{path.name}: {fact}" for fact in _describe_repeated(placed, spans, entries)]
    return Inputs(
        tuple(base / each.file for each in placed),
        columns_kept,
        tuple(tuple(_text(cell) for cell in row) for row in rows),
        tuple(notes + near[:_SHOWN]),
        spans if any(span != (None, None) for span in spans) else (),
        tuple(each.speaker for each in placed),
        problems=tuple(problems),
    )


def _describe_repeated(
    placed: Sequence[Utterance], spans: Sequence[tuple[float | None, float | None]], entries: Sequence[Entry]
) -> list[str]:
    """Describe rows of one file that mean all of it, if a table has columns that may distinguish them."""
    files = Counter(each.file for each, span in zip(placed, spans, strict=True) if span == (None, None))
    repeated = [file for file, count in files.items() if count > 1]
    used = set(entries[0].columns.values()) if entries else set()
    unused = [column for column in entries[0].values if column not in used] if entries else []
    if not repeated or not unused:
        return []
    rows = f"{repeated[0]}: {files[repeated[0]]} rows"
    fact = f"several rows have the same file and no start and end, and the same prediction ({rows})"
    remedy = "if they hold times, name them with --column start=COLUMN --column end=COLUMN"
    return [f"{fact}; columns that are not used: {list_some(unused, _SHOWN)}; {remedy}"]


def _cells(listed: Sequence[Utterance]) -> tuple[tuple[str, ...], list[list[object]]]:
    """Return the columns that at least one utterance has a value for, and the cells of each."""
    records: list[dict[str, object]] = [
        {
            "id": each.id.removeprefix("imported/"),
            **{name: getattr(each, name) for name in _FACTS},
            "emotion": each.emotion or each.emotion_raw,
        }
        for each in listed
    ]
    columns = tuple(name for name in records[0] if any(record[name] is not None for record in records))
    return columns, [[record[name] for name in columns] for record in records]


def _is_worth_a_note(note: Note) -> bool:
    """Return whether the column of files has another name, or the table has times to cut by."""
    usual = note.title == "columns" and note.fact.startswith(("file <- file,", "file <- file;"))
    return not usual or " start <- " in note.fact


def _utterance(entry: Entry) -> Utterance | Problem:
    """Return what a prediction needs of a row: the file, and where to cut it."""
    times: dict[str, float] = {}
    for name in ("start", "end"):
        if name in entry.fields:
            found = parse_number(entry.fields[name])
            if found is None:
                return Problem(entry.place, explain_time(name, entry.fields[name]))
            if found < 0:
                return Problem(entry.place, f"{name} {found:g} s is before the start of the recording")
            times[name] = found
    if nothing := explain_span(times.get("start"), times.get("end")):
        return Problem(entry.place, nothing)
    file = entry.fields.get("file")
    if not isinstance(file, str):
        return Problem(entry.place, "no file; name the recording, or remove the row")
    speaker = entry.fields.get("speaker")
    return Utterance(
        id=entry.place,
        corpus="",
        file=file,
        start=times.get("start"),
        end=times.get("end"),
        speaker=None if speaker in (None, "") else str(speaker),
    )


def _text(value: object) -> str:
    """Write a cell as a table has it; of JSON, a list or an object as JSON."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else to_json(value, escaped=False)
    except ValueError:  # NaN or infinite, as other tools write for absent values
        return str(value)


def _expand(path: Path) -> tuple[list[Path], list[str]]:
    """List the recordings in a folder, and note what else is there; any other path stands for itself."""
    if not path.is_dir():
        return [path], []
    left: dict[Path, str] = {}
    inside = list(files.walk(path, left))
    # A broken link is kept, so that it is reported; a pipe or a socket is not a recording.
    found = audio.recordings(inside)
    left |= {each: "not a file; left out" for each in found if not (each.is_file() or each.is_symlink())}
    if others := [each for each in inside if each.suffix.lower() not in audio.MEDIA_SUFFIXES]:
        left[path] = f"{audio.count_others(others)}; left out"
    places: dict[str, list[str]] = defaultdict(list)
    for place, fact in left.items():
        places[fact].append(str(place))
    notes = [f"{list_some(named, _SHOWN)}: {fact}" for fact, named in places.items()]
    if beside := audio.left_out_beside(inside):
        notes.append(f"{path}: {audio.describe_left_out(beside, path)}")
    return [each for each in found if each not in left], notes


def divide_names(
    workspace: Workspace, names: Sequence[str], *, listed: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Divide the names of a command line into the model and the recordings.

    The first name is the model if it is ``latest`` or ``starter``, the folder of a bundle, a trial or a run,
    or the name of a run. A file, a folder of recordings, ``-`` and a name that ends like that of a recording
    are recordings, and the model is the starter. A folder of recordings that has the name of a run is the run
    if recordings follow.

    Args:
        workspace: folder of the runs.
        names: of an optional model and of recordings.
        listed: whether a table lists the recordings.

    Returns:
        Name of the model for `find_bundle`, and the names of the recordings.

    Raises:
        RunError: the only name is neither a model nor a recording, or the first of several is an archive.
    """
    if not names:
        return starter.NAME, ()
    path, rest = Path(names[0]), tuple(names[1:])
    model, recordings = (names[0], rest), (starter.NAME, tuple(names))
    if names[0] in ("latest", starter.NAME) or _holds_model(path) or _is_of_bundle(path):
        return model
    if (rest or listed) and path.suffix.lower() in files.ARCHIVES and path.is_file():
        raise RunError(
            f"{path}: an archive; if it holds the model, unpack it and name its folder, else leave it out"
        )
    if names[0] == "-" or path.is_file():
        return recordings
    if path.suffix.lower() in audio.MEDIA_SUFFIXES and not path.exists():
        return recordings  # reported as missing, as any other recording
    if path.exists():
        return model if (rest or listed) and _names_run(workspace, names[0]) else recordings
    if not rest and not listed and not _names_run(workspace, names[0]):
        raise RunError(
            f"{names[0]}: no such file or folder, and no model has this name (`sercli runs` lists the runs)"
        )
    return model


def _holds_model(folder: Path) -> bool:
    """Return whether a folder is that of a bundle (maybe an incomplete one), a trial or a run."""
    files = (*_OF_BUNDLE, "bundle/bundle.json")
    return any((folder / file).exists() for file in files) or is_run(folder)


def _is_of_bundle(path: Path) -> bool:
    """Return whether a file is one of the two that make a folder a bundle, so that its folder is meant."""
    return path.name in _OF_BUNDLE and path.is_file()


def _names_run(workspace: Workspace, name: str) -> bool:
    try:
        find_run(workspace, name)
    except (RunError, UnknownNameError):
        return False
    return True


def find_bundle(workspace: Workspace, name: str) -> Path:
    """Find a bundle by its folder or a file of it, its trial's folder, or the name of its run.

    The bundle of a run is that of its first finished trial. The name ``starter`` means the starter model.

    Raises:
        UnknownNameError: there is no run of that name.
        RunError: there are no runs yet, several fit, or none of the run's trials is finished.
        ConfigError: the starter is not installed.
    """
    if name == starter.NAME:
        return starter.find_starter()
    folder = Path(name).parent if _is_of_bundle(Path(name)) else Path(name)
    for path in (folder, folder / "bundle"):
        if (path / "bundle.json").is_file():
            return path
    if folder.is_dir() and (folder / "weights.safetensors").exists():
        raise RunError(f"{folder / 'bundle.json'}: missing; {folder} is not a complete bundle")
    return find_run(workspace, name).require_finished()[0].bundle


def predict_inputs(
    predictor: Predictor, inputs: Inputs, enrolment: Sequence[Path] = (), done: Collection[int] = ()
) -> Iterator[tuple[int, Prediction | Problem]]:
    """Yield the number and the prediction of each recording, or of the part of it that a table names.

    A part is cut out at its recording's own sample rate, as `sercli prepare` cuts utterances. Times of
    windows, turns and frames count from the start of the part; `Prediction.offset_s` is that start.

    Args:
        predictor: applies the model.
        inputs: the recordings.
        enrolment: recordings of the one speaker or corpus of all inputs, for a model that standardises per
            speaker or per corpus; the inputs themselves if empty.
        done: numbers of recordings that need no prediction; they are enrolled all the same.
    """
    spans = inputs.spans or ((None, None),) * len(inputs.files)
    recordings = [Recording(file, *span) for file, span in zip(inputs.files, spans, strict=True)]
    numbers = [number for number in range(len(recordings)) if number not in done]
    speakers: Sequence[str | None] | None = None
    if predictor.needs_speakers:
        speakers = inputs.speakers or None
    elif predictor.needs_several:
        speakers = (None,) * len(recordings)
    turns = None if inputs.turns is None else inputs.find_turns
    if turns is not None and predictor.needs_speakers and not speakers:
        speakers = (None,) * len(recordings)
    if speakers and enrolment:
        enrol_others(predictor, enrolment, speakers[0])
    elif speakers:  # those that can't be read are reported with their predictions
        predictor.enrol(zip(recordings, speakers, strict=True), turns)
    own = speakers and [speakers[number] for number in numbers]
    answers = predictor.predict((recordings[number] for number in numbers), own, turns)
    yield from zip(numbers, answers, strict=True)


def enrol_others(predictor: Predictor, recordings: Sequence[Path], speaker: str | None) -> None:
    """Compute the statistics of one speaker or corpus from recordings that are not to be predicted.

    Raises:
        AudioError: one of them can't be read.
    """
    problems = predictor.enrol((path, speaker) for path in recordings)
    if problems:
        raise AudioError(
            f"--enrol: {len(problems)} of {len(recordings)} recordings can't be used: {problems[0]}"
        )
