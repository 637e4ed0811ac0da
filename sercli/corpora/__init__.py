"""Read corpora as distributed as utterances, with schemes and protocols: one file per corpus.

Names of a corpus's own schemes and protocols begin with the corpus's name and a hyphen. So they are found
without importing the other corpora.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sercli import registry
from sercli.audio import recordings
from sercli.config import Config
from sercli.errors import ConfigError
from sercli.protocols import Protocol
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme, keep

Trace = np.ndarray[tuple[int, int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Download:
    """An archive that anyone may download.

    Attributes:
        url: address of the archive.
        size: size in bytes, if known.
        md5: checksum, if one is published.
    """

    url: str
    size: int | None = None
    md5: str | None = None


class ReaderConfig(Config):
    """Choices of a user who prepares a corpus."""

    @property
    def notice(self) -> str | None:
        """A sentence that is printed with each result on a corpus prepared with these choices."""
        return None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Reader of a corpus, and known facts about the corpus.

    Attributes:
        parse: yields utterances, whose ``file`` is relative to the corpus's folder, and problems;
            in a fixed order, reading no audio. It is called with the folder, and with ``options``
            where the corpus has any.
        title: full name.
        source: the publication that describes it.
        licence: licence of the recordings.
        layout: a typical path, in one line, for messages.
        utterances: number of utterances in the released corpus; ``None`` for a reader of any corpus.
        seconds: total length of the utterances, if it is known exactly; a complete copy is compared with it.
        hours: total length in hours, rounded.
        language: what is spoken, in English, for example ``Canadian French``; ``None`` for a reader of any
            corpus and for speech without words.
        known: numbers of utterances in the released corpus by field and value, for example
            ``{"emotion": {"anger": 127}}``.
        counts_from: the list that the known numbers come from, if it may differ from the release;
            differences are then reported, and no copy is refused for them.
        ids: every id of the released corpus, if the ids follow a rule.
        faulty: fault by id of a released recording that holds no speech or can't be read; where this is so
            in a copy, the recording is left out with a note, and the copy is not refused.
        release: function from the utterances that were found to this record with the ``utterances`` and
            ``ids`` of their release.
        inner: patterns of the names of folders within the corpus, for users who give one of these.
        options: what a user can choose when preparing it.
        read_trace: for corpora with continuous labels: function from the folder of the files and an
            utterance (and options) to arousal and valence, (frames, 2), with a row every 40 ms from the
            start of the recording; raises `CorpusError`.
        from_name: for corpora whose file names hold all facts: function from a file's name without suffix
            to speaker, emotion and so on; ``None`` for a foreign name.
        speakers_of: the corpus with the same speakers under the same names, if there is one: in a union of
            both they are the same people.
        mistaken_speaker: function from the name of an utterance to the speaker that some lists wrongly read
            in it.
        cuts: whether an utterance is cut out of its file, from its start to its end.
        any_name: whether this reads any corpus, to which the user gives a name; its parser leaves
            ``corpus`` empty, and ``id`` too unless the corpus has ids.
        takes_file: whether the corpus is read from a file (a table, a manifest) instead of a folder.
        download: the archive, if the corpus is openly licensed and an https address with a known size and
            checksum exists.
        origin: provider of a corpus that `prepare` can't download, with the address.
        shares: reasons why utterances share something in any division, by check of the audit.
        generate: for synthetic corpora: function that writes the corpus into an empty folder.
        notice: a sentence that is printed with each result on this corpus.
        people: number of its speakers, if the release has no number of utterances for each of them.
        scale: lowest and highest rating of valence, arousal and dominance, if utterances are rated.
        schemes: the choices of classes that are made for this corpus, the default one first.
        protocols: the folds that are made for this corpus.
        default_protocol: protocol of a training if neither the user nor the architecture's paper names one.
    """

    parse: Callable[..., Iterator[Utterance | Problem]]
    title: str
    source: str
    licence: str
    layout: str
    utterances: int | None = None
    seconds: float | None = None
    hours: float | None = None
    language: str | None = None
    known: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counts_from: str | None = None
    ids: tuple[str, ...] | None = None
    faulty: Mapping[str, str] = field(default_factory=dict)
    release: "Callable[[Sequence[Utterance]], Corpus] | None" = None
    inner: tuple[str, ...] = ()
    options: type[ReaderConfig] | None = None
    read_trace: Callable[..., Trace] | None = None
    from_name: Callable[[str], Utterance | None] | None = None
    speakers_of: str | None = None
    mistaken_speaker: Callable[[str], str] | None = None
    cuts: bool = False
    any_name: bool = False
    takes_file: bool = False
    download: Download | None = None
    origin: str | None = None
    shares: Mapping[str, str] = field(default_factory=dict)
    generate: Callable[[Path], None] | None = None
    notice: str | None = None
    people: int | None = None
    scale: tuple[float, float] | None = None
    schemes: tuple[Scheme, ...] = ()
    protocols: tuple[Protocol, ...] = ()
    default_protocol: str = "leave-one-speaker-out"

    @property
    def speakers(self) -> int | None:
        """Number of speakers, if it is known."""
        return self.people or len(self.known.get("speaker", ())) or None

    @property
    def synthetic(self) -> bool:
        """Whether the corpus is generated, not recorded."""
        return self.generate is not None

    def chosen(self, settings: Mapping[str, Any]) -> tuple[ReaderConfig, ...]:
        """Return the arguments of ``parse`` after the folder: the options, if the corpus has any.

        Raises:
            ConfigError: a setting is unknown or wrong.
        """
        if self.options is not None:
            return (self.options(**settings),)
        if settings:
            raise ConfigError(f"unknown setting '{min(settings)}'; this corpus has none")
        return ()


