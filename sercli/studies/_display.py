"""What a study's file says of its report: metrics, axes and confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

from sercli.errors import unknown
from sercli.studies import METRICS, Display, Row
from sercli.studies._source import Source

_PLOT = ("x", "lines")


def read_display(source: Source, top: Mapping[str, Any], rows: Sequence[Row]) -> Display:
    """Read ``metrics:``, ``plot:`` and ``confusion:``.

    Raises:
        ConfigError: a metric, a setting or a row is unknown.
    """
    plot = source.mapping(("plot",), top.get("plot", {}), "plot")
    source.known(("plot",), plot, _PLOT, "plot")
    if "lines" in plot and plot["lines"] != "metrics":
        source.fail(("plot", "lines"), f"lines is metrics, or it is left out; not {plot['lines']!r}")
    x = source.text(("plot", "x"), plot["x"], "x") if "x" in plot else None
    varied = {name for row in rows for name in row.varied}
    if x is not None and x not in varied:
        source.fail(("plot", "x"), str(unknown("the varied settings", x, varied)))
    return Display(_metrics(source, top), x, "lines" in plot, _confusion(source, top, rows))


def _metrics(source: Source, top: Mapping[str, Any]) -> tuple[str, ...]:
    if "metrics" not in top:
        return ()
    names = source.items(("metrics",), top["metrics"], "metrics")
    for i, name in enumerate(names):
        if name not in METRICS:
            source.fail(("metrics", i), str(unknown("metrics", str(name), METRICS)))
    return tuple(dict.fromkeys(names))


def _confusion(source: Source, top: Mapping[str, Any], rows: Sequence[Row]) -> tuple[str, ...]:
    if "confusion" not in top:
        return ()
    known = [row.name for row in rows]
    if top["confusion"] == "all":
        return tuple(known)
    names = source.items(("confusion",), top["confusion"], "confusion")
    for i, name in enumerate(names):
        if name not in known:
            source.fail(("confusion", i), str(unknown("rows", str(name), known)))
    return tuple(dict.fromkeys(names))
