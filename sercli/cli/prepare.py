"""``sercli prepare``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.cli._progress import progress_bar

if TYPE_CHECKING:
    from sercli.preparation import Preparation


def prepare(
    corpus: Annotated[str, typer.Argument(help="emodb, ravdess, synth or synth-continuous.")],
    path: Annotated[
        Path | None, typer.Argument(help="The corpus as distributed; none for the synthetic ones.")
    ] = None,
    *,
    partial: Annotated[bool, typer.Option("--partial", help="Take an incomplete copy.")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that can't be used, and list them.")
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Prepare a corpus: manifest and 16 kHz audio.

    An interrupted preparation goes on where it stopped; nothing half-written is taken for whole.
    """
    from sercli.preparation import prepare as run
    from sercli.workspace import Workspace

    with progress_bar(f"preparing {corpus}") as progress:
        result = run(
            corpus, path, Workspace(workspace), partial=partial, skip_bad=skip_bad, progress=progress
        )
    if json:
        typer.echo((result.path.parent / "corpus.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(result)


def _print(result: "Preparation") -> None:
    from collections import Counter

    from sercli.corpora import get_corpus
    from sercli.labels import SCHEMES, schemes_of

    entry = get_corpus(result.corpus)
    utterances = result.utterances
    speakers = {utterance.speaker: utterance.gender for utterance in utterances}
    genders = Counter(speakers.values())
    emotions = Counter(utterance.emotion for utterance in utterances if utterance.emotion)
    typer.echo(f"{entry.title}")
    typer.echo(f"  manifest    {result.path}")
    typer.echo(f"  utterances  {len(utterances)} of {result.expected}, {_length(result.hours)}")
    typer.echo(f"  speakers    {len(speakers)} ({genders['female']} female, {genders['male']} male)")
    if emotions:
        typer.echo(f"  emotions    {_listed(emotions)}")
    audio = "all 16 kHz mono already, taken as it is"
    if result.resampled:
        audio = f"{result.resampled} files brought to 16 kHz mono"
    typer.echo(f"  audio       {audio}" + (f"; {result.reused} were there" if result.reused else ""))
    for line in result.differences:
        typer.echo(f"  differs     {line}")
    for problem in result.problems:
        typer.echo(f"  {'passed over' if problem.harmless else 'skipped    '} {problem}")
    for name in schemes_of(result.corpus):
        selection = SCHEMES[name].select(utterances)
        left = f"; leaves out {_listed(selection.left_out)}" if selection.left_out else ""
        chosen = f"{len(selection.labels)} in {len(selection.classes)} classes"
        typer.echo(f"  scheme      {name}: {chosen}{left}")
    if entry.notice:
        typer.echo(f"  note        {entry.notice}")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _length(hours: float) -> str:
    return f"{hours:.2f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
