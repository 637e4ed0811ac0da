"""Make parts of random utterances: **not speaker independent**.

`RandomParts` and `RandomShare` have the same speakers in training and test, so scores are higher than for
unknown people. Papers use such folds; ``speaker-5-fold`` is the speaker-independent counterpart.
`WithRandomDev` draws only the dev part at random, so the tested speakers stay unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sercli.errors import DivisionError
from sercli.protocols import Maker
from sercli.records import Fold, Utterance

SHARES = {
    "speakers": "utterances are divided at random, whoever speaks",
    "sessions": "utterances are divided at random",
    "dialogs": "utterances are divided at random",
    "texts": "utterances are divided at random",
    "segments": "utterances are divided at random, even those cut out of one recording",
}
"""Reasons why train and test share something in such folds, by check of the audit."""


@dataclass(frozen=True, slots=True)
class RandomParts:
    """A fold per random part; the parts have nearly equal size.

    The draw is that of scikit-learn's ``KFold``, shuffled with seed 0.

    Attributes:
        k: number of parts.
        by_class: whether all parts have nearly the same number of utterances of each class.
    """

    k: int
    by_class: bool = False

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            DivisionError: fewer than ``k`` utterances.
        """
        if len(labels) < self.k:
            raise DivisionError(f"{protocol} needs {self.k} utterances or more, found {len(labels)}")
        if self.by_class:
            names = [
                name
                for label in sorted(set(labels.values()))
                for name in _shuffle([name for name in labels if labels[name] == label])
            ]
            parts = [names[start :: self.k] for start in range(self.k)]
        else:
            names = _shuffle(list(labels))
            parts = [[names[i] for i in rows] for rows in np.array_split(np.arange(len(names)), self.k)]
        return [_fold(number, part, utterances, labels) for number, part in enumerate(parts, 1)]


@dataclass(frozen=True, slots=True)
class RandomShare:
    """One fold that tests a random proportion of the utterances.

    Attributes:
        parts: the tested proportion is one over this number, rounded down to complete utterances.
    """

    parts: int

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the fold.

        Raises:
            DivisionError: the tested proportion is less than one utterance.
        """
        if len(labels) < self.parts:
            raise DivisionError(f"{protocol} needs {self.parts} utterances or more, found {len(labels)}")
        return [_fold(1, _shuffle(list(labels))[: len(labels) // self.parts], utterances, labels)]


@dataclass(frozen=True, slots=True)
class WithRandomDev:
    """Folds of another maker, with a random proportion of each training part for development.

    Attributes:
        folds: maker of the folds, without dev parts.
        parts: the proportion is one over this number, rounded up to complete utterances.
    """

    folds: Maker
    parts: int

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            DivisionError: as the other maker, or a training part has fewer than ``parts`` utterances.
        """
        found = []
        for fold in self.folds(protocol, utterances, labels):
            count = len(fold.train)
            if count < self.parts:
                raise DivisionError(
                    f"{protocol} needs {self.parts} utterances or more to train on, found {count} in fold "
                    f"{fold.name}"
                )
            dev = set(_shuffle(fold.train)[: count - count * (self.parts - 1) // self.parts])
            train, kept = ([i for i in fold.train if (i in dev) == inside] for inside in (False, True))
            found.append(Fold(fold.name, tuple(train), tuple(kept), fold.test))
        return found


def _shuffle(names: Sequence[str]) -> list[str]:
    """Shuffle ids with seed 0, after sorting them, so that the result is always and everywhere the same."""
    order = np.arange(len(names))
    # NumPy's policy freezes RandomState: no release changes the numbers of a seed.
    np.random.RandomState(0).shuffle(order)
    ordered = sorted(names)
    return [ordered[i] for i in order]


def _fold(
    number: int, test: Sequence[str], utterances: Sequence[Utterance], labels: Mapping[str, str]
) -> Fold:
    """Make a fold with utterances in the order of the manifest; all that are not tested train."""
    tested = set(test)
    names = [utterance.id for utterance in utterances if utterance.id in labels]
    train = tuple(name for name in names if name not in tested)
    return Fold(f"part {number}", train, (), tuple(name for name in names if name in tested))
