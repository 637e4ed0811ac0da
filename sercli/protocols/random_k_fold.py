"""Folds over utterances drawn at random: **not speaker independent**, and without a dev part.

The same speakers train and are tested, so figures are higher than for people never heard. It is
here because papers do it; ``speaker-5-fold`` is its speaker-independent twin.

The draw is scikit-learn's ``KFold``, shuffled with seed 0. The ECA-CNN paper divides IEMOCAP so:
``iemocap-impro4-merged-random5``.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sercli.protocols import Protocol
from sercli.protocols._random import SHARES, shuffled, without_dev
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], k: int) -> list[Fold]:
    """Make ``k`` folds of nearly equal size.

    Raises:
        DivisionError: fewer than ``k`` utterances.
    """
    names = shuffled(list(labels))
    parts = [[names[i] for i in rows] for rows in np.array_split(np.arange(len(names)), k)]
    return without_dev(f"random-{k}-fold", utterances, labels, parts)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=False,
    has_dev=False,
    description="{k} random parts of the utterances, not speaker independent",
    shares=SHARES,
)
