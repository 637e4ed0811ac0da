"""Compare runs: write an HTML page that needs no network and no other file, and tables beside it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sercli import figures, files
from sercli.errors import RunError, list_some
from sercli.evaluation import ALPHA, DRAWS, Comparison, Evaluation, MetricRow, PairedTest, compare, evaluate
from sercli.evaluation.common import Common
from sercli.figures.differences import paired_differences
from sercli.formatting import count_noun
from sercli.records import ClassPredictions
from sercli.reports._comparison_tables import (
    COMPARED_COLUMNS,
    common_table,
    comparison_csv_rows,
    comparison_tables,
)
from sercli.reports._page import draw_both, template
from sercli.reports.facts import merge_banners
from sercli.reports.run import RunReport, report_run
from sercli.reports.tables import Table, write_tables
from sercli.runs.folder import Run
from sercli.workspace import Workspace

_NAMED = 3  # number of architectures in the folder's name
_SHOWN = 5  # number of utterances that a note names


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonReport:
    """Runs that were compared.

    Attributes:
        reports: report of each run, by name; the first run is the reference.
        comparison: comparison of all runs with the reference.
        evaluations: separate evaluation of each run, on the classes and utterances that are compared.
    """

    reports: Mapping[str, RunReport]
    comparison: Comparison
    evaluations: Mapping[str, Evaluation]

    @property
    def protocols(self) -> dict[str, str]:
        """Protocol, version and digest of each run."""
        return {name: report.protocol for name, report in self.reports.items()}

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
    def classes(self) -> Table | None:
        """Classes of runs whose classes or schemes differ; ``None`` if they do not differ."""
        common = self.comparison.common
        return None if common is None else common_table(common)

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
        """Explanation of what is compared, and of the test."""
        return (*self.common_notes, *self.test_notes)

    @property
    def test_notes(self) -> tuple[str, ...]:
        """Explanation of the test: its method, and what it can and can't show."""
        comparison = self.comparison
        notes = []
        if len({report.digest for report in self.reports.values()}) > 1:
            notes.append(
                "The protocols differ. The runs tested the same utterances, but were not trained on the same "
                "ones: so a difference has two causes: folds and models."
            )
        notes += [
            f"Corpus '{corpus}' was prepared again between these runs: recordings, labels or speakers may "
            "differ, and the difference has this cause too. Train again on the present preparation."
            for corpus, digests in self._manifests().items()
            if len(digests) > 1
        ]
        if comparison.no_test:
            return (*notes, f"No intervals and no test: {comparison.no_test}.")
        notes += _test_notes(self.tests, self.metric)
        single = [name for name, report in self.reports.items() if report.one_seed]
        if single:
            of = "a run" if len(single) == len(comparison.runs) else f"of {', '.join(single)}"
            notes.append(
                f"One training {of}: another seed may differ as much; train several seeds and compare again."
            )
        return tuple(notes)

    def _manifests(self) -> dict[str, set[str]]:
        """List the manifests of each corpus that the runs were trained on."""
        found: dict[str, set[str]] = {}
        for report in self.reports.values():
            settings = report.trials[0].settings()
            found.setdefault(settings["corpus"], set()).add(settings["provenance"]["manifest_sha256"])
        return found

    @property
    def common_notes(self) -> tuple[str, ...]:
        """Explanation of what is compared, if the classes or schemes of the runs differ."""
        common = self.comparison.common
        return () if common is None else tuple(_common_notes(common))

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        metrics = [self._with_own(row).to_dict() for row in self.comparison.table]
        beside = {"protocols": self.protocols, "notes": [*self.notes, *self.banners]}
        return self.comparison.to_dict() | {"metrics": metrics} | beside

    def _with_own(self, row: MetricRow) -> MetricRow:
        """Add the interval and the value of chance, which the evaluation of a run has."""
        if row.group != "run":
            return row
        own = self.evaluations[str(row.run)].table.row(row.metric)
        return replace(row, interval=own.interval, chance=own.chance, majority=own.majority)


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
    schemes = [each.trials[0].settings()["scheme"] for each in reports.values()]
    comparison = compare(
        {key: each.predictions for key, each in reports.items()},
        draws,
        schemes_differ=any(scheme != schemes[0] for scheme in schemes),
    )
    evaluations = {key: _evaluate(key, each, comparison.common, draws) for key, each in reports.items()}
    return ComparisonReport(reports, comparison, evaluations)


def _evaluate(name: str, report: RunReport, common: Common | None, draws: int) -> Evaluation:
    """Evaluate a run on what is compared."""
    if common is None or not isinstance(report.predictions, ClassPredictions):
        return report.evaluation
    return evaluate(common.restrict(name, report.predictions), draws)


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
    tables = [*([report.classes] if report.classes else []), *report.tables]
    write_tables(folder, report.title, remarks, tables, COMPARED_COLUMNS, rows)
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
        common_classes=report.classes,
        common_notes=report.common_notes,
        runs=runs,
        differences=differences,
        speakers=speakers,
        picture_of=draw_both(partial(paired_differences, tested, comparison.runs[0].name)),
        banners=report.banners,
        notes=report.test_notes,
        test=next(iter(report.tests), None),
        tests=len(tested),
        interval=tested[0].interval,
        alpha=ALPHA,
        facts=None,
        protocol=None,
        audit=None,
    )


def _common_notes(common: Common) -> list[str]:
    names = ", ".join(common.classes)
    if common.classes_differ:
        others = [
            f"{run}: {', '.join(mapping.model_only)}"
            for run, mapping in common.mappings.items()
            if mapping.model_only
        ]
        rest = f" Classes that not all runs have: {'; '.join(others)}." if others else ""
        mappings = common.mappings.values()
        joined = any(len(set(mapping.of_model.values())) < len(mapping.of_model) for mapping in mappings)
        changes = ["the probabilities of classes that become one are added"] if joined else []
        if others:
            changes.append(
                "the probability of each other class is removed and the rest is divided by its sum"
            )
        notes = [f"The classes of the runs differ. Common classes: {names}.{rest}"]
        if changes:
            notes.append(
                f"The runs are compared on the common classes: {'; '.join(changes)}. So the metrics are not "
                "those of the reports of the runs."
            )
    else:
        notes = [f"The schemes of the runs differ. Their classes have the same names: {names}."]
    runs = [
        f"{run} tested {len(common.own_labels[run])}: {sum(common.of_other_classes(run).values())} of them "
        f"have another class, and {common.not_in_all(run)} were not tested by every run"
        for run in common.mappings
    ]
    notes.append(
        f"{count_noun(len(common.labels), 'utterance')} are compared: each run tested them and gives them "
        f"the same common class. {'No utterance is left out' if common.keeps_all else '; '.join(runs)}."
    )
    if common.differing:
        listed = [
            f"{name} ({', '.join(f'{own[name]} in {run}' for run, own in common.own_labels.items())})"
            for name in common.differing
        ]
        notes.append(
            f"{count_noun(len(listed), 'utterance')} {'is' if len(listed) == 1 else 'are'} left out, because "
            f"the labels differ: {list_some(listed, _SHOWN, '; ')}."
        )
    return notes


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
