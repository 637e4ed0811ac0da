"""Write the files of a run's report: page, pictures, tables, predictions, metrics; each completely or not."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from sercli import figures, files
from sercli.evaluation import write_predictions
from sercli.figures.classification import confusion_matrix, reliability_diagram
from sercli.figures.curves import training_curves
from sercli.figures.ranking import Ranked, ranking
from sercli.figures.timeline import Traced, traces
from sercli.figures.values import residuals, scatter
from sercli.records import ClassPredictions, Predictions, ValuePredictions
from sercli.reports._page import draw_both, template
from sercli.reports.insight_pictures import read_insights
from sercli.reports.metric_tables import (
    COLUMNS,
    counted_noun,
    csv_rows,
    describe_extremes,
    describe_raters,
    run_tables,
    scale_of,
)
from sercli.reports.tables import write_tables

if TYPE_CHECKING:
    from sercli.evaluation import Evaluation
    from sercli.reports.run import RunReport

_WIDE = 8  # with this number of classes or more, the confusion matrix has the full width of the page


def write_run(report: "RunReport", folder: Path, contents: Mapping[str, Any] | None = None) -> Path:
    """Write a report into ``folder`` and return the page's path.

    Args:
        report: report to write.
        folder: folder, which is created if it is missing; other files in it stay.
        contents: content of ``metrics.json``, if it has more than the report.
    """
    page = folder / "report.html"
    write_predictions(folder / "predictions.csv", report.predictions)
    for name, draw in _pictures(report).items():
        figure = draw(_heading(report), dark=False)
        for kind in (".png", ".pdf"):
            figures.save(figure, folder / f"{name}{kind}")
    tables = list(run_tables(report.evaluation).values())
    write_tables(folder, report.title, _remarks(report), tables, COLUMNS, csv_rows(report.evaluation))
    files.write_json(folder / "metrics.json", contents or report.to_dict())
    files.write_text(page, render_run(report, read_insights(folder)))
    return page


def render_run(report: "RunReport", insights: Mapping[str, str] | None = None) -> str:
    """Render the page of a run: the metrics with their intervals, and the facts about the run.

    Args:
        report: report to show.
        insights: pictures of internal values of the network, as ``data:`` addresses, by caption.

    Returns:
        HTML that needs no network and no other file; equal arguments give equal HTML.
    """
    evaluation = report.evaluation
    drawn = {name: draw for name, draw in _pictures(report).items() if name != "traces"}
    recordings = [draw_both(partial(traces, [each], evaluation.outputs), "png") for each in _traced(report)]
    headline = [evaluation.table.row(key) for key in evaluation.headline]
    return template("run.html").render(
        title=report.title,
        evaluation=evaluation,
        headline=headline,
        scales={row.metric: scale_of(row) for row in headline},
        counted=counted_noun(evaluation),
        wide=len(evaluation.outputs) >= _WIDE,
        tables=run_tables(evaluation),
        traces=recordings,
        pictures={name: draw_both(partial(draw, None)) for name, draw in drawn.items()},
        extremes=describe_extremes(evaluation),
        raters=describe_raters(evaluation),
        facts=report.facts,
        notes=report.notes,
        banners=report.banners,
        audit=report.audit,
        protocol=report.protocol,
        insights=insights or {},
    )


def _pictures(report: "RunReport") -> dict[str, Callable[..., Figure]]:
    """Return by file name the functions that draw a picture, given its title and ``dark``."""
    evaluation, history = report.evaluation, report.history
    found: dict[str, Callable[..., Figure]] = {}
    if evaluation.confusion:
        confusion = evaluation.confusion
        found["confusion"] = partial(confusion_matrix, confusion.counts, confusion.classes)
    if evaluation.calibration:
        found["reliability"] = partial(reliability_diagram, evaluation.calibration)
    values = _values_of(report.predictions)
    if values is not None:
        target, predicted = (np.concatenate(each) for each in (values.target, values.predicted))
        notes = [
            f"CCC {scale_of(row).number(row.value)}"
            for row in (evaluation.table.row(f"ccc_{name}") for name in values.dimensions)
        ]
        found["scatter"] = partial(scatter, target, predicted, values.dimensions, notes)
        found["residuals"] = partial(residuals, target, predicted, values.dimensions)
    if evaluation.frames is not None:
        found["traces"] = partial(traces, _traced(report), evaluation.outputs)
    if evaluation.ranking.names:
        found[f"{evaluation.ranking.group}s"] = partial(_draw_ranking, evaluation)
    if history:
        found["curves"] = partial(training_curves, history)
    return found


def _draw_ranking(evaluation: "Evaluation", title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw the ranked metrics of each speaker or recording."""
    ranked, parts = evaluation.ranking, evaluation.table.parts(evaluation.ranking.group)
    keys, first = ranked.keys, evaluation.table.row(ranked.keys[0])
    # Recordings are identified by their ids: a second seed of a recording is a second row of the picture.
    names = [part.about.get("id", part.name) for part in parts]
    values = [tuple(float(part.rows[key].value or 0.0) for key in keys) for part in parts]
    return ranking(
        [Ranked(name, own) for name, own in zip(names, values, strict=True)],
        ranked.group,
        ranked.label,
        share=first.unit == "share",
        series=[key.removeprefix("ccc_") for key in keys] if len(keys) > 1 else (),
        pooled=first.value if len(keys) == 1 else None,
        chance=first.chance,
        title=title,
        dark=dark,
    )


def _traced(report: "RunReport") -> list[Traced]:
    """Return the best and the worst recording, as `traces` draws them; a single recording is both."""
    evaluation, predictions = report.evaluation, report.predictions
    if evaluation.frames is None or not isinstance(predictions, ValuePredictions):
        return []
    ranked, parts = evaluation.ranking, evaluation.table.parts("recording")
    places = [place for place in dict.fromkeys([ranked.best, ranked.worst]) if place is not None]
    names = ["best recording", "worst recording"] if len(places) > 1 else ["the recording"]
    found = []
    for name, place in zip(names, places, strict=True):
        rows = [parts[place].rows[key] for key in ranked.keys]
        values = ", ".join(f"{row.label} {scale_of(row).number(row.value)}" for row in rows)
        title = f"{name}: {predictions.ids[place]}, {values}"
        found.append(Traced(title, predictions.predicted[place], predictions.target[place]))
    return found


def _values_of(predictions: Predictions) -> ValuePredictions | None:
    """Return the predicted values of utterances; ``None`` if there are only classes or traces."""
    found = predictions.values if isinstance(predictions, ClassPredictions) else predictions
    return found if isinstance(found, ValuePredictions) and not found.per_frame else None


def _heading(report: "RunReport") -> str:
    """Return the heading of the pictures, in short lines, because a picture of few classes is narrow."""
    scheme = report.facts["scheme"].partition(":")[0]
    return f"{report.facts['architecture']}, {scheme}\n" + report.protocol.replace(" (", "\n(")


def _remarks(report: "RunReport") -> list[str]:
    """List the remarks that readers of the tables must know."""
    no_interval, raters = report.evaluation.no_interval, describe_raters(report.evaluation)
    return [
        f"Run {report.run.name}; {report.protocol}.",
        *([f"Audit: {report.audit.verdict}."] if report.audit else []),
        *report.banners,
        f"{report.definition}.",
        *([f"{raters}."] if raters else []),
        *([f"No intervals: {no_interval}."] if no_interval else []),
    ]
