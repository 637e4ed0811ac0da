"""``sercli eval``."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import DrawsOption, JsonOption, WorkspaceOption
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.evaluation.agreement import TraceEvaluation
    from sercli.evaluation.class_evaluation import Evaluation, Measure
    from sercli.evaluation.metrics import Interval, Spread
    from sercli.reports.audited import Audited
    from sercli.runs.folder import Run
    from sercli.workspace import Workspace


def evaluate(
    run: Annotated[
        str, typer.Argument(help="Run to evaluate: its name, the end of its name, its folder, or latest.")
    ] = "latest",
    *,
    draws: DrawsOption = 10_000,
    audit: Annotated[
        bool, typer.Option(help="Look for leaks between train, dev and test, as `sercli audit` does.")
    ] = True,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            help="Test the models of the run on another prepared corpus.",
            show_default=False,
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(help="Scheme that selects utterances of the other corpus.", show_default=False),
    ] = None,
    keep_foreign: Annotated[
        bool,
        typer.Option(
            "--keep-foreign",
            help="Count predictions of classes that the other corpus does not have, as mistakes.",
        ),
    ] = False,
    insights: Annotated[
        bool, typer.Option("--insights", help="Also draw attention maps and embeddings of the networks.")
    ] = False,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="With --insights: also draw the embeddings of this run; may be repeated.",
            show_default=False,
        ),
    ] = None,
    accelerator: Annotated[
        str, typer.Option(help="Device for --on and --insights: auto, cpu or gpu.")
    ] = "auto",
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Give a run's test figures and write its report: page, tables and pictures.

    Figures are pooled over the tested folds, with 95 % intervals by bootstrap over speakers: UA and WA of
    classes, CCC, PCC and RMSE of continuous labels.
    """
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    if insights or on is None:
        _check_tested(place, run)
    if insights:  # before the page, which shows them
        from sercli.cli._insights import draw

        draw(place, run, accelerator, beside or ())
    elif beside:
        raise typer.BadParameter("--beside goes with --insights")
    if on is not None:
        from sercli.cli._on import evaluate_on

        evaluate_on(
            place,
            run,
            on,
            scheme,
            keep_foreign=keep_foreign,
            draws=draws,
            accelerator=accelerator,
            json=json,
        )
    elif scheme or keep_foreign:
        raise typer.BadParameter("--scheme and --keep-foreign go with --on")
    else:
        _evaluate(place, run, draws, audit=audit, json=json)


def _check_tested(place: "Workspace", name: str) -> None:
    """Refuse a run that tested nothing before its audit and its pictures are made."""
    from sercli.reports.gather import check_tested
    from sercli.runs.folder import find_run

    run = find_run(place, name)
    if run.finished():
        check_tested(run, run.finished()[0].settings())


def _evaluate(place: "Workspace", name: str, draws: int, *, audit: bool, json: bool) -> None:
    from sercli.reports.gather import GatheredTraces, gather, write_report
    from sercli.runs.folder import find_run

    run = find_run(place, name)
    gathered = gather(run, draws, _audit(run, place) if audit else None)
    page = write_report(gathered)
    if json:
        typer.echo(to_json(gathered.to_dict() | {"report": str(page)}))
        return
    typer.echo(f"{gathered.run.name}\nprotocol {gathered.protocol}")
    if gathered.audited is not None:
        typer.echo(f"audit    {gathered.audited.verdict}")
    typer.echo("")
    if isinstance(gathered, GatheredTraces):
        _print_traces(gathered.evaluation)
    else:
        _print(gathered.evaluation)
    typer.echo(f"note: {gathered.definition}")
    for banner in gathered.banners:
        typer.echo(f"note: {banner}")
    typer.echo(f"\nreport       {page}")
    typer.echo(f"tables       {page.parent / 'table.csv'}, .md, .tex")
    typer.echo(f"predictions  {page.parent / 'predictions.csv'}")
    typer.echo(f"picture      {page.parent / gathered.picture}")


def _audit(run: "Run", place: "Workspace") -> "Audited | None":
    """Audit a run, or say why it can't be: figures do not depend on the corpus being at hand."""
    from sercli.audit import examine
    from sercli.audit.run import from_run
    from sercli.errors import SerError
    from sercli.reports.audited import Audited

    if not run.finished():
        return None
    try:
        _, divisions, extra = from_run(run, place)
        return Audited.of(finding.to_dict() for finding in examine(divisions) + extra)
    except SerError as error:
        return Audited(why_not=str(error))


