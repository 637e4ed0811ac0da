"""Define folds by name and version: rules that divide the utterances of a corpus.

A name is enough: ``leave-one-speaker-out``, ``speaker-5-fold`` (any number in place of 5), ``lists:PATH``
(the user's own folds, or lists of other tools), each with or without its version (``@1``).
``+unknown-train`` or ``+unknown-drop`` before the version decides about utterances of unknown speakers. A
protocol is data for one of three makers: by groups (`groups`), at random (`random`), or from lists
(`lists`). Protocols for any corpus are in
`general`. Those for one corpus are in the file of the corpus, ``corpora/<name>.py``.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from sercli.config import digest
from sercli.errors import DivisionError, ProtocolError, SerError, UnknownNameError, require_choice, unknown
from sercli.manifest.values import is_absent
from sercli.records import Fold, Utterance

UnknownSpeakers = Literal["error", "train", "drop"]
Maker = Callable[[str, Sequence[Utterance], Mapping[str, str]], list[Fold]]
"""Function from a protocol's name, utterances and their classes by id to folds; raises `ProtocolError`."""

_LISTS = re.compile(r"lists:(?P<path>.+?)(?:#(?P<digest>[0-9a-f]{8}))?")
_UNKNOWN = re.compile(r"(?P<base>.+)\+unknown-(?P<how>train|drop)")
_NUMBERED = re.compile(r"-(\d+)-")
# Largest number of folds, seeds or rows; a larger number is a typing error.
_MOST_NUMBERS = 100_000


