"""A study as a paper prints it, ours beside the paper's: a page, tables and pictures, from runs alone."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sercli import figures, files
from sercli.errors import RunError
from sercli.evaluation.intervals import DRAWS
from sercli.figures.study import Mark, Panel, rows_beside_paper, sweep
from sercli.reports import _study_tables as layout
from sercli.reports._facts import told_once
from sercli.reports._page import draw_both, template
from sercli.reports._writing import write_tables
from sercli.reports.gathered import Gathered
from sercli.reports.standings import Standings, stand
from sercli.reports.tables import Table
from sercli.studies import Assignment, Cell, Study
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class StudyReport:
    """What a study came to.

    Attributes:
        study: the study.
        changes: settings laid over every row.
        found: its cells that have a finished trial, row by row.
        missing: the others.
    """

    study: Study
    changes: tuple[Assignment, ...]
    found: tuple[Standings, ...]
    missing: tuple[Cell, ...]

    @property
    def columns(self) -> dict[str, list[Standings]]:
        """What was found, by column."""
        columns: dict[str, list[Standings]] = {}
        for each in self.found:
            columns.setdefault(each.cell.on.name, []).append(each)
        return columns

    @property
    def overview(self) -> Table | None:
        """All columns side by side; none where there is one alone."""
        columns = list(self.columns)
        return layout.overview(self.study, self.found, columns) if len(columns) > 1 else None

    @property
    def tables(self) -> list[Table]:
        """All tables, in the page's order."""
        tables = [layout.column_table(name, found) for name, found in self.columns.items()]
        others = [
            layout.elsewhere_table(self.found, self.study.test_on),
            layout.network_table(self.found),
            layout.reference_table(self.study.references, list(self.columns)),
        ]
        return [each for each in (self.overview, *tables, *others) if each is not None]

    @property
    def banners(self) -> tuple[str, ...]:
        """What must stand above the figures."""
        own = []
        if self.changes:
            told = ", ".join(f"{name}={value}" for name, value in self.changes)
            own.append(f"Changed in every row: {told}. This is not the study as the paper has it.")
        if self.missing:
            cells = [f"{cell.row.name} on {cell.on.name}" for cell in self.missing]
            more = f" and {len(cells) - 6} more" if len(cells) > 6 else ""
            own.append(f"Not trained yet: {', '.join(cells[:6])}{more}.")
        by_cell = {f"{each.cell.row.name}, {each.cell.on.name}": each.gathered.banners for each in self.found}
        return (*own, *told_once(by_cell))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the paper leaves open, and what else bears on the table."""
        notes = list(self.study.doubtful)
        if all(len({trial.seed for trial in each.gathered.trials}) == 1 for each in self.found):
            notes.append("One training a fold: another seed may differ as much as two rows do.")
        reasons = dict.fromkeys(
            figure.above.why_not
            for each in self.found
            for figure in each.figures
            if figure.above and figure.above.why_not
        )
        notes += [f"No test against the row above: {reason}." for reason in reasons]
        return tuple(notes)

    @property
    def facts(self) -> dict[str, str]:
        """What was run."""
        own = [each.gathered.facts for each in self.found]

        def all_of(name: str) -> str:
            return "; ".join(dict.fromkeys(facts[name] for facts in own))

        runs = dict.fromkeys(each.gathered.run for each in self.found)
        trials = [trial for run in runs for trial in run.finished()]
        minutes = sum(trial.metrics()["seconds"] for trial in trials) / 60
        return {
            "source": self.study.source,
            "corpora": all_of("corpus"),
            "as prepared": all_of("corpus as prepared"),
            "licences": all_of("licence"),
            "schemes": all_of("scheme"),
            "trials": f"{len(trials)} of {len(runs)} runs, {minutes:,.1f} minutes of training",
            "devices": all_of("device"),
            "versions": all_of("versions"),
            "commits": all_of("commit"),
            "figures": all_of("figures"),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, ready for JSON."""
        names = layout.COLUMNS
        return {
            "study": self.study.name,
            "title": self.study.title,
            "source": self.study.source,
            "changes": dict(self.changes),
            "banners": list(self.banners),
            "notes": list(self.notes),
            "figures": [dict(zip(names, row, strict=True)) for row in layout.rows_for_programs(self.found)],
            "missing": [{"row": cell.row.name, "column": cell.on.name} for cell in self.missing],
        }


