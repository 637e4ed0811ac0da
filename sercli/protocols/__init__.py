"""Folds, named and versioned: one file per way of dividing a corpus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sercli import registry
from sercli.config import digest
from sercli.errors import unknown
from sercli.records import Fold, Utterance


@dataclass(frozen=True, slots=True)
class Protocol:
    """A rule that divides the utterances a scheme selects.

    Attributes:
        make: from utterances and their classes by id to folds; raises `ProtocolError`.
        version: raised when the same utterances would be divided otherwise.
        speaker_independent: whether no speaker is in two parts of a fold.
        has_dev: whether folds have a development part.
        description: one line.
        corpora: the corpora it is made for; none means any.
        scheme: the scheme that goes with it, where it is made for one.
        paper: the paper that divides so, and whether its figures are means over folds or pooled.
        shares: what train and test share by design, by check of the audit, and why.
    """

    make: Callable[[Sequence[Utterance], Mapping[str, str]], list[Fold]]
    version: int
    speaker_independent: bool
    has_dev: bool
    description: str
    corpora: tuple[str, ...] = ()
    scheme: str | None = None
    paper: str | None = None
    shares: Mapping[str, str] = field(default_factory=dict)


def protocol_names() -> list[str]:
    """List the protocols."""
    return registry.names(__name__)


def get_protocol(name: str) -> Protocol:
    """Return a protocol by name, with or without its version (``leave-one-speaker-out@1``).

    Raises:
        UnknownNameError: there is none of that name or version.
    """
    name, _, version = name.partition("@")
    protocol = registry.load(__name__, name, "PROTOCOL", Protocol)
    if version and version != str(protocol.version):
        raise unknown(__name__, f"{name}@{version}", [f"{name}@{protocol.version}"])
    return protocol


def fold_digest(folds: Sequence[Fold]) -> str:
    """Hash folds: equal when every part of every fold holds the same utterances."""
    return digest([[fold.name, fold.train, fold.dev, fold.test] for fold in folds])
