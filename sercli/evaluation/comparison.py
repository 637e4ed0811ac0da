"""Test whether one run is better than another, on the utterances or recordings that both tested.

The first run is the reference, and every other run is compared with it, because the question is nearly always
whether something new is better than a baseline. Holm's correction grows with the number of comparisons, so a
comparison of all pairs would weaken the tests that matter. To test another pair, put another run first.

Speakers are independent; utterances of one speaker are not. The interval of a difference draws the same
speakers for both runs. Only UA, or the pooled CCC of each dimension, is tested; Holm's correction counts all
tests. Interval and test use different methods, so near the limit they may disagree. The test decides, because
a bootstrap interval is too narrow with few speakers.

Runs whose classes or schemes differ are compared on their common classes and utterances; see
`sercli.evaluation.common`.

Neither covers other trainings: several seeds together have the weight of one run, and a difference is a
difference between these trained models.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sercli.errors import RunError
from sercli.evaluation.common import Common, find_common
from sercli.evaluation.measures import scoring_of
from sercli.evaluation.metrics import Counts, Interval, Metric, MetricRow, MetricTable, PairedTest, Rates
from sercli.evaluation.resampling import DRAWS, draw, flip_signs, holm, percentile, why_no_test
from sercli.evaluation.scoring import Scoring, check_finite
from sercli.records import ClassPredictions, Predictions

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run that was compared, and its number of ``seeds``."""

    name: str
    seeds: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs that tested the same utterances or recordings, side by side.

    Attributes:
        outputs: the classes or dimensions that are compared.
        noun: name of a tested item: ``utterance`` or ``recording``.
        tested: number of items that each run tested, once per seed.
        speakers: number of known speakers.
        runs: runs in the given order; the first is the reference.
        headline: keys of the metrics that are compared.
        tested_by: keys of the metrics whose difference is tested.
        no_test: reason why there are no intervals and tests; ``None`` if there are.
        table: rows of three groups: ``run``; ``difference``, named after the reference; and ``speaker``,
            sorted by name, without unknown speakers. Each row names its ``run``.
        common: common classes and utterances of runs that differ in them; ``None`` if each run has the same.
    """

    outputs: tuple[str, ...]
    noun: str
    tested: int
    speakers: int
    runs: tuple[ComparedRun, ...]
    headline: tuple[str, ...]
    tested_by: tuple[str, ...]
    no_test: str | None
    table: MetricTable
    common: Common | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {
            "outputs": list(self.outputs),
            f"{self.noun}s": self.tested,
            "speakers": self.speakers,
            "runs": [{"name": run.name, "seeds": run.seeds} for run in self.runs],
            "no_test": self.no_test,
            "common": self.common and self.common.to_dict(),
            "metrics": self.table.to_dict(),
        }


def compare(
    runs: Mapping[str, Predictions], draws: int = DRAWS, *, schemes_differ: bool = False
) -> Comparison:
    """Compare each run with the first, as this module describes.

    Args:
        runs: predictions by the run's name, two or more.
        draws: number of draws of the bootstrap over speakers.
        schemes_differ: whether the runs may differ in labels and in tested utterances because their schemes
            differ. What they have in common is then compared. Other classes imply this.

    Raises:
        RunError: there are fewer than two runs; fewer than two classes are common; or the runs did not test
            the same utterances with the same targets, although their schemes are equal.
    """
    _check_each(runs)
    common = _find_common(runs, schemes_differ=schemes_differ)
    if common is not None:
        runs = {
            name: common.restrict(name, predictions)
            for name, predictions in runs.items()
            if isinstance(predictions, ClassPredictions)
        }
    reference = _check_pairs(runs)
    first = runs[reference]
    names = first.known_speakers
    unknown = {name for name, who in zip(first.ids, first.speakers, strict=True) if who is None}
    no_test = why_no_test(len(names), len(unknown), first.noun)
    sides = [_Side.of(name, predictions, names) for name, predictions in runs.items()]
    rows = [row for side in sides for row in side.run_rows()]
    rows += _differences(sides, None if no_test else draws)
    rows += _speaker_rows(sides, names)
    return Comparison(
        outputs=first.outputs,
        noun=first.noun,
        tested=len(set(first.ids)),
        speakers=len(names),
        runs=tuple(ComparedRun(side.name, side.seeds) for side in sides),
        headline=tuple(key for metric in sides[0].metrics for key in metric.keys),
        tested_by=tuple(key for metric in sides[0].metrics if metric.shares for key in metric.keys),
        no_test=no_test,
        table=MetricTable(tuple(rows)),
        common=common,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One run of a comparison.

    Attributes:
        name: name of the run.
        seeds: number of seeds of the run.
        scoring: scoring of its predictions.
        metrics: the metrics that are compared.
        by_speaker: sums of each known speaker, and of all unknown speakers; all seeds have the weight of one.
        pooled: value of each column of each metric.
    """

    name: str
    seeds: int
    scoring: Scoring[Any]
    metrics: tuple[Metric, ...]
    by_speaker: Any
    pooled: list[float]

    @classmethod
    def of(cls, name: str, predictions: Predictions, speakers: Sequence[str]) -> "_Side":
        """Sum the predictions by speaker."""
        scoring, seeds = scoring_of(predictions), len(set(predictions.seeds))
        metrics = tuple(metric for metric in scoring.metrics if metric.headline)
        groups: list[str | None] = [*speakers, *([None] if None in predictions.speakers else [])]
        rows = [[row for row, who in enumerate(predictions.speakers) if who == group] for group in groups]
        by_speaker = scoring.per_seed(scoring.sums(rows), seeds)
        every = scoring.combine(by_speaker, np.ones((1, len(groups)), dtype=np.int64))
        pooled = [float(column[0]) for metric in metrics for column in metric.split(metric.function(every))]
        return cls(name, seeds, scoring, metrics, by_speaker, pooled)

    def run_rows(self) -> list[MetricRow]:
        """Return the rows of the run's metrics."""
        return [self.row("run", None, i, value) for i, value in enumerate(self.pooled)]

    def row(self, group: str, name: str | None, column: int, value: float, **more: Any) -> MetricRow:
        """Return the row of one column of the compared metrics."""
        columns = [
            (key, label, metric.unit)
            for metric in self.metrics
            for key, label in zip(metric.keys, metric.labels, strict=True)
        ]
        key, label, unit = columns[column]
        return MetricRow(group, name, key, label, value, unit, run=self.name, **more)

    def columns(self, sums: Any) -> list[Rates]:
        """Return each column of the compared metrics, (groups,)."""
        return [column for metric in self.metrics for column in metric.split(metric.function(sums))]

    def of_draws(self, times: Counts) -> list[Rates]:
        """Return each column of the compared metrics in each draw of the groups, (draws,)."""
        drawn = self.scoring.of_draws(self.metrics, self.by_speaker, times)
        return [
            column
            for metric, values in zip(self.metrics, drawn, strict=True)
            for column in metric.split(values)
        ]

    def shares(self) -> list[Rates | None]:
        """Return each speaker's share of each column, (speakers,); ``None`` if the column is not tested."""
        found: list[Rates | None] = []
        for metric in self.metrics:
            shares = metric.shares and metric.shares(self.by_speaker)
            found += [None] * len(metric.keys) if shares is None else metric.split(shares)
        return found


