"""The page's own HTML. Text from bundles and recordings is escaped."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from sercli.web.limits import Limits, formats
from sercli.web.loaded import LoadedModel

if TYPE_CHECKING:
    from sercli.demo.answers import Answer, SeveralAnswers
    from sercli.demo.live import LiveAnswer


NEEDS_SEVERAL = (
    "This model compares recordings with each other, so one recording is not enough: send two or more "
    "recordings of the same person in the tab Several recordings"
)
"""Why a model that standardises per speaker or per corpus does not answer a single recording."""
NEEDS_COMPLETE = (
    "This model follows the complete recording and gives values for each 40 ms, so it can't answer only the "
    "spoken parts: clear the box and send the recording again"
)
"""Why a model of values by frame does not answer the spoken parts of a recording."""


def answers(found: Sequence["Answer"], kept: bool, unable: Mapping[str, str]) -> str:
    """Show each model's answer to a recording, and why others do not answer it, by name."""
    return _environment().get_template("answers.html").render(answers=found, kept=kept, unable=unable)


def several(found: Sequence["SeveralAnswers"], kept: bool) -> str:
    """Show each model's answers to several recordings of one person."""
    return _environment().get_template("several.html").render(found=found, kept=kept)


def live(found: Sequence["LiveAnswer"]) -> str:
    """Show each model's present answer."""
    return _environment().get_template("live.html").render(answers=found)


def waiting() -> str:
    """Show that a recording has arrived."""
    return _environment().get_template("waiting.html").render()


def refusal(reason: str) -> str:
    """Show why there is no answer."""
    return _environment().get_template("refusal.html").render(reason=reason)


def head(models: Sequence[LoadedModel], limits: Limits, kept: bool) -> str:
    """Show the purpose of the page, and what happens to recordings."""
    template = _environment().get_template("head.html")
    return template.render(models=models, limits=limits, kept=kept, formats=formats())


def about(models: Sequence[LoadedModel]) -> str:
    """Show the origin of the models and their test results."""
    return _environment().get_template("about.html").render(models=models)


def style() -> str:
    """Return the page's CSS."""
    return _read("page.css")


def script() -> str:
    """Return the page's script: a JavaScript function that is called when the page is open."""
    return _read("page.js")


def _read(name: str) -> str:
    return (resources.files("sercli.demo") / "templates" / name).read_text("utf-8")


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
