"""A study as a paper prints it, ours beside the paper's: a page, tables and pictures, from runs alone."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sercli import figures, files
from sercli.errors import RunError
from sercli.evaluation.intervals import DRAWS
from sercli.reports import _study_tables as layout
from sercli.reports._facts import told_once
from sercli.reports._page import draw_both, template
from sercli.reports._study_pictures import draw_column, draw_confusion, find_curves, with_confusion
from sercli.reports._study_values import Standing
from sercli.reports._writing import write_tables
from sercli.reports.gathered import Gathered
from sercli.reports.standings import Standings, stand
from sercli.reports.tables import Table
from sercli.runs.folder import Run
from sercli.studies import Assignment, Cell, Study, find_study, study_names
from sercli.workspace import Workspace

_SHOWN = 6  # cells that a sentence names
_LONGEST = 60  # characters of a column's name in that of a file


@dataclass(frozen=True, eq=False)  # without slots: what is worked out is kept
class StudyReport:
    """What a study came to.

    Attributes:
        study: the study.
        changes: settings laid over every row.
        found: its cells that have a finished trial, row by row.
        missing: the others.
        damaged: why some of these can't be told.
    """

    study: Study
    changes: tuple[Assignment, ...]
    found: tuple[Standings, ...]
    missing: tuple[Cell, ...]
    damaged: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, list[Standings]]:
        """What was found, by column."""
        columns: dict[str, list[Standings]] = {}
        for each in self.found:
            columns.setdefault(each.cell.on.name, []).append(each)
        return columns

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in the page's order."""
        columns = self.columns
        several = [layout.overview(self.study, self.found, list(columns))] if len(columns) > 1 else []
        return (
            *several,
            *(layout.column_table(name, found) for name, found in columns.items()),
            layout.elsewhere_table(self.found, self.study.test_on),
            layout.network_table(self.found),
            layout.settings_table(self.found),
            layout.reference_table(self.study.references, list(columns)),
        )

    @property
    def banners(self) -> tuple[str, ...]:
        """What must stand above the figures."""
        own = list(self.damaged)
        if self.changes:
            told = ", ".join(f"{name}={value}" for name, value in self.changes)
            own.append(f"Changed in every row: {told}. This is not the study as the paper has it.")
        if self.missing:
            cells = [_name(cell) for cell in self.missing]
            more = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
            own.append(f"Not trained yet: {'; '.join(cells[:_SHOWN])}{more}.")
        for name, column in self.columns.items():
            if len({each.precision for each in column}) > 1:
                own.append(f"Rows of {name} were trained in different number formats; see the networks.")
            if len({frozenset(each.units) for each in column}) > 1:
                own.append(
                    f"Rows of {name} have not finished the same folds and seeds. A row is compared with the "
                    "one above on what both have; figures themselves are of all."
                )
        by_cell = {_name(each.cell): _banners_of(each) for each in self.found}
        return (*own, *told_once(by_cell))

    @property
    def _values(self) -> list[Standing]:
        return [figure for each in self.found for figure in each.figures]

    @property
    def has_paper(self) -> bool:
        """Whether the paper reports a value of any cell here."""
        return any(each.paper for each in self._values)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the paper leaves open, and what else bears on the table."""
        study, notes = self.study, list(self.study.doubtful)
        if self.has_paper or any(on in self.columns for by in study.references.values() for on in by):
            notes += study.about_values
        if any(each.paper and each.paper.derived for each in self._values):
            notes.append(
                f"{layout.DERIVED} before a value of the paper: the paper does not print the value; it is "
                "computed from what the paper states."
            )
        for name, column in self.columns.items():
            if not any(figure.paper for each in column for figure in each.figures):
                continue
            reported = dict.fromkeys(each.gathered.facts.get("the paper's own figures") for each in column)
            notes += [f"The paper's figures on {name}: {fact}." for fact in reported if fact]
        if any(len({seed for _, seed in each.units}) == 1 for each in self.found):
            notes.append("One training a fold: another seed may differ as much as two rows do.")
        return (*notes, *self._untested())

    def _untested(self) -> list[str]:
        """Say which rows are not tested against the one above, and why."""
        rows: dict[str, list[str]] = {}
        for each in self.found:
            for above in {figure.above for figure in each.figures if figure.above}:
                if above.why_not:
                    rows.setdefault(above.why_not, []).append(_name(each.cell))
        return [
            f"No test against the row above: {reason} ({'all' if len(names) > _SHOWN else '; '.join(names)})."
            for reason, names in rows.items()
        ]

    @property
    def facts(self) -> dict[str, str]:
        """What was run."""
        own = [each.gathered.facts for each in self.found]

        def all_of(name: str) -> str:
            return "; ".join(dict.fromkeys(facts[name] for facts in own))

        seconds = {each.gathered.run: each.seconds * len(each.units) for each in self.found}
        trials = sum(len(units) for units in {each.gathered.run: each.units for each in self.found}.values())
        return {
            "source": self.study.source,
            "corpora": all_of("corpus"),
            "as prepared": all_of("corpus as prepared"),
            "licences": all_of("licence"),
            "schemes": all_of("scheme"),
            "trained": f"{len(seconds)} runs, {trials} trials, {sum(seconds.values()) / 60:,.1f} minutes",
            "precision": ", ".join(dict.fromkeys(each.precision for each in self.found)),
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
    found, damaged = stand(study, cells, workspace, draws)
    if not found:
        if damaged:
            raise RunError(damaged[0])
        raise RunError(
            f"{workspace.runs}: no trial of study '{study.name}' is finished with these settings; run "
            f"`sercli ablate {study.name}`, and report with the same --on, --set and --max-epochs"
        )
    there = {id(each.cell) for each in found}
    left = tuple(cell for cell in cells if id(cell) not in there)
    missing = tuple(cell for cell in left if not any(text.startswith(_name(cell)) for text in damaged))
    return StudyReport(study, tuple(changes), tuple(found), missing, tuple(damaged))


def place_of(report: StudyReport, workspace: Workspace) -> Path:
    """Say where the page of a study lies: a folder of its own for each file, choice of cells and changes.

    A study of one's own has a digest in the folder's name always: two files may have one name.
    """
    study = report.study
    cells = sorted(_name(cell) for cell in (*(each.cell for each in report.found), *report.missing))
    told = [*cells, *(f"{key}={value}" for key, value in report.changes)]
    if study.name not in study_names() or study.file.resolve() != find_study(study.name).resolve():
        told.append(str(study.file.resolve()))
    name = study.name
    if told != sorted(_name(cell) for cell in study.cells()):
        digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
        name += f"-{digest[:8]}"
    return workspace.root / "reports" / f"study-{name}" / "report.html"


def write_study(report: StudyReport, page: Path) -> None:
    """Write the page, and beside it tables, pictures and the figures as JSON."""
    folder = page.parent
    files.write_json(folder / "metrics.json", report.to_dict())
    told = [f"{report.study.source}.", *report.banners, *report.notes]
    rows = layout.rows_for_programs(report.found)
    write_tables(folder, report.study.title, told, report.tables, layout.COLUMNS, rows)
    taken: set[str] = set()
    for name, found in report.columns.items():
        pictures = {name: draw_column(name, found, report.study.display)}
        for each, gathered in with_confusion(found, report.study.display):
            title = f"{each.cell.row.name} on {name}"
            pictures[f"confusion, {title}"] = draw_confusion(gathered, title=title)
        curves = find_curves(found, report.study.display)
        if curves is not None:
            pictures[f"curves, {name}"] = curves.draw(title=f"{name}, {curves.trial}")
        for title, picture in pictures.items():
            file = _file_name(title, taken)
            for kind in (".png", ".pdf"):
                figures.save(picture, folder / f"{file}{kind}")
    files.write_text(page, render_study(report))


def render_study(report: StudyReport) -> str:
    """Render the page of a study; equal for equal runs."""
    *tables, elsewhere, networks, settings, references = report.tables
    overview = tables.pop(0) if len(report.columns) > 1 else None
    kinds = {isinstance(each.gathered, Gathered) for each in report.found}
    return template("study.html").render(
        title=report.study.title,
        overview=overview,
        columns=[_column(report, name, table) for name, table in zip(report.columns, tables, strict=True)],
        elsewhere=elsewhere,
        networks=networks,
        settings=settings,
        references=references,
        classes=True in kinds,
        traces=False in kinds,
        means=report.study.means,
        paper=report.has_paper,
        derived=any(each.paper and each.paper.derived for each in report._values),
        runs=_runs(report),
        banners=report.banners,
        notes=report.notes,
        facts=report.facts,
        protocol=None,
        audited=None,
    )


def _column(report: StudyReport, name: str, table: Table) -> Mapping[str, Any]:
    found, display = report.columns[name], report.study.display
    figures_of = [figure for each in found for figure in each.figures]
    curves = find_curves(found, display)
    return {
        "name": name,
        "curves": curves and {"trial": curves.trial, "picture": draw_both(curves.draw)},
        "picture": draw_both(lambda dark: draw_column("", found, display, dark=dark)),
        "interval": any(figure.value_interval for figure in figures_of),
        "paper": any(figure.paper is not None for figure in figures_of),
        "table": table,
        "confusion": [
            {
                "row": each.cell.row.name,
                "run": gathered.run.name,
                "link": _link(gathered.run),
                "picture": draw_both(partial(draw_confusion, gathered)),
            }
            for each, gathered in with_confusion(found, display)
        ],
    }


def _runs(report: StudyReport) -> list[Mapping[str, str | None]]:
    """Name the run of each cell, with the address of its report."""
    return [
        {
            "row": each.cell.row.name,
            "column": each.cell.on.name,
            "run": each.gathered.run.name,
            "link": _link(each.gathered.run),
        }
        for each in report.found
    ]


def _link(run: Run) -> str | None:
    """Give the address of a run's report as seen from a study's page; ``None`` if it is not written yet."""
    there = (run.path / "report" / "report.html").exists()
    return f"../../runs/{quote(run.name)}/report/report.html" if there else None


def _banners_of(each: Standings) -> tuple[str, ...]:
    """Give a run's own banners, and say where seeds differ from fold to fold."""
    seeds: dict[int, set[int]] = {}
    for fold, seed in each.units:
        seeds.setdefault(fold, set()).add(seed)
    if len({frozenset(own) for own in seeds.values()}) == 1:
        return each.gathered.banners
    uneven = "Unfinished: not every fold has the same seeds, so that folds weigh differently."
    return (*each.gathered.banners, uneven)


def _name(cell: Cell) -> str:
    return f"{cell.row.name} on {cell.on.name}"


def _file_name(column: str, taken: set[str]) -> str:
    """Name a column's pictures: short, without what file systems refuse, and unlike the others."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in column)[:_LONGEST]
    if name != column or name in taken:
        name += f"-{hashlib.sha256(column.encode()).hexdigest()[:8]}"
    taken.add(name)
    return name
