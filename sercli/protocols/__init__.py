"""Folds, named and versioned: one file per way of dividing a corpus.

A name says it all: ``leave-one-speaker-out``, ``speaker-5-fold`` (any number in the place of 5),
``lists:mine.csv`` (a division of one's own), each with or without its version (``@1``).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sercli import registry
from sercli.config import digest
from sercli.errors import DivisionError, ProtocolError, SerError, UnknownNameError, unknown
from sercli.records import Fold, Utterance

_LISTS = re.compile(r"lists:(?P<path>.+?)(?:#(?P<digest>[0-9a-f]{8}))?")
_NUMBERED = re.compile(r"-(\d+)-")
# Of folds, seeds or rows: more are a slip of the finger.
_MOST_NUMBERS = 100_000


@dataclass(frozen=True, slots=True)
class Protocol:
    """A rule that divides the utterances a scheme selects.

    Attributes:
        make: from utterances and their classes by id to folds; raises `ProtocolError`.
        version: raised when the same utterances would be divided otherwise.
        speaker_independent: whether it is made so that no speaker is in two parts of a fold; what
            holds of given folds, `shared_speakers` says.
        has_dev: whether folds have a development part.
        tests_nothing: whether folds have no test part.
        description: one line.
        corpora: the corpora it is made for; none means any.
        scheme: the scheme that goes with it, where it is made for one.
        papers: by corpus, the paper that divides it so, and whether its figures are means over folds
            or pooled.
        shares: what train and test share by design, by check of the audit, and why.
        earlier: how earlier versions divided, by version, so that runs of theirs can still be read.
        name: as a user writes it, complete: with version, and for lists with a digest of the file.
    """

    make: Callable[..., list[Fold]]
    version: int
    speaker_independent: bool
    has_dev: bool
    description: str
    corpora: tuple[str, ...] = ()
    scheme: str | None = None
    papers: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[int, Callable[..., list[Fold]]] = field(default_factory=dict)
    tests_nothing: bool = False
    name: str = ""

    def divide(self, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
        """Make the folds of what a scheme selected.

        Args:
            utterances: the whole corpus.
            labels: class by id of those that count.

        Raises:
            ProtocolError: they can't be made of these utterances; the message names a protocol that can.
        """
        if self.corpora:
            foreign = {utterance.corpus for utterance in utterances} - set(self.corpora)
            if foreign:
                made_for = " or ".join(self.corpora)
                raise ProtocolError(f"'{self.name}' is made for {made_for}, not for '{min(foreign)}'")
        try:
            return self.make(utterances, labels)
        except DivisionError as error:
            instead = alternative(utterances, labels, dev=self.has_dev)
            raise ProtocolError(f"{error}; {instead}" if instead else str(error)) from None

    @property
    def identity(self) -> str:
        """What of the name decides a number: of lists the contents, not where they lie."""
        return re.sub(r"^lists:.*#", "lists#", self.name)

    @property
    def short_name(self) -> str:
        """A name that can be part of a file's."""
        match = _LISTS.fullmatch(self.name.rpartition("@")[0])
        if match:
            return "lists-" + re.sub(r"[^A-Za-z0-9]+", "-", Path(match["path"]).stem)
        return self.name.rpartition("@")[0]


def protocol_names() -> list[str]:
    """List the protocols, those of any number of folds with five, without `lists`."""
    names = [name.replace("-k-", "-5-") for name in registry.names(__name__)]
    return [name for name in names if name != "lists"]


def get_protocol(name: str) -> Protocol:
    """Return a protocol by name, with or without its version (``leave-one-speaker-out@1``).

    Raises:
        UnknownNameError: there is none of that name or version.
        ProtocolError: the file of ``lists:FILE`` is missing, or not the one that was named.
    """
    base, at, version = name.rpartition("@")
    if not at or not version.isdecimal():
        base, version = name, ""
    lists = _LISTS.fullmatch(base)
    if lists:
        from sercli.protocols.lists import file_digest, make

        path = Path(lists["path"]).absolute()
        contents = file_digest(path)
        if lists["digest"] not in (None, contents):
            raise ProtocolError(f"{path}: has changed (its digest is {contents}, not {lists['digest']})")
        protocol = registry.load(__name__, "lists", "PROTOCOL", Protocol)
        protocol = replace(protocol, make=partial(make, path=path))
        base = f"lists:{path}#{contents}"
    else:
        protocol = _load(base)
    if version.isdecimal() and int(version) in protocol.earlier:
        protocol = replace(protocol, make=protocol.earlier[int(version)], version=int(version))
    if version and version != str(protocol.version):
        raise unknown(__name__, name, [f"{base}@{protocol.version}"])
    return replace(protocol, name=f"{base}@{protocol.version}")


