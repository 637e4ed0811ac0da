"""One run of continuous labels as one HTML page that needs no network and no other file."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from sercli.evaluation.agreement import RecordingScore, TraceEvaluation
from sercli.figures.curves import Row, training_curves
from sercli.figures.traces import Traced, per_recording, traces
from sercli.records import ValuePredictions
from sercli.reports._page import draw_both, template
from sercli.reports.audited import Audited


def render_traces(
    title: str,
    evaluation: TraceEvaluation,
    predictions: ValuePredictions,
    history: Sequence[Row] = (),
    facts: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    *,
    banners: Sequence[str] = (),
    audited: Audited | None = None,
    protocol: str | None = None,
) -> str:
    """Render the report of a run: what came out, how sure that is, and what was run.

    Args:
        title: heading.
        evaluation: the figures.
        predictions: what was evaluated; the best and the worst recording are drawn.
        history: rows of epochs as `training_curves` wants them; none, no curves.
        facts: what was run, in the order given.
        notes: what the paper leaves open, and whatever else a reader must know.
        banners: warnings above everything else.
        audited: what an audit of the run found.
        protocol: name, version and digest of the folds.

    Returns:
        HTML; equal for equal arguments.
    """
    dimensions = evaluation.dimensions
    drawn = best_and_worst(evaluation, predictions)
    pictures = {
        # Minutes of frames are some megabytes as SVG.
        "traces": [draw_both(partial(_trace, each, dimensions), "png") for each in drawn],
        "recordings": draw_both(lambda dark: per_recording(evaluation.by_recording, dark=dark)),
        "curves": draw_both(lambda dark: training_curves(history, dark=dark)) if history else None,
    }
    return template("traces.html").render(
        title=title,
        evaluation=evaluation,
        best=evaluation.by_recording[evaluation.best],
        worst=evaluation.by_recording[evaluation.worst],
        folds=len({unit.fold for unit in evaluation.by_unit}),
        seeds=len({unit.seed for unit in evaluation.by_unit}),
        pictures=pictures,
        facts=facts or {},
        notes=notes,
        banners=banners,
        audited=audited,
        protocol=protocol,
    )


def best_and_worst(evaluation: TraceEvaluation, predictions: ValuePredictions) -> list[Traced]:
    """Give the recordings with the best and the worst CCC, as `traces` draws them; one alone is both."""
    places = dict.fromkeys([evaluation.best, evaluation.worst])
    names = ["best recording", "worst recording"] if len(places) > 1 else ["the recording"]
    return [
        Traced(
            f"{name}: {_told(evaluation.by_recording[place])}",
            predictions.target[place],
            predictions.predicted[place],
        )
        for name, place in zip(names, places, strict=True)
    ]


def _trace(recording: Traced, dimensions: Sequence[str], dark: bool) -> Figure:
    return traces([recording], dimensions, dark=dark)


def _told(score: RecordingScore) -> str:
    figures = ", ".join(f"{each.name} {each.ccc:.3f}" for each in score.by_dimension)
    return f"{score.id}, CCC {figures}"
