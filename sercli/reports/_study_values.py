"""The values of a study's cells: ours and the paper's, on the study's basis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sercli.evaluation.class_evaluation import Interval, Spread
from sercli.evaluation.genders import without_gender
from sercli.evaluation.measures import (
    MEASURES,
    mean_ccc_intervals,
    mean_intervals,
    measure,
    recall_functions,
)
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.studies import Cell, Study

USUAL = ("ua", "wa")
"""Metrics of classes that a table has if the study names none."""

RECALL = "recall_"
MERGED = "_without_gender"


@dataclass(frozen=True, slots=True)
class Above:
    """How a figure differs from that of the row above, on what both tested.

    Attributes:
        row: that row.
        difference: this one's less that one's.
        interval: of the difference, paired over speakers.
        p: of the sign-flip test over speakers; none where there is none.
        p_holm: corrected for all tests of the column.
        why_not: why there is no difference or no test.
    """

    row: str
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper reports.

    Attributes:
        value: a share, or a CCC.
        digits: after the point, of what the paper prints: per cent, or a CCC.
        derived: whether the paper does not print it, and it is computed from what the paper states.
    """

    value: float
    digits: int
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure of a cell.

    Attributes:
        key: as studies spell it: ``ua``, ``wa``, ``recall_anger``, ``ua_without_gender``, ``ccc_arousal``.
        ours: pooled over folds and seeds.
        interval: over speakers, of the pooled value; none with few of them.
        spread: over folds and seeds.
        paper: what the paper reports.
        above: the comparison with the row above; none of values that are not tested, and the first row.
        means: whether the study's values are means over folds, and not pooled.
        mean_interval: over speakers, of the mean over folds and seeds; only where ``means`` is set.
    """

    key: str
    ours: float
    interval: Interval | None
    spread: Spread
    paper: Paper | None
    above: Above | None = None
    means: bool = False
    mean_interval: Interval | None = None

    @property
    def name(self) -> str:
        """As tables spell it."""
        return name_of(self.key)

    @property
    def share(self) -> bool:
        """Whether it is a share, printed in per cent."""
        return not self.key.startswith("ccc")

    @property
    def value(self) -> float:
        """Ours on the study's basis: the mean over folds and seeds, or pooled."""
        return self.spread.mean if self.means else self.ours

    @property
    def value_interval(self) -> Interval | None:
        """The interval of `value`."""
        return self.mean_interval if self.means else self.interval

    @property
    def difference(self) -> float | None:
        """Ours less the paper's, on the study's basis."""
        return None if self.paper is None else self.value - self.paper.value

    @property
    def holds(self) -> bool | None:
        """Whether the paper's value, which is rounded, lies in our interval on the study's basis."""
        interval = self.value_interval
        if self.paper is None or interval is None:
            return None
        rounding = 0.5 * 10.0 ** -(self.paper.digits + 2 * self.share)
        return interval.low - rounding <= self.paper.value <= interval.high + rounding


def name_of(key: str) -> str:
    """Spell a metric as tables do."""
    if key.startswith("ccc_"):
        return f"{key.removeprefix('ccc_')} CCC"
    if key.startswith(RECALL):
        return f"recall of {key.removeprefix(RECALL)}"
    return key.removesuffix(MERGED).upper() + (" without gender" if key.endswith(MERGED) else "")


def class_values(
    study: Study, gathered: Gathered, reported: Mapping[str, Paper | None], draws: int
) -> tuple[Standing, ...]:
    """Measure what the study asks for and what the paper reports, in this order.

    Args:
        study: whose metrics and basis these are.
        gathered: a run's predictions and their evaluation.
        reported: the paper's values, as `papers` gives them.
        draws: of the bootstrap over speakers.
    """
    keys = list(dict.fromkeys([*_keys(study.display.metrics or USUAL, gathered), *reported]))
    found: dict[str, Standing] = {}
    for rows, evaluation, ending in (
        (gathered.predictions, gathered.evaluation, ""),
        (without_gender(gathered.predictions), gathered.evaluation.without_gender, MERGED),
    ):
        if rows is None or evaluation is None:
            continue
        of = {_key(name, ending): each for name, each in MEASURES.items()}
        of |= {} if ending else {RECALL + name: each for name, each in recall_functions(rows.classes).items()}
        wanted = {key: of[key] for key in keys if key in of}
        known = {_key(each.name, ending): each for each in evaluation.measures}
        lacking = {key: each for key, each in wanted.items() if key not in known}
        measured = known | {each.name: each for each in (measure(rows, lacking, draws) if lacking else ())}
        means = mean_intervals(rows, wanted, draws) if study.means else {}
        for key in wanted:
            each = measured[key]
            found[key] = Standing(
                key,
                each.value,
                each.interval,
                each.spread,
                reported.get(key),
                means=study.means,
                mean_interval=means.get(key),
            )
    return tuple(found[key] for key in keys if key in found)


def trace_values(
    study: Study, gathered: GatheredTraces, reported: Mapping[str, Paper | None], draws: int
) -> tuple[Standing, ...]:
    """Give the CCC of each dimension; arguments as of `class_values`."""
    found = mean_ccc_intervals(gathered.predictions, draws) if study.means else {}
    return tuple(
        Standing(
            f"ccc_{score.name}",
            score.ccc,
            score.ccc_interval,
            score.ccc_spread,
            reported.get(f"ccc_{score.name}"),
            means=study.means,
            mean_interval=found.get(score.name),
        )
        for score in gathered.evaluation.by_dimension
    )


def _keys(metrics: Sequence[str], gathered: Gathered) -> Iterator[str]:
    """Spell out the metrics of a study: the recall of each class, UA and WA without gender."""
    for metric in metrics:
        if metric == "recall":
            yield from (RECALL + name for name in gathered.predictions.classes)
        elif metric == "without_gender":
            yield from (key + MERGED for key in USUAL)
        else:
            yield metric


def _key(name: str, ending: str) -> str:
    return name.lower().replace(" ", "_") + ending


def papers(cells: Sequence[Cell], cell: Cell) -> dict[str, Paper | None]:
    """Return what the paper reports, by metric; of those that it has for other rows alone none."""
    column = [each.paper for each in cells if each.on.name == cell.on.name]
    found: dict[str, Paper | None] = {}
    for key in dict.fromkeys(key for values in column for key in values):
        # YAML keeps no zeros at the end: the longest of a column tells how many digits the paper prints.
        digits = max(_digits(values[key].value) for values in column if key in values)
        own, scale = cell.paper.get(key), 1 if key.startswith("ccc") else 100
        # 60.03 / 100 is 0.6003 with a rest.
        found[key] = None if own is None else Paper(round(own.value / scale, 9), digits, own.derived)
    return found


def _digits(value: float) -> int:
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])
