"""Five folds over groups of speakers: a group tests, the next one, cyclically, is the dev part.

Women and men are dealt out to the groups in turn, so that each group has nearly as many of either
as another.
"""

from collections.abc import Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_speakers, speakers_of
from sercli.records import Fold, Utterance

_FOLDS = 5


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make five folds, each named by its test speakers.

    Raises:
        ProtocolError: fewer than five speakers, or an utterance has none.
    """
    speakers = speakers_of(utterances, labels, "speaker-5-fold")
    if len(speakers) < _FOLDS:
        raise ProtocolError(
            f"speaker-5-fold needs five speakers or more, found {len(speakers)}; try leave-one-speaker-out"
        )
    genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
    dealt = sorted(speakers, key=lambda speaker: (genders[speaker], speaker))
    groups = [sorted(dealt[start::_FOLDS]) for start in range(_FOLDS)]
    return [
        by_speakers(f"speakers {' '.join(group)}", utterances, labels, groups[(i + 1) % _FOLDS], group)
        for i, group in enumerate(groups)
    ]


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="five groups of speakers: one tests, the next is for development, three train",
)