def gather_study(
    study: Study,
    cells: Sequence[Cell],
    workspace: Workspace,
    changes: Sequence[Assignment] = (),
    draws: int = DRAWS,
) -> StudyReport:
    """Evaluate what of a study's cells is finished.

    Args:
        study: the study.
        cells: those of its cells that are told, ``changes`` laid over them.
        workspace: where runs lie.
        changes: told with the figures.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: nothing is finished, or a run is damaged.
    """
    found = stand(cells, workspace, draws)
    if not found:
        raise RunError(
            f"{workspace.runs}: no trial of study '{study.name}' is finished with these settings; run "
            f"`sercli ablate {study.name}`, and report with the same --on, --set and --max-epochs"
        )
    there = {id(each.cell) for each in found}
    missing = tuple(cell for cell in cells if id(cell) not in there)
    return StudyReport(study, tuple(changes), tuple(found), missing)


def place_of(report: StudyReport, workspace: Workspace, *, chosen: bool) -> Path:
    """Say where the page of a study lies: a folder of its own for each choice of cells and changes."""
    name = report.study.name
    if chosen or report.changes:
        cells = [f"{each.cell.row.name} on {each.cell.on.name}" for each in report.found]
        cells += [f"{cell.row.name} on {cell.on.name}" for cell in report.missing]
        text = "\n".join([*sorted(cells), *(f"{key}={value}" for key, value in report.changes)])
        name += f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return workspace.root / "reports" / f"study-{name}" / "report.html"


def write_study(report: StudyReport, page: Path) -> None:
    """Write the page, and beside it tables, pictures and the figures as JSON."""
    folder = page.parent
    files.write_json(folder / "metrics.json", report.to_dict())
    told = [f"{report.study.source}.", *report.banners, *report.notes]
    rows = layout.rows_for_programs(report.found)
    write_tables(folder, report.study.title, told, report.tables, layout.COLUMNS, rows)
    for name, found in report.columns.items():
        picture = _draw(name, found)
        for kind in (".png", ".pdf"):
            figures.save(picture, folder / f"{_file_name(name)}{kind}")
    files.write_text(page, render_study(report))


def render_study(report: StudyReport) -> str:
    """Render the page of a study; equal for equal runs."""
    return template("study.html").render(
        title=report.study.title,
        overview=report.overview,
        columns=[_column(name, found) for name, found in report.columns.items()],
        elsewhere=layout.elsewhere_table(report.found, report.study.test_on),
        networks=layout.network_table(report.found),
        references=layout.reference_table(report.study.references, list(report.columns)),
        classes=any(isinstance(each.gathered, Gathered) for each in report.found),
        traces=not all(isinstance(each.gathered, Gathered) for each in report.found),
        banners=report.banners,
        notes=report.notes,
        facts=report.facts,
        protocol=None,
        audited=None,
    )


def _column(name: str, found: Sequence[Standings]) -> Mapping[str, Any]:
    figures_of = [figure for each in found for figure in each.figures]
    return {
        "name": name,
        "protocols": list(dict.fromkeys(each.gathered.protocol for each in found)),
        "picture": draw_both(lambda dark: _draw(name, found, dark=dark)),
        "interval": any(figure.interval for figure in figures_of),
        "no_interval": found[0].gathered.evaluation.no_interval,
        "paper": any(figure.paper is not None for figure in figures_of),
        "table": layout.column_table(name, found),
    }


def _draw(name: str, found: Sequence[Standings], *, dark: bool = False) -> Figure:
    """Draw a column: a curve where something with several values is varied in all rows, else a dot a row."""
    varied = all(each.cell.row.varied for each in found) and len(found) > 2
    keys = list(dict.fromkeys(figure.key for each in found for figure in each.figures))
    panels = []
    for key in keys:
        curves: dict[str, list[Mark]] = {}
        share, label = True, ""
        for each in found:
            figure = each.figure(key)
            if figure is None:
                continue
            share, label = figure.share, figure.name
            curve, place = _place(each, found) if varied else ("", each.cell.row.name)
            mark = Mark(place, figure.ours, figure.interval, figure.paper)
            curves.setdefault(curve, []).append(mark)
        panels.append(Panel(label, share, curves))
    draw = sweep if varied else rows_beside_paper
    return draw(panels, name, dark=dark)


def _place(each: Standings, found: Sequence[Standings]) -> tuple[str, str]:
    """Say on which curve a varied row lies, and where: along the setting with the most values."""
    row = each.cell.row
    siblings = [other.cell.row for other in found if other.cell.row.group == row.group]
    values = {name: {other.varied[name] for other in siblings} for name in row.varied}
    along = max(values, key=lambda name: len(values[name]))
    rest = [label for name, label in row.varied.items() if name != along]
    groups = {other.cell.row.group for other in found}
    return ", ".join([*([row.group] if len(groups) > 1 else []), *rest]), row.varied[along]


def _file_name(column: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in column)
