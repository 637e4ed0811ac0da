"""Find a corpus as distributed: its name, its folder or list, and the level of folders where it begins."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from sercli import registry
from sercli.audio import recordings
from sercli.audio.kinds import HEAD_BYTES, describe
from sercli.corpora import Corpus, ReaderConfig, corpus_names, get_corpus
from sercli.errors import ConfigError, CorpusError, list_some
from sercli.files import walk
from sercli.manifest.text import binary_kind
from sercli.preparation._dataset import find_shards
from sercli.preparation._opening import has_suffix, stem_of
from sercli.preparation._unpack import archive_kind, can_unpack
from sercli.records import Note, Problem, Utterance

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,199}")
_LEVELS = 2
_SHOWN = 3
_LARGE = 8000  # recordings; to try every corpus on more takes too long for a message
_MOST = 0.9  # of the recordings that the reader of a corpus must recognise to be proposed
# A folder with more sub-folders is not a copy of a corpus.
_MOST_FOLDERS = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A corpus as distributed.

    Attributes:
        corpus: reader of the corpus.
        options: arguments of the reader after the folder.
        name: name in the workspace.
        root: folder of the corpus, or the file that lists it.
        base: the folder that the audio files are relative to; they may not be outside it.
    """

    corpus: Corpus
    options: tuple[ReaderConfig, ...]
    name: str
    root: Path
    base: Path


def name_for(source: str, corpus: Corpus, given: str | None, root: Path | None) -> str:
    """Return the name of a corpus in the workspace.

    Raises:
        ConfigError: the corpus can't have that name, or the user can't name it at all.
        CorpusError: neither a name nor a path is given.
    """
    if not corpus.any_name:
        if given not in (None, source):
            raise ConfigError(f"corpus '{source}' has a fixed name; leave --name out")
        return source
    name = given
    if name is None:
        if root is None:
            raise _no_path(source)
        stem = stem_of(root.resolve())
        name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
        if not name:
            raise ConfigError(
                f"{root}: '{stem}' has no letters a to z or digits for a name; add one, --name my-corpus"
            )
    if not _NAME.fullmatch(name):
        usual = "use small letters, digits and hyphens, at most 200, as in --name my-corpus"
        raise ConfigError(f"name '{name}': {usual}")
    if name in corpus_names():
        raise ConfigError(f"name '{name}' is the name of a supported corpus; choose another with --name")
    return name


def _no_path(source: str) -> CorpusError:
    return CorpusError(f"corpus '{source}': give its path, `sercli prepare {source} PATH`")


def find_place(
    source: str,
    corpus: Corpus,
    root: Path | None,
    audio_root: Path | None,
    options: tuple[ReaderConfig, ...],
    name: str,
) -> Place:
    """Check that the corpus is at the given path.

    Raises:
        CorpusError: there is no such folder or file.
    """
    what = "file" if corpus.takes_file else "folder"
    wanted = (
        f"give {corpus.layout}" if corpus.any_name else f"give the {what} of corpus '{source}' as distributed"
    )
    if root is None:
        raise _no_path(source)
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
        with root.open("rb") as file:
            known = describe(file.read(HEAD_BYTES), root.suffix.lower())
        if known is not None:
            raise CorpusError(f"{root}: {known}; {wanted}")
        raise CorpusError(f"{root}: not a folder; {wanted}")
    if audio_root is not None and not corpus.takes_file:
        raise CorpusError(f"{audio_root}: --audio-root is for tables; corpus '{source}' is one folder")
    base = audio_root or (root if root.is_dir() else root.parent)
    if not base.is_dir():
        raise CorpusError(f"{base}: no such folder; --audio-root names the folder of the audio files")
    return Place(corpus, options, name, root, base)


def find_root(source: str, place: Place) -> tuple[Place, list[Note]]:
    """Return the folder where a corpus with its own reader begins, and a note if it is not the given one.

    Raises:
        CorpusError: several folders below hold the corpus, or the given folder is a part of it.
    """
    corpus, root = place.corpus, place.root
    if corpus.any_name or corpus.generate is not None or _utterance(corpus, root, place) is not None:
        return place, []
    level = [root]
    for _ in range(_LEVELS):
        level = [child for folder in level for child in _folders(folder)][:_MOST_FOLDERS]
        holding = [folder for folder in level if _utterance(corpus, folder, place) is not None]
        if len(holding) > 1:
            named = ", ".join(folder.relative_to(root).as_posix() for folder in holding[:3])
            raise CorpusError(f"{root}: more than one copy of the corpus ({named}); give the folder of one")
        if holding:
            note = f"begins in {holding[0].relative_to(root).as_posix()}, below the folder that was given"
            return replace(place, root=holding[0], base=holding[0]), [Note(".", note, title="corpus")]
    within = root.resolve()
    for above in list(within.parents)[:_LEVELS]:
        if not any(fnmatch(within.name, pattern) for pattern in corpus.inner):
            break
        found = [item for item in corpus.parse(above, *place.options) if isinstance(item, Utterance)]
        if not found:
            continue
        # A folder of labels identifies the complete corpus; one session of several does not.
        part = above / within.relative_to(above).parts[0]
        inside = [(above / utterance.file).is_relative_to(part) for utterance in found]
        if any(inside) and not all(inside):
            raise CorpusError(
                f"{root}: a part of corpus '{source}', which begins in {above}; "
                f"run `sercli prepare {source} {above}`"
            )
        note = f"begins in {above}, above the folder that was given"
        return replace(place, root=above, base=above), [Note(".", note, title="corpus")]
    return place, []


