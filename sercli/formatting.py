"""How numbers, intervals, p values and durations are printed, on pages, in tables and on the terminal."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sercli.evaluation.metrics import Interval, Spread

NONE = "–"
"""Printed where there is no number."""

_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers of one kind are printed: in percent, or as they are.

    Attributes:
        factor: a number is multiplied by it.
        digits: after the point.
        unit: printed after a number where no heading names it.
    """

    factor: int
    digits: int
    unit: str = ""

    def number(self, value: float | None) -> str:
        """Format a number for a column that names its unit."""
        if value is None or math.isnan(value):
            return NONE
        return f"{self.factor * value:.{self.digits}f}".replace("-", _MINUS)

    def with_unit(self, value: float | None) -> str:
        """Format a number with its unit."""
        return self._add_unit(self.number(value))

    def interval(self, found: "Interval | None") -> str:
        """Format an interval for a column that names its unit."""
        return f"{self.number(found.low)} to {self.number(found.high)}" if found else NONE

    def interval_with_unit(self, found: "Interval | None") -> str:
        """Format an interval with its unit."""
        return self._add_unit(self.interval(found))

    def spread(self, found: "Spread | None") -> str:
        """Format mean and standard deviation for a column that names its unit."""
        if found is None:
            return NONE
        if found.deviation is None or math.isnan(found.mean):
            return self.number(found.mean)
        return f"{self.number(found.mean)} ± {self.number(found.deviation)}"

    def spread_with_unit(self, found: "Spread | None") -> str:
        """Format mean and standard deviation with their unit."""
        return self._add_unit(self.spread(found))

    def difference(self, value: float | None) -> str:
        """Format a difference with its sign: in points where the numbers are in percent."""
        if value is None or math.isnan(value):
            return NONE
        return f"{self.factor * value:+.{self.digits}f}".replace("-", _MINUS)

    def difference_interval(self, found: "Interval | None") -> str:
        """Format the interval of a difference."""
        return f"{self.difference(found.low)} to {self.difference(found.high)}" if found else NONE

    def _add_unit(self, text: str) -> str:
        return text if text == NONE or not self.unit else f"{text} {self.unit}"


PERCENT = Scale(100, 1, "%")
"""For shares, such as UA."""

PLAIN = Scale(1, 3)
"""For numbers that are no shares, such as a CCC."""


def format_p(p: float | None) -> str:
    """Format the p value of a test."""
    if p is None:
        return NONE
    return f"{p:.4f}" if p >= 0.0001 else "<.0001"


def count_noun(number: int, noun: str) -> str:
    """Write a number before a noun: 1 epoch, 2 epochs, 1,200 epochs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_count(number: int) -> str:
    """Format a count with a thin space between thousands: ``1 234``."""
    return f"{number:,}".replace(",", _THIN)


def clock(seconds: float, *, hours: bool) -> str:
    """Format a moment as min:s, or as h:min:s with ``hours``, in whole seconds: ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    if not hours:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def format_duration(seconds: float, digits: int = 0) -> str:
    """Format a duration in the largest unit of which it has two or more.

    Args:
        seconds: the duration.
        digits: after the point, for minutes and longer units.
    """
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.{digits}f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
