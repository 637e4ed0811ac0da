"""Read any corpus with one folder per emotion: ``angry/x.wav``, ``Happy/sub/y.flac``.

The folders of the emotions may be below other folders: ``train/angry``, ``0011/Angry/train``.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from sercli import audio
from sercli.corpora import Corpus
from sercli.corpora._any import AnyOptions, complete, remedy
from sercli.corpora._elsewhere import pattern_of_names, remedy_elsewhere
from sercli.corpora._levels import MEANINGS, NOT_USED, Levels, find_levels, named_levels
from sercli.files import ARCHIVES, walk
from sercli.labels import is_part, to_noun, trim
from sercli.manifest.interop import audiofolder
from sercli.records import Problem, Utterance

_OUTSIDE = (
    "give the folder above those of the emotions. If file names contain the emotion, add --speaker-pattern "
    "with a regular expression that fits your names: '_(?P<emotion>[a-z]+)_' fits s1_angry_2.wav; else list "
    "files and emotions in a table for `sercli prepare csv`"
)


class FolderOptions(AnyOptions):
    """The same settings for folders, whose levels have meanings."""

    levels: str | None = None
    """Meaning of each level of folders, the outermost first, as speaker/emotion, if it is not found: emotion,
    speaker, gender, session, dialog, text_id, or - for a level that is not used."""

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        named = self.meanings
        for name in named:
            if name not in MEANINGS:
                raise ValueError(f"levels: '{name}' is none of {', '.join(MEANINGS)}")
            if name != NOT_USED and named.count(name) > 1:
                raise ValueError(f"levels: {name} is named twice")
        if self.levels is not None and "emotion" not in named:
            raise ValueError("levels: name the level of the emotion, as in speaker/emotion")
        return self

    @property
    def meanings(self) -> list[str]:
        """Meaning of each level; empty if the user names none."""
        return [] if self.levels is None else [each.strip() for each in self.levels.split("/")]


def parse(root: Path, options: FolderOptions) -> Iterator[Utterance | Problem]:
    """Yield the recordings below ``root``, sorted; the label is the name of a folder above the recording.

    This folder is the outermost one. If no outermost folder has an emotion's name, it is in the only level of
    folders whose names are emotions. Beside them any other name is a label too. If no name at any level is an
    emotion's, only a single level of folders can be that of the labels; otherwise each folder is one problem,
    for any number of recordings. Files of other kinds are counted, so that unknown audio formats are noticed.
    """
    unread: dict[Path, str] = {}
    files = sorted(walk(root, unread))
    recordings = audio.recordings(files)
    taken = set(recordings)
    beside = audio.left_out_beside(files)
    others = [path for path in files if path not in taken]
    yield from _unread(unread, others, root)
    if options.names_emotion:
        yield from _other_kinds(others, root, 0, beside)
        for path in recordings:
            file = path.relative_to(root).as_posix()
            yield complete(Utterance(id="", corpus="", file=file), file, options)
        return

    def is_emotion(name: str) -> bool:
        return to_noun(name, options.map) is not None

    folders = [path.relative_to(root).parts[:-1] for path in recordings]
    if options.meanings:
        levels: Levels | Problem = named_levels(folders, options.meanings)
    else:
        levels = find_levels(folders, is_emotion, speaker_given=options.speaker_pattern is not None)
    if isinstance(levels, Problem):
        yield levels
        return
    pattern, elsewhere = "", ""
    if not options.meanings and not any(is_emotion(name) for name in _names_at(folders, levels.emotion)):
        pattern = pattern_of_names([path.relative_to(root).as_posix() for path in recordings], is_emotion)
        elsewhere = remedy_elsewhere(root, pattern, options.speaker_pattern)
    if pattern and levels.certain:
        yield _doubt_levels(levels, elsewhere)
        return
    yield from levels.notes
    for folder, paths in _by_folder(files, root, levels.emotion):
        inside = [path for path in paths if path in taken]
        if not folder:
            fact = f"is in no emotion's folder; {elsewhere or _OUTSIDE}"
            yield from (Problem(path.relative_to(root).as_posix(), fact) for path in inside)
        elif is_emotion(folder[-1]) or (inside and levels.certain and not is_part(folder[-1])):
            other = (path for path in paths if path not in taken)
            yield from _other_kinds(other, root, len(folder), beside)
            for path in inside:
                parts = path.relative_to(root).parts
                facts: dict[str, Any] = {
                    field: trim(parts[level])
                    for field, level in levels.fields.items()
                    if level < len(parts) - 1
                }
                file = path.relative_to(root).as_posix()
                utterance = Utterance(id="", corpus="", file=file, emotion_raw=folder[-1], **facts)
                yield complete(utterance, file, options)
        elif inside:
            yield _without_emotion(root, folder, inside, elsewhere)


def _doubt_levels(levels: Levels, elsewhere: str) -> Problem:
    """Explain that no name of a folder is an emotion, but names of files are."""
    level = "/".join([NOT_USED] * levels.emotion + ["emotion"])
    fact = f"no name of a folder is a known emotion, and {elsewhere}"
    return Problem(".", f"{fact}; if the folders are the labels, add --set levels={level}")


def _names_at(folders: Iterable[tuple[str, ...]], level: int) -> set[str]:
    """Return the names of the folders at a level."""
    return {each[level] for each in folders if level < len(each)}


def _without_emotion(root: Path, folder: tuple[str, ...], inside: Sequence[Path], elsewhere: str) -> Problem:
    """Explain that a folder with recordings is not one of an emotion, and what may be meant."""
    place, name = "/".join(folder), folder[-1]
    if (root / "wav.scp").is_file():
        return Problem(place, "it is part of a Kaldi folder; read that with `sercli prepare manifest`")
    if is_part(name) and any((root / place / each).is_file() for each in audiofolder.NAMES):
        return Problem(place, "it holds the list of an audiofolder; read it with `sercli prepare manifest`")
    if is_part(name) and not elsewhere:
        fact = "its name is that of a part, not of an emotion; move the folders of emotions out of it"
        return Problem(place, fact)
    count = f"{len(inside)} recording" + "s" * (len(inside) > 1)
    fact = f"a folder of {count}, whose name is not a known emotion; {elsewhere or remedy(name)}"
    if elsewhere:
        return Problem(place, fact)
    deeper = max(len(path.relative_to(root).parts) - 1 for path in inside) - len(folder)
    if deeper:  # the folders of emotions may be below
        names = "/".join([*["-"] * (len(folder) - 1), "speaker", *["-"] * (deeper - 1), "emotion"])
        fact += f", or name the levels, as --set levels={names}"
    return Problem(place, fact)


def _by_folder(files: Iterable[Path], root: Path, level: int) -> Iterator[tuple[tuple[str, ...], list[Path]]]:
    """Group files by their folder at a level; files without such a folder have an empty name."""
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        folders = path.relative_to(root).parts[:-1]
        groups.setdefault(folders[: level + 1] if len(folders) > level else (), []).append(path)
    yield from sorted(groups.items())


def _unread(folders: Mapping[Path, str], files: Iterable[Path], root: Path) -> Iterator[Problem]:
    """Point out folders below the root that were not read, and archives and broken links in place of some."""
    for path in sorted(folders.keys() - {root}):
        readable = os.access(path, os.R_OK | os.X_OK)
        yield Problem(path.relative_to(root).as_posix(), folders[path], harmless=readable)
    for path in files:
        place = path.relative_to(root).as_posix()
        if path.suffix.lower() in ARCHIVES:
            fact = "an archive, not read; if it holds recordings that are not in the folders, unpack it there"
            yield Problem(place, fact, harmless=True)
        elif not path.exists():
            yield Problem(place, "a link to nothing; not read", harmless=True)


def _other_kinds(
    paths: Iterable[Path], root: Path, depth: int, beside: Mapping[Path, Path]
) -> Iterator[Problem]:
    """Count the files that are not audio, and name recordings left out, by their folder at that level."""
    by_folder: dict[str, list[Path]] = {}
    for path in paths:
        parts = path.relative_to(root).parts
        if len(parts) > max(depth, 1) or path in beside:
            by_folder.setdefault("/".join(parts[: max(depth, 1)][: len(parts) - 1]), []).append(path)
    for folder, inside in by_folder.items():
        if copies := {path: beside[path] for path in inside if path in beside}:
            fact = audio.describe_left_out(copies, root / folder)
            yield Problem(folder or ".", fact, harmless=True)
        if others := [path for path in inside if path not in beside]:
            yield Problem(folder, audio.count_others(others), harmless=True)


CORPUS = Corpus(
    parse,
    title="A corpus in folders, one per emotion",
    source="the user's own",
    licence="unknown; ask the owner of the recordings",
    layout="angry/anything.wav, happy/anything.wav and so on",
    options=FolderOptions,
    any_name=True,
)
