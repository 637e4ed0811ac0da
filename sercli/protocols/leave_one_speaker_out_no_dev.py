"""Each speaker is the test part once, all others train; nothing is left for development.

So the epoch can't be chosen: the last one counts.

Source: Li et al., An Attention Pooling based Representation Learning Method for Speech Emotion
Recognition, Interspeech 2018, section 3.1 (ten-fold on IEMOCAP, nine speakers train, one is tested).
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._speakers import leave_one_out
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per speaker, named by the test speaker, in the speakers' order.

    Raises:
        DivisionError: fewer than two speakers, or an utterance has none.
    """
    return leave_one_out("leave-one-speaker-out-no-dev", utterances, labels, "speaker", dev=False)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=False,
    description="each speaker tested once, all others for training, none for development",
    papers={"iemocap": "attention pooling: the paper does not say whether pooled or mean over folds"},
    shares={
        "sessions": "the other speaker of the tested one's session trains",
        "dialogs": "the other speaker of the tested one's dialogs trains",
    },
)
