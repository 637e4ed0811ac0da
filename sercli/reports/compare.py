"""Runs side by side: one HTML page that needs no network and no other file, and tables beside it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sercli import figures, files
from sercli.errors import RunError
from sercli.evaluation.class_comparison import ALPHA, Comparison, compare
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.sign_flip import SignFlip
from sercli.evaluation.trace_comparison import TraceComparison, compare_traces
from sercli.figures.differences import paired_differences, trace_differences
from sercli.reports import _compare_tables as layout
from sercli.reports._facts import told_once
from sercli.reports._page import draw_both, template
from sercli.reports._writing import write_tables
from sercli.reports.gather import gather
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.reports.tables import Table
from sercli.runs.folder import Run
from sercli.workspace import Workspace

_NAMED = 3  # architectures in the folder's name


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Runs that were compared, by name; the first is the reference.

    ``comparison`` is of classes where the runs tell classes, otherwise of continuous labels.
    """

    found: Mapping[str, Gathered | GatheredTraces]
    comparison: Comparison | TraceComparison

    @property
    def protocols(self) -> dict[str, str]:
        """Protocol, version and digest of each run."""
        return {name: gathered.protocol for name, gathered in self.found.items()}

    @property
    def tables(self) -> list[Table]:
        """Runs, differences and speakers."""
        if isinstance(self.comparison, Comparison):
            return layout.class_tables(self.comparison, _classes(self))
        return layout.trace_tables(self.comparison, _traces(self))

    @property
    def banners(self) -> tuple[str, ...]:
        """What must stand above the figures of any of the runs, once, with the runs that it is about."""
        return told_once({name: gathered.banners for name, gathered in self.found.items()})

    @property
    def notes(self) -> tuple[str, ...]:
        """How the test works, what it can show, and what it can't."""
        comparison = self.comparison
        notes = []
        if len({gathered.digest for gathered in self.found.values()}) > 1:
            notes.append(
                "The protocols differ. The runs tested the same utterances, but were not trained on the same "
                "ones: a difference is one of folds and models together."
            )
        if comparison.no_test:
            return (*notes, f"No intervals and no test: {comparison.no_test}.")
        what = "UA" if isinstance(comparison, Comparison) else "the pooled CCC"
        notes += _test_notes([each.test for each in comparison.differences if each.test], what)
        single = [run.name for run in comparison.runs if run.seeds == 1]
        if single:
            of = "a run" if len(single) == len(comparison.runs) else f"of {', '.join(single)}"
            notes.append(
                f"One training {of}: another seed may differ as much; train several and compare again."
            )
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        told = {"protocols": self.protocols, "notes": [*self.notes, *self.banners]}
        return self.comparison.to_dict() | told


def compare_runs(runs: Sequence[Run], draws: int = DRAWS) -> Compared:
    """Read runs and compare each with the first.

    Args:
        runs: two or more; runs of one name in several places go by their folder.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: a run is named twice or is damaged, or the runs can't be paired.
    """
    found: dict[str, Gathered | GatheredTraces] = {}
    for run in runs:
        alone = sum(other.name == run.name for other in runs) == 1
        key = run.name if alone else str(run.path.resolve())
        if key in found:
            raise RunError(f"{run.name} is named twice; name another run")
        found[key] = gather(run, draws)
    classes = {name: g.predictions for name, g in found.items() if isinstance(g, Gathered)}
    if len(classes) == len(found):
        return Compared(found, compare(classes, draws))
    frames = {name: g.predictions for name, g in found.items() if isinstance(g, GatheredTraces)}
    if classes:
        raise RunError(
            f"{', '.join(frames)} tell continuous labels, {', '.join(classes)} classes; "
            "compare runs of one task"
        )
    return Compared(found, compare_traces(frames, draws))


def place_of(compared: Compared, workspace: Workspace) -> Path:
    """Say where the page of a comparison lies: a folder of its own for each runs in each order."""
    archs = [gathered.facts["architecture"] for gathered in compared.found.values()]
    named = "-".join(archs[:_NAMED]) + (f"-and-{len(archs) - _NAMED}-more" if len(archs) > _NAMED else "")
    digest = hashlib.sha256("\n".join(compared.found).encode()).hexdigest()[:8]
    return workspace.root / "reports" / f"compare-{named}-{digest}" / "report.html"


def write_comparison(compared: Compared, page: Path) -> None:
    """Write the page, and beside it tables, the picture and the figures as JSON."""
    folder, title = page.parent, _title(compared)
    told = [f"{name}: {protocol}." for name, protocol in compared.protocols.items()]
    if isinstance(compared.comparison, Comparison):
        rows = layout.class_rows(compared.comparison, _classes(compared))
    else:
        rows = layout.trace_rows(compared.comparison, _traces(compared))
    files.write_json(folder / "metrics.json", compared.to_dict())
    write_tables(
        folder, title, [*told, *compared.banners, *compared.notes], compared.tables, layout.COLUMNS, rows
    )
    for kind in (".png", ".pdf"):
        figures.save(_draw(compared, dark=False), folder / f"differences{kind}")
    files.write_text(page, render_comparison(compared))


def render_comparison(compared: Compared) -> str:
    """Render the page of a comparison; equal for equal runs."""
    comparison = compared.comparison
    tests = [each.test for each in comparison.differences if each.test]
    intervals = [
        each.ua_interval if isinstance(comparison, Comparison) else each.ccc_interval  # type: ignore[union-attr]
        for each in comparison.differences
    ]
    return template("compare.html").render(
        title=_title(compared),
        comparison=comparison,
        classes=isinstance(comparison, Comparison),
        tables=compared.tables,
        picture_of=draw_both(lambda dark: _draw(compared, dark=dark)),
        banners=compared.banners,
        notes=compared.notes,
        test=tests[0] if tests else None,
        interval=intervals[0] if intervals else None,
        alpha=ALPHA,
        facts=None,
        protocol=None,
        audited=None,
    )


def _test_notes(tests: Sequence[SignFlip], what: str) -> list[str]:
    test, several = tests[0], len(tests) > 1
    least = min(1.0, len(tests) * test.least_p)
    flips = f"all {test.flips} flips (exact)" if test.exact else f"{test.flips} random flips"
    notes = [
        f"p is of the difference in {what}, two-sided, by sign flips over {test.speakers} speakers, {flips}; "
        f"it can't be below {test.least_p:.2g}"
        + (f", nor below {least:.2g} corrected for {len(tests)} comparisons (Holm)." if several else ".")
    ]
    if least >= ALPHA:
        notes.append(f"So no difference can be shown at p < {ALPHA}, however large it is.")
    return notes


def _title(compared: Compared) -> str:
    reference, *others = compared.comparison.runs
    return f"{', '.join(run.name for run in others)} compared with {reference.name}"


def _classes(compared: Compared) -> dict[str, Gathered]:
    return {name: g for name, g in compared.found.items() if isinstance(g, Gathered)}


def _traces(compared: Compared) -> dict[str, GatheredTraces]:
    return {name: g for name, g in compared.found.items() if isinstance(g, GatheredTraces)}


def _draw(compared: Compared, *, dark: bool) -> Figure:
    if isinstance(compared.comparison, Comparison):
        return paired_differences(compared.comparison, dark=dark)
    return trace_differences(compared.comparison, dark=dark)
