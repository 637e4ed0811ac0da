"""``sercli eval``: metrics of a run on its own test parts or another corpus, and pictures of its networks."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._completion import complete_run
from sercli.cli._options import (
    AcceleratorOption,
    ClassesOption,
    DrawsOption,
    JsonOption,
    LabelsOption,
    SchemeOption,
    TargetsOption,
    WorkspaceOption,
)
from sercli.cli._output import metrics_first, progress_bar
from sercli.errors import RunError
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from sercli.reports.run import AuditResult, RunReport
    from sercli.runs.folder import Run, Trial
    from sercli.schemes import LabelSource, Scheme
    from sercli.workspace import Workspace


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_run,
            help="Run to evaluate: its name, the end of its name, its folder, or latest.",
        ),
    ] = "latest",
    *,
    draws: DrawsOption = 10_000,
    audit: Annotated[
        bool, typer.Option(help="Search for leaks between train, dev and test, as `sercli audit` does.")
    ] = True,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            help="Test the models of the run on another prepared corpus, or several, as emodb+ravdess.",
            show_default=False,
        ),
    ] = None,
    scheme: SchemeOption = None,
    classes: ClassesOption = None,
    targets: TargetsOption = None,
    labels: LabelsOption = None,
    keep_foreign: Annotated[
        bool,
        typer.Option(
            "--keep-foreign",
            help="Count predictions of classes that the other corpus does not have, as mistakes.",
        ),
    ] = False,
    insights: Annotated[
        bool,
        typer.Option(
            "--insights",
            help="Also draw attention maps (or occlusion), embeddings and weights of layers of the networks.",
        ),
    ] = False,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="With --insights: also draw the embeddings of this run; may be repeated.",
            show_default=False,
        ),
    ] = None,
    accelerator: AcceleratorOption = "auto",
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Print the test metrics of a run and write its report.

    The report is a page with tables and pictures.

    Metrics are pooled over the tested folds, with 95 % intervals by bootstrap over speakers: UA and WA of
    classes; CCC, PCC, RMSE and MAE of ratings of utterances; CCC of continuous labels (traces).
    """
    from sercli.runs.folder import find_run
    from sercli.schemes.reading import choose_scheme
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    if beside and not insights:
        raise typer.BadParameter("--beside goes with --insights")
    if on is None and (scheme or classes or targets or labels or keep_foreign):
        raise typer.BadParameter("--scheme, --classes, --targets, --labels and --keep-foreign go with --on")
    found = find_run(place, run)
    if insights or on is None:
        _check_tested(found)
    if insights:  # before the page, which shows the pictures
        _draw_insights(place, found, accelerator, beside or ())
    if on is None:
        _evaluate(place, found, draws, audit=audit, json=json)
    else:
        _evaluate_on(
            place,
            found,
            on,
            choose_scheme(scheme, classes, targets),
            labels=labels,
            keep_foreign=keep_foreign,
            draws=draws,
            accelerator=accelerator,
            json=json,
        )


def _check_tested(run: "Run") -> None:
    """Refuse an untested run, before its audit and its pictures are made."""
    from sercli.reports.run import check_tested

    if run.finished():
        check_tested(run, run.finished()[0].settings())


def _evaluate(place: "Workspace", run: "Run", draws: int, *, audit: bool, json: bool) -> None:
    """Evaluate a run on its own test parts."""
    from sercli.reports.run import report_run, write_report

    report = report_run(run, draws, _audit(run, place) if audit else None)
    lines = [report.run.name, f"protocol {report.protocol}"]
    if report.audit is not None:
        lines.append(f"audit    {report.audit.verdict}")
    _write_and_print(report, lambda: write_report(report), report.to_dict() if json else None, lines)


def _audit(run: "Run", place: "Workspace") -> "AuditResult | None":
    """Audit a run, or state why this fails; the metrics do not need the prepared corpus."""
    from sercli.audit import examine
    from sercli.audit.run import from_run
    from sercli.errors import SerError
    from sercli.reports.run import AuditResult

    if not run.finished():
        return None
    try:
        _, divisions, extra = from_run(run, place)
        return AuditResult.of(finding.to_dict() for finding in examine(divisions) + extra)
    except SerError as error:
        return AuditResult(why_not=str(error))


