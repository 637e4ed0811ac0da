"""``sercli corpora``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sercli.cli._app import App
from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.plain.json import to_json

app = App(help="List the corpora, or export a prepared one's manifest.")


@app.callback(invoke_without_command=True)
def corpora(context: typer.Context, *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """List the corpora: licence, where they are expected, and what the workspace holds."""
    if context.invoked_subcommand is not None:
        return
    from sercli.corpora import corpus_names, get_corpus
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    held = {name: place.facts(name) for name in place.prepared()}
    supported = {name: get_corpus(name) for name in corpus_names()}
    if json:
        typer.echo(to_json({"supported": _supported(), "prepared": held}, escaped=False))
        return
    for name, entry in supported.items():
        size = f", {entry.utterances} utterances" if entry.utterances else ""
        typer.echo(f"{name}: {entry.title}{size}")
        typer.echo(f"  licence   {entry.licence}")
        how = " (or --download)" if entry.download else f"; from {entry.origin}" if entry.origin else ""
        made = f"made on the spot: sercli prepare {name}"
        typer.echo(f"  expected  {made if entry.generate else entry.layout + how}")
        if name in held:
            typer.echo(f"  prepared  {_held(held[name])}")
    for name in sorted(set(held) - set(supported)):
        typer.echo(f"{name}: {held[name]['title']}\n  prepared  {_held(held[name])}")
    if not held:
        typer.echo(f"\n{place.root} holds none yet; begin with sercli prepare CORPUS PATH")


@app.command()
def export(
    corpus: Annotated[str, typer.Argument(help="A prepared corpus.")],
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="audformat, audiofolder, emobox, lhotse, nkululeko or speechbrain."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="File or folder to write.")],
    *,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a prepared corpus's manifest as another toolkit reads it."""
    from sercli import manifest
    from sercli.manifest.interop import write_list
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    path = place.require(corpus)
    utterances = manifest.read(path)
    write_list(form, out, utterances, path.parent.resolve())
    typer.echo(f"{out}: {len(utterances)} utterances as {form}")


def _supported() -> dict[str, dict[str, Any]]:
    from sercli.corpora import corpus_names, get_corpus

    described = {}
    for name in corpus_names():
        entry = get_corpus(name)
        described[name] = {
            "title": entry.title,
            "source": entry.source,
            "licence": entry.licence,
            "expected": entry.layout,
            "utterances": entry.utterances,
            "download": entry.download.url if entry.download else None,
        }
    return described


def _held(facts: dict[str, Any]) -> str:
    known = f" of {facts['expected']}" if facts["expected"] else ""
    return f"{facts['utterances']}{known} utterances, {facts['hours']:.2f} hours"
