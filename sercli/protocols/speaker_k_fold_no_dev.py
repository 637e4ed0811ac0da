"""Folds over groups of speakers: a group tests, all others train, nothing is left for development.

So the epoch can't be chosen: the last one counts, and how many there are is to be settled beforehand.
Its groups, and their order, are those of ``speaker-5-fold``, whose dev part trains here: the twin to take
where speakers are few and the recipe has nothing to select.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._speakers import leave_one_group_out
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], k: int) -> list[Fold]:
    """Make ``k`` folds, each named by its test speakers.

    Raises:
        DivisionError: fewer than ``k`` speakers, or an utterance has none.
    """
    return leave_one_group_out(f"speaker-{k}-fold-no-dev", utterances, labels, k, dev=False)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=False,
    description="{k} groups of speakers: one tests, all others train, none for development",
)
