"""A run's report as files: page, pictures, tables, predictions and figures, each whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sercli import figures, files
from sercli.evaluation.predictions_csv import write_predictions
from sercli.figures.confusion import confusion_matrix
from sercli.figures.curves import training_curves
from sercli.figures.reliability import reliability_diagram
from sercli.figures.speakers import per_speaker
from sercli.figures.traces import per_recording
from sercli.figures.traces import traces as draw_traces
from sercli.reports._run_tables import COLUMNS, class_rows, class_tables, trace_rows, trace_tables
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.reports.insights import drawn_insights
from sercli.reports.run import render_run
from sercli.reports.tables import Table, to_csv, to_latex, to_markdown
from sercli.reports.traces import best_and_worst, render_traces

_KINDS = (".png", ".pdf")


def write(gathered: Gathered | GatheredTraces, folder: Path, told: Mapping[str, Any] | None = None) -> Path:
    """Write a report into ``folder`` and return the page's path.

    Args:
        gathered: what is told.
        folder: made where it is missing; other files in it stay.
        told: what ``metrics.json`` holds, if not the figures alone.
    """
    page = folder / "report.html"
    files.write_json(folder / "metrics.json", told or gathered.to_dict())
    if isinstance(gathered, Gathered):
        write_predictions(folder / "predictions.csv", gathered.predictions)
        pictures = _class_pictures(gathered)
        tables, rows = class_tables(gathered.evaluation), class_rows(gathered.evaluation)
    else:
        write_predictions(folder / "predictions.csv", gathered.predictions)
        pictures = _trace_pictures(gathered)
        tables, rows = trace_tables(gathered.evaluation), trace_rows(gathered.evaluation)
    for name, picture in pictures.items():
        for kind in _KINDS:
            figures.save(picture, folder / f"{name}{kind}")
    write_tables(folder, gathered.title, _told(gathered), tables, COLUMNS, rows)
    _write_page(gathered, page)
    return page


def write_tables(
    folder: Path,
    title: str,
    told: Sequence[str],
    tables: Sequence[Table],
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Write ``table.csv``, ``table.md`` and ``table.tex``.

    Args:
        folder: where.
        title: heading.
        told: what goes with the figures.
        tables: for people.
        header: columns of the CSV.
        rows: of the CSV.
    """
    files.write_text(folder / "table.csv", to_csv(header, rows))
    shown = [table for table in tables if table.rows]
    files.write_text(folder / "table.md", to_markdown(title, told, shown))
    files.write_text(folder / "table.tex", to_latex(title, told, shown))


def _told(gathered: Gathered | GatheredTraces) -> list[str]:
    audited = [f"Audit: {gathered.audited.verdict}."] if gathered.audited else []
    no_interval = gathered.evaluation.no_interval
    return [
        f"Run {gathered.run.name}; {gathered.protocol}.",
        *audited,
        *gathered.banners,
        f"{gathered.definition}.",
        *([f"No intervals: {no_interval}."] if no_interval else []),
    ]


def _class_pictures(gathered: Gathered) -> dict[str, Figure]:
    evaluation, heading = gathered.evaluation, gathered.heading
    pictures = {
        "confusion": confusion_matrix(evaluation.confusion, evaluation.classes, heading),
        "reliability": reliability_diagram(evaluation.calibration, heading),
    }
    scores = {score.speaker: score.ua for score in evaluation.by_speaker}
    if scores:
        pictures["speakers"] = per_speaker(scores, evaluation.ua, evaluation.chance, heading)
    if gathered.history:
        pictures["curves"] = training_curves(gathered.history, heading)
    return pictures


def _trace_pictures(gathered: GatheredTraces) -> dict[str, Figure]:
    evaluation, heading = gathered.evaluation, gathered.heading
    drawn = best_and_worst(evaluation, gathered.predictions)
    pictures = {
        "traces": draw_traces(drawn, evaluation.dimensions, heading),
        "recordings": per_recording(evaluation.by_recording, heading),
    }
    if gathered.history:
        pictures["curves"] = training_curves(gathered.history, heading)
    return pictures


def _write_page(gathered: Gathered | GatheredTraces, page: Path) -> None:
    told: dict[str, Any] = {
        "notes": gathered.notes,
        "banners": gathered.banners,
        "audited": gathered.audited,
        "protocol": gathered.protocol,
    }
    title, history, facts = gathered.title, gathered.history, gathered.facts
    if isinstance(gathered, Gathered):
        insights = drawn_insights(page.parent)
        html = render_run(title, gathered.evaluation, history, facts, **told, insights=insights)
    else:
        html = render_traces(title, gathered.evaluation, gathered.predictions, history, facts, **told)
    files.write_text(page, html)
