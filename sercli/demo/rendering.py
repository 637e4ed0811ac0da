"""The page's own HTML. All that comes from bundles and recordings is escaped."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from sercli.demo.limits import TAKEN, Limits
from sercli.demo.loaded import Loaded

if TYPE_CHECKING:
    from sercli.demo.answers import Answer
    from sercli.demo.live import Heard


def answers(found: Sequence["Answer"], kept: bool) -> str:
    """Show what each model says of a recording."""
    return _environment().get_template("answers.html").render(answers=found, kept=kept)


def live(heard: Sequence["Heard"]) -> str:
    """Show what each model says just now."""
    return _environment().get_template("live.html").render(heard=heard)


def waiting() -> str:
    """Show that a recording has come."""
    return _environment().get_template("waiting.html").render()


def refusal(fact: str) -> str:
    """Show why there is no answer."""
    return _environment().get_template("refusal.html").render(fact=fact)


def head(loaded: Sequence[Loaded], limits: Limits, kept: bool) -> str:
    """Show what the page is, and what becomes of recordings."""
    template = _environment().get_template("head.html")
    return template.render(loaded=loaded, limits=limits, kept=kept, taken=TAKEN)


def about(loaded: Sequence[Loaded]) -> str:
    """Show where the models come from and how good they are."""
    return _environment().get_template("about.html").render(loaded=loaded)


def style() -> str:
    """Return the page's CSS."""
    return (resources.files("sercli.demo") / "templates/page.css").read_text("utf-8")


def intended_use() -> str:
    """Return what every model card says of what models are for, as Markdown."""
    card = (resources.files("sercli.reports") / "templates/card.md").read_text("utf-8")
    _, after = card.split("## What it is for, and what it can't tell\n")
    return after.split("\n## ")[0].strip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sercli.demo"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}"
    return environment
