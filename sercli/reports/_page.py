"""What the pages share: templates and pictures for light and dark."""

from collections.abc import Callable
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from sercli import figures
from sercli.reports import _numbers


def template(name: str) -> Template:
    """Load a page's template."""
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(_numbers, name)
        for name in (
            "interval",
            "p_value",
            "percent",
            "percents",
            "plain",
            "plain_interval",
            "plain_spread",
            "points",
            "signed",
            "spread",
        )
    }
    environment.filters["count"] = _count
    return environment.get_template(name)


def draw_both(draw: Callable[[bool], Figure], kind: Literal["png", "svg"] = "svg") -> dict[str, str]:
    """Draw for light and dark pages."""
    return {"light": figures.to_data_uri(draw(False), kind), "dark": figures.to_data_uri(draw(True), kind)}


def _count(number: int, noun: str, plural: str = "") -> Markup:
    """Write ``1 fold``, ``10 folds``, ``1 234 utterances``; the two never part at a line's end."""
    digits = f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return Markup("{}&nbsp;{}").format(digits, noun if number == 1 else plural or f"{noun}s")
