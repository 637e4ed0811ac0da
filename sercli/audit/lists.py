"""Divisions from lists: two or three files, or a folder of them as other toolkits keep them.

The columns of a list say who speaks. File names are only read for it where each file of the division
has the name of a supported corpus (`Corpus.from_name`) and no column contradicts the names: a name that
could be EMO-DB's proves nothing where its neighbour's could not.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sercli.audit import PARTS, Division, Item
from sercli.audit.audio import hash_audio
from sercli.corpora import corpus_names, get_corpus
from sercli.corpora.iemocap import prefix_speaker
from sercli.errors import ManifestError
from sercli.labels import to_noun
from sercli.manifest.interop import read_list
from sercli.manifest.lengths import Lengths, without_foreign_times
from sercli.manifest.listing import check_columns
from sercli.manifest.recordings import Found, Recordings, describe_renamed
from sercli.manifest.text import binary_kind
from sercli.records import Note, Problem, Utterance

# A part's name within a file's name, as toolkits write it.
_PART = re.compile(r"(?<![a-z])(train|trn|valid(?:ation)?|val|dev|test|tst|eval)(?![a-z])", re.IGNORECASE)
_MEANS = {"trn": "train", "valid": "dev", "validation": "dev", "val": "dev", "tst": "test", "eval": "test"}
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
# Labels that differ from those in the names are another corpus's, if they are more than a few mistakes.
_WRONG = 0.1


@dataclass(frozen=True, slots=True)
class ListReader:
    """How lists are read.

    Attributes:
        audio_root: folder that their files are relative to; each list's own if not given.
        columns: column by field, where the user names it.
    """

    audio_root: Path | None = None
    columns: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check the folder.

        Raises:
            ManifestError: it is none.
        """
        if self.audio_root is not None and not self.audio_root.is_dir():
            kind = binary_kind(self.audio_root) if self.audio_root.is_file() else None
            fact = kind or "no such folder; --audio-root names the folder of the audio files"
            raise ManifestError(f"{self.audio_root}: {fact}")

    def read(self, path: Path) -> tuple[list[Item], list[str]]:
        """Read a list: its items, and what is to be said of it.

        Raises:
            ManifestError: the list can't be read, or a line of it.
        """
        listed: list[Utterance] = []
        notes: list[str] = []
        for found in read_list(path, self.columns):
            if isinstance(found, Utterance):
                listed.append(found)
            elif isinstance(found, Note) or found.harmless:
                notes.append(f"{path.name}: {_what(found)}")
            else:
                raise ManifestError(f"{found.place}: {found.fact}; mend the list")
        if not listed:
            raise ManifestError(f"{path}: lists no utterance")
        base = self.audio_root or path.parent
        there, said = self._locate([each.file for each in listed], base)
        placed = [replace(each, file=there.get(each.file, each.file)) for each in listed]
        placed, times = without_foreign_times(placed, base, path.name)
        notes += [f"{path.name}: {_what(note)}" for note in (*said, *([times] if times else []))]
        items = []
        for each in placed:
            audio = base / each.file
            items.append(Item(each, each.speaker, str(audio) if audio.is_file() else None))
        return items, notes

    def _locate(self, names: Sequence[str], base: Path) -> tuple[dict[str, str], list[Note]]:
        """Spell the file names as the disk does, if the user named the folder of the audio."""
        if self.audio_root is None:
            return {name: name.replace("\\", "/") for name in names}, []
        found = Recordings(base).find(names)
        there = {name: answer.file for name, answer in found.items() if isinstance(answer, Found)}
        return {name: there.get(name, name.replace("\\", "/")) for name in names}, describe_renamed(found, "")