def _print(evaluation: "Evaluation") -> None:
    several = len(evaluation.by_unit) > 1
    always = f"always {evaluation.majority_class}"
    spread = f"  {'mean ± sd':>12}" if several else ""
    typer.echo(f"in %      pooled  95 % interval  chance  {always}{spread}")
    for each in evaluation.measures:
        typer.echo(_measure(each, len(always), several=several))
    if evaluation.no_interval:
        typer.echo(f"no interval: {evaluation.no_interval}")
    calibration = evaluation.calibration
    typer.echo(
        f"ECE {100 * calibration.ece:.1f} % ({calibration.estimator}), Brier score {calibration.brier:.3f}"
    )
    if evaluation.without_gender:
        merged = evaluation.without_gender
        told = ", ".join(
            f"{each.name} {100 * each.value:.1f}"
            + (f" ({_interval(each.interval)})" if each.interval else "")
            for each in merged.measures
        )
        typer.echo(f"without gender in %, {len(merged.classes)} classes: {told}")
    genders = ", ".join(
        f"{s.gender or 'unknown'} UA {100 * s.ua:.1f} WA {100 * s.wa:.1f}" for s in evaluation.by_gender
    )
    typer.echo(f"by gender in %: {genders}")
    best, worst = evaluation.best_speaker, evaluation.worst_speaker
    if best and worst and best is not worst:
        typer.echo(
            f"speakers: best {best.speaker} UA {100 * best.ua:.1f} %, "
            f"worst {worst.speaker} {100 * worst.ua:.1f} %"
        )
    trials = len(evaluation.by_unit)
    typer.echo(f"{evaluation.utterances} utterances, {trials} trials, pooled\n")

    width = max(8, *(len(name) for name in evaluation.classes))
    cells = [f"{name:>8}" for name in evaluation.classes]
    typer.echo(f"{'true':<{width}}  recall %   taken for  " + "  ".join(cells))
    for score, row in zip(evaluation.by_class, evaluation.confusion, strict=True):
        recall = f"{100 * score.recall:8.1f}" if score.count else "       -"
        counts = "  ".join(f"{count:>{len(cell)}}" for count, cell in zip(row, cells, strict=True))
        typer.echo(f"{score.name:<{width}}  {recall}              {counts}")
    typer.echo("")


def _measure(each: "Measure", width: int, *, several: bool) -> str:
    deviation = each.spread.deviation
    spread = (
        f"  {100 * each.spread.mean:5.1f} ± {100 * deviation:4.1f}"
        if several and deviation is not None
        else ""
    )
    return (
        f"{each.name:<8}  {100 * each.value:6.1f}  {_interval(each.interval):<13}  "
        f"{100 * each.chance:6.1f}  {100 * each.majority:>{width}.1f}{spread}"
    )


def _interval(interval: "Interval | None") -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}" if interval else "none"


def _print_traces(evaluation: "TraceEvaluation") -> None:
    width = max(9, *(len(name) for name in evaluation.dimensions))
    typer.echo(f"{'pooled':<{width}}     CCC  95 % interval        PCC    RMSE")
    for score in evaluation.by_dimension:
        interval = score.ccc_interval
        told = f"{interval.low:.3f} to {interval.high:.3f}" if interval else "none"
        typer.echo(
            f"{score.name:<{width}}  {score.ccc:6.3f}  {told:<16}  {_or_dash(score.pcc)}  {score.rmse:6.3f}"
        )
    typer.echo(f"    chance CCC {evaluation.chance:.3f}: a constant, such as the mean")
    if evaluation.no_interval:
        typer.echo(f"    no interval: {evaluation.no_interval}")
    trials = len(evaluation.by_unit)
    typer.echo(f"    {evaluation.recordings} recordings, {evaluation.frames} frames, {trials} trials, pooled")
    typer.echo("")
    typer.echo(f"{'CCC':<{width}}  mean over trials  mean over recordings")
    for score in evaluation.by_dimension:
        typer.echo(f"{score.name:<{width}}  {_spread(score.ccc_spread):<16}  {score.ccc_recordings:.3f}")
    best, worst = evaluation.by_recording[evaluation.best], evaluation.by_recording[evaluation.worst]
    typer.echo(
        f"    best {best.id} {best.ccc:.3f}, worst {worst.id} {worst.ccc:.3f}, mean over the dimensions"
    )
    typer.echo("")


def _spread(spread: "Spread") -> str:
    return f"{spread.mean:.3f}" + (f" ± {spread.deviation:.3f}" if spread.deviation is not None else "")


def _or_dash(value: float) -> str:
    return "     -" if math.isnan(value) else f"{value:6.3f}"