def _evaluate_on(
    place: "Workspace",
    run: "Run",
    corpus: str,
    scheme: "Scheme | None",
    *,
    labels: "LabelSource | None",
    keep_foreign: bool,
    draws: int,
    accelerator: str,
    json: bool,
) -> None:
    """Test a run's networks on another corpus, and write the metrics beside the run."""
    from sercli.devices import use_device
    from sercli.inference.cross_corpus import apply_run
    from sercli.reports.cross_corpus import mapping_table, report_applied, write_cross_corpus
    from sercli.reports.tables import to_text

    with progress_bar("computing features") as progress:
        applied = apply_run(
            run,
            corpus,
            place,
            scheme,
            labels=labels,
            keep_foreign=keep_foreign,
            device=use_device(accelerator).torch,
            progress=progress,
        )
    result = report_applied(applied, place, draws)
    lines = [applied.run.name, f"{result.report.protocol}, scheme {applied.scheme}"]
    classes = mapping_table(applied)
    if classes is not None:
        lines += ["", to_text(classes)]
    described = result.to_dict() if json else None
    _write_and_print(result.report, lambda: write_cross_corpus(result), described, lines)


def _write_and_print(
    report: "RunReport",
    write: Callable[[], "Path"],
    described: dict[str, Any] | None,
    lines: Sequence[str],
) -> None:
    """Write the files of a report, and print it even if they can't be written.

    Args:
        report: metrics of the run, on its own corpus or on another one.
        write: writes the files and returns the page.
        described: the report as JSON, to print it in this form; ``None`` prints text.
        lines: the first lines of the text.
    """
    with metrics_first() as attempt:
        page = attempt(write)
        if described is not None:
            typer.echo(to_json(described | {"report": page and str(page)}))
            return
        typer.echo("\n".join(lines))
        _print_report(report, page)


def _print_report(report: "RunReport", page: "Path | None") -> None:
    """Print the metrics, their meaning, warnings, and the paths of the files if these are written."""
    from sercli.reports.metric_tables import brief_tables, describe_extremes, describe_raters
    from sercli.reports.tables import to_text

    evaluation = report.evaluation
    for table in brief_tables(evaluation):
        typer.echo(f"\n{to_text(table)}")
    frames = f", {evaluation.frames} frames" if evaluation.frames is not None else ""
    typer.echo(f"\n{evaluation.tested} {evaluation.noun}s{frames}, {evaluation.networks} trials, pooled")
    if len(evaluation.ranking.names) > 1:
        typer.echo(f"{evaluation.ranking.group}s: {describe_extremes(evaluation)}")
    if raters := describe_raters(evaluation):
        typer.echo(f"raters: {raters}")
    if evaluation.no_interval:
        typer.echo(f"no interval: {evaluation.no_interval}")
    typer.echo(f"note: {report.definition}")
    for banner in report.banners:
        typer.echo(f"note: {banner}")
    if page is None:
        return
    typer.echo(f"\nreport       {page}")
    typer.echo(f"tables       {page.parent / 'table.csv'}, .md, .tex")
    typer.echo(f"predictions  {page.parent / 'predictions.csv'}")
    pictures = sorted(path.name for path in page.parent.glob("*.png"))
    typer.echo(f"pictures     {page.parent}: {', '.join(pictures)}")


def _draw_insights(place: "Workspace", run: "Run", accelerator: str, beside: Sequence[str]) -> None:
    """Draw internal values of the network of each finished trial, and print the paths of the pictures."""
    from sercli.devices import use_device
    from sercli.reports.insights import draw_insights, read_layer_weights, write_insights
    from sercli.reports.projections import describe
    from sercli.runs.folder import find_run

    device = use_device(accelerator).torch
    others = [find_run(place, other) for other in beside]
    layers = read_layer_weights(run.require_finished())
    if isinstance(layers, str):
        typer.echo(f"note: no picture 'layers' of {run.path}: {layers}", err=True)
    else:
        _print_paths(layers.write(run.path / "report"))
    for trial in run.finished():
        matching = [_find_same_trial(other, trial) for other in others]
        with progress_bar("computing features") as progress:
            drawn = draw_insights(trial, place, beside=matching, device=device, progress=progress)
        folder = run.path / "report" / f"fold-{trial.fold:02d}-seed-{trial.seed}"
        _print_paths(write_insights(drawn, folder))
        for each in drawn.projected:
            typer.echo(f"fold {trial.fold}, seed {trial.seed}: {describe(each)}", err=True)
        for picture, reason in drawn.absent.items():
            typer.echo(f"note: no picture '{picture}' of {trial.path}: {reason}", err=True)
        if not drawn.pictures and not drawn.absent:
            typer.echo(f"note: nothing to draw inside the network of {trial.path}", err=True)


def _print_paths(paths: "Sequence[Path]") -> None:
    for path in paths:
        typer.echo(f"{'picture' if path.suffix == '.png' else 'table':<12} {path}", err=True)


def _find_same_trial(run: "Run", trial: "Trial") -> "Trial":
    for each in run.finished():
        if (each.fold, each.seed) == (trial.fold, trial.seed):
            return each
    raise RunError(
        f"{run.path}: fold {trial.fold}, seed {trial.seed} is not finished; train it or leave out --beside"
    )
