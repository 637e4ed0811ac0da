"""Each session is the test part once, and the next one, cyclically, the dev part.

With IEMOCAP's five sessions this is the 3/1/1 division of the DiCCOSER paper, which does not say
which session is left for validation; the next one is our choice.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 4.2.4.
"""

from collections.abc import Mapping, Sequence

from sercli.protocols import Protocol
from sercli.protocols._speakers import leave_one_out
from sercli.records import Fold, Utterance


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per session, named by the test session, in the sessions' order.

    Raises:
        DivisionError: fewer than three sessions, or an utterance has none.
    """
    return leave_one_out("leave-one-session-out", utterances, labels, "session", dev=True)


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="each session tested once, the next one for development, the others for training",
    papers={"iemocap": "DiCCOSER: mean over the five folds"},
)
