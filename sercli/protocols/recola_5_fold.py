"""RECOLA by recordings: five folds, half of the held-out one for development, the other half tested.

Of AVEC's 18 recordings that makes folds of 4, 4, 4, 3 and 3. Women and men are dealt out evenly where
the gender is known; the releases do not say it.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 4.
Open in the paper: who is in which fold (its Tables 1 and 2 are lost to us). Whoever has the lists
writes them to a file and uses ``lists:FILE``.
"""

import re
from collections.abc import Mapping, Sequence

from sercli.errors import DivisionError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_groups, groups_of
from sercli.records import Fold, Utterance

_FOLDS = 5


def make(utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make five folds, each named by the recordings it tests.

    Raises:
        DivisionError: fewer than ten recordings, so that a fold has none to divide.
    """
    speakers = groups_of(utterances, labels, "recola-5-fold")
    if len(speakers) < 2 * _FOLDS:
        raise DivisionError(f"recola-5-fold needs ten recordings or more, found {len(speakers)}")
    genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
    dealt = sorted(speakers, key=lambda speaker: (genders[speaker], _natural(speaker)))
    folds = []
    for start in range(_FOLDS):
        held_out = dealt[start::_FOLDS]
        half = len(held_out) // 2
        dev, test = held_out[:half], held_out[half:]
        folds.append(by_groups(f"recordings {' '.join(test)}", utterances, labels, dev, test))
    return folds


def _natural(name: str) -> list[tuple[int, str]]:
    """Order P9 before P16."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="five folds of recordings: four train, half of the fifth for development, half tested",
    corpora=("recola",),
    papers={"recola": "DiCCOSER: CCC of a fold's test frames joined, averaged over the five folds"},
)
