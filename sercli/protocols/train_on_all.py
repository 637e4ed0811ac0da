"""Everything that the scheme selects trains; nothing is tested, and nothing chooses the epoch.

For a model to pass on, once its settings and its number of epochs were tried on folds: whoever would
choose them here has nothing to choose them by.
"""

from collections.abc import Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.records import Fold, Utterance

_NAME = "train-on-all"


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make the one fold.

    Raises:
        ProtocolError: there is no utterance.
    """
    train = tuple(utterance.id for utterance in utterances if utterance.id in labels)
    if not train:
        raise ProtocolError(f"{_NAME}: no utterance to train on; choose another scheme")
    return [Fold("all", train, (), ())]


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=False,
    tests_nothing=True,
    description="everything trains, NOTHING IS TESTED: for a model to pass on, its settings tried on folds",
)