def from_files(
    paths: Sequence[Path], audio_root: Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[Division, list[str]]:
    """Make a division of two or three lists: parts by their names, else train, (dev,) test in order.

    Args:
        paths: the lists.
        audio_root: folder that their files are relative to; each list's own if not given.
        columns: column by field, where the user names it.

    Returns:
        The division, and how the lists were read, a line each.

    Raises:
        ConfigError: there is no field of that name.
        ManifestError: a list can't be read, or the lists are not two or three parts.
    """
    if not 2 <= len(paths) <= 3:
        raise ManifestError(f"{paths[0]}: a division needs two or three lists: train, (dev,) test")
    named = [_part(path) for path in paths]
    if None in named or len(set(named)) < len(named):
        named = list(PARTS) if len(paths) == 3 else ["train", "test"]
    reader = ListReader(audio_root, check_columns(columns or {}))
    by_part = {str(part): path for part, path in zip(named, paths, strict=True)}
    return _division(" + ".join(path.name for path in paths), by_part, reader)


def from_folder(
    folder: Path, audio_root: Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[list[Division], list[str]]:
    """Find the divisions of a folder: files whose names differ in train, dev and test only.

    Returns:
        The divisions, and a line for each group of files that is passed over and for how lists were read.

    Raises:
        ConfigError: there is no field of that name.
        ManifestError: there are none, or a list can't be read.
    """
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in sorted(folder.rglob("*")):
        part = _part(path)
        if part and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            groups.setdefault((path.parent, _PART.sub("*", path.stem)), {})
            known = groups[path.parent, _PART.sub("*", path.stem)]
            # The same list in several formats counts once, the first of the suffixes before others.
            if part not in known or _rank(path) < _rank(known[part]):
                known[part] = path
    whole = {key: found for key, found in groups.items() if len(found) > 1}
    if not whole:
        raise ManifestError(
            f"{folder}: no lists that divide a corpus, such as train.json and test.json, "
            "or x_train_fold_1.jsonl and x_test_fold_1.jsonl"
        )
    reader = ListReader(audio_root, check_columns(columns or {}))
    divisions: list[Division] = []
    passed_over: list[str] = []
    notes: list[str] = []
    for (parent, _), found in whole.items():
        first = next(iter(found.values()))
        place = parent.relative_to(folder).as_posix()
        name = f"{place}/{_PART.sub('*', first.name)}".removeprefix("./")
        try:
            division, said = _division(name, {part: found[part] for part in PARTS if part in found}, reader)
        except ManifestError as error:
            passed_over.append(f"passed over: {error}")
            continue
        divisions.append(division)
        notes += said
    if not divisions:
        raise ManifestError(passed_over[0].removeprefix("passed over: "))
    return divisions, passed_over + notes


def _division(name: str, paths: Mapping[str, Path], reader: ListReader) -> tuple[Division, list[str]]:
    parts: dict[str, list[Item]] = {}
    notes: list[str] = []
    for part, path in paths.items():
        parts[part], said = reader.read(path)
        notes += said
    parts, said = _with_names(parts)
    notes += said
    for part, path in paths.items():
        lengths = Lengths(path.name)
        listed = {id(item.utterance): item.utterance for item in parts[part]}
        hashed = hash_audio(parts[part])
        for item, heard in zip(parts[part], hashed, strict=True):
            if heard.seconds is not None:
                stated = listed[id(item.utterance)]
                lengths.add(stated, replace(stated, duration=heard.seconds))
        notes += [f"{note.place}: {_what(note)}" for note in lengths.notes()]
        parts[part] = hashed
    return Division(name, parts, _shares(parts)), notes


def _what(problem: Problem) -> str:
    return f"{problem.title}: {problem.fact}" if isinstance(problem, Note) else problem.fact


def _part(path: Path) -> str | None:
    found = _PART.findall(path.stem)
    return _MEANS.get(found[-1].lower(), found[-1].lower()) if found else None


def _rank(path: Path) -> int:
    return _SUFFIXES.index(path.suffix.lower())


def _with_names(parts: Mapping[str, Sequence[Item]]) -> tuple[dict[str, list[Item]], list[str]]:
    """Complete items by their file names, if all are names of a corpus and no column contradicts them."""
    items = [item for found in parts.values() for item in found]
    readers = [read for name in corpus_names() if (read := get_corpus(name).from_name)]
    known = {id(item): _named(item.utterance, readers) for item in items}
    named = [(item, each) for item in items if (each := known[id(item)]) is not None]
    corpora = ", ".join(sorted({each.corpus for _, each in named}))
    why = ""
    if 0 < len(named) < len(items):
        why = f"{len(named)} of {len(items)} file names look like those of {corpora}, the others do not"
    elif named and (contradicted := _contradicted(named)):
        why = f"all names look like those of {corpora}, but the {contradicted} of the lists contradict them"
    if not named or why:
        kept = {part: [_by_file(item) for item in found] for part, found in parts.items()}
        return kept, [f"names: {why}; file names were not used"] if why else []
    completed = {
        part: [_completed(item, each) for item in found if (each := known[id(item)]) is not None]
        for part, found in parts.items()
    }
    return completed, [
        f"names: speakers, texts and sessions were read from the file names, which are those of {corpora}"
    ]


def _named(listed: Utterance, readers: Sequence[Callable[[str], Utterance | None]]) -> Utterance | None:
    """Return what a file's name says, if it is a supported corpus's."""
    stem = PurePosixPath(listed.file).stem
    return next((known for read in readers if (known := read(stem)) is not None), None)


def _contradicted(named: Sequence[tuple[Item, Utterance]]) -> str:
    """Name the column that does not go with what the names say; empty if all do."""
    declared = [
        (f"{known.corpus}/{item.declared_speaker}", known) for item, known in named if item.declared_speaker
    ]
    if not _one_to_one((name, known.speaker) for name, known in declared):
        # Taking the dialog's prefix for the speaker is a mistake that is made with IEMOCAP itself.
        turns = [(name, known) for name, known in declared if known.corpus == "iemocap"]
        stems = {id(known): known.id.rpartition("/")[2] for _, known in turns}
        if len(turns) < len(declared) or not _one_to_one(
            (name, prefix_speaker(stems[id(known)])) for name, known in turns
        ):
            return "speakers"
    genders = [(item.utterance.gender, known.gender) for item, known in named]
    if any(a is not None and b is not None and a != b for a, b in genders):
        return "genders"
    labels = [(_noun(item.utterance), known.emotion) for item, known in named]
    stated = [(a, b) for a, b in labels if a is not None and b is not None]
    if sum(a != b for a, b in stated) > _WRONG * len(stated):
        return "emotions"
    return ""


def _one_to_one(pairs: Iterable[tuple[str, str | None]]) -> bool:
    left: dict[str, set[str]] = defaultdict(set)
    right: dict[str, set[str]] = defaultdict(set)
    for a, b in pairs:
        left[a].add(str(b))
        right[str(b)].add(a)
    return all(len(values) == 1 for values in (*left.values(), *right.values()))


def _noun(utterance: Utterance) -> str | None:
    return utterance.emotion or to_noun(utterance.emotion_raw or "")


def _completed(item: Item, known: Utterance) -> Item:
    """Complete an utterance by what its file's name says."""
    listed = item.utterance
    kept = ("file", "sha256", "source_sha256", "start", "end", "duration", "transcript")
    told = {name: getattr(listed, name) for name in kept}
    emotion, raw = listed.emotion or known.emotion, listed.emotion_raw or known.emotion_raw
    source = listed.source or listed.file
    return replace(item, utterance=replace(known, **told, source=source, emotion=emotion, emotion_raw=raw))


def _by_file(item: Item) -> Item:
    """Name an utterance by its file, so that it has the same id in every list."""
    listed = item.utterance
    cut = "" if listed.start is None and listed.end is None else f"#{listed.start!r}-{listed.end!r}"
    place = str(Path(item.path).resolve()) if item.path else listed.file
    return replace(item, utterance=replace(listed, id=f"{place}{cut}"))


def _shares(parts: Mapping[str, Iterable[Item]]) -> dict[str, str]:
    """Return what the corpora of these lists share however they are divided."""
    corpora = {item.utterance.corpus for items in parts.values() for item in items}
    known = corpora & set(corpus_names())
    if len(corpora) != 1 or not known:
        return {}
    return dict(get_corpus(known.pop()).shares)
