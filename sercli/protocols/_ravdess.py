"""The blind tests that the MelCNN paper's summary allows."""

from collections.abc import Mapping, Sequence

from sercli.errors import DivisionError
from sercli.protocols._speakers import by_groups, groups_of
from sercli.records import Fold, Utterance


def blind(
    protocol: str, actors: Sequence[str], utterances: Sequence[Utterance], labels: Mapping[str, str]
) -> list[Fold]:
    """Make the one fold in which the given actors are tested and all others train.

    Raises:
        DivisionError: an actor is missing, or none is left to train.
    """
    there = groups_of(utterances, labels, protocol)
    missing = [actor for actor in actors if actor not in there]
    if missing:
        raise DivisionError(
            f"{protocol} tests actor {', '.join(actors)}; the corpus lacks {', '.join(missing)}"
        )
    if len(there) == len(actors):
        raise DivisionError(f"{protocol}: no actor but the tested ones, so nothing to train on")
    return [by_groups(f"actors {' '.join(actors)}", utterances, labels, [], actors)]
