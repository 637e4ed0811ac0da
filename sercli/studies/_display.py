"""What a study's file says of its report: metrics, axes, confusion matrices and training curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from sercli.errors import unknown
from sercli.plain.yaml import Place
from sercli.studies import METRICS, Display, Row
from sercli.studies._source import Source

_PLOT = ("x", "axis", "lines")
_CURVES = ("rows", "fold")


def read_display(source: Source, top: Mapping[str, Any], rows: Sequence[Row]) -> Display:
    """Read ``metrics:``, ``plot:``, ``confusion:`` and ``curves:``.

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
    axis = source.mapping(("plot", "axis"), plot.get("axis", {}), "axis")
    source.known(("plot", "axis"), axis, tuple(varied | {row.group for row in rows if row.varied}), "axis")
    curves = source.mapping(("curves",), top.get("curves", {}), "curves")
    source.known(("curves",), curves, _CURVES, "curves")
    fold = curves.get("fold", 1)
    if isinstance(fold, bool) or not isinstance(fold, int) or fold < 1:
        source.fail(("curves", "fold"), f"fold is a number from 1, not {fold!r}")
    return Display(
        metrics=_metrics(source, top),
        x=x,
        axis={name: source.text(("plot", "axis", name), text, "axis") for name, text in axis.items()},
        metrics_as_lines="lines" in plot,
        confusion=_rows(source, ("confusion",), top, rows),
        curves=_rows(source, ("curves", "rows"), curves, rows),
        curves_fold=fold,
    )


def _metrics(source: Source, top: Mapping[str, Any]) -> tuple[str, ...]:
    if "metrics" not in top:
        return ()
    names = source.items(("metrics",), top["metrics"], "metrics")
    for i, name in enumerate(names):
        if name not in METRICS:
            source.fail(("metrics", i), str(unknown("metrics", str(name), METRICS)))
    return tuple(dict.fromkeys(names))


def _rows(source: Source, place: Place, given: Mapping[str, Any], rows: Sequence[Row]) -> tuple[str, ...]:
    """Read a list of rows by name, or ``all``."""
    if place[-1] not in given:
        return ()
    known, chosen = [row.name for row in rows], given[str(place[-1])]
    if chosen == "all":
        return tuple(known)
    names = source.items(place, chosen, str(place[-1]))
    for i, name in enumerate(names):
        if name not in known:
            source.fail((*place, i), str(unknown("rows", str(name), known)))
    return tuple(dict.fromkeys(names))
