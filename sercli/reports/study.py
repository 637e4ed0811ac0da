"""Make the report of a study: our values beside the paper's, from runs alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sercli.errors import RunError, list_some
from sercli.evaluation import DRAWS
from sercli.reports import study_tables as layout
from sercli.reports.facts import merge_banners
from sercli.reports.study_cells import CellReport, name_cell, report_cells
from sercli.reports.study_values import StudyValue
from sercli.reports.tables import Table
from sercli.studies import Assignment, Cell, Study, find_study, study_names
from sercli.workspace import Workspace

_SHOWN = 6  # number of cells that a sentence names


@dataclass(frozen=True, eq=False)  # without slots, for cached properties
class StudyReport:
    """The metrics of a study's cells, and the remarks that their readers must know.

    Attributes:
        study: the study.
        workspace: folder of the runs and corpora.
        changes: settings that change every row.
        found: cells that have a finished trial, row by row.
        missing: cells without a finished trial.
        damaged: reasons why some cells can't be reported.
    """

    study: Study
    workspace: Workspace
    changes: tuple[Assignment, ...]
    found: tuple[CellReport, ...]
    missing: tuple[Cell, ...]
    damaged: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, list[CellReport]]:
        """The cells by column."""
        columns: dict[str, list[CellReport]] = {}
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
            layout.elsewhere_table(
                self.found,
                self.study.elsewhere([*(each.cell for each in self.found), *self.missing]),
                self.workspace,
            ),
            layout.network_table(self.found),
            layout.settings_table(self.found),
            layout.reference_table(self.study.references, list(columns)),
        )

    @property
    def banners(self) -> tuple[str, ...]:
        """Warnings above all metrics."""
        own = list(self.damaged)
        if self.changes:
            changed = ", ".join(f"{name}={value}" for name, value in self.changes)
            own.append(f"Changed in every row: {changed}. The rows are not those of the study.")
        if self.missing:
            cells = [name_cell(cell) for cell in self.missing]
            own.append(f"Not trained yet: {list_some(cells, _SHOWN, '; ')}.")
        for name, column in self.columns.items():
            if len({each.precision for each in column}) > 1:
                own.append(f"Rows of {name} were trained in different number formats; see the networks.")
            if len({frozenset(each.units) for each in column}) > 1:
                own.append(
                    f"Rows of {name} have not finished the same folds and seeds. Two rows are "
                    "compared on what both have; the metrics themselves are of all."
                )
        return (*own, *merge_banners({each.name: each.report.banners for each in self.found}))

    @property
    def values(self) -> list[StudyValue]:
        """The values of all cells."""
        return [value for each in self.found for value in each.values]

    @property
    def has_paper(self) -> bool:
        """Whether the paper reports a value for any of these cells."""
        return any(each.paper for each in self.values)

    @property
    def notes(self) -> tuple[str, ...]:
        """The choices that the paper leaves open, and other facts that affect the table."""
        study, notes = self.study, list(self.study.doubtful)
        if self.has_paper or any(on in self.columns for by in study.references.values() for on in by):
            notes += study.about_values
        if any(each.paper and each.paper.derived for each in self.values):
            notes.append(
                f"{layout.DERIVED} before a value of the paper: the paper does not print the value; it is "
                "computed from what the paper states."
            )
        for name, column in self.columns.items():
            if not any(value.paper for each in column for value in each.values):
                continue
            reported = dict.fromkeys(each.report.facts.get("the paper's own metrics") for each in column)
            notes += [f"The paper's metrics on {name}: {fact}." for fact in reported if fact]
        single = [each.report.one_seed for each in self.found]
        if any(single):
            some = "" if all(single) else " of some rows"
            notes.append(f"One training a fold{some}: another seed may differ as much as two rows do.")
        return (*notes, *self._untested())

    def _untested(self) -> list[str]:
        """List the rows without a test against the row that they are compared with, with the reason."""
        rows: dict[str, list[str]] = {}
        for each in self.found:
            for why_not in {value.base.why_not for value in each.values if value.base}:
                if why_not:
                    rows.setdefault(why_not, []).append(each.name)
        return [
            f"No test against another row: {reason} ({'all' if len(names) > _SHOWN else '; '.join(names)})."
            for reason, names in rows.items()
        ]

    @property
    def facts(self) -> dict[str, str]:
        """Facts about the runs."""
        own = [each.report.facts for each in self.found]

        def all_of(name: str) -> str:
            return "; ".join(dict.fromkeys(facts[name] for facts in own))

        seconds = {each.report.run: each.seconds * len(each.units) for each in self.found}
        trials = sum(len(units) for units in {each.report.run: each.units for each in self.found}.values())
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
            "metrics": all_of("metrics"),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as plain types, ready for JSON."""
        names = layout.COLUMNS
        return {
            "study": self.study.name,
            "title": self.study.title,
            "source": self.study.source,
            "changes": dict(self.changes),
            "banners": list(self.banners),
            "notes": list(self.notes),
            "figures": [dict(zip(names, row, strict=True)) for row in layout.csv_rows(self.found)],
            "missing": [{"row": cell.row.name, "column": cell.on.name} for cell in self.missing],
        }


def report_study(
    study: Study,
    cells: Sequence[Cell],
    workspace: Workspace,
    changes: Sequence[Assignment] = (),
    draws: int = DRAWS,
) -> StudyReport:
    """Evaluate the finished cells of a study.

    Args:
        study: the study.
        cells: cells of the study to report, with ``changes`` applied.
        workspace: folder of the runs.
        changes: changes of settings, which are stated with the metrics.
        draws: number of draws of the bootstrap over speakers.

    Raises:
        RunError: nothing is finished, or every finished run is damaged.
    """
    found, why_not = report_cells(study, cells, workspace, draws)
    damaged = tuple(f"{name} can't be reported: {why}" for name, why in why_not.items())
    if not found:
        if damaged:
            raise RunError(damaged[0])
        raise RunError(
            f"{workspace.runs}: no trial of study '{study.name}' is finished with these settings; run "
            f"`sercli ablate {study.name}`, and report with the same --on, --set and --max-epochs"
        )
    there = {*(each.name for each in found), *why_not}
    missing = tuple(cell for cell in cells if name_cell(cell) not in there)
    return StudyReport(study, workspace, tuple(changes), tuple(found), missing, damaged)


def locate_study(report: StudyReport, workspace: Workspace) -> Path:
    """Return the path of a study's page; each file, choice of cells and changes has a separate folder.

    For a user's own study, the folder's name always has a digest, because two files may have the same name.
    """
    study = report.study
    cells = sorted(name_cell(cell) for cell in (*(each.cell for each in report.found), *report.missing))
    parts = [*cells, *(f"{key}={value}" for key, value in report.changes)]
    if study.name not in study_names() or study.file.resolve() != find_study(study.name).resolve():
        parts.append(str(study.file.resolve()))
    name = study.name
    if parts != sorted(name_cell(cell) for cell in study.cells()):
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        name += f"-{digest[:8]}"
    return workspace.root / "reports" / f"study-{name}" / "report.html"
