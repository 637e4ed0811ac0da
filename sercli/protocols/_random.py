"""What the protocols share that divide utterances at random."""

from collections.abc import Mapping, Sequence

import numpy as np

from sercli.errors import DivisionError
from sercli.records import Fold, Utterance

SHARES = {
    "speakers": "utterances are divided at random, whoever speaks",
    "sessions": "utterances are divided at random",
    "dialogs": "utterances are divided at random",
    "texts": "utterances are divided at random",
    "segments": "utterances are divided at random, even those cut out of one recording",
}


def shuffled(names: Sequence[str]) -> list[str]:
    """Shuffle ids the same way always and everywhere, whatever their order: seed 0, sorted first."""
    order = np.arange(len(names))
    # RandomState is frozen by NumPy's policy: no release changes what a seed gives.
    np.random.RandomState(0).shuffle(order)
    ordered = sorted(names)
    return [ordered[i] for i in order]


def without_dev(
    protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str], tests: Sequence[Sequence[str]]
) -> list[Fold]:
    """Make a fold per test part, in manifest order; everything else trains.

    Raises:
        DivisionError: there are more folds than utterances.
    """
    if any(not test for test in tests):
        raise DivisionError(f"{protocol} needs {len(tests)} utterances or more, found {len(labels)}")
    names = [utterance.id for utterance in utterances if utterance.id in labels]
    folds = []
    for number, test in enumerate(tests, 1):
        chosen = set(test)
        train = tuple(name for name in names if name not in chosen)
        folds.append(Fold(f"part {number}", train, (), tuple(name for name in names if name in chosen)))
    return folds
