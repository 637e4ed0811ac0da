"""RECOLA by recordings: five folds, half of the held-out one for development, the other half tested.

AVEC's 18 recordings make folds of 4, 4, 4, 3 and 3. Women and men are dealt out evenly where the gender
is known; the releases do not state it.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 4.2.1 and
4.2.4.
Open in the paper: its tables 1 and 2, which list the recordings of each fold, are lost to us. Inferred are
who is in which fold (recordings are dealt out in the order of their names), which half of a fold is tested
(the second half, then the first one, and so on, so that AVEC's dev recordings are tested as well as its
train ones), and that of three recordings two are tested. With the lists at hand use ``lists:FILE``.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from sercli.errors import DivisionError
from sercli.protocols import Protocol
from sercli.protocols._speakers import by_groups, groups_of
from sercli.records import Fold, Utterance

_FOLDS = 5


def make(
    utterances: Sequence[Utterance], labels: Mapping[str, str], *, alternating: bool = True
) -> list[Fold]:
    """Make five folds, each named by the recordings that it tests.

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
        # Names are sorted, so one half is AVEC's dev recordings and the other its train ones.
        if alternating and start % 2:
            held_out = held_out[::-1]
        half = len(held_out) // 2
        dev, test = held_out[:half], held_out[half:]
        folds.append(
            by_groups(f"recordings {' '.join(sorted(test, key=_natural))}", utterances, labels, dev, test)
        )
    return folds


def _natural(name: str) -> list[tuple[int, str]]:
    """Order P9 before P16."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


PROTOCOL = Protocol(
    make,
    version=2,
    speaker_independent=True,
    has_dev=True,
    description="five folds of recordings: four train, half of the fifth for development, half tested",
    corpora=("recola",),
    papers={"recola": "DiCCOSER: CCC of a fold's test frames joined, averaged over the five folds"},
    earlier={1: partial(make, alternating=False)},
)
