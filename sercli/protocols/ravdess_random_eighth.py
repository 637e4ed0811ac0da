"""RAVDESS with an eighth of the recordings drawn at random for the test: **not speaker independent**.

Of the whole corpus an eighth is 180 recordings, which would explain the MelCNN paper's figure too.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties; see ``ravdess-blind-22-24``.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._random import SHARES, shuffled, without_dev
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make the one fold.

    Raises:
        DivisionError: fewer than eight utterances.
    """
    return without_dev(
        "ravdess-random-eighth", utterances, labels, [shuffled(list(labels))[: len(labels) // 8]]
    )


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=False,
    has_dev=False,
    description="an eighth of the recordings (180 of 1440) drawn at random, not speaker independent",
    corpora=("ravdess",),
    scheme="ravdess-14",
    papers={"ravdess": "MelCNN, a random draw of 180 recordings"},
    shares=SHARES,
)
