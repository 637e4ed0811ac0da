"""``sercli audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.audit import Finding


def audit(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="A run; or two or three lists of files (train, dev, test); or a folder of such lists, "
            "as EmoBox, SpeechBrain, s3prl and nkululeko keep them.",
            show_default=False,
        ),
    ] = None,
    *,
    corpus: Annotated[
        str | None, typer.Option(help="A prepared corpus, divided by --protocol.", show_default=False)
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(help="Which of its utterances. [default: the protocol's]", show_default=False),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Which folds. [default: the corpus's]", show_default=False)
    ] = None,
    audio_root: Annotated[
        Path | None,
        typer.Option(help="Folder that the lists' audio files are relative to.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Find what leaks between train, dev and test. Exit status 3 when something does.

    Each check answers clean, LEAK, known (a property that the protocol or the corpus declares) or
    not checked (the lists do not say enough).
    """
    from sercli.audit import Verdict, examine
    from sercli.audit.lists import from_files, from_folder
    from sercli.audit.protocol import from_protocol
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    extra: list[Finding] = []
    paths = [Path(target) for target in targets or []]
    if corpus is not None:
        if targets:
            raise typer.BadParameter("name a corpus with --corpus, or lists, or a run, not both")
        what, divisions = from_protocol(place, corpus, scheme, protocol)
    elif not targets:
        raise typer.BadParameter("name a run, lists of files or a folder of them, or a corpus with --corpus")
    elif scheme or protocol:
        raise typer.BadParameter("--scheme and --protocol go with --corpus")
    elif len(paths) > 1:
        divisions = [from_files(paths, audio_root)]
        what = divisions[0].name
    elif paths[0].is_dir() and not any(paths[0].glob("fold-*/seed-*")):
        divisions, passed_over = from_folder(paths[0], audio_root)
        what = "\n".join(
            [f"{paths[0]}: {len(divisions)} divisions", *(f"passed over: {s}" for s in passed_over)]
        )
    elif paths[0].is_file():
        raise typer.BadParameter("a division needs two or three lists: train, (dev,) test")
    else:
        from sercli.audit.run import from_run
        from sercli.runs.folder import find_run

        what, divisions, extra = from_run(find_run(place, targets[0]), place)
    findings = examine(divisions) + extra
    leaks = [finding for finding in findings if finding.verdict is Verdict.LEAK]
    if json:
        report = {"audited": what, "leaks": len(leaks), "findings": [f.to_dict() for f in findings]}
        typer.echo(to_json(report, escaped=False))
    else:
        typer.echo(what)
        for finding in findings:
            _print(finding, len(divisions))
        names = ", ".join(finding.check for finding in leaks)
        typer.echo(
            f"{len(leaks)} of {len(findings)} checks found a leak: {names}" if leaks else "no leak found"
        )
    if leaks:
        raise typer.Exit(3)


def _print(finding: "Finding", divisions: int) -> None:
    verdict = finding.verdict.upper() if finding.verdict == "leak" else finding.verdict
    where = f" [{finding.divisions} of {divisions}]" if 1 < divisions != finding.divisions else ""
    typer.echo(f"  {verdict:<11}  {finding.check:<17}  {finding.fact}{where}")
    indent = " " * 34
    if finding.reason:
        typer.echo(f"{indent}{finding.reason}")
    if finding.examples and finding.verdict in ("leak", "known"):
        typer.echo(f"{indent}such as {', '.join(finding.examples)}")
