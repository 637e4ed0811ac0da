"""What `evaluate_traces` finds: small immutable records of plain numbers."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

from sercli.evaluation._plain import to_plain
from sercli.evaluation.metrics import Interval, Spread


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one dimension is followed; ``pcc`` is NaN where a trace is constant."""

    name: str
    ccc: float
    pcc: float
    rmse: float


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """What one dimension's predictions are worth.

    Attributes:
        name: of the dimension.
        ccc: of all test frames, pooled.
        pcc: likewise.
        rmse: likewise.
        ccc_interval: bootstrap interval over speakers of the pooled CCC, or ``None``.
        ccc_spread: over folds and seeds, of each one's test frames joined.
        pcc_spread: likewise; NaN where that of one is undefined.
        rmse_spread: likewise.
        ccc_recordings: mean over recordings of each one's own CCC.
        pcc_recordings: likewise; NaN where that of one is undefined.
        rmse_recordings: likewise.
    """

    name: str
    ccc: float
    pcc: float
    rmse: float
    ccc_interval: Interval | None
    ccc_spread: Spread
    pcc_spread: Spread
    rmse_spread: Spread
    ccc_recordings: float
    pcc_recordings: float
    rmse_recordings: float


@dataclass(frozen=True, slots=True)
class TraceUnitScore:
    """How one trained model fares on the joined frames of its test part, by dimension."""

    fold: str
    seed: int
    recordings: int
    frames: int
    by_dimension: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True)
class RecordingScore:
    """How one model fares on one recording, by dimension."""

    id: str
    fold: str
    seed: int
    speaker: str | None
    gender: str | None
    frames: int
    by_dimension: tuple[Agreement, ...]

    @property
    def ccc(self) -> float:
        """Mean CCC over the dimensions."""
        return statistics.fmean(each.ccc for each in self.by_dimension)


@dataclass(frozen=True, slots=True, eq=False)
class TraceEvaluation:
    """What predictions of continuous labels are worth.

    Attributes:
        dimensions: their names.
        recordings: how many different recordings were predicted.
        count: predicted recordings, each once per seed.
        frames: their frames.
        chance: CCC of a constant, such as the mean: zero.
        no_interval: why there is none.
        by_dimension: in the order of ``dimensions``.
        by_unit: one for each fold and seed, in order of appearance.
        by_recording: one for each recording, fold and seed, in order of appearance.
    """

    dimensions: tuple[str, ...]
    recordings: int
    count: int
    frames: int
    chance: float
    no_interval: str | None
    by_dimension: tuple[DimensionScore, ...]
    by_unit: tuple[TraceUnitScore, ...]
    by_recording: tuple[RecordingScore, ...]

    @property
    def best(self) -> int:
        """Place of the recording with the highest CCC, the mean over the dimensions."""
        return max(range(self.count), key=lambda place: self.by_recording[place].ccc)

    @property
    def worst(self) -> int:
        """Place of the recording with the lowest CCC."""
        return min(range(self.count), key=lambda place: self.by_recording[place].ccc)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; what is undefined (NaN) is ``None``."""
        extremes = {
            "best_recording": self.by_recording[self.best].id,
            "worst_recording": self.by_recording[self.worst].id,
        }
        found: dict[str, Any] = to_plain(asdict(self) | extremes)
        return found
