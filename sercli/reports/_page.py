"""Shared parts of the pages: templates, and pictures for light and dark backgrounds."""

from collections.abc import Callable
from functools import cache
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from sercli import figures
from sercli.formatting import NONE, format_count


def template(name: str) -> Template:
    """Load a page's template."""
    return _environment().get_template(name)


@cache  # it keeps the compiled templates
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "unbroken": _unbroken,
        "share_of_bar": _share_of_bar,
    }
    return environment


def draw_both(draw: Callable[..., Figure], kind: Literal["png", "svg"] = "svg") -> dict[str, str]:
    """Draw a picture for light and for dark pages; ``draw`` takes ``dark``."""
    return {mode: figures.to_data_uri(draw(dark=mode == "dark"), kind) for mode in ("light", "dark")}


def _share_of_bar(text: str, factor: int) -> str:
    """Return the width of a cell's bar in percent of the cell, from the cell's text."""
    number = "" if text == NONE else text.replace("\N{MINUS SIGN}", "-")
    return f"{min(100.0, max(0.0, factor * float(number or 0))):.1f}"


def _unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" %", "\N{NARROW NO-BREAK SPACE}%")


def _count(number: int, noun: str, plural: str = "") -> Markup:
    """Write ``1 fold``, ``10 folds``, ``1 234 utterances``; number and noun stay on one line."""
    return Markup("{}&nbsp;{}").format(format_count(number), noun if number == 1 else plural or f"{noun}s")