def _differences(sides: Sequence[_Side], draws: int | None) -> list[MetricRow]:
    """Return each run's differences from the first, with intervals and tests unless ``draws`` is None."""
    reference, others = sides[0], sides[1:]
    rows = [
        side.row("difference", reference.name, i, value - reference.pooled[i])
        for side in others
        for i, value in enumerate(side.pooled)
    ]
    if draws is None:
        return rows
    intervals = [interval for other in _intervals(sides, draws) for interval in other]
    tests = [test for side in others for test in _test(reference, side)]
    corrected = iter(holm([test.p for test in tests if test]))
    found = []
    for row, interval, test in zip(rows, intervals, tests, strict=True):
        if test is not None:
            p = next(corrected)
            winner = row.run if (row.value or 0.0) > 0 else reference.name
            test = replace(test, p_holm=p, better=winner if p < ALPHA else None)  # noqa: PLW2901
        found.append(replace(row, interval=interval, test=test))
    return found


def _intervals(sides: Sequence[_Side], draws: int) -> list[list[Interval | None]]:
    """Return for each other run the interval of each column's difference from the first run."""
    speakers = len(sides[0].scoring.predictions.known_speakers)
    times = list(draw(speakers, draws))  # the same speakers in every run
    drawn = []
    for side in sides:
        chunks = [side.of_draws(some) for some in times]
        drawn.append([np.concatenate(column) for column in zip(*chunks, strict=True)])
    return [
        [percentile(column - base, speakers) for column, base in zip(own, drawn[0], strict=True)]
        for own in drawn[1:]
    ]


