"""``sercli eval RUN --on CORPUS``."""

from typing import TYPE_CHECKING

import typer

from sercli.cli._output import progress_bar
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.inference.cross_corpus import Applied
    from sercli.reports.cross_corpus import CrossCorpus
    from sercli.workspace import Workspace


def evaluate_on(
    workspace: "Workspace",
    run: str,
    corpus: str,
    scheme: str | None,
    *,
    keep_foreign: bool,
    draws: int = 10_000,
    accelerator: str = "auto",
    json: bool = False,
) -> None:
    """Test a run's networks on another corpus, print what comes out and write it beside the run."""
    from sercli.cli import evaluate
    from sercli.devices import choose_device
    from sercli.inference.cross_corpus import apply_run
    from sercli.reports import cross_corpus
    from sercli.reports.gather import GatheredTraces
    from sercli.runs.folder import find_run

    with progress_bar("computing features") as progress:
        applied = apply_run(
            find_run(workspace, run),
            corpus,
            workspace,
            scheme,
            keep_foreign=keep_foreign,
            device=choose_device(accelerator).torch,
            progress=progress,
        )
    result = cross_corpus.evaluate_applied(applied, workspace, draws)
    page = cross_corpus.write(result)
    if json:
        typer.echo(to_json(result.to_dict() | {"report": str(page)}))
        return
    gathered = result.gathered
    typer.echo(f"{applied.run.name}\n{gathered.protocol}, scheme {applied.scheme}\n")
    _print_classes(applied)
    if isinstance(gathered, GatheredTraces):
        evaluate._print_traces(gathered.evaluation)
    else:
        evaluate._print(gathered.evaluation)
    _print_notes(result)
    typer.echo(f"\nreport       {page}")
    typer.echo(f"predictions  {page.parent / 'predictions.csv'}")
    typer.echo(f"picture      {page.parent / gathered.picture}")


def _print_classes(applied: "Applied") -> None:
    """Say which class of the model stands for which class of the corpus."""
    from sercli.reports.cross_corpus import describe

    mapping = applied.mapping
    if mapping is None:
        return
    rows = [("class", "of the model", f"of {applied.corpus}"), *describe(mapping)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, (name, ours, theirs) in enumerate(rows):
        count: int | str = sum(n for own, n in applied.tested.items() if mapping.of_corpus[own] == name)
        count = count if number else "utterances"
        cells = zip((name, ours, theirs or "-"), widths, strict=True)
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in cells) + f"  {count:>10}")
    typer.echo("")


def _print_notes(result: "CrossCorpus") -> None:
    typer.echo(f"note: {result.gathered.definition}")
    for banner in result.gathered.banners:
        typer.echo(f"note: {banner}")
