"""Run a corpus's reader, and see to it that every file it names lies where it may."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from sercli.config import Config
from sercli.corpora import Corpus, corpus_names, get_corpus
from sercli.errors import ConfigError, CorpusError
from sercli.manifest.recordings import Found, Missing, Recordings, describe, without_foreign_times
from sercli.manifest.text import binary_kind
from sercli.preparation._unpack import archive_kind
from sercli.records import Problem, Utterance

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# How Python keeps the bytes of a file's name that are not UTF-8; no file of ours can hold them.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Bytes of a file's name: 255, less what is put around it while it is written.
_LONGEST = 220


@dataclass(frozen=True, slots=True)
class Place:
    """A corpus as distributed.

    Attributes:
        corpus: how to read it.
        options: what follows the folder in a call of its reader.
        name: what it is called in the workspace.
        root: its folder, or the file that lists it.
        base: the folder that its audio files are relative to, and may not leave.
    """

    corpus: Corpus
    options: tuple[Config, ...]
    name: str
    root: Path
    base: Path


def name_for(source: str, corpus: Corpus, given: str | None, root: Path | None) -> str:
    """Return the name that a corpus gets in the workspace.

    Raises:
        ConfigError: it can't have that name, or can't be named at all.
    """
    if not corpus.any_name:
        if given not in (None, source):
            raise ConfigError(f"corpus '{source}' keeps its name; leave --name out")
        return source
    name = given
    if name is None:
        name = re.sub(r"[^a-z0-9]+", "-", root.resolve().stem.lower()).strip("-") if root else ""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name '{name}': write small letters, digits and hyphens, as in --name my-corpus")
    if name in corpus_names():
        raise ConfigError(f"name '{name}' is taken by a corpus of that name; choose another with --name")
    return name


def locate(
    source: str,
    corpus: Corpus,
    root: Path | None,
    audio_root: Path | None,
    options: tuple[Config, ...],
    name: str,
) -> Place:
    """Check that a corpus is where it is said to be.

    Raises:
        CorpusError: there is no such folder or file.
    """
    what = "file" if corpus.takes_file else "folder"
    wanted = (
        f"give {corpus.layout}" if corpus.any_name else f"give the {what} of corpus '{source}' as distributed"
    )
    if root is None:
        raise CorpusError(f"corpus '{source}': say where it lies, `sercli prepare {source} PATH`")
    if not root.exists():
        raise CorpusError(f"{root}: no such {what}; {wanted}")
    kind = binary_kind(root) if corpus.takes_file and root.is_file() else None
    if kind is not None:
        raise CorpusError(f"{root}: {kind}; {wanted}")
    if not root.is_dir() and not corpus.takes_file:
        archive = archive_kind(root)
        if archive is not None:
            raise CorpusError(
                f"{root}: {archive}, not a folder; unpack it, and give the folder that it holds"
            )
        raise CorpusError(f"{root}: not a folder; {wanted}")
    if audio_root is not None and not corpus.takes_file:
        raise CorpusError(f"{audio_root}: --audio-root is for tables; corpus '{source}' is one folder")
    base = audio_root or (root if root.is_dir() else root.parent)
    if not base.is_dir():
        raise CorpusError(f"{base}: no such folder; --audio-root names the folder of the audio files")
    return Place(corpus, options, name, root, base)


def read(place: Place) -> tuple[list[Utterance], list[Problem]]:
    """Read a corpus: each utterance once, each file within the corpus."""
    first: dict[str, Utterance] = {}
    problems: list[Problem] = []
    items = list(place.corpus.parse(place.root, *place.options))
    missing: dict[str, str] = {}
    if place.corpus.takes_file:
        items, missing = _located(items, place)
    within = _keeper(place, missing)
    for item in items:
        if isinstance(item, Problem):
            problems.append(_from_table(item, place))
            continue
        utterance, problem = within(item)
        if problem is not None:
            problems.append(problem)
        if utterance is None:
            continue
        if utterance.id in first:
            fact = f"the same utterance as {first[utterance.id].file} (id {utterance.id})"
            problems.append(Problem(utterance.file, fact))
        else:
            first[utterance.id] = utterance
    utterances = list(first.values())
    if place.corpus.cuts:
        utterances, note = without_foreign_times(utterances, place.base, place.root.name)
        problems += [note] if note else []
    return utterances, [_printable(problem) for problem in problems]


def _located(
    items: Sequence[Utterance | Problem], place: Place
) -> tuple[list[Utterance | Problem], dict[str, str]]:
    """Name the files as the disk does, where a list names them otherwise.

    Returns:
        The items with a note for each way in which names differ, and what is near the names that lead
        nowhere.
    """
    found = Recordings(place.base).find(item.file for item in items if isinstance(item, Utterance))
    located: list[Utterance | Problem] = []
    for item in items:
        answer = found[item.file] if isinstance(item, Utterance) else None
        if isinstance(item, Utterance) and isinstance(answer, Found) and answer.file != item.file:
            # An id that was made of the name loses another computer's folders with it.
            made, real = (_stem(name).lstrip("/") for name in (item.file.replace("\\", "/"), answer.file))
            key = item.id.replace("\\", "/")
            name = real + key.removeprefix(made) if key.startswith(made) else item.id
            located.append(replace(item, file=answer.file, id=name))
        else:
            located.append(item)
    missing = {name: answer.fact for name, answer in found.items() if isinstance(answer, Missing)}
    return [*located, *describe(found, place.root.name)], missing


def nothing_found(source: str, place: Place, problems: Sequence[Problem]) -> str:
    """Say what lies at a place in which the reader found no utterance."""
    root, corpus = place.root, place.corpus
    grave = [problem for problem in problems if not problem.harmless]
    if corpus.any_name and grave:
        more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        return f"{place.base / grave[0].place}: {grave[0].fact}{more}"
    for other in () if corpus.any_name else corpus_names():
        candidate = get_corpus(other)
        if other == source or candidate.generate is not None or candidate.any_name:
            continue
        if any(isinstance(item, Utterance) for item in candidate.parse(root, *candidate.chosen({}))):
            return f"{root}: not corpus '{source}' but '{other}'; run `sercli prepare {other} {root}`"
    if root.is_dir() and not any(root.iterdir()):
        return f"{root}: the folder is empty; corpus '{source}' lies as {corpus.layout} below it"
    first = f" (first of {len(problems)} problems: {problems[0]})" if problems else ""
    return f"{root}: no recordings of corpus '{source}', which lie as {corpus.layout} below it{first}"


def _stem(file: str) -> str:
    return file.removesuffix(PurePosixPath(file).suffix)


def _keeper(
    place: Place, missing: Mapping[str, str]
) -> Callable[[Utterance], tuple[Utterance | None, Problem | None]]:
    """Make a function that gives an utterance its id and its file's place relative to ``base``.

    What can't be prepared becomes ``None`` and a problem.
    """
    base, corpus = place.base, place.corpus
    # A table's absolute paths may be below the folder as it was given or as it really is called.
    real, given = Path(os.path.realpath(base)), Path(os.path.normpath(base.absolute()))
    elsewhere = "name the folder that holds all audio with --audio-root"
    linked: set[str] = set()  # told once, however many utterances are cut out of a file

    def within(utterance: Utterance) -> tuple[Utterance | None, Problem | None]:
        file = utterance.file
        if "\0" in file:
            return None, Problem(file, "not a file name")
        if _SURROGATE.search("".join(filter(None, _texts(utterance)))):
            return None, Problem(file, "its name, or what is said of it, is not UTF-8; rename it")
        path = Path(os.path.normpath(given / file))
        root = given if path.is_relative_to(given) else real
        if not path.is_relative_to(root) or path == root:
            near = f"{fact}; " if (fact := missing.get(utterance.file)) else ""
            return None, Problem(file, f"lies outside {given}; {near}{elsewhere}")
        file = path.relative_to(root).as_posix()
        if corpus.takes_file and not os.path.lexists(base / file):
            near = missing.get(utterance.file) or f"if the audio lies elsewhere, {elsewhere}"
            return None, Problem(file, f"no such file; {near}")
        name = utterance.id
        if corpus.any_name:
            name = f"{place.name}/{name or _name_by_file(file, utterance)}"
        if not _can_name_a_file(name):
            return None, Problem(file, f"its id '{name}' can't name a file; give it another")
        problem = None
        if file not in linked and not Path(os.path.realpath(base / file)).is_relative_to(real):
            linked.add(file)
            problem = Problem(file, "a link out of the corpus's folder; followed", harmless=True)
        return replace(utterance, id=name, corpus=place.name, file=file), problem

    return within


def _texts(utterance: Utterance) -> list[str | None]:
    values = (getattr(utterance, field.name) for field in fields(utterance))
    return [value for value in values if isinstance(value, str)]


def _name_by_file(file: str, utterance: Utterance) -> str:
    name = _stem(file)
    if utterance.start is None and utterance.end is None:
        return name
    return f"{name}_{utterance.start or 0:.10g}-" + ("" if utterance.end is None else f"{utterance.end:.10g}")


def _can_name_a_file(name: str) -> bool:
    """Tell whether files can be called so: no step out of the folder, no control character, not too long."""
    if "\\" in name or _CONTROL.search(name):
        return False
    return not any(part in ("", ".", "..") or len(part.encode()) > _LONGEST for part in name.split("/"))


def _from_table(problem: Problem, place: Place) -> Problem:
    """Say where a table lies that is not beside its audio."""
    folder = place.root if place.root.is_dir() else place.root.parent
    beside = folder.absolute() == place.base.absolute() or (place.base / problem.place).exists()
    if not place.corpus.takes_file or beside:
        return problem
    return replace(problem, place=str(folder.absolute() / problem.place))


def _printable(problem: Problem) -> Problem:
    """Keep a problem to one line that any terminal can print."""
    where, fact = (
        _CONTROL.sub("?", text.encode(errors="replace").decode()) for text in (problem.place, problem.fact)
    )
    return replace(problem, place=where, fact=fact)
