"""One run as one HTML page that needs no network and no other file."""

from collections.abc import Mapping, Sequence

from sercli.evaluation.class_evaluation import Evaluation
from sercli.figures.confusion import confusion_matrix
from sercli.figures.curves import Row, training_curves
from sercli.figures.reliability import reliability_diagram
from sercli.figures.speakers import per_speaker
from sercli.reports._page import draw_both, template
from sercli.reports.audited import Audited

_WIDE = 8  # from this many classes on the confusion matrix has the page's width to itself


def render_run(
    title: str,
    evaluation: Evaluation,
    history: Sequence[Row] = (),
    facts: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    *,
    banners: Sequence[str] = (),
    audited: Audited | None = None,
    protocol: str | None = None,
    insights: Mapping[str, str] | None = None,
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
        audited: what an audit of the run found.
        protocol: name, version and digest of the folds.
        insights: pictures of what goes on within a network, as ``data:`` addresses, by what they show.

    Returns:
        HTML; equal for equal arguments.
    """
    scores = {score.speaker: score.ua for score in evaluation.by_speaker}
    pictures = {
        "confusion": draw_both(
            lambda dark: confusion_matrix(evaluation.confusion, evaluation.classes, dark=dark)
        ),
        "reliability": draw_both(lambda dark: reliability_diagram(evaluation.calibration, dark=dark)),
        "speakers": draw_both(lambda dark: per_speaker(scores, evaluation.ua, evaluation.chance, dark=dark))
        if scores
        else None,
        "curves": draw_both(lambda dark: training_curves(history, dark=dark)) if history else None,
    }
    return template("run.html").render(
        title=title,
        evaluation=evaluation,
        folds=len({unit.fold for unit in evaluation.by_unit}),
        seeds=len(evaluation.by_seed),
        mistakes=_mistakes(evaluation),
        wide=len(evaluation.classes) >= _WIDE,
        pictures=pictures,
        facts=facts or {},
        notes=notes,
        banners=banners,
        audited=audited,
        protocol=protocol,
        insights=insights or {},
    )


def _mistakes(evaluation: Evaluation) -> list[tuple[str, float] | None]:
    """Give, for each class, the class it is most often taken for, and how often, if ever."""
    found: list[tuple[str, float] | None] = []
    for index, (row, score) in enumerate(zip(evaluation.confusion, evaluation.by_class, strict=True)):
        wrong = row.copy()
        wrong[index] = 0
        most = int(wrong.argmax())
        found.append((evaluation.classes[most], wrong[most] / score.count) if wrong[most] else None)
    return found
