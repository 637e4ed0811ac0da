"""RAVDESS with actor 24 alone kept for a blind test, 60 recordings: the summary taken by its word.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties; see ``ravdess-blind-22-24``.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._ravdess import blind
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make the one fold.

    Raises:
        DivisionError: actor 24 is missing; the message names a protocol that would run.
    """
    return blind("ravdess-blind-24", ("24",), utterances, labels)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=False,
    description="actor 24 tested, all others for training, none for development",
    corpora=("ravdess",),
    scheme="ravdess-14",
    papers={"ravdess": "MelCNN, its summary taken by its word: one test part of 60 recordings"},
)
