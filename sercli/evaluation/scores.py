"""What `evaluate` finds: small immutable records of plain numbers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sercli.evaluation.calibration import Calibration
from sercli.evaluation.classification import Counts, Rates
from sercli.evaluation.genders import GenderScore
from sercli.evaluation.metrics import Interval, Spread, to_plain


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fares: ``count`` rows are of it, ``predicted`` taken for it; NaN where undefined."""

    name: str
    count: int
    predicted: int
    recall: float
    precision: float
    f1: float


@dataclass(frozen=True, slots=True)
class SpeakerScore:
    """How one speaker fares; UA is over the classes the speaker has."""

    speaker: str
    gender: str | None
    count: int
    ua: float
    wa: float


@dataclass(frozen=True, slots=True)
class UnitScore:
    """How one trained model fares on its test part; UA is over the classes of that part."""

    fold: str
    seed: int
    count: int
    ua: float
    wa: float


@dataclass(frozen=True, slots=True)
class SeedScore:
    """How one seed fares, its folds pooled."""

    seed: int
    count: int
    ua: float
    wa: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One pooled figure, and what stands beside it.

    Attributes:
        name: UA, WA, ACC (their mean) or macro F1.
        value: pooled.
        interval: bootstrap interval over speakers, or ``None``.
        chance: of guessing each class equally often; the F1 of the counts to be expected.
        majority: of always saying the most frequent class.
        spread: over folds and seeds.
        seed_spread: over seeds, the folds of each pooled.
    """

    name: str
    value: float
    interval: Interval | None
    chance: float
    majority: float
    spread: Spread
    seed_spread: Spread


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What predictions are worth.

    The pooled figures come from one confusion matrix, to which every row adds one: each utterance counts
    once per seed, whichever fold tested it. Where every seed tested the same utterances, as a finished run
    does, the pooled UA and WA are the means over seeds of each seed's figure pooled over folds. They are not
    the mean over folds, which is in ``ua_spread``: a fold's UA rests on few utterances of each class.

    Attributes:
        classes: class names, in the order of ``confusion``.
        utterances: how many different utterances were predicted.
        count: rows, an utterance once per seed.
        ua: pooled unweighted accuracy.
        wa: pooled weighted accuracy.
        macro_f1: pooled mean F1.
        ua_interval: bootstrap interval over speakers, or ``None``.
        wa_interval: likewise.
        no_interval: why there is none.
        chance: UA, and WA, expected of guessing each class equally often.
        majority_class: the most frequent class.
        majority_ua: UA of always saying that class.
        majority_wa: WA of always saying that class.
        confusion: rows by true and predicted class, (classes, classes).
        by_class: in the order of ``classes``.
        by_speaker: sorted by name, unknown speakers left out.
        by_unit: one for each fold and seed, in order of appearance.
        by_seed: each seed pooled over its folds, by seed.
        ua_spread: over folds and seeds.
        wa_spread: likewise.
        measures: UA, WA, ACC and macro F1, each with all that stands beside it.
        by_gender: sorted by name, unknown last.
        calibration: confidence against the share right.
        without_gender: the same rows with classes of women and men merged; ``None`` where classes carry
            no gender.
    """

    classes: tuple[str, ...]
    utterances: int
    count: int
    ua: float
    wa: float
    macro_f1: float
    ua_interval: Interval | None
    wa_interval: Interval | None
    no_interval: str | None
    chance: float
    majority_class: str
    majority_ua: float
    majority_wa: float
    confusion: Counts
    by_class: tuple[ClassScore, ...]
    by_speaker: tuple[SpeakerScore, ...]
    by_unit: tuple[UnitScore, ...]
    by_seed: tuple[SeedScore, ...]
    ua_spread: Spread
    wa_spread: Spread
    measures: tuple[Measure, ...]
    by_gender: tuple[GenderScore, ...]
    calibration: Calibration
    without_gender: "Evaluation | None" = None

    @property
    def rates(self) -> Rates:
        """The confusion matrix as shares of each true class, (classes, classes); NaN for an absent class."""
        totals = self.confusion.sum(axis=1, keepdims=True)
        shares: Rates = np.full(self.confusion.shape, np.nan)
        np.divide(self.confusion, totals, out=shares, where=totals > 0)
        return shares

    @property
    def best_speaker(self) -> SpeakerScore | None:
        """The speaker with the highest UA; ``None`` where none is known."""
        return max(self.by_speaker, key=lambda score: score.ua, default=None)

    @property
    def worst_speaker(self) -> SpeakerScore | None:
        """The speaker with the lowest UA; ``None`` where none is known."""
        return min(self.by_speaker, key=lambda score: score.ua, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; what is undefined (NaN) is ``None``."""
        best, worst = self.best_speaker, self.worst_speaker
        extremes = {
            "best_speaker": best and best.speaker,
            "worst_speaker": worst and worst.speaker,
            "confusion_rates": [[*map(float, row)] for row in self.rates],
            "without_gender": self.without_gender and self.without_gender.to_dict(),
        }
        plain: dict[str, Any] = to_plain(asdict(self) | extremes)
        return plain
