"""Each speaker is the test part once, and the next one, cyclically, the dev part.

With ten speakers this is the 8/1/1 division of the MDCNN paper on EMO-DB. The paper does not say
which speaker is left for validation; the next one is our choice.

Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Speaker-independent experiment".
"""

from collections.abc import Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_speakers, speakers_of
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per speaker, named by the test speaker, in the speakers' order.

    Raises:
        ProtocolError: fewer than three speakers, or an utterance has none.
    """
    speakers = speakers_of(utterances, labels, "leave-one-speaker-out")
    if len(speakers) < 3:
        raise ProtocolError(
            f"leave-one-speaker-out needs three speakers or more (train, dev, test), found {len(speakers)}"
        )
    following = [*speakers[1:], speakers[0]]
    return [
        by_speakers(f"speaker {test}", utterances, labels, [dev], [test])
        for test, dev in zip(speakers, following, strict=True)
    ]


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="each speaker tested once, the next one for development, the others for training",
)
