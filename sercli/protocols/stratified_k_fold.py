"""Folds over utterances drawn at random class by class: **not speaker independent**, no dev part.

As ``random-5-fold``, but each part has nearly as many utterances of each class as another.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._random import SHARES, shuffled, without_dev
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], k: int) -> list[Fold]:
    """Make ``k`` folds.

    Raises:
        DivisionError: fewer than ``k`` utterances.
    """
    dealt = [
        name
        for label in sorted(set(labels.values()))
        for name in shuffled([name for name in labels if labels[name] == label])
    ]
    return without_dev(f"stratified-{k}-fold", utterances, labels, [dealt[start::k] for start in range(k)])


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=False,
    has_dev=False,
    description="{k} random parts of the utterances, class by class, not speaker independent",
    shares=SHARES,
)
