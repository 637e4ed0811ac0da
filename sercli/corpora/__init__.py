"""A corpus as distributed, turned into utterances, with its schemes and protocols: one file per corpus.

Names of a corpus's own schemes and protocols begin with the corpus's name and a hyphen: so they are found
without importing the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from sercli.schemes import Scheme

Trace = np.ndarray[tuple[int, int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Download:
    """An archive that anyone may fetch.

    Attributes:
        url: where it lies.
        size: bytes, where known.
        md5: checksum, where one is published.
    """

    url: str
    size: int | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """How to read a corpus, and what is known of it.

    Attributes:
        parse: yields utterances, whose ``file`` is relative to the corpus's folder, and problems;
            in a fixed order, reading no audio. It is called with the folder, and with ``options``
            where the corpus has any.
        title: full name.
        source: the publication that describes it.
        licence: under which its recordings may be used.
        layout: what lies where, in one line, for messages.
        utterances: how many the released corpus holds; ``None`` for a reader of any corpus.
        seconds: how long they are together, where known.
        known: utterances of the released corpus by field and value, for example
            ``{"emotion": {"anger": 127}}``.
        ids: every id of the released corpus, where they follow from a rule.
        release: from the utterances that were found to the corpus as far as the release that they are of is
            known: with ``utterances`` and ``ids`` of its own.
        inner: patterns of the names that folders within the corpus have, for who gives one of these.
        options: what a user can choose when preparing it; a property ``notice`` of theirs, if there is one,
            stands for the corpus's.
        read_trace: for corpora with continuous labels: from the folder of its files, utterance (and
            options) to arousal and valence, (frames, 2), a row every 40 ms from the start of the
            recording; raises `CorpusError`.
        from_name: for corpora whose file names say it all: from a file's name without suffix to
            speaker, emotion and so on, ``None`` for a foreign name.
        cuts: whether an utterance's start and end say where to cut it out of its file.
        any_name: whether this reads any corpus, to which the user gives a name; its parser leaves
            ``corpus`` empty, and ``id`` too unless the corpus has ids.
        takes_file: whether it is read from a file (a table, a manifest) rather than from a folder.
        download: where it can be fetched, if it is openly licensed and an https address with a known
            size and checksum exists.
        origin: who gives it out, where it can't be fetched.
        shares: what its utterances share whatever the division, by check of the audit, and why.
        generate: writes the corpus into an empty folder, for those made rather than recorded.
        notice: a sentence that goes wherever a figure of this corpus goes.
        schemes: the choices of classes that are made for it, its default one first.
        protocols: the folds that are made for it.
        default_protocol: what a training uses that names none, and whose paper has none for this corpus.
    """

    parse: Callable[..., Iterator[Utterance | Problem]]
    title: str
    source: str
    licence: str
    layout: str
    utterances: int | None = None
    seconds: float | None = None
    known: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ids: tuple[str, ...] | None = None
    release: "Callable[[Sequence[Utterance]], Corpus] | None" = None
    inner: tuple[str, ...] = ()
    options: type[Config] | None = None
    read_trace: Callable[..., Trace] | None = None
    from_name: Callable[[str], Utterance | None] | None = None
    cuts: bool = False
    any_name: bool = False
    takes_file: bool = False
    download: Download | None = None
    origin: str | None = None
    shares: Mapping[str, str] = field(default_factory=dict)
    generate: Callable[[Path], None] | None = None
    notice: str | None = None
    schemes: tuple[Scheme, ...] = ()
    protocols: tuple[Protocol, ...] = ()
    default_protocol: str = "leave-one-speaker-out"

    @property
    def synthetic(self) -> bool:
        """Whether it is made rather than recorded."""
        return self.generate is not None

    def chosen(self, settings: Mapping[str, Any]) -> tuple[Config, ...]:
        """Return what follows the folder in a call of ``parse``: the options, if there are any.

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
        UnknownNameError: there is none of that name.
        TypeError: its schemes or protocols are not named after it (a bug in its file).
    """
    corpus = registry.load(__name__, name, "CORPUS", Corpus)
    owned = [(scheme.name, scheme.corpus) for scheme in corpus.schemes]
    owned += [(protocol.name, protocol.corpus) for protocol in corpus.protocols]
    for label, owner in owned:
        if owner != name or not label.startswith(f"{name}-"):
            raise TypeError(f"'{label}' must be for corpus '{name}', and its name begin with '{name}-'")
    return corpus


def possible_owners(name: str) -> Iterator[Corpus]:
    """Yield the corpora that a scheme or protocol of that name may be made for, importing no other."""
    for corpus in corpus_names():
        if name.startswith(f"{corpus}-"):
            yield get_corpus(corpus)


def audio_files(folder: Path) -> Iterable[Path]:
    """List the recordings of a folder, sorted by name; see `sercli.audio.recordings`."""
    return recordings(folder.iterdir()) if folder.is_dir() else []
