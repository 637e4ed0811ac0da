"""IEMOCAP by its ten actors: of the left-out session one actor is for development, the other tested.

Four sessions train; both ways round, that makes ten folds.

Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Speaker-independent experiment".
"""

from collections.abc import Mapping, Sequence

from sercli.errors import DivisionError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_groups, groups_of
from sercli.records import Fold, Utterance

_NAME = "iemocap-impro4-speaker10"


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per actor, named by the tested one, in their order.

    Raises:
        DivisionError: fewer than two sessions, or a session without exactly two speakers.
    """
    sessions = groups_of(utterances, labels, _NAME, "session")
    if len(sessions) < 2:
        raise DivisionError(f"{_NAME} needs two sessions or more, found {len(sessions)}")
    folds = []
    for session in sessions:
        here = [utterance for utterance in utterances if utterance.session == session]
        pair = groups_of(here, labels, _NAME)
        if len(pair) != 2:
            raise DivisionError(f"{_NAME}: session {session} has {len(pair)} speakers, not two")
        for test, dev in (pair, pair[::-1]):
            folds.append(by_groups(f"speaker {test}", utterances, labels, [dev], [test]))
    return folds


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="four sessions train, of the fifth one actor is for development, the other tested",
    corpora=("iemocap",),
    scheme="iemocap-impro4",
    papers={"iemocap": "MDCNN: mean UA over the ten folds"},
    shares={
        "sessions": "the development actor and the tested one recorded together",
        "dialogs": "the development actor and the tested one talk to each other",
    },
)
