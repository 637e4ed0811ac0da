"""RAVDESS with actors 22, 23 and 24 kept for a blind test, 180 recordings; nothing for development.

The only figure of the MelCNN paper is 68.88 % on 180 recordings, 124 of them right. The summary at
hand says that one actor was held out, which gives 60 and no man among the errors it shows; the last
three actors give 180 and its example.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties.
Open in the paper: which recordings (other readings: ``ravdess-blind-24``, ``ravdess-random-eighth``).
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._ravdess import blind
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make the one fold.

    Raises:
        DivisionError: one of the three actors is missing; the message names a protocol that would run.
    """
    return blind("ravdess-blind-22-24", ("22", "23", "24"), utterances, labels)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=False,
    description="actors 22, 23 and 24 tested, all others for training, none for development",
    corpora=("ravdess",),
    scheme="ravdess-14",
    papers={"ravdess": "MelCNN: one test part of 180 recordings"},
)
