"""Make folds by groups of utterances, which test a speaker, a group of speakers, a session or a corpus."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sercli.errors import DivisionError
from sercli.manifest.values import is_absent
from sercli.records import Fold, Utterance

_DEV_SPEAKERS = 5
"""Of so many speakers, one is for development, where a fold tests a corpus."""


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """A fold per speaker (or session), named by the tested one, in their order.

    Attributes:
        field: field that groups the utterances, ``speaker`` or ``session``.
        dev: whether the next one, cyclically, is for development; otherwise all others train.
    """

    field: str = "speaker"
    dev: bool = True

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            DivisionError: there are too few speakers or sessions, or an utterance lacks its own.
        """
        groups = groups_of(utterances, labels, protocol, self.field)
        least = 3 if self.dev else 2
        if len(groups) < least:
            parts = "train, dev, test" if self.dev else "train, test"
            raise DivisionError(
                f"{protocol} needs {least} {self.field}s or more ({parts}), found {len(groups)}"
            )
        following = [[after] if self.dev else [] for after in (*groups[1:], groups[0])]
        return [
            fold_of(f"{self.field} {test}", utterances, labels, dev, [test], self.field)
            for test, dev in zip(groups, following, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class LeaveOneGroupOut:
    """A fold per group of speakers, named by its test speakers.

    Women and men are distributed to the groups in turn, so that all groups have nearly the same number of
    each.

    Attributes:
        k: number of groups.
        dev: whether the next group, cyclically, is for development; otherwise all others train.
    """

    k: int
    dev: bool = True

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            DivisionError: fewer than ``k`` speakers, too few groups, or an utterance has no speaker.
        """
        if self.dev and self.k < 3:
            raise DivisionError(f"{protocol}: train, dev and test need three groups of speakers or more")
        speakers = groups_of(utterances, labels, protocol)
        if len(speakers) < self.k:
            raise DivisionError(f"{protocol} needs {self.k} speakers or more, found {len(speakers)}")
        genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
        dealt = sorted(speakers, key=lambda speaker: (genders[speaker], speaker))
        groups = [sorted(dealt[start :: self.k]) for start in range(self.k)]
        following = [after if self.dev else [] for after in (*groups[1:], groups[0])]
        return [
            fold_of(f"speakers {' '.join(test)}", utterances, labels, dev, test)
            for test, dev in zip(groups, following, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class LeaveOneCorpusOut:
    """A fold per corpus of a union, named by the tested one, in their order.

    A speaker of the tested corpus who also speaks in another corpus is left out of the other parts.

    Attributes:
        dev: whether every fifth speaker of the other corpora, by gender and name, is for development;
            otherwise all of them train.
    """

    dev: bool = True

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            DivisionError: there is only one corpus; speakers for development are missing; or no utterance
                remains for training.
        """
        chosen = [utterance for utterance in utterances if utterance.id in labels]
        corpora = groups_of(chosen, labels, protocol, "corpus")
        if len(corpora) < 2:
            raise DivisionError(
                f"{protocol} needs 2 corpora or more, found {', '.join(corpora) or 'none'}; name "
                f"several, as in --corpus {corpora[0] if corpora else 'a'}+OTHER"
            )
        return [self._fold(protocol, chosen, corpus) for corpus in corpora]

    def _fold(self, protocol: str, chosen: Sequence[Utterance], corpus: str) -> Fold:
        test = [each for each in chosen if each.corpus == corpus]
        tested = {each.speaker for each in test} - {None}
        others = [each for each in chosen if each.corpus != corpus and each.speaker not in tested]
        held = self._choose_dev(protocol, others, corpus) if self.dev else set()
        train = tuple(each.id for each in others if each.speaker not in held)
        if not train:
            raise DivisionError(f"{protocol}: without {corpus}, no other speaker remains to train on")
        dev = tuple(each.id for each in others if each.speaker in held)
        return Fold(f"corpus {corpus}", train, dev, tuple(each.id for each in test))

    def _choose_dev(self, protocol: str, others: Sequence[Utterance], corpus: str) -> set[str]:
        labels = {each.id: "" for each in others}
        speakers = groups_of(others, labels, protocol)
        if len(speakers) < 2:
            raise DivisionError(
                f"{protocol}: without {corpus}, the others need 2 speakers or more (train, dev), "
                f"found {len(speakers)}; {protocol}-no-dev needs no speaker for development"
            )
        genders = {utterance.speaker: utterance.gender or "" for utterance in others}
        return set(sorted(speakers, key=lambda speaker: (genders[speaker], speaker))[::_DEV_SPEAKERS])


@dataclass(frozen=True, slots=True)
class HoldOut:
    """One fold that tests the given speakers; all others train, and none is for development.

    Attributes:
        speakers: speakers to test.
        called: the corpus's word for its speakers.
    """

    speakers: tuple[str, ...]
    called: str = "speakers"

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the fold.

        Raises:
            DivisionError: a speaker is missing, or no speaker remains for training.
        """
        present = groups_of(utterances, labels, protocol)
        missing = [speaker for speaker in self.speakers if speaker not in present]
        if missing:
            raise DivisionError(
                f"{protocol} tests {self.called} {', '.join(self.speakers)}; "
                f"the corpus lacks {', '.join(missing)}"
            )
        if len(present) == len(self.speakers):
            raise DivisionError(f"{protocol}: the corpus has no other {self.called} to train on")
        name = f"{self.called} {' '.join(self.speakers)}"
        return [fold_of(name, utterances, labels, [], self.speakers)]


def groups_of(
    utterances: Sequence[Utterance], labels: Mapping[str, str], protocol: str, field: str = "speaker"
) -> list[str]:
    """List the speakers (or the values of another field) of the labelled utterances, sorted.

    Raises:
        DivisionError: an utterance has no value.
    """
    chosen = [utterance for utterance in utterances if utterance.id in labels]
    without = [utterance.id for utterance in chosen if is_absent(getattr(utterance, field))]
    if without:
        count = len(without) - 1
        others = f", as for {count} {'other' if count == 1 else 'others'} of {len(chosen)}" if count else ""
        way_out = "leave these utterances out of its list"
        if field == "speaker" and len(without) < len(chosen):
            way_out = "use these utterances with --unknown-speakers train (only for training) or drop"
        raise DivisionError(
            f"{without[0]}: no {field}{others}, and protocol '{protocol}' needs one; name the {field}s when "
            f"you prepare the corpus, or {way_out}"
        )
    return sorted({getattr(utterance, field) for utterance in chosen})


def fold_of(
    name: str,
    utterances: Sequence[Utterance],
    labels: Mapping[str, str],
    dev: Iterable[str],
    test: Iterable[str],
    field: str = "speaker",
) -> Fold:
    """Make the fold whose dev and test parts are the utterances of the given speakers (or sessions)."""
    dev, test = set(dev), set(test)
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for utterance in utterances:
        if utterance.id in labels:
            value = getattr(utterance, field)
            parts[2 if value in test else 1 if value in dev else 0].append(utterance.id)
    return Fold(name, *(tuple(part) for part in parts))
