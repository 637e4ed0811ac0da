"""Write the files of a study's report: a page without links to other files, tables and pictures."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matplotlib.figure import Figure

from sercli import figures, files
from sercli.reports import study_tables as layout
from sercli.reports._page import draw_both, template
from sercli.reports.study import StudyReport
from sercli.reports.study_pictures import (
    draw_column,
    draw_columns,
    draw_confusion,
    find_confusions,
    find_curves,
)
from sercli.reports.tables import Table, write_tables
from sercli.runs.folder import Run

_LONGEST = 60  # characters of a column's name in the name of a file


def write_study(report: StudyReport, page: Path) -> None:
    """Write the page, and beside it the tables, the pictures and the metrics as JSON."""
    folder = page.parent
    files.write_json(folder / "metrics.json", report.to_dict())
    remarks = [f"{report.study.source}.", *report.banners, *report.notes]
    rows = layout.csv_rows(report.found)
    write_tables(folder, report.study.title, remarks, report.tables, layout.COLUMNS, rows)
    taken: set[str] = set()
    if report.study.display.columns_as_lines:
        _save(draw_columns(report.columns, report.study.display), folder, _file_name("columns", taken))
    for name, found in report.columns.items():
        pictures = {name: draw_column(name, found, report.study.display)}
        for each, confusion in find_confusions(found, report.study.display):
            pictures[f"confusion, {each.name}"] = draw_confusion(confusion, title=each.name)
        curves = find_curves(found, report.study.display)
        if curves is not None:
            pictures[f"curves, {name}"] = curves.draw(title=f"{name}, {curves.trial}")
        for title, picture in pictures.items():
            _save(picture, folder, _file_name(title, taken))
    files.write_text(page, render_study(report))


def _save(picture: Figure, folder: Path, name: str) -> None:
    """Save a picture in all formats."""
    for kind in (".png", ".pdf"):
        figures.save(picture, folder / f"{name}{kind}")


def render_study(report: StudyReport) -> str:
    """Render the page of a study; equal runs give equal pages."""
    *tables, elsewhere, networks, settings, references = report.tables
    overview = tables.pop(0) if len(report.columns) > 1 else None
    with_classes = {each.report.evaluation.confusion is not None for each in report.found}
    return template("study.html").render(
        title=report.study.title,
        overview=overview,
        together=(
            draw_both(partial(draw_columns, report.columns, report.study.display))
            if report.study.display.columns_as_lines
            else None
        ),
        columns=[
            _describe_column(report, name, table) for name, table in zip(report.columns, tables, strict=True)
        ],
        elsewhere=elsewhere,
        networks=networks,
        settings=settings,
        references=references,
        classes=True in with_classes,
        traces=False in with_classes,
        means=report.study.means,
        paper=report.has_paper,
        derived=any(each.paper and each.paper.derived for each in report.values),
        runs=_list_runs(report),
        banners=report.banners,
        notes=report.notes,
        facts=report.facts,
        protocol=None,
        audit=None,
    )


def _describe_column(report: StudyReport, name: str, table: Table) -> Mapping[str, Any]:
    """Collect the content of the page for a column."""
    found, display = report.columns[name], report.study.display
    values = [value for each in found for value in each.values]
    curves = find_curves(found, display)
    return {
        "name": name,
        "curves": curves and {"trial": curves.trial, "picture": draw_both(curves.draw)},
        "picture": draw_both(partial(draw_column, "", found, display)),
        "interval": any(value.interval for value in values),
        "paper": any(value.paper is not None for value in values),
        "table": table,
        "confusion": [
            {
                "row": each.cell.row.name,
                "run": each.report.run.name,
                "link": _link(each.report.run),
                "picture": draw_both(partial(draw_confusion, confusion)),
            }
            for each, confusion in find_confusions(found, display)
        ],
    }


def _list_runs(report: StudyReport) -> list[Mapping[str, str | None]]:
    """Name the run of each cell, with the address of its report."""
    return [
        {
            "row": each.cell.row.name,
            "column": each.cell.on.name,
            "run": each.report.run.name,
            "link": _link(each.report.run),
        }
        for each in report.found
    ]


def _link(run: Run) -> str | None:
    """Return the address of a run's report relative to a study's page; ``None`` if it is not written yet."""
    there = (run.path / "report" / "report.html").exists()
    return f"../../runs/{quote(run.name)}/report/report.html" if there else None


def _file_name(column: str, taken: set[str]) -> str:
    """Name a column's pictures with a short, unique name that every file system accepts."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in column)[:_LONGEST]
    if name != column or name in taken:
        name += f"-{hashlib.sha256(column.encode()).hexdigest()[:8]}"
    taken.add(name)
    return name