@dataclass(frozen=True, slots=True)
class Protocol:
    """A rule that divides the utterances a scheme selects.

    Attributes:
        base: name without version; for a list of folds, with the file's path and digest.
        make: function that divides the utterances.
        version: increased when the same utterances would be divided differently.
        speaker_independent: whether it is made so that no speaker is in two parts of a fold;
            `shared_speakers` checks given folds.
        has_dev: whether folds have a development part.
        tests_nothing: whether folds have no test part.
        tests_corpora: whether each fold tests a corpus of a union.
        listed: whether lists of the user give the folds.
        describe: function from utterances and their classes by id to notes on the lists; ``None`` if the
            folds are not from lists.
        description: one line.
        corpus: the corpus of the protocol; ``None`` for any corpus.
        scheme: the scheme of the protocol, if there is one.
        papers: by corpus, the paper that uses this division, and whether its scores are means over folds
            or pooled.
        shares: reasons why train and test share something by design, by check of the audit.
        earlier: makers of earlier versions, by version, so that their runs can still be read.
        unknown_speakers: how a speaker-independent protocol treats utterances of unknown speakers: ``error``
            if the maker needs the speaker, ``drop`` leaves them out, ``train`` adds them to training parts,
            but not where another part has the same session or dialog, or where their corpus is tested.

    Raises:
        ConfigError: there is no such treatment of unknown speakers.
    """

    base: str
    make: Maker
    version: int
    speaker_independent: bool
    has_dev: bool
    description: str
    corpus: str | None = None
    scheme: str | None = None
    papers: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[int, Maker] = field(default_factory=dict)
    tests_nothing: bool = False
    tests_corpora: bool = False
    listed: bool = False
    describe: Callable[[Sequence[Utterance], Mapping[str, str]], list[str]] | None = field(
        default=None, compare=False
    )
    unknown_speakers: UnknownSpeakers = "error"

    def __post_init__(self) -> None:
        require_choice("unknown_speakers", self.unknown_speakers, get_args(UnknownSpeakers))

    @property
    def name(self) -> str:
        """The complete name with version, and for a list of folds with path and digest of the file."""
        return f"{self.base}{self._suffix}@{self.version}"

    @property
    def _suffix(self) -> str:
        return "" if self.unknown_speakers == "error" else f"+unknown-{self.unknown_speakers}"

    def with_unknown_speakers(self, how: UnknownSpeakers) -> "Protocol":
        """Return the same protocol with another treatment of unknown speakers.

        Raises:
            ProtocolError: the protocol is not speaker independent, so unknown speakers need no treatment.
        """
        if how != "error" and not self.speaker_independent:
            raise ProtocolError(
                f"'{self.name}' is not made speaker independent, so --unknown-speakers {how} changes "
                "nothing; leave it out"
            )
        return replace(self, unknown_speakers=how)

    def divide(self, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
        """Make the folds of the utterances that a scheme selected.

        Args:
            utterances: all utterances of the corpus.
            labels: class by id of the selected utterances.

        Raises:
            ProtocolError: these utterances can't be divided so; the message names a protocol that works.
        """
        foreign = {utterance.corpus for utterance in utterances} - {self.corpus}
        if self.corpus is not None and foreign:
            raise ProtocolError(f"'{self.name}' is made for {self.corpus}, not for '{min(foreign)}'")
        nobody: set[str] = set()
        if self.unknown_speakers != "error":
            nobody = without_speaker(utterances, labels)
        known = {name: label for name, label in labels.items() if name not in nobody}
        try:
            folds = self.make(self.base, utterances, known)
        except DivisionError as error:
            instead = alternative(utterances, known, dev=self.has_dev, asked=[self.base])
            raise ProtocolError(f"{error}; {instead}" if instead else str(error)) from None
        if self.unknown_speakers == "train" and nobody:
            return [_train_on(fold, utterances, nobody, by_corpus=self.tests_corpora) for fold in folds]
        return folds

    def notes(self, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[str]:
        """Describe the differences between lists of folds and the utterances that a scheme selected.

        Raises:
            ProtocolError: the lists can't divide these utterances.
        """
        return self.describe(utterances, labels) if self.describe else []

    @property
    def identity(self) -> str:
        """The part of the name that decides the folds; for a list it has the file's digest, not its path."""
        return re.sub(r"^lists:.*#", "lists#", self.name)

    @property
    def short_name(self) -> str:
        """A name that can be part of a file's name."""
        if match := _LISTS.fullmatch(self.base):
            return "lists-" + re.sub(r"[^A-Za-z0-9]+", "-", Path(match["path"]).stem)
        return self.base + self._suffix.replace("+", "-")


@dataclass(frozen=True, slots=True)
class ListName:
    """The parts of a name ``lists:PATH#DIGEST@VERSION``.

    Attributes:
        path: path of the file.
        digest: digest of the file's contents; ``None`` if the name has none.
        version: version; ``None`` if the name has none.
    """

    path: str
    digest: str | None
    version: str | None


def parse_list_name(name: str) -> ListName | None:
    """Split the name of a list of folds without opening a file; ``None`` for other protocols."""
    base, version = _split_version(name)
    lists = _LISTS.fullmatch(base)
    return ListName(lists["path"], lists["digest"], version) if lists else None


def protocol_names() -> list[str]:
    """List the protocols by name, with five for any number of folds; lists of folds are not included."""
    from sercli.corpora import loadable_corpora
    from sercli.protocols.general import NUMBERED, PROTOCOLS

    made_for_one = [each.base for _, corpus in loadable_corpora() for each in corpus.protocols]
    return sorted([*PROTOCOLS, *(name.replace("-k-", "-5-") for name in NUMBERED), *made_for_one])


def get_protocol(name: str) -> Protocol:
    """Return a protocol by name, with or without its version (``leave-one-speaker-out@1``).

    The files of ``lists:PATH`` are only opened if the name has no digest.

    Raises:
        UnknownNameError: there is no protocol of that name or version.
        ProtocolError: the files of ``lists:PATH`` are missing.
    """
    base, version = _split_version(name)
    lists = parse_list_name(name)
    unknown_speakers = None if lists else _UNKNOWN.fullmatch(base)
    base = unknown_speakers["base"] if unknown_speakers else base
    protocol = _listed(Path(lists.path), lists.digest) if lists else _find(base)
    if version and int(version) in protocol.earlier:
        protocol = replace(protocol, make=protocol.earlier[int(version)], version=int(version))
    if version and version != str(protocol.version):
        raise unknown("the list of protocols", name, [protocol.name])
    if unknown_speakers:
        how: UnknownSpeakers = "train" if unknown_speakers["how"] == "train" else "drop"
        return protocol.with_unknown_speakers(how)
    return protocol


def usual_protocol(speakers: int) -> str:
    """Return the protocol of a corpus without one of its own; few speakers are tested one by one."""
    return "leave-one-speaker-out" if 3 <= speakers <= 12 else "speaker-5-fold"


def _split_version(name: str) -> tuple[str, str | None]:
    base, _, version = name.rpartition("@")
    return (base, version) if base and version.isdecimal() else (name, None)


def _listed(path: Path, digest: str | None) -> Protocol:
    from sercli.protocols.lists import ListedFolds, contents_digest

    path = path.absolute()
    folds = ListedFolds(path, digest or contents_digest(path))
    return Protocol(
        f"lists:{path}#{folds.digest}",
        folds,
        version=1,
        speaker_independent=False,
        has_dev=True,
        description="the parts that lists name: a table with columns id, fold, part, or lists of other tools",
        describe=folds.notes,
        listed=True,
    )


def _find(name: str) -> Protocol:
    """Search a name among the general protocols, then among those of the corpus that the name begins with."""
    from sercli.corpora import possible_owners
    from sercli.protocols.general import NUMBERED, PROTOCOLS

    if name in PROTOCOLS:
        return PROTOCOLS[name]
    number = _NUMBERED.search(name)
    make = NUMBERED.get(_NUMBERED.sub("-k-", name))
    if number and make and int(number[1]) >= 2:
        return make(int(number[1]))
    for corpus in possible_owners(name):
        for protocol in corpus.protocols:
            if protocol.base == name:
                return protocol
    raise unknown("the list of protocols", name, [*protocol_names(), "lists:PATH"])


def is_untested(recorded: object) -> bool:
    """Return whether the protocol that a run, a bundle or a study names has no test part.

    An unknown name, and a list of folds whose file is missing, count as protocols that test.
    """
    try:
        return get_protocol(str(recorded)).tests_nothing
    except SerError:
        return False


def unplaced(name: str) -> str:
    """Remove the folder from the name of a list of folds, for exported bundles; the digest identifies it."""
    return name.removeprefix("lists:").rpartition("/")[2]


def without_speaker(utterances: Iterable[Utterance], labels: Mapping[str, str]) -> set[str]:
    """Return the ids of the labelled utterances whose speaker is not known."""
    return {each.id for each in utterances if each.id in labels and is_absent(each.speaker)}


def _train_on(
    fold: Fold, utterances: Sequence[Utterance], nobody: Collection[str], *, by_corpus: bool
) -> Fold:
    """Add utterances of unknown speakers to a training part, in manifest order.

    Those that share a session or a dialog with another part are left out: their speaker is probably there.
    Where the fold tests a corpus, those of this corpus are left out too.
    """
    apart, test = {*fold.dev, *fold.test}, set(fold.test)
    tested = {each.corpus for each in utterances if by_corpus and each.id in test}
    taken = {
        (name, value)
        for each in utterances
        if each.id in apart
        for name, value in (("session", each.session), ("dialog", each.dialog))
    }
    train = set(fold.train) | {
        each.id
        for each in utterances
        if each.id in nobody
        and each.corpus not in tested
        and not (each.session and ("session", each.session) in taken)
        and not (each.dialog and ("dialog", each.dialog) in taken)
    }
    return replace(fold, train=tuple(each.id for each in utterances if each.id in train))


def shared_speakers(
    folds: Sequence[Fold], utterances: Sequence[Utterance], *, unknown_train: bool = False
) -> int | None:
    """Count the speakers who are in two parts of a fold; ``None`` if an utterance has no speaker.

    Args:
        folds: the folds.
        utterances: at least those of the folds.
        unknown_train: whether unknown speakers in the training part are not counted.
    """
    speaker = {utterance.id: utterance.speaker for utterance in utterances}
    shared: set[str | None] = set()
    for fold in folds:
        train, dev, test = ({speaker[name] for name in part} for part in (fold.train, fold.dev, fold.test))
        if unknown_train:
            train = train - {None}
        if None in train | dev | test:
            return None
        shared |= train & test | train & dev | dev & test
    return len(shared)


def untrained(folds: Iterable[Fold], labels: Mapping[str, str]) -> dict[str, list[Fold]]:
    """List by class the folds that train on no utterance of a class, although the corpus has the class."""
    lacking: dict[str, list[Fold]] = {}
    for fold in folds:
        for name in sorted(set(labels.values()) - {labels[each] for each in fold.train}):
            lacking.setdefault(name, []).append(fold)
    return lacking


def alternative(
    utterances: Sequence[Utterance], labels: Mapping[str, str], *, dev: bool, asked: Sequence[str] = ()
) -> str | None:
    """Name a protocol that can divide a corpus and trains on each of its classes in every fold.

    Speaker-independent protocols come first, if need be without the utterances of unknown speakers.

    Args:
        utterances: all utterances of the corpus.
        labels: class by id of the selected utterances.
        dev: whether the protocol must have a development part.
        asked: the protocol that failed, which may work without the utterances of unknown speakers.

    Returns:
        Part of a sentence; ``None`` if there is no such protocol.
    """
    nobody = without_speaker(utterances, labels)
    known = {name: label for name, label in labels.items() if name not in nobody}
    speakers = len({utterance.speaker for utterance in utterances if utterance.id in known})
    several = f"speaker-{min(5, speakers)}-fold"
    by_speaker = [several, "leave-one-speaker-out"] if dev else [f"{several}-no-dev"] if speakers > 2 else []
    by_speaker = [*(asked if nobody else ()), *by_speaker, "leave-one-speaker-out-no-dev"]
    at_random = "stratified" if any(labels.values()) else "random"
    least = min(Counter(labels.values()).values(), default=0)
    candidates: list[tuple[str, Mapping[str, str]]] = [(name, known) for name in by_speaker]
    candidates += [(f"{at_random}-{k}-fold", labels) for k in (5, least)]
    for name, selected in candidates:
        try:
            protocol = get_protocol(name)
            folds = protocol.make(name, utterances, selected)
        except (UnknownNameError, ProtocolError):
            continue
        if untrained(folds, selected):
            continue
        if not protocol.speaker_independent:
            return f"{name} works, but is not speaker independent"
        works = f"{name} works with --unknown-speakers drop" if nobody else f"{name} works"
        return works if protocol.has_dev or not dev else f"{works}, without a development part"
    return None


def fold_digest(folds: Sequence[Fold]) -> str:
    """Hash folds; hashes are equal if every part of every fold holds the same utterances."""
    return digest([[fold.name, fold.train, fold.dev, fold.test] for fold in folds])


def parse_numbers(what: str, text: str) -> tuple[int, ...]:
    """Read ``3``, ``1,4`` or ``1-3``, each number once.

    Raises:
        ProtocolError: the text has none of these forms.
    """
    chosen: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() for end in ends):
            raise ProtocolError(f"{what} '{text}': write a number, 1,4 or 1-3")
        first, last = int(ends[0]), int(ends[-1])
        if first > last:
            raise ProtocolError(f"{what} '{text}': the first number must not be larger than the last")
        if last - first >= _MOST_NUMBERS:
            raise ProtocolError(f"{what} '{text}': more than {_MOST_NUMBERS} numbers")
        chosen += range(first, last + 1)
    return tuple(dict.fromkeys(chosen))