def _test(reference: _Side, other: _Side) -> list[PairedTest | None]:
    """Test the differences of all columns that have a test."""
    pairs = zip(other.shares(), reference.shares(), strict=True)
    return [None if own is None or base is None else flip_signs(own - base) for own, base in pairs]


def _speaker_rows(sides: Sequence[_Side], names: Sequence[str]) -> list[MetricRow]:
    """Return each known speaker's metrics in each run; ``count`` is that of one seed."""
    first = sides[0].scoring
    counts = dict.fromkeys(names, 0)
    for row, who in enumerate(first.predictions.speakers):
        if who is not None:
            counts[who] += first.count([row])
    values = [side.columns(side.by_speaker) for side in sides]
    return [
        side.row("speaker", name, i, float(column[place]), count=counts[name] // sides[0].seeds)
        for place, name in enumerate(names)
        for side, columns in zip(sides, values, strict=True)
        for i, column in enumerate(columns)
    ]


def _check_each(runs: Mapping[str, Predictions]) -> None:
    """Refuse runs that can't be compared with any other run."""
    if len(runs) < 2:
        raise RunError("a comparison needs two runs or more; name another")
    for name, predictions in runs.items():
        if not len(predictions):
            raise RunError(f"{name}: no predictions to compare; test at least one fold")
        check_finite(predictions, name)


def _find_common(runs: Mapping[str, Predictions], *, schemes_differ: bool) -> Common | None:
    """Find what runs of different classes or schemes have in common; ``None`` if they do not differ."""
    found = {name: each for name, each in runs.items() if isinstance(each, ClassPredictions)}
    classes_differ = len({each.classes for each in found.values()}) > 1
    if len(found) < len(runs) or not (classes_differ or schemes_differ):
        return None
    common = find_common(found)
    return None if common.keeps_all and not classes_differ else common


def _check_pairs(runs: Mapping[str, Predictions]) -> str:
    """Refuse runs that can't be paired, and return the name of the first run."""
    reference, first = next(iter(runs.items()))
    places = {name: row for row, name in enumerate(first.ids)}
    expected = _tested(first, min(first.seeds))
    for name, predictions in runs.items():
        if type(predictions) is not type(first) or predictions.outputs != first.outputs:
            both = f"{reference}: {', '.join(first.outputs)}; {name}: {', '.join(predictions.outputs)}"
            raise RunError(
                f"runs of different classes or dimensions can't be compared ({both}); compare runs of one "
                "scheme"
            )
        for seed in sorted(set(predictions.seeds)):
            tested = _tested(predictions, seed)
            if tested != expected:
                wanted = f"{reference} {expected.total()}"
                if name == reference:
                    wanted = f"and {expected.total()} with seed {min(first.seeds)}"
                raise RunError(
                    f"{name} tested {tested.total()} {first.noun}s with seed {seed}, {wanted}, "
                    f"and {(tested & expected).total()} are in both; "
                    "test the same folds of one protocol on one corpus in every run and with every seed"
                )
        changed = {
            predictions.ids[row]
            for row in range(len(predictions))
            if not _same_truth(first, places[predictions.ids[row]], predictions, row)
        }
        if changed:
            raise RunError(
                f"{name} and {reference} disagree on label or speaker of {len(changed)} of {len(places)} "
                f"{first.noun}s; train both on one preparation of the corpus"
            )
    return reference


def _tested(predictions: Predictions, seed: int) -> Counter[str]:
    pairs = zip(predictions.ids, predictions.seeds, strict=True)
    return Counter(name for name, own in pairs if own == seed)


def _same_truth(one: Predictions, place: int, other: Predictions, row: int) -> bool:
    """Return whether two rows have the same label and speaker."""
    same = np.array_equal(one.target[place], other.target[row])
    return same and one.speakers[place] == other.speakers[row]
