"""Compare runs: write an HTML page that needs no network and no other file, and tables beside it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sercli import figures, files
from sercli.errors import RunError
from sercli.evaluation import ALPHA, DRAWS, Comparison, Evaluation, MetricRow, PairedTest, compare
from sercli.figures.differences import paired_differences
from sercli.reports._page import draw_both, template
from sercli.reports.facts import merge_banners
from sercli.reports.metric_tables import COMPARED_COLUMNS, comparison_csv_rows, comparison_tables
from sercli.reports.run import RunReport, report_run
from sercli.reports.tables import Table, write_tables
from sercli.runs.folder import Run
from sercli.workspace import Workspace

_NAMED = 3  # number of architectures in the folder's name


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonReport:
    """Runs that were compared.

    Attributes:
        reports: report of each run, by name; the first run is the reference.
        comparison: comparison of all runs with the reference.
    """

    reports: Mapping[str, RunReport]
    comparison: Comparison

    @property
    def protocols(self) -> dict[str, str]:
        """Protocol, version and digest of each run."""
        return {name: report.protocol for name, report in self.reports.items()}

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """Separate evaluation of each run."""
        return {name: report.evaluation for name, report in self.reports.items()}

    @property
    def title(self) -> str:
        """Heading of the page."""
        reference, *others = self.comparison.runs
        return f"{', '.join(run.name for run in others)} compared with {reference.name}"

    @property
    def tables(self) -> tuple[Table, Table, Table]:
        """Runs, differences and speakers."""
        return comparison_tables(self.comparison, self.protocols, self.evaluations)

    @property
    def banners(self) -> tuple[str, ...]:
        """Warnings above the metrics of any run; each appears once, with the runs that it concerns."""
        return merge_banners({name: report.banners for name, report in self.reports.items()})

    @property
    def tested(self) -> list[MetricRow]:
        """The differences that are tested, or would be tested with more speakers."""
        rows = self.comparison.table.group("difference")
        return [row for row in rows if row.metric in self.comparison.tested_by]

    @property
    def tests(self) -> list[PairedTest]:
        """The tests of the differences; with few speakers there are none."""
        return [row.test for row in self.tested if row.test]

    @property
    def metric(self) -> str:
        """Name of the metric that is tested."""
        return next(iter(self.evaluations.values())).ranking.label

    @property
    def notes(self) -> tuple[str, ...]:
        """Explanation of the test: its method, and what it can and can't show."""
        comparison = self.comparison
        notes = []
        if len({report.digest for report in self.reports.values()}) > 1:
            notes.append(
                "The protocols differ. The runs tested the same utterances, but were not trained on the same "
                "ones: so a difference has two causes: folds and models."
            )
        if comparison.no_test:
            return (*notes, f"No intervals and no test: {comparison.no_test}.")
        notes += _test_notes(self.tests, self.metric)
        single = [run.name for run in comparison.runs if run.seeds == 1]
        if single:
            of = "a run" if len(single) == len(comparison.runs) else f"of {', '.join(single)}"
            notes.append(
                f"One training {of}: another seed may differ as much; train several seeds and compare again."
            )
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        beside = {"protocols": self.protocols, "notes": [*self.notes, *self.banners]}
        return self.comparison.to_dict() | beside


def compare_runs(runs: Sequence[Run], draws: int = DRAWS) -> ComparisonReport:
    """Read runs and compare each with the first.

    Args:
        runs: two or more; runs with the same name in different folders are named by their folders.
        draws: number of draws of the bootstrap over speakers.

    Raises:
        RunError: a run is given twice or is damaged, or the runs can't be paired.
    """
    reports: dict[str, RunReport] = {}
    for run in runs:
        alone = sum(other.name == run.name for other in runs) == 1
        key = run.name if alone else str(run.path.resolve())
        if key in reports:
            raise RunError(f"{run.name} is named twice; name another run")
        reports[key] = report_run(run, draws)
    return ComparisonReport(reports, compare({key: each.predictions for key, each in reports.items()}, draws))


def locate_comparison(report: ComparisonReport, workspace: Workspace) -> Path:
    """Return the path of a comparison's page; each choice and order of runs has a separate folder."""
    archs = [each.facts["architecture"] for each in report.reports.values()]
    named = "-".join(archs[:_NAMED]) + (f"-and-{len(archs) - _NAMED}-more" if len(archs) > _NAMED else "")
    digest = hashlib.sha256("\n".join(report.reports).encode()).hexdigest()[:8]
    return workspace.root / "reports" / f"compare-{named}-{digest}" / "report.html"


def write_comparison(report: ComparisonReport, page: Path) -> None:
    """Write the page, and beside it the tables, the picture and the metrics as JSON."""
    folder = page.parent
    protocols = [f"{name}: {protocol}." for name, protocol in report.protocols.items()]
    remarks = [*protocols, *report.banners, *report.notes]
    rows = comparison_csv_rows(report.comparison, report.evaluations)
    files.write_json(folder / "metrics.json", report.to_dict())
    write_tables(folder, report.title, remarks, report.tables, COMPARED_COLUMNS, rows)
    picture = paired_differences(report.tested, report.comparison.runs[0].name)
    for kind in (".png", ".pdf"):
        figures.save(picture, folder / f"differences{kind}")
    files.write_text(page, render_comparison(report))


def render_comparison(report: ComparisonReport) -> str:
    """Render the page of a comparison; equal runs give equal pages."""
    comparison, tested = report.comparison, report.tested
    runs, differences, speakers = report.tables
    return template("compare.html").render(
        title=report.title,
        comparison=comparison,
        metric=report.metric,
        classes=comparison.noun == "utterance",
        runs=runs,
        differences=differences,
        speakers=speakers,
        picture_of=draw_both(partial(paired_differences, tested, comparison.runs[0].name)),
        banners=report.banners,
        notes=report.notes,
        test=next(iter(report.tests), None),
        tests=len(tested),
        interval=tested[0].interval,
        alpha=ALPHA,
        facts=None,
        protocol=None,
        audit=None,
    )


def _test_notes(tests: Sequence[PairedTest], metric: str) -> list[str]:
    test, several = tests[0], len(tests) > 1
    least = min(1.0, len(tests) * test.least_p)
    flips = f"all {test.flips} flips (exact)" if test.exact else f"{test.flips} random flips"
    notes = [
        f"p is of the difference in pooled {metric}, two-sided, by sign flips over {test.speakers} speakers, "
        f"{flips}; it can't be below {test.least_p:.2g}"
        + (f", nor below {least:.2g} corrected for {len(tests)} comparisons (Holm)." if several else ".")
    ]
    if least >= ALPHA:
        notes.append(f"So no difference can be shown at p < {ALPHA}, however large it is.")
    return notes
