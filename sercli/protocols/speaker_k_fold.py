"""Folds over groups of speakers: a group tests, the next one, cyclically, is the dev part.

Women and men are dealt out to the groups in turn, so that each group has nearly as many of either
as another. Five groups of IEMOCAP's ten speakers are its five sessions: this is the speaker-independent
twin of the ECA paper's random folds.
"""

from collections.abc import Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_groups, groups_of
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], k: int) -> list[Fold]:
    """Make ``k`` folds, each named by its test speakers.

    Raises:
        ProtocolError: fewer than ``k`` (or than three) speakers, or an utterance has none.
    """
    name = f"speaker-{k}-fold"
    if k < 3:
        raise ProtocolError(f"{name}: train, dev and test need three groups of speakers or more")
    speakers = groups_of(utterances, labels, name)
    if len(speakers) < k:
        fewer = f"; try speaker-{len(speakers)}-fold" if len(speakers) >= 3 else ""
        raise ProtocolError(f"{name} needs {k} speakers or more, found {len(speakers)}{fewer}")
    genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
    dealt = sorted(speakers, key=lambda speaker: (genders[speaker], speaker))
    groups = [sorted(dealt[start::k]) for start in range(k)]
    return [
        by_groups(f"speakers {' '.join(group)}", utterances, labels, groups[(i + 1) % k], group)
        for i, group in enumerate(groups)
    ]


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="{k} groups of speakers: one tests, the next is for development, the others train",
)
