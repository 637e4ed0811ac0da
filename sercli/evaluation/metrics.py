"""Define the table of metrics that an evaluation and a comparison return, for classes and for dimensions.

A row is one metric of one group: of everything that was tested (group ``all``), or of a class, a speaker, a
gender, a fold or a recording. The rows of a comparison name their run. All outputs of metrics (the terminal,
the page, CSV, Markdown, LaTeX and JSON) print rows of this table.

For example, UA of all that was tested, and the UA of every speaker::

    table = evaluate(predictions).table
    ua = table.row("ua").value
    speakers = {row.name: row.value for row in table.group("speaker") if row.metric == "ua"}
"""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Rates = NDArray[np.float64]

Unit = Literal["share", "plain"]
"""Unit of a metric: a share is from 0 to 1 and printed in percent; a number, such as a CCC, is unchanged."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The definition of a metric.

    Attributes:
        key: name in studies and rows, such as ``ua``.
        label: name in tables, such as ``UA``.
        function: function from sums, one for each group, to values, (groups,) or (groups, columns).
        columns: the dimensions that have separate values; empty if there is one value.
        unit: unit of the values.
        headline: whether runs are compared by this metric, and reports begin with it.
        shares: function from the sums of each speaker to each speaker's contribution to the metric,
            (speakers,) or (speakers, columns); ``None`` if a difference in the metric is not tested.
        has_interval: whether the metric has a bootstrap interval.
        in_parts: whether speakers, folds and other parts have this metric.
        skips_undefined: whether a mean leaves out undefined values (NaN); otherwise one of them makes the
            mean undefined.
        over_classes: whether the value is a mean over classes, and another metric if a class is missing.
    """

    key: str
    label: str
    function: Callable[[Any], Rates]
    columns: tuple[str, ...] = ()
    unit: Unit = "share"
    headline: bool = False
    shares: Callable[[Any], Rates] | None = None
    has_interval: bool = True
    in_parts: bool = False
    skips_undefined: bool = True
    over_classes: bool = False

    @property
    def keys(self) -> list[str]:
        """Key of each column, such as ``ccc_arousal``."""
        return [f"{self.key}_{column}" for column in self.columns] or [self.key]

    @property
    def labels(self) -> list[str]:
        """Label of each column, such as ``arousal CCC``."""
        return [f"{column} {self.label}" for column in self.columns] or [self.label]

    def split(self, values: Rates) -> list[Rates]:
        """Split the values of `function` by column, (groups,) each."""
        return [values[..., i] for i in range(len(self.columns))] or [values]

    def spread(self, values: Rates) -> "Spread":
        """Summarise one value or more of one column."""
        undefined = np.isnan(values)
        if not undefined.any():
            return Spread.of(values.tolist())
        if undefined.all() or not self.skips_undefined:
            return Spread(math.nan, None)
        return Spread.of(values[~undefined].tolist())


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap interval over speakers, which holds the middle ``level`` of the draws."""

    low: float
    high: float
    level: float
    draws: int
    speakers: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation (n - 1); a single value has no deviation."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise one value or more."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The sign-flip test of a difference between two runs.

    Attributes:
        p: proportion of the flips with a difference at least as large, two-sided.
        flips: number of flips that were tried.
        exact: whether these are all possible flips; otherwise they were drawn.
        speakers: number of speakers that were flipped.
        least_p: the smallest p that is possible with this number of speakers and flips.
        p_holm: p corrected for the number of comparisons.
        better: the better run, if ``p_holm`` is below `sercli.evaluation.ALPHA`; otherwise ``None``.
    """

    p: float
    flips: int
    exact: bool
    speakers: int
    least_p: float
    p_holm: float | None = None
    better: str | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of one group.

    Attributes:
        group: ``all``, or the kind of part: ``class``, ``corpus``, ``speaker``, ``gender``, ``fold``,
            ``seed``, ``recording``; ``seeds`` and ``recordings`` are means over these; ``run`` and
            ``difference`` belong to a comparison.
        name: name of the class, the speaker, ...; ``None`` if the group has only one row.
        metric: key of the metric.
        label: name of the metric in tables.
        value: value; ``None`` if there is only a spread, NaN if it is undefined.
        unit: unit of value, interval, spread, chance and majority.
        interval: interval of the value over speakers; ``None`` if there is none.
        spread: spread over folds and seeds; in group ``seeds``, over seeds.
        chance: value of random guesses, or of a constant.
        majority: value of a model that always predicts the most frequent class.
        count: number of utterances or frames; an utterance counts once per seed.
        about: further facts about the part, such as the speaker's gender.
        run: name of the run, in a comparison.
        test: paired test of a difference.
    """

    group: str
    name: str | None
    metric: str
    label: str
    value: float | None
    unit: Unit = "share"
    interval: Interval | None = None
    spread: Spread | None = None
    chance: float | None = None
    majority: float | None = None
    count: int | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None
    test: PairedTest | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; what is undefined (NaN) is ``None``."""
        plain: dict[str, Any] = to_plain(asdict(self))
        return {name: value for name, value in plain.items() if value is not None or name not in _COMPARED}


_COMPARED = ("run", "test")  # fields that only rows of a comparison have


@dataclass(frozen=True, slots=True)
class Part:
    """A speaker, a fold or another part: its rows, by metric.

    Attributes:
        name: name of the part.
        about: further facts about the part.
        count: number of utterances or frames.
        rows: rows by key of the metric.
    """

    name: str
    about: Mapping[str, Any]
    count: int
    rows: Mapping[str, MetricRow]


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Rows of metrics, in the order in which tables print them."""

    rows: tuple[MetricRow, ...]

    def __iter__(self) -> Iterator[MetricRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def find(
        self, metric: str, group: str = "all", name: str | None = None, run: str | None = None
    ) -> MetricRow | None:
        """Return the first row with this metric, group, name and run; ``None`` if there is none."""
        wanted = (metric, group, name, run)
        return next((row for row in self.rows if (row.metric, row.group, row.name, row.run) == wanted), None)

    def row(
        self, metric: str, group: str = "all", name: str | None = None, run: str | None = None
    ) -> MetricRow:
        """Return a row, as `find` does.

        Raises:
            KeyError: there is no such row.
        """
        found = self.find(metric, group, name, run)
        if found is None:
            raise KeyError((metric, group, name, run))
        return found

    def group(self, group: str) -> list[MetricRow]:
        """Return the rows of a group."""
        return [row for row in self.rows if row.group == group]

    def parts(self, group: str) -> list[Part]:
        """Gather the rows of each speaker, fold, ... of a group, in order."""
        found: list[dict[str, MetricRow]] = []
        previous: str | None = None
        for row in self.group(group):
            # Two networks may test one recording, so a repeated metric begins a new part.
            if not found or row.name != previous or row.metric in found[-1]:
                found.append({})
            found[-1][row.metric] = row
            previous = row.name
        firsts = [next(iter(rows.values())) for rows in found]
        return [
            Part(first.name or "", first.about, first.count or 0, rows)
            for first, rows in zip(firsts, found, strict=True)
        ]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the rows as plain types, ready for JSON."""
        return [row.to_dict() for row in self.rows]


def divide(part: NDArray[Any], total: NDArray[Any]) -> Rates:
    """Divide; the quotient is NaN where the divisor is not above zero."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(total))
    quotient: Rates = np.divide(part, total, out=np.full(shape, np.nan), where=total > 0)
    return quotient


def to_plain(value: Any) -> Any:
    """Turn tuples and arrays into lists, at any depth, and NaN into ``None``."""
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
