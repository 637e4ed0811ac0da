"""Run a corpus's reader, and make sure that each file it names is within the corpus."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath

from sercli import manifest
from sercli.errors import CorpusError
from sercli.manifest.lengths import without_foreign_times
from sercli.manifest.recordings import Found, Missing, Recordings, describe_renamed
from sercli.manifest.speakers import settle_genders
from sercli.plain import is_text
from sercli.preparation._place import Place
from sercli.records import Problem, Utterance

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Bytes of a file's name: 255, minus the characters that are added while the file is written.
_LONGEST = 220


def read(place: Place) -> tuple[list[Utterance], list[Problem], dict[str, Utterance]]:
    """Read a corpus: each utterance once, each file within the corpus.

    Returns:
        Utterances, problems, and by id the second file of an utterance, such as ``a.wav`` beside ``a.flac``.

    Raises:
        CorpusError: the reader gives a value of a wrong type, the id or name of another corpus, or parts of a
            file though its utterances are not cut out of their files.
    """
    first: dict[str, Utterance] = {}
    second: dict[str, Utterance] = {}
    problems: list[Problem] = []
    items = list(place.corpus.parse(place.root, *place.options))
    if place.corpus.any_name:
        items = settle_genders(items)
    missing: dict[str, str] = {}
    named = {item.file for item in items if isinstance(item, Utterance)}
    if place.corpus.takes_file:
        items, missing = _located(items, place)
    keep = _keeper(place, missing, elsewhere=2 * len(missing) >= len(named))
    for item in items:
        if isinstance(item, Problem):
            problems.append(from_table(item, place))
            continue
        if fault := manifest.wrong_value(item) or _foreign_name(item, place):
            raise CorpusError(
                f"{place.base / str(item.file)}: {fault} in the reader of corpus '{place.name}'"
            )
        utterance, problem = keep(item)
        if problem is not None:
            problems.append(problem)
        if utterance is None:
            continue
        if utterance.id in first:
            fact = f"the same utterance as {first[utterance.id].file} (id {utterance.id})"
            problems.append(Problem(utterance.file, fact))
            second.setdefault(utterance.id, utterance)
        else:
            first[utterance.id] = utterance
    utterances = list(first.values())
    if place.corpus.cuts:
        utterances, note = without_foreign_times(utterances, place.base, place.root.name)
        problems += [note] if note else []
    else:
        _refuse_parts(utterances, place)
    return utterances, [_printable(problem) for problem in problems], second


def _refuse_parts(utterances: Sequence[Utterance], place: Place) -> None:
    """Refuse utterances that are parts of one file: without ``cuts``, each would get the complete file."""
    times: dict[str, tuple[float | None, float | None]] = {}
    for each in utterances:
        if times.setdefault(each.file, (each.start, each.end)) != (each.start, each.end):
            raise CorpusError(
                f"{place.base / each.file}: two utterances have different times in this file, but the reader "
                f"of corpus '{place.name}' does not cut files; write cuts=True in its CORPUS"
            )


def _located(
    items: Sequence[Utterance | Problem], place: Place
) -> tuple[list[Utterance | Problem], dict[str, str]]:
    """Replace the names in a list by those of the files on the disk.

    Returns:
        The items with a note for each kind of difference, and facts about the names that were not found.
    """
    found = Recordings(place.base).find(item.file for item in items if isinstance(item, Utterance))
    located: list[Utterance | Problem] = []
    for item in items:
        answer = found[item.file] if isinstance(item, Utterance) else None
        if isinstance(item, Utterance) and isinstance(answer, Found) and answer.file != item.file:
            # An id that was made from the name also loses the folders of another computer.
            made, real = (_stem(name).lstrip("/") for name in (item.file.replace("\\", "/"), answer.file))
            key = item.id.replace("\\", "/")
            name = real + key.removeprefix(made) if key.startswith(made) else item.id
            located.append(replace(item, file=answer.file, id=name))
        else:
            located.append(item)
    missing = {name: answer.fact for name, answer in found.items() if isinstance(answer, Missing)}
    return [*located, *describe_renamed(found, place.root.name)], missing


def _stem(file: str) -> str:
    return file.removesuffix(PurePosixPath(file).suffix)


def _keeper(
    place: Place, missing: Mapping[str, str], *, elsewhere: bool
) -> Callable[[Utterance], tuple[Utterance | None, Problem | None]]:
    """Make a function that sets an utterance's id and its file's place relative to ``base``.

    For an utterance that can't be prepared it returns ``None`` and a problem.

    Args:
        place: the corpus.
        missing: facts about names that were not found.
        elsewhere: whether so many are missing that the audio may be in another folder.
    """
    base, corpus = place.base, place.corpus
    # A table's absolute paths may be below the folder as given or with its links resolved.
    real, given = Path(os.path.realpath(base)), Path(os.path.normpath(base.absolute()))
    remedy = "name the folder that holds all audio with --audio-root"
    linked: set[str] = set()  # reported once per file, even if several utterances are cut out of it

    def keep(utterance: Utterance) -> tuple[Utterance | None, Problem | None]:
        file = utterance.file
        if "\0" in file:
            return None, Problem(file, "not a file name")
        if not all(map(is_text, _texts(utterance))):
            return None, Problem(file, "its name or another value is not UTF-8; rename it")
        path = Path(os.path.normpath(given / file))
        root = given if path.is_relative_to(given) else real
        if not path.is_relative_to(root) or path == root:
            near = f"{fact}; " if (fact := missing.get(utterance.file)) else ""
            return None, Problem(file, f"is outside {given}; {near}{remedy}")
        file = path.relative_to(root).as_posix()
        if corpus.takes_file and not os.path.lexists(base / file):
            folder = f"if the audio is in another folder, {remedy}" if elsewhere else ""
            near = missing.get(utterance.file) or folder
            return None, Problem(file, "no such file" + (f"; {near}" if near else ""))
        name = utterance.id
        if corpus.any_name:
            name = f"{place.name}/{name or _name_by_file(file, utterance)}"
        if fault := _fault_of(name):
            fact = f"its id '{name}' can't name a file: it has {fault}; give it another"
            if utterance.id in ("", _stem(file)):  # the id is made from the path
                fact = f"its path has {fault}; rename the file or its folder"
            return None, Problem(file, fact)
        problem = None
        if file not in linked and not Path(os.path.realpath(base / file)).is_relative_to(real):
            linked.add(file)
            problem = Problem(file, "a link out of the corpus's folder; followed", harmless=True)
        return replace(utterance, id=name, corpus=place.name, file=file), problem

    return keep


def _foreign_name(utterance: Utterance, place: Place) -> str:
    """State what to write instead of the id and corpus of an utterance that has those of another corpus."""
    name = place.name
    if place.corpus.any_name or (utterance.corpus == name and utterance.id.startswith(f"{name}/")):
        return ""
    found = f"its id is '{utterance.id}', its corpus '{utterance.corpus}'"
    return f"{found}; give an id that begins with '{name}/', and the corpus '{name}',"


def _texts(utterance: Utterance) -> list[str | None]:
    values = (getattr(utterance, field.name) for field in fields(utterance))
    return [value for value in values if isinstance(value, str)]


def _name_by_file(file: str, utterance: Utterance) -> str:
    name = _stem(file)
    if utterance.start is None and utterance.end is None:
        return name
    return f"{name}_{utterance.start or 0:.10g}-" + ("" if utterance.end is None else f"{utterance.end:.10g}")


def _fault_of(name: str) -> str:
    """State why a file can't have that name, inside the folder; empty if it can."""
    if "\\" in name:
        return "a backslash"
    if _CONTROL.search(name):
        return "a control character, such as a tab or a line break"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "an empty part, . or .. between slashes"
    too_long = any(len(part.encode()) > _LONGEST for part in parts)
    return f"a name of more than {_LONGEST} bytes" if too_long else ""


def from_table(problem: Problem, place: Place) -> Problem:
    """Return the complete path of a table that is not beside its audio."""
    folder = place.root if place.root.is_dir() else place.root.parent
    beside = folder.absolute() == place.base.absolute() or (place.base / problem.place).exists()
    if not place.corpus.takes_file or beside:
        return problem
    return replace(problem, place=str(folder.absolute() / problem.place))


def _printable(problem: Problem) -> Problem:
    """Format a problem as one line that any terminal can print."""
    where, fact = (
        _CONTROL.sub("?", text.encode(errors="replace").decode()) for text in (problem.place, problem.fact)
    )
    return replace(problem, place=where, fact=fact)