def _load(name: str) -> Protocol:
    if name in registry.names(__name__) and name != "lists" and "-k-" not in name:
        return registry.load(__name__, name, "PROTOCOL", Protocol)
    number = _NUMBERED.search(name)
    general = _NUMBERED.sub("-k-", name)
    if number and general in registry.names(__name__) and int(number[1]) >= 2:
        protocol = registry.load(__name__, general, "PROTOCOL", Protocol)
        k = int(number[1])
        return replace(
            protocol, make=partial(protocol.make, k=k), description=protocol.description.format(k=k)
        )
    raise unknown(__name__, name, [*protocol_names(), "lists:FILE"])


def tests_nothing(recorded: object) -> bool:
    """Tell whether the protocol that a run, a bundle or a study names has no test part.

    A name that is unknown here, and a list whose file is not at hand, has one.
    """
    try:
        return get_protocol(str(recorded)).tests_nothing
    except SerError:
        return False


def unplaced(name: str) -> str:
    """Leave out where a list of folds lies, as exported bundles do; its digest says which it is."""
    return name.removeprefix("lists:").rpartition("/")[2]


def shared_speakers(folds: Sequence[Fold], utterances: Sequence[Utterance]) -> int | None:
    """Count the speakers who are in two parts of a fold; ``None`` where an utterance has none."""
    speaker = {utterance.id: utterance.speaker for utterance in utterances}
    shared: set[str | None] = set()
    for fold in folds:
        train, dev, test = ({speaker[name] for name in part} for part in (fold.train, fold.dev, fold.test))
        if None in train | dev | test:
            return None
        shared |= train & test | train & dev | dev & test
    return len(shared)


def untrained(folds: Iterable[Fold], labels: Mapping[str, str]) -> dict[str, list[Fold]]:
    """List the folds that train on no utterance of a class which the corpus has, by class."""
    lacking: dict[str, list[Fold]] = {}
    for fold in folds:
        for name in sorted(set(labels.values()) - {labels[each] for each in fold.train}):
            lacking.setdefault(name, []).append(fold)
    return lacking


def alternative(utterances: Sequence[Utterance], labels: Mapping[str, str], *, dev: bool) -> str | None:
    """Name a protocol that can divide a corpus and trains on each of its classes in every fold.

    Protocols that keep speakers apart come first.

    Args:
        utterances: the whole corpus.
        labels: class by id of those that count.
        dev: whether a development part is wanted.

    Returns:
        A part of a sentence; ``None`` if there is no such protocol.
    """
    speakers = len({utterance.speaker for utterance in utterances if utterance.id in labels} - {None})
    several = f"speaker-{min(5, speakers)}-fold"
    by_speaker = [several, "leave-one-speaker-out"] if dev else [f"{several}-no-dev"] if speakers > 2 else []
    at_random = "stratified" if any(labels.values()) else "random"
    least = min(Counter(labels.values()).values(), default=0)
    for name in (*by_speaker, "leave-one-speaker-out-no-dev", *(f"{at_random}-{k}-fold" for k in (5, least))):
        try:
            protocol = get_protocol(name)
            folds = protocol.make(utterances, labels)
        except (UnknownNameError, DivisionError):
            continue
        if untrained(folds, labels):
            continue
        if not protocol.speaker_independent:
            return f"{name} works, but is not speaker independent"
        return f"{name} works" + ("" if protocol.has_dev or not dev else ", without a development part")
    return None


def fold_digest(folds: Sequence[Fold]) -> str:
    """Hash folds: equal when every part of every fold holds the same utterances."""
    return digest([[fold.name, fold.train, fold.dev, fold.test] for fold in folds])


def parse_numbers(what: str, text: str) -> tuple[int, ...]:
    """Read ``3``, ``1,4`` or ``1-3``, each number once.

    Raises:
        ProtocolError: it is none of these.
    """
    chosen: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() for end in ends):
            raise ProtocolError(f"{what} '{text}': write a number, 1,4 or 1-3")
        first, last = int(ends[0]), int(ends[-1])
        if first > last:
            raise ProtocolError(f"{what} '{text}': write them in rising order")
        if last - first >= _MOST_NUMBERS:
            raise ProtocolError(f"{what} '{text}': more than {_MOST_NUMBERS} numbers")
        chosen += range(first, last + 1)
    return tuple(dict.fromkeys(chosen))
