"""``sercli audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._completion import complete_prepared
from sercli.cli._options import (
    ClassesOption,
    ColumnOption,
    JsonOption,
    LabelsOption,
    SchemeOption,
    TargetsOption,
    UnknownSpeakersOption,
    WorkspaceOption,
    column_pairs,
)
from sercli.cli._output import describe_union
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sercli.audit import Division, Finding
    from sercli.workspace import Workspace


def audit(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="A run, or two or three lists of files (train, dev, test), or one table with a column "
            "split, or a folder of such lists in the layout of EmoBox, SpeechBrain, s3prl or nkululeko.",
            show_default=False,
        ),
    ] = None,
    *,
    corpus: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete_prepared,
            help="Prepared corpus to audit, or several, as emodb+ravdess, divided by --protocol.",
            show_default=False,
        ),
    ] = None,
    scheme: SchemeOption = None,
    classes: ClassesOption = None,
    dimensions: TargetsOption = None,
    labels: LabelsOption = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Protocol that divides --corpus. [default: the protocol of the corpus]", show_default=False
        ),
    ] = None,
    unknown_speakers: UnknownSpeakersOption = None,
    audio_root: Annotated[
        Path | None,
        typer.Option(help="Folder that the file names in the lists are relative to.", show_default=False),
    ] = None,
    columns: ColumnOption = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Find what leaks between train, dev and test.

    The result of each check is clean, LEAK, known (a property that the protocol or the corpus declares) or
    not checked (the lists hold too little information). The exit status is 3 when a check
    finds a leak, 4 when speakers could not be compared and no other check finds a leak, and otherwise 0.
    """
    from sercli.audit import Verdict, examine, speakers_checked, summarise
    from sercli.workspace import Workspace

    chosen = column_pairs(columns or [])
    if corpus is not None:
        if targets:
            raise typer.BadParameter("name a corpus with --corpus, or lists, or a run, not both")
        _need_lists(audio_root, chosen, "--corpus")
        from sercli.audit.protocol import from_protocol
        from sercli.schemes.reading import choose_scheme

        place = Workspace(workspace)
        chosen_scheme = choose_scheme(scheme, classes, dimensions)
        what, divisions = from_protocol(place, corpus, chosen_scheme, protocol, unknown_speakers, labels)
        notes = describe_union(place, corpus)
        extra: list[Finding] = []
    elif not targets:
        raise typer.BadParameter("name a run, lists of files or a folder of them, or a corpus with --corpus")
    elif scheme or classes or dimensions or labels or protocol or unknown_speakers:
        raise typer.BadParameter(
            "--scheme, --classes, --targets, --labels, --protocol and --unknown-speakers go with --corpus"
        )
    else:
        what, divisions, notes, extra = _divide(targets, audio_root, chosen, Workspace(workspace))
    findings = examine(divisions) + extra
    leaks = [finding for finding in findings if finding.verdict is Verdict.LEAK]
    unchecked, verdict = not speakers_checked(findings), summarise(findings)
    if json:
        report = {
            "audited": what,
            "notes": notes,
            "leaks": len(leaks),
            "speakers_checked": not unchecked,
            "verdict": verdict,
            "findings": [finding.to_dict() for finding in findings],
        }
        typer.echo(to_json(report, escaped=False))
    else:
        lines = [what, *(f"  {note}" for note in dict.fromkeys(notes))]
        lines += [line for finding in findings for line in _lines(finding, len(divisions))]
        typer.echo("\n".join([*lines, verdict]))
    if leaks or unchecked:
        raise typer.Exit(3 if leaks else 4)


def _need_lists(audio_root: Path | None, columns: "Mapping[str, str]", audited: str) -> None:
    """Refuse the options of lists where something else is audited."""
    if audio_root is not None or columns:
        raise typer.BadParameter(f"--audio-root and --column go with lists, not with {audited}")


def _divide(
    targets: "Sequence[str]", audio_root: Path | None, columns: "Mapping[str, str]", place: "Workspace"
) -> tuple[str, "list[Division]", list[str], "list[Finding]"]:
    """Make the divisions of lists, a folder or a run, with a description, notes and findings about a run."""
    from sercli.audit.lists import from_files, from_folder, from_table
    from sercli.runs.folder import find_run, is_run

    paths = [Path(target) for target in targets]
    if len(paths) > 1:
        division, notes = from_files(paths, audio_root, columns)
        return division.name, [division], notes, []
    if paths[0].is_dir() and not is_run(paths[0]):
        divisions, notes = from_folder(paths[0], audio_root, columns)
        return f"{paths[0]}: {len(divisions)} divisions", divisions, notes, []
    if paths[0].is_file():
        divisions, notes = from_table(paths[0], audio_root, columns)
        return str(paths[0]), divisions, notes, []
    if Path(targets[0]).suffix and not paths[0].exists():
        raise typer.BadParameter(f"{targets[0]}: no such file, and no run has a name with an ending")
    _need_lists(audio_root, columns, "a run")
    from sercli.audit.run import from_run

    what, divisions, extra = from_run(find_run(place, targets[0]), place)
    return what, divisions, [], extra


def _lines(finding: "Finding", divisions: int) -> list[str]:
    verdict = finding.verdict.upper() if finding.verdict == "leak" else finding.verdict
    where = f" [{finding.divisions} of {divisions}]" if 1 < divisions != finding.divisions else ""
    lines = [f"  {verdict:<11}  {finding.check:<17}  {finding.fact}{where}"]
    indent = " " * 34
    if finding.reason:
        lines.append(f"{indent}{finding.reason}")
    if finding.examples and finding.verdict in ("leak", "known"):
        lines.append(f"{indent}such as {', '.join(finding.examples)}")
    return lines
