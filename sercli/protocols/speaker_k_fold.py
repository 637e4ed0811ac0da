"""Folds over groups of speakers: a group tests, the next one, cyclically, is the dev part.

Women and men are dealt out to the groups in turn, so that each group has nearly as many of either
as another. Five groups of IEMOCAP's ten speakers are its five sessions: this is the speaker-independent
twin of the ECA paper's random folds.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._speakers import leave_one_group_out
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], k: int) -> list[Fold]:
    """Make ``k`` folds, each named by its test speakers.

    Raises:
        DivisionError: fewer than ``k`` (or than three) speakers, or an utterance has none.
    """
    return leave_one_group_out(f"speaker-{k}-fold", utterances, labels, k, dev=True)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="{k} groups of speakers: one tests, the next is for development, the others train",
)
