"""The tables of a comparison: runs, differences, speakers; for its page and beside it."""

from collections.abc import Iterator

from sercli.evaluation.class_comparison import Comparison
from sercli.evaluation.class_evaluation import Interval
from sercli.evaluation.trace_comparison import TraceComparison
from sercli.reports._numbers import (
    NONE,
    interval_percents,
    p_value,
    percents,
    plain,
    plain_interval,
    points,
    signed,
)
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.reports.tables import Table

COLUMNS = ("of", "name", "run", "figure", "value", "low", "high", "p", "holm_p", "better")
"""Of the CSV: a row is a run's figure, a difference from the first run, or a speaker's figure in a run."""

_Cells = tuple[object, ...]


def class_tables(comparison: Comparison, found: dict[str, Gathered]) -> list[Table]:
    """Lay out the runs, the differences from the first and every speaker's figures."""
    reference, others = comparison.runs[0], comparison.runs[1:]
    runs = []
    for run in comparison.runs:
        evaluation = found[run.name].evaluation
        runs.append(
            (
                run.name,
                found[run.name].protocol,
                str(run.seeds),
                percents(run.ua),
                interval_percents(evaluation.ua_interval),
                percents(run.wa),
                interval_percents(evaluation.wa_interval),
                percents(evaluation.chance),
            )
        )
    return [
        Table(
            "Runs: figures in %, with 95 % intervals over speakers",
            ("run", "protocol", "seeds", "UA", "interval", "WA", "interval", "chance"),
            tuple(runs),
            text=2,
        ),
        Table(
            f"Differences from {reference.name}, in points, with 95 % intervals",
            ("run", "UA", "interval", "WA", "interval", "p", "Holm p", "better"),
            tuple(
                (
                    each.other,
                    points(each.ua),
                    _interval(each.ua_interval),
                    points(each.wa),
                    _interval(each.wa_interval),
                    p_value(each.test.p if each.test else None),
                    p_value(each.p_holm),
                    _better(each.better, tested=each.test is not None),
                )
                for each in comparison.differences
            ),
        ),
        Table(
            f"Speakers: UA in %, and its difference from {reference.name} in points",
            (
                "speaker",
                "utterances",
                *(run.name for run in comparison.runs),
                *(f"difference of {run.name}" for run in others),
            ),
            tuple(
                (
                    speaker.speaker,
                    str(speaker.count),
                    *map(percents, speaker.ua),
                    *(points(value - speaker.ua[0]) for value in speaker.ua[1:]),
                )
                for speaker in comparison.by_speaker
            ),
        ),
    ]


def class_rows(comparison: Comparison, found: dict[str, Gathered]) -> Iterator[_Cells]:
    """Give the same figures with all digits, a row each, as `COLUMNS` has them."""
    for run in comparison.runs:
        evaluation = found[run.name].evaluation
        yield _row("run", None, run.name, "UA", run.ua, evaluation.ua_interval)
        yield _row("run", None, run.name, "WA", run.wa, evaluation.wa_interval)
    for each in comparison.differences:
        tested = (each.test and each.test.p, each.p_holm, each.better)
        yield (*_row("difference", each.reference, each.other, "UA", each.ua, each.ua_interval)[:-3], *tested)
        yield _row("difference", each.reference, each.other, "WA", each.wa, each.wa_interval)
    for speaker in comparison.by_speaker:
        for run, by_ua, by_wa in zip(comparison.runs, speaker.ua, speaker.wa, strict=True):
            yield _row("speaker", speaker.speaker, run.name, "UA", by_ua)
            yield _row("speaker", speaker.speaker, run.name, "WA", by_wa)


def trace_tables(comparison: TraceComparison, found: dict[str, GatheredTraces]) -> list[Table]:
    """Lay out the runs, the differences from the first and every speaker's figures."""
    reference, others = comparison.runs[0], comparison.runs[1:]
    runs, speakers = [], []
    for run in comparison.runs:
        for score, value in zip(found[run.name].evaluation.by_dimension, run.ccc, strict=True):
            told = (plain(value), plain_interval(score.ccc_interval))
            runs.append((run.name, found[run.name].protocol, score.name, str(run.seeds), *told))
    for speaker in comparison.by_speaker:
        for i, name in enumerate(comparison.dimensions):
            values = [figures[i] for figures in speaker.ccc]
            less = (signed(value - values[0]) for value in values[1:])
            speakers.append((speaker.speaker, name, *map(plain, values), *less))
    return [
        Table(
            "Runs: pooled CCC, with 95 % intervals over speakers",
            ("run", "protocol", "dimension", "seeds", "CCC", "interval"),
            tuple(runs),
            text=3,
        ),
        Table(
            f"Differences from {reference.name} in pooled CCC, with 95 % intervals",
            ("run", "dimension", "CCC", "interval", "p", "Holm p", "better"),
            tuple(
                (
                    each.other,
                    each.dimension,
                    signed(each.ccc),
                    f"{signed(each.ccc_interval.low)} to {signed(each.ccc_interval.high)}"
                    if each.ccc_interval
                    else NONE,
                    p_value(each.test.p if each.test else None),
                    p_value(each.p_holm),
                    _better(each.better, tested=each.test is not None),
                )
                for each in comparison.differences
            ),
            text=2,
        ),
        Table(
            f"Speakers: CCC of all of a speaker's frames, and its difference from {reference.name}",
            (
                "speaker",
                "dimension",
                *(run.name for run in comparison.runs),
                *(f"difference of {run.name}" for run in others),
            ),
            tuple(speakers),
            text=2,
        ),
    ]


def trace_rows(comparison: TraceComparison, found: dict[str, GatheredTraces]) -> Iterator[_Cells]:
    """Give the same figures with all digits, a row each, as `COLUMNS` has them."""
    for run in comparison.runs:
        for score, value in zip(found[run.name].evaluation.by_dimension, run.ccc, strict=True):
            yield _row("run", None, run.name, f"{score.name} CCC", value, score.ccc_interval)
    for each in comparison.differences:
        figure, tested = f"{each.dimension} CCC", (each.test and each.test.p, each.p_holm, each.better)
        row = _row("difference", each.reference, each.other, figure, each.ccc, each.ccc_interval)
        yield (*row[:-3], *tested)
    for speaker in comparison.by_speaker:
        for run, figures in zip(comparison.runs, speaker.ccc, strict=True):
            for name, value in zip(comparison.dimensions, figures, strict=True):
                yield _row("speaker", speaker.speaker, run.name, f"{name} CCC", value)


def _row(
    of: str,
    name: str | None,
    run: str,
    figure: str,
    value: float,
    interval: Interval | None = None,
) -> _Cells:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return (of, name, run, figure, value, low, high, None, None, None)


def _interval(found: Interval | None) -> str:
    return f"{points(found.low)} to {points(found.high)}" if found else NONE


def _better(name: str | None, *, tested: bool) -> str:
    return name or ("no difference shown" if tested else "not tested")