def find_more(place: Place, found: int) -> tuple[Path, int] | None:
    """Find a folder above with more utterances, if the given one has the name of an inner folder.

    Args:
        place: the corpus at the folder that was given.
        found: number of utterances there.

    Returns:
        The folder and its number of utterances; ``None`` if no folder above holds more.
    """
    within, best = place.root.resolve(), None
    for above in list(within.parents)[:_LEVELS]:
        if not any(fnmatch(within.name, pattern) for pattern in place.corpus.inner):
            break
        items = place.corpus.parse(above, *place.options)
        count = sum(isinstance(item, Utterance) for item in items)
        if count > (best[1] if best else found):
            best = above, count
        within = above
    return best


def _recognised(name: str, root: Path) -> int:
    """Count the utterances that the reader of a corpus finds in a folder.

    Raises:
        PluginError: the reader of a plug-in fails.
    """
    corpus = get_corpus(name)
    if corpus.generate is not None or corpus.any_name:
        return 0
    with registry.blaming("sercli.corpora", name):
        return sum(isinstance(item, Utterance) for item in corpus.parse(root, *corpus.chosen({})))


def _other_corpus(source: str, root: Path) -> tuple[str, int]:
    """Find the corpus whose reader recognises most recordings in a folder; an empty name if none does.

    Of several, it is the smallest: the names of RAVDESS also fit those of the larger ASVP-ESD.
    """
    others = (name for name in corpus_names() if name != source)
    found = dict(registry.loadable(others, lambda name: _recognised(name, root)))
    best = max(found, key=lambda name: (found[name], -(get_corpus(name).utterances or 0)), default="")
    return (best, found[best]) if best and found[best] else ("", 0)


def describe_nothing_found(source: str, place: Place, problems: Sequence[Problem]) -> str:
    """Describe a place where the reader found no utterance."""
    root, corpus = place.root, place.corpus
    grave = [problem for problem in problems if not problem.harmless]
    facts = grave or [problem for problem in problems if not isinstance(problem, Note)]
    held = sum(1 for _ in recordings(walk(root))) if corpus.any_name and root.is_dir() else 0
    other, count = _other_corpus(source, root) if not corpus.takes_file and held <= _LARGE else ("", 0)
    if other and (not corpus.any_name or count >= _MOST * held):
        fact = f"these are recordings of the corpus '{other}'"
        if not corpus.any_name:
            fact = f"not corpus '{source}' but '{other}'"
        return f"{root}: {fact}; run `sercli prepare {other} {root}`"
    if corpus.any_name and grave:
        more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        return f"{place.base / grave[0].place}: {grave[0].fact}{more}"
    if root.is_dir() and not any(root.iterdir()):
        return f"{root}: the folder is empty; its files should be {corpus.layout}"
    if find_shards(root):
        return f"{root}: a dataset with recordings inside its files; run `sercli prepare manifest {root}`"
    archives = _archives(root)
    if archives:
        remedy = (
            "give it, or unpack it there" if len(archives) == 1 else "unpack them there, or give one of them"
        )
        return f"{root}: no recordings, but archives ({list_some(archives, _SHOWN)}); {remedy}"
    first = f" (first of {len(facts)} problems: {facts[0]})" if facts else ""
    return f"{root}: no recordings of corpus '{source}'; its files should be {corpus.layout}{first}"


def _archives(root: Path) -> list[str]:
    """Name the archives in a folder, with those below it."""
    if not root.is_dir():
        return []
    found = (path for path in walk(root) if has_suffix(path) and can_unpack(path))
    return sorted(path.relative_to(root).as_posix() for path in found)


def _utterance(corpus: Corpus, root: Path, place: Place) -> Utterance | None:
    items = corpus.parse(root, *place.options)
    return next((item for item in items if isinstance(item, Utterance)), None)


def _folders(folder: Path) -> Iterator[Path]:
    try:
        yield from (
            path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")
        )
    except PermissionError:
        return
