"""Run a corpus's reader, and see to it that every file it names lies where it may."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sercli.config import Config
from sercli.corpora import Corpus, corpus_names, get_corpus
from sercli.errors import ConfigError, CorpusError
from sercli.records import Problem, Utterance

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


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
    wanted = f"give the {what} of corpus '{source}' as distributed"
    if root is None:
        raise CorpusError(f"corpus '{source}': say where it lies, `sercli prepare {source} PATH`")
    if not root.exists():
        raise CorpusError(f"{root}: no such {what}; {wanted}")
    if not root.is_dir() and not corpus.takes_file:
        raise CorpusError(f"{root}: not a folder; {wanted}")
    base = audio_root or (root if root.is_dir() else root.parent)
    if not base.is_dir():
        raise CorpusError(f"{base}: no such folder; --audio-root names the folder of the audio files")
    return Place(corpus, options, name, root, base)


def read(place: Place) -> tuple[list[Utterance], list[Problem]]:
    """Read a corpus: each utterance once, each file within the corpus."""
    first: dict[str, Utterance] = {}
    problems: list[Problem] = []
    within = _keeper(place.base)
    for item in place.corpus.parse(place.root, *place.options):
        if isinstance(item, Problem):
            problems.append(item)
            continue
        utterance = item
        if place.corpus.any_name:
            utterance = replace(item, id=f"{place.name}/{item.id}", corpus=place.name)
        file, problem = within(utterance.file)
        if problem is not None:
            problems.append(problem)
        if file is None:
            continue
        if not _can_name_a_file(utterance.id):
            problems.append(Problem(utterance.file, f"its id '{utterance.id}' can't name a file"))
        elif utterance.id in first:
            fact = f"the same utterance as {first[utterance.id].file} (id {utterance.id})"
            problems.append(Problem(file, fact))
        else:
            first[utterance.id] = replace(utterance, file=file)
    return list(first.values()), problems


def nothing_found(source: str, place: Place, problems: Sequence[Problem]) -> str:
    """Say what lies at a place in which the reader found no utterance."""
    root, corpus = place.root, place.corpus
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


def _keeper(base: Path) -> Callable[[str], tuple[str | None, Problem | None]]:
    """Make a function from a file's name to its place relative to ``base``, and what is wrong with it."""
    real, absolute = base.resolve(), base.absolute()

    def within(file: str) -> tuple[str | None, Problem | None]:
        if "\0" in file:
            return None, Problem(file.replace("\0", "?"), "not a file name")
        path = Path(os.path.normpath(absolute / file))
        if not path.is_relative_to(absolute) or path == absolute:
            fact = f"lies outside {base}; name the folder that holds all audio with --audio-root"
            return None, Problem(file, fact)
        relative = path.relative_to(absolute).as_posix()
        if not path.resolve().is_relative_to(real):
            return relative, Problem(relative, "a link out of the corpus's folder; followed", harmless=True)
        return relative, None

    return within


def _can_name_a_file(name: str) -> bool:
    parts = name.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)
