"""The tables beside a run's page: of classes, and of continuous labels."""

from collections.abc import Iterator, Sequence

from sercli.evaluation.agreement import Agreement, RecordingScore, TraceEvaluation, TraceUnitScore
from sercli.evaluation.class_evaluation import Evaluation, Interval, SpeakerScore, Spread, UnitScore
from sercli.evaluation.genders import GenderScore
from sercli.reports._numbers import (
    NONE,
    interval_percents,
    percents,
    plain,
    plain_interval,
    plain_spread,
    spread_percents,
)
from sercli.reports.tables import Table

COLUMNS = ("of", "name", "figure", "value", "low", "high", "chance", "majority", "mean", "deviation", "count")
"""Of the CSV: a row is one figure of all that was tested, or of a class, a speaker, a gender or a fold."""

_Cells = tuple[object, ...]


def class_tables(evaluation: Evaluation) -> list[Table]:
    """Lay out figures with intervals, classes, confusion, speakers, genders and calibration."""
    calibration = evaluation.calibration
    counted = "utterances" if len(evaluation.by_seed) == 1 else "predictions"
    shares = [
        (name, *(f"{count} ({percents(rate)})" for count, rate in zip(counts, rates, strict=True)))
        for name, counts, rates in zip(
            evaluation.classes, evaluation.confusion.tolist(), evaluation.rates.tolist(), strict=True
        )
    ]
    merged = evaluation.without_gender
    return [
        _measures(
            evaluation,
            "Figures in %: pooled, with the interval over speakers; mean and standard deviation over folds "
            "and seeds, and over seeds",
        ),
        *([_measures(merged, f"The same without gender: {len(merged.classes)} classes")] if merged else []),
        Table(
            "Classes, in %",
            ("class", counted, "recall", "precision", "F1"),
            tuple(
                (s.name, str(s.count), percents(s.recall), percents(s.precision), percents(s.f1))
                for s in evaluation.by_class
            ),
        ),
        Table(
            "Confusion: counts by true (row) and predicted class, and % of the true class",
            ("true \\ predicted", *evaluation.classes),
            tuple(shares),
        ),
        Table(
            "Speakers, in %",
            ("speaker", "gender", counted, "UA", "WA"),
            tuple(
                (s.speaker, s.gender or NONE, str(s.count), percents(s.ua), percents(s.wa))
                for s in evaluation.by_speaker
            ),
            text=2,
        ),
        Table(
            "Genders, in %",
            ("gender", "speakers", counted, "UA", "WA"),
            tuple(
                (s.gender or "unknown", str(s.speakers), str(s.count), percents(s.ua), percents(s.wa))
                for s in evaluation.by_gender
            ),
        ),
        Table(
            f"Calibration (ECE: {calibration.estimator})",
            ("ECE in %", "Brier score", "mean confidence in %", "right in %"),
            (
                (
                    percents(calibration.ece),
                    plain(calibration.brier),
                    percents(calibration.confidence),
                    percents(calibration.right),
                ),
            ),
            text=0,
        ),
    ]


def _measures(evaluation: Evaluation, title: str) -> Table:
    always = f"always “{evaluation.majority_class}”"
    return Table(
        title,
        ("figure", "pooled", "95 % interval", "chance", always, "folds and seeds", "seeds"),
        tuple(
            (
                each.name,
                percents(each.value),
                interval_percents(each.interval),
                percents(each.chance),
                percents(each.majority),
                spread_percents(each.spread),
                spread_percents(each.seed_spread),
            )
            for each in evaluation.measures
        ),
    )


