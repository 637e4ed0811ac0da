"""A corpus as distributed, turned into utterances: one file per corpus."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sercli import registry
from sercli.audio import SUFFIXES
from sercli.records import Problem, Utterance

Parser = Callable[[Path], Iterator[Utterance | Problem]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """How to read a corpus, and what is known of it.

    Attributes:
        parse: yields utterances, whose ``file`` is relative to the corpus's folder, and problems;
            in a fixed order, reading no audio.
        title: full name.
        source: the publication that describes it.
        licence: under which its recordings may be used.
        layout: what lies where, in one line, for messages.
        utterances: how many the released corpus holds.
        known: utterances of the released corpus by field and value, for example
            ``{"emotion": {"anger": 127}}``.
        ids: every id of the released corpus, where they follow from a rule.
        generate: writes the corpus into an empty folder, for those made rather than recorded.
        notice: a sentence that goes wherever a figure of this corpus goes.
        protocol: what a training uses that names none, and whose paper has none for this corpus.
    """

    parse: Parser
    title: str
    source: str
    licence: str
    layout: str
    utterances: int
    known: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ids: tuple[str, ...] | None = None
    generate: Callable[[Path], None] | None = None
    notice: str | None = None
    protocol: str = "leave-one-speaker-out"


def corpus_names() -> list[str]:
    """List the supported corpora."""
    return registry.names(__name__)


def get_corpus(name: str) -> Corpus:
    """Return a corpus by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "CORPUS", Corpus)


def audio_files(folder: Path) -> Iterable[Path]:
    """List the audio files of a folder, sorted by name, leaving out hidden ones (``._a.wav``)."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
