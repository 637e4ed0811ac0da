"""Each speaker is the test part once, and the next one, cyclically, the dev part.

With ten speakers this is the 8/1/1 division of the MDCNN paper on EMO-DB. The paper does not say
which speaker is left for validation; the next one is our choice.

Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Speaker-independent experiment".
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._speakers import leave_one_out
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per speaker, named by the test speaker, in the speakers' order.

    Raises:
        DivisionError: fewer than three speakers, or an utterance has none.
    """
    return leave_one_out("leave-one-speaker-out", utterances, labels, "speaker", dev=True)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="each speaker tested once, the next one for development, the others for training",
    papers={"emodb": "MDCNN: mean UA over the ten folds"},
    shares={
        "sessions": "of two speakers who recorded together, one may train and the other be tested",
        "dialogs": "of two speakers who talk to each other, one may train and the other be tested",
    },
)