def class_rows(evaluation: Evaluation) -> Iterator[_Cells]:
    """Give the same figures with all digits, a row each, as `COLUMNS` has them."""
    chance, count = evaluation.chance, evaluation.count
    for each in evaluation.measures:
        beside = (each.chance, each.majority)
        yield _row("all", None, each.name, each.value, each.interval, beside, each.spread, count)
        yield _row("seeds", None, each.name, None, None, beside, each.seed_spread, count)
    for each in evaluation.without_gender.measures if evaluation.without_gender else ():
        beside = (each.chance, each.majority)
        yield _row("without gender", None, each.name, each.value, each.interval, beside, each.spread, count)
    calibration = evaluation.calibration
    yield _row("all", None, f"ECE ({calibration.estimator})", calibration.ece, count=count)
    yield _row("all", None, "Brier score", calibration.brier, count=count)
    for score in evaluation.by_class:
        for figure, value in (("recall", score.recall), ("precision", score.precision), ("F1", score.f1)):
            yield _row("class", score.name, figure, value, count=score.count)
    groups: list[tuple[str, str, SpeakerScore | GenderScore | UnitScore]] = [
        *(("speaker", s.speaker, s) for s in evaluation.by_speaker),
        *(("gender", s.gender or "unknown", s) for s in evaluation.by_gender),
        *(("fold", f"{s.fold}, seed {s.seed}", s) for s in evaluation.by_unit),
    ]
    for of, name, found in groups:
        for figure, value in (("UA", found.ua), ("WA", found.wa)):
            yield _row(of, name, figure, value, beside=(chance, None), count=found.count)


def trace_tables(evaluation: TraceEvaluation) -> list[Table]:
    """Lay out each dimension's figures with intervals, and the folds and the recordings."""
    names = tuple(f"{name} {figure}" for name in evaluation.dimensions for figure in ("CCC", "PCC", "RMSE"))
    return [
        Table(
            "Figures: pooled, with the interval over speakers; CCC as mean and standard deviation over folds "
            "and seeds, and as mean over recordings",
            ("", "CCC", "95 % interval", "chance", "folds and seeds", "recordings", "PCC", "RMSE"),
            tuple(
                (
                    score.name,
                    plain(score.ccc),
                    plain_interval(score.ccc_interval),
                    plain(evaluation.chance),
                    plain_spread(score.ccc_spread),
                    plain(score.ccc_recordings),
                    plain(score.pcc),
                    plain(score.rmse),
                )
                for score in evaluation.by_dimension
            ),
        ),
        Table(
            "Folds and seeds",
            ("fold", "seed", "recordings", *names),
            tuple(
                (unit.fold, str(unit.seed), str(unit.recordings), *_agreements(unit.by_dimension))
                for unit in evaluation.by_unit
            ),
        ),
        Table(
            "Recordings",
            ("recording", "speaker", "seed", "frames", *names),
            tuple(
                (s.id, s.speaker or NONE, str(s.seed), str(s.frames), *_agreements(s.by_dimension))
                for s in evaluation.by_recording
            ),
            text=2,
        ),
    ]


def trace_rows(evaluation: TraceEvaluation) -> Iterator[_Cells]:
    """Give the same figures with all digits, a row each, as `COLUMNS` has them."""
    chance, count = (evaluation.chance, None), evaluation.frames
    for score in evaluation.by_dimension:
        name = score.name
        yield _row("all", None, f"{name} CCC", score.ccc, score.ccc_interval, chance, score.ccc_spread, count)
        yield _row("all", None, f"{name} PCC", score.pcc, spread=score.pcc_spread, count=count)
        yield _row("all", None, f"{name} RMSE", score.rmse, spread=score.rmse_spread, count=count)
        yield _row("recordings", None, f"{name} CCC", score.ccc_recordings, beside=chance, count=count)
    groups: list[tuple[str, str, TraceUnitScore | RecordingScore]] = [
        *(("fold", f"{unit.fold}, seed {unit.seed}", unit) for unit in evaluation.by_unit),
        *(("recording", f"{each.id}, seed {each.seed}", each) for each in evaluation.by_recording),
    ]
    for of, name, found in groups:
        for each in found.by_dimension:
            for figure, value in (("CCC", each.ccc), ("PCC", each.pcc), ("RMSE", each.rmse)):
                yield _row(of, name, f"{each.name} {figure}", value, count=found.frames)


def _agreements(found: Sequence[Agreement]) -> list[str]:
    return [plain(value) for each in found for value in (each.ccc, each.pcc, each.rmse)]


def _row(
    of: str,
    name: str | None,
    figure: str,
    value: float | None,
    interval: Interval | None = None,
    beside: tuple[float | None, float | None] = (None, None),
    spread: Spread | None = None,
    count: int | None = None,
) -> _Cells:
    low, high = (interval.low, interval.high) if interval else (None, None)
    mean, deviation = (spread.mean, spread.deviation) if spread else (None, None)
    return (of, name, figure, value, low, high, *beside, mean, deviation, count)
