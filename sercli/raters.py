"""Count the votes of raters: their labels, distribution, majority, plurality and agreement.

The manifest keeps a mapping for each rater (`sercli.records.Utterance.raters`). A mapping with ``emotions``
is a vote: the labels that this rater gave. Other mappings, such as the result of a listening test or a rating
of valence, are no votes. The judgement of speakers about themselves (``self`` is true) is no vote either,
because the labels of corpora do not count it.

Each rater has one vote. A rater who gave several labels divides the vote equally between them.

Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, University of Pennsylvania, 2011, section C
(nominal data, missing values); here a divided vote counts with its share.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ManifestError
from sercli.labels import to_label
from sercli.records import Utterance

Label = TypeVar("Label", bound=Hashable)

_PAIR = 2  # agreement and majority need two raters


@dataclass(frozen=True, slots=True)
class RaterCounts:
    """Facts about the raters of a corpus.

    Attributes:
        utterances: number of utterances that a rater labelled.
        fewest: smallest number of raters of such an utterance.
        most: largest number of raters of such an utterance.
        majority: share of these utterances on which one label has more than half of the votes.
        tied: share of these utterances on which several labels have the most votes.
        agreement: mean share of the votes that the label with the most votes has.
        alpha: Krippendorff's alpha of nominal labels; ``None`` if it is not defined.
    """

    utterances: int
    fewest: int
    most: int
    majority: float
    tied: float
    agreement: float
    alpha: float | None


def labels_of(utterance: Utterance) -> tuple[tuple[str, ...], ...]:
    """Return the labels that each rater gave, each label once; raters without a label are left out.

    Raises:
        ManifestError: the labels of a rater are not a list of texts.
    """
    found = (_labels(utterance.id, rater) for rater in utterance.raters or ())
    return tuple(labels for labels in found if labels)


def _labels(name: str, rater: Any) -> tuple[str, ...]:
    given = rater.get("emotions", []) if isinstance(rater, Mapping) else None
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise ManifestError(
            f"{name}: the emotions of a rater are no list of labels; prepare the corpus again"
        )
    if rater.get("self"):
        return ()
    return tuple(dict.fromkeys(label for label in map(_to_label, given) if label))


@lru_cache(maxsize=1024)
def _to_label(label: str) -> str:
    return to_label(label)


def _tally(raters: Iterable[Collection[Label]]) -> tuple[dict[Label, int], int]:
    """Count in integers, which are exact and fast; also return the number of units that make a vote."""
    listed = list(raters)
    unit = lcm(*filter(None, map(len, listed)))
    counted: dict[Label, int] = defaultdict(int)
    for labels in listed:
        for label in labels:
            counted[label] += unit // len(labels)
    return dict(counted), unit


def plurality(raters: Iterable[Collection[Label]]) -> Label | None:
    """Return the label with the most votes; ``None`` if several labels have the most, or there is none."""
    counted, _ = _tally(raters)
    most = max(counted.values(), default=0)
    winners = [label for label, count in counted.items() if count == most]
    return winners[0] if len(winners) == 1 else None


def majority(raters: Iterable[Collection[Label]]) -> Label | None:
    """Return the label with more than half of the votes, ``None`` if there is none."""
    counted, _ = _tally(raters)
    total = sum(counted.values())
    return next((label for label, count in counted.items() if 2 * count > total), None)


def agreement(raters: Iterable[Collection[Label]]) -> float | None:
    """Return the share of the votes that the label with the most votes has; ``None`` without votes."""
    counted, _ = _tally(raters)
    return max(counted.values()) / sum(counted.values()) if counted else None


def votes(raters: Sequence[Collection[int]], n_classes: int) -> NDArray[np.float64]:
    """Return the distribution of the votes over classes, (classes,), which sums to one.

    Args:
        raters: for each rater, the indices of the classes that this rater named. A label outside of the
            classes has no index, so the complete vote of a rater goes to the classes.
        n_classes: number of classes.

    Returns:
        The distribution; zeros without votes.
    """
    shares = np.zeros(n_classes)
    counted, _ = _tally(raters)
    for index, count in counted.items():
        shares[index] = count / sum(counted.values())
    return shares


def alpha(units: Iterable[Sequence[Collection[Label]]]) -> float | None:
    """Return Krippendorff's alpha of nominal labels; ``None`` if it is not defined.

    It is 1 for perfect agreement and 0 for the agreement by chance. It is not defined if no utterance has two
    raters, or if all raters always gave the same label.

    Args:
        units: for each utterance, the labels of each rater.
    """
    agreed = own = 0.0  # observed agreement, and the part of the expected one that votes have with themselves
    pairable = 0
    totals: dict[Label, float] = defaultdict(float)
    for raters in units:
        named = [labels for labels in raters if labels]
        if len(named) < _PAIR:
            continue
        counted, unit = _tally(named)
        alone = sum(1 / len(labels) for labels in named)  # sum of the squares of each rater's shares
        agreed += (sum((count / unit) ** 2 for count in counted.values()) - alone) / (len(named) - 1)
        own += alone
        pairable += len(named)
        for label, count in counted.items():
            totals[label] += count / unit
    if len(totals) < _PAIR:
        return None
    expected = (sum(total**2 for total in totals.values()) - own) / (pairable * (pairable - 1))
    return 1 - (1 - agreed / pairable) / (1 - expected)


def count_raters(utterances: Iterable[Utterance]) -> RaterCounts | None:
    """Summarise the raters of a corpus, by the labels of the manifest; ``None`` if there are no votes."""
    units = [raters for raters in map(labels_of, utterances) if raters]
    if not units:
        return None
    sizes = [len(raters) for raters in units]
    return RaterCounts(
        utterances=len(units),
        fewest=min(sizes),
        most=max(sizes),
        majority=fmean(majority(raters) is not None for raters in units),
        tied=fmean(plurality(raters) is None for raters in units),
        agreement=fmean(agreement(raters) or 0.0 for raters in units),
        alpha=alpha(units),
    )
