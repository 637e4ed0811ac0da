"""One run as one HTML page that needs no network and no other file."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from sercli import figures, files
from sercli.evaluation import Evaluation, Spread
from sercli.evaluation.intervals import Interval
from sercli.figures.confusion import confusion_matrix
from sercli.figures.curves import Row, training_curves
from sercli.figures.speakers import per_speaker

_WIDE = 8  # from this many classes on the confusion matrix has the page's width to itself


def render_run(
    title: str,
    evaluation: Evaluation,
    history: Sequence[Row] = (),
    facts: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    *,
    banners: Sequence[str] = (),
) -> str:
    """Render the report of a run: what came out, how sure that is, and what was run.

    Args:
        title: heading.
        evaluation: the figures.
        history: rows of epochs as `training_curves` wants them; none, no curves.
        facts: what was run, in the order given: corpus, scheme, protocol, folds done, and so on.
        notes: what the paper leaves open, and whatever else a reader must know; how the figures are defined
            is on every page.
        banners: warnings above everything else, such as ``synthetic: proves nothing about people``.

    Returns:
        HTML; equal for equal arguments.
    """
    scores = {score.speaker: score.ua for score in evaluation.by_speaker}
    pictures = {
        "confusion": _picture(
            lambda dark: confusion_matrix(evaluation.confusion, evaluation.classes, dark=dark)
        ),
        "speakers": _picture(lambda dark: per_speaker(scores, evaluation.ua, evaluation.chance, dark=dark))
        if scores
        else None,
        "curves": _picture(lambda dark: training_curves(history, dark=dark)) if history else None,
    }
    return _template().render(
        title=title,
        evaluation=evaluation,
        seed_spread=Spread.of([score.ua for score in evaluation.by_seed]),
        folds=len({unit.fold for unit in evaluation.by_unit}),
        seeds=len(evaluation.by_seed),
        mistakes=_mistakes(evaluation),
        wide=len(evaluation.classes) >= _WIDE,
        pictures=pictures,
        facts=facts or {},
        notes=notes,
        banners=banners,
    )


def write_run_report(
    path: Path,
    title: str,
    evaluation: Evaluation,
    history: Sequence[Row] = (),
    facts: Mapping[str, str] | None = None,
    *,
    notes: Sequence[str] = (),
    banners: Sequence[str] = (),
) -> None:
    """Write the page of `render_run`, whole or not at all."""
    files.write_text(path, render_run(title, evaluation, history, facts, notes, banners=banners))


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "interval": _interval, "spread": _spread, "count": _count}
    return environment.get_template("run.html")


def _picture(draw: Callable[[bool], Figure]) -> dict[str, str]:
    """Draw for light and dark pages."""
    return {"light": figures.to_data_uri(draw(False)), "dark": figures.to_data_uri(draw(True))}


def _mistakes(evaluation: Evaluation) -> list[tuple[str, float] | None]:
    """Give, for each class, the class it is most often taken for, and how often, if ever."""
    found: list[tuple[str, float] | None] = []
    for index, (row, score) in enumerate(zip(evaluation.confusion, evaluation.by_class, strict=True)):
        wrong = row.copy()
        wrong[index] = 0
        most = int(wrong.argmax())
        found.append((evaluation.classes[most], wrong[most] / score.count) if wrong[most] else None)
    return found


def _percent(rate: float, digits: int = 1) -> str:
    return "–" if math.isnan(rate) else f"{rate * 100:.{digits}f}\N{NARROW NO-BREAK SPACE}%"


def _interval(interval: Interval) -> str:
    return f"{interval.low * 100:.1f} to {interval.high * 100:.1f}\N{NARROW NO-BREAK SPACE}%"


def _spread(spread: Spread) -> str:
    if spread.deviation is None:
        return _percent(spread.mean)
    return f"{spread.mean * 100:.1f} ± {spread.deviation * 100:.1f}\N{NARROW NO-BREAK SPACE}%"


def _count(number: int, noun: str, plural: str = "") -> Markup:
    """Write ``1 fold``, ``10 folds``, ``1 234 utterances``; the two never part at a line's end."""
    digits = f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return Markup("{}&nbsp;{}").format(digits, noun if number == 1 else plural or f"{noun}s")
