"""How pages and tables write numbers."""

import math

from sercli.evaluation.class_evaluation import Spread
from sercli.evaluation.metrics import Interval

NONE = "–"
_THIN = "\N{NARROW NO-BREAK SPACE}"


def percent(rate: float, digits: int = 1) -> str:
    """Write a share, with its sign."""
    return NONE if math.isnan(rate) else f"{rate * 100:.{digits}f}{_THIN}%"


def percents(rate: float) -> str:
    """Write a share in a column that names its unit."""
    return NONE if math.isnan(rate) else f"{rate * 100:.1f}"


def interval(found: Interval) -> str:
    """Write an interval of shares."""
    return f"{found.low * 100:.1f} to {found.high * 100:.1f}{_THIN}%"


def interval_percents(found: Interval | None) -> str:
    """Write an interval of shares in a column that names its unit."""
    return f"{found.low * 100:.1f} to {found.high * 100:.1f}" if found else NONE


def spread(found: Spread) -> str:
    """Write mean and deviation of shares."""
    return percent(found.mean) if found.deviation is None else f"{spread_percents(found)}{_THIN}%"


def spread_percents(found: Spread) -> str:
    """Write mean and deviation of shares in a column that names its unit."""
    if found.deviation is None:
        return percents(found.mean)
    return f"{found.mean * 100:.1f} ± {found.deviation * 100:.1f}"


def plain(value: float) -> str:
    """Write a figure that is no share, such as a CCC."""
    return NONE if math.isnan(value) else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def plain_interval(found: Interval | None) -> str:
    """Write an interval of figures that are no shares."""
    return f"{plain(found.low)} to {plain(found.high)}" if found else NONE


def plain_spread(found: Spread) -> str:
    """Write mean and deviation of figures that are no shares."""
    if found.deviation is None or math.isnan(found.mean):
        return plain(found.mean)
    return f"{plain(found.mean)} ± {plain(found.deviation)}"


def points(value: float) -> str:
    """Write a difference of shares in points, with its sign."""
    return NONE if math.isnan(value) else f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """Write a difference of figures that are no shares."""
    return NONE if math.isnan(value) else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def p_value(p: float | None) -> str:
    """Write a p."""
    if p is None:
        return NONE
    return f"{p:.4f}" if p >= 0.0001 else "<.0001"
