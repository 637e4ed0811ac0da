"""Predictions of continuous labels -> figures with intervals.

CCC, PCC and RMSE are defined in `concordance`, what `evaluate_traces` returns in `agreement`, predictions on
disk in `traces`.
"""

import math
import statistics
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from sercli.errors import RunError
from sercli.evaluation import intervals
from sercli.evaluation.agreement import (
    Agreement,
    DimensionScore,
    RecordingScore,
    TraceEvaluation,
    TraceUnitScore,
)
from sercli.evaluation.concordance import Moments, ccc, combine, moments, pcc, rmse, stack
from sercli.evaluation.metrics import Interval, Spread
from sercli.records import ValuePredictions

DEFINITION = (
    "CCC is Lin's concordance correlation coefficient, its moments divided by n, over the test frames of all "
    "folds and seeds joined (pooled); where the mean over folds of each fold's own is told, as the "
    "DiCCOSER paper has it, it stands beside"
)
"""What the figures mean; told with every one."""

_Key = TypeVar("_Key", bound=Hashable)


def evaluate_traces(predictions: ValuePredictions, draws: int = intervals.DRAWS) -> TraceEvaluation:
    """Score predictions of continuous labels, pooled over folds and seeds and one by one.

    Args:
        predictions: one recording or more.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: there are none, or a value is not a number.
    """
    _check(predictions)
    known = sorted({name for name in predictions.speakers if name is not None})
    no_interval = intervals.why_none(
        len(known), sum(name is None for name in predictions.speakers), "recording"
    )
    found = [None] * len(predictions.dimensions) if no_interval else _intervals(predictions, known, draws)
    by_unit, by_recording = _by_unit(predictions), _by_recording(predictions)
    pooled = _agreements(predictions, range(len(predictions)))
    return TraceEvaluation(
        dimensions=predictions.dimensions,
        recordings=len(set(predictions.ids)),
        count=len(predictions),
        frames=sum(map(len, predictions.target)),
        chance=0.0,
        no_interval=no_interval,
        by_dimension=tuple(
            _dimension(
                whole,
                interval,
                [unit.by_dimension[i] for unit in by_unit],
                [recording.by_dimension[i] for recording in by_recording],
            )
            for i, (whole, interval) in enumerate(zip(pooled, found, strict=True))
        ),
        by_unit=by_unit,
        by_recording=by_recording,
    )


def _check(predictions: ValuePredictions) -> None:
    if not len(predictions):
        raise RunError("no predictions to evaluate; test at least one fold")
    for name, target, predicted in zip(
        predictions.ids, predictions.target, predictions.predicted, strict=True
    ):
        if not len(target):
            raise RunError(f"{name}: not one frame to evaluate; prepare the corpus again")
        if not np.isfinite(target).all():
            raise RunError(f"{name}: a gold-standard value is not a number; prepare the corpus again")
        if not np.isfinite(predicted).all():
            raise RunError(
                f"{name}: a predicted value is not a number: training diverged; try a lower learning rate"
            )


def _moments(predictions: ValuePredictions, rows: Sequence[int]) -> Moments:
    """Sum over the joined frames of some recordings, in 64 bits, an element a dimension."""
    return moments(
        np.concatenate([predictions.target[row] for row in rows], dtype=np.float64),
        np.concatenate([predictions.predicted[row] for row in rows], dtype=np.float64),
    )


def _agreements(predictions: ValuePredictions, rows: Sequence[int]) -> tuple[Agreement, ...]:
    found = _moments(predictions, rows)
    columns = (ccc(found).tolist(), pcc(found).tolist(), rmse(found).tolist())
    return tuple(Agreement(*row) for row in zip(predictions.dimensions, *columns, strict=True))


def _intervals(predictions: ValuePredictions, speakers: Sequence[str], draws: int) -> list[Interval]:
    """Draw speakers, each with all frames, and give the interval of each dimension's CCC."""
    rows = _grouped(predictions.speakers)
    by_speaker = stack([_moments(predictions, rows[name]) for name in speakers])
    times = intervals.draw(len(speakers), draws)
    drawn = np.concatenate([ccc(combine(by_speaker, some)) for some in times])
    return [intervals.percentile(values, len(speakers)) for values in drawn.T]


def _dimension(
    pooled: Agreement,
    interval: Interval | None,
    units: Sequence[Agreement],
    recordings: Sequence[Agreement],
) -> DimensionScore:
    return DimensionScore(
        name=pooled.name,
        ccc=pooled.ccc,
        pcc=pooled.pcc,
        rmse=pooled.rmse,
        ccc_interval=interval,
        ccc_spread=Spread.of([unit.ccc for unit in units]),
        pcc_spread=_spread([unit.pcc for unit in units]),
        rmse_spread=Spread.of([unit.rmse for unit in units]),
        ccc_recordings=statistics.fmean(each.ccc for each in recordings),
        pcc_recordings=statistics.fmean(each.pcc for each in recordings),
        rmse_recordings=statistics.fmean(each.rmse for each in recordings),
    )


def _spread(values: Sequence[float]) -> Spread:
    """Summarise one value or more, of which an undefined one leaves nothing defined."""
    return Spread(math.nan, None) if any(map(math.isnan, values)) else Spread.of(values)


def _by_unit(predictions: ValuePredictions) -> tuple[TraceUnitScore, ...]:
    units = _grouped(list(zip(predictions.folds, predictions.seeds, strict=True)))
    return tuple(
        TraceUnitScore(
            fold=fold,
            seed=seed,
            recordings=len(rows),
            frames=sum(len(predictions.target[row]) for row in rows),
            by_dimension=_agreements(predictions, rows),
        )
        for (fold, seed), rows in units.items()
    )


def _by_recording(predictions: ValuePredictions) -> tuple[RecordingScore, ...]:
    return tuple(
        RecordingScore(
            id=predictions.ids[row],
            fold=predictions.folds[row],
            seed=predictions.seeds[row],
            speaker=predictions.speakers[row],
            gender=predictions.genders[row],
            frames=len(predictions.target[row]),
            by_dimension=_agreements(predictions, [row]),
        )
        for row in range(len(predictions))
    )


def _grouped(keys: Sequence[_Key]) -> dict[_Key, list[int]]:
    """Give the places of each key, keys in order of appearance."""
    places: dict[_Key, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places