def corpus_names() -> list[str]:
    """List the supported corpora."""
    return registry.names(__name__)


def get_corpus(name: str) -> Corpus:
    """Return a corpus by name.

    Raises:
        UnknownNameError: there is no corpus of that name.
        PluginError: the file of a plug-in is faulty.
        TypeError: the names of its schemes or protocols do not begin with its name (a bug in its file).
    """
    corpus = registry.load(__name__, name, "CORPUS", Corpus)
    with registry.blaming(__name__, name):
        owned = [(scheme.name, scheme.corpus) for scheme in corpus.schemes]
        owned += [(protocol.name, protocol.corpus) for protocol in corpus.protocols]
        for label, owner in owned:
            if owner != name or not label.startswith(f"{name}-"):
                raise TypeError(f"'{label}' must be for corpus '{name}', and its name begin with '{name}-'")
    return corpus


def loadable_corpora() -> Iterator[tuple[str, Corpus]]:
    """Yield the supported corpora by name; a faulty plug-in is left out."""
    return registry.loadable(corpus_names(), get_corpus)


def possible_owners(name: str) -> Iterator[Corpus]:
    """Yield the corpora to which a scheme or protocol of that name may belong, without importing others.

    The corpus of the longest name is the first one, so that no faulty ``a`` hides what ``a-b`` owns.
    """
    for corpus in sorted(corpus_names(), key=len, reverse=True):
        if name.startswith(f"{corpus}-"):
            yield get_corpus(corpus)


def usual_schemes(corpus: str, emotions: Iterable[str]) -> tuple[Scheme, Scheme]:
    """Return the two schemes that most corpora have: each of their emotions as a class, and `FOUR`.

    They are named by the number of classes, for example ``emovo-7`` and ``emovo-4``.
    """
    every = keep(*emotions)
    return Scheme(f"{corpus}-{len(every)}", corpus, every), Scheme(f"{corpus}-4", corpus, FOUR)


def audio_files(folder: Path) -> Iterable[Path]:
    """List the recordings of a folder, sorted by name; see `sercli.audio.recordings`."""
    return recordings(folder.iterdir()) if folder.is_dir() else []


def list_names(folder: Path, suffixes: Collection[str] = ()) -> list[str]:
    """List a folder, sorted, without hidden files (``._a.txt``); nothing if it can't be listed."""
    try:
        found = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    except OSError:
        return []
    return [name for name in found if Path(name).suffix.lower() in suffixes] if suffixes else found


def place_of(path: Path, root: Path) -> str:
    """Return the path of a file relative to the corpus, with slashes."""
    return path.relative_to(root).as_posix()


def find_base(root: Path, holds: Callable[[Path], bool]) -> Path | Problem | None:
    """Find the folder that holds a corpus: ``root`` itself, or its only sub-folder with the corpus.

    Returns:
        The folder, ``None`` if there is none, or a problem if there are several.
    """
    if holds(root):
        return root
    bases = [name for name in list_names(root) if holds(root / name)]
    if len(bases) > 1:
        return Problem(".", f"more than one copy of the corpus ({', '.join(bases)}); give the folder of one")
    return root / bases[0] if bases else None
