"""The speaker-independent twin of the ECA-CNN paper's random folds: five pairs of actors.

Each pair is a session's; one pair is tested, the next, cyclically, is for development. Excitement
counts as happiness, as in the paper.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol, speaker_k_fold
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make five folds, each named by its test speakers.

    Raises:
        ProtocolError: fewer than five speakers.
    """
    return speaker_k_fold.make(utterances, labels, 5)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="five pairs of actors: one tests, the next is for development; excitement merged",
    corpora=("iemocap",),
    scheme="iemocap-impro4-merged",
)
