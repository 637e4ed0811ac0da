"""``sercli protocols``."""

from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._app import App
from sercli.cli._completion import complete_prepared, complete_protocol
from sercli.cli._options import (
    ClassesOption,
    JsonOption,
    LabelsOption,
    SchemeOption,
    TargetsOption,
    UnknownSpeakersOption,
    WorkspaceOption,
)
from sercli.cli._output import describe_union, loadable
from sercli.errors import list_some
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sercli.protocols import Protocol
    from sercli.records import Fold, Utterance

_REASONS = 8  # in a line

app = App(help="List the protocols, or show the folds of one on a corpus.")


@app.callback(invoke_without_command=True)
def protocols(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the protocols, or show the folds of one on a corpus."""
    if context.invoked_subcommand is not None:
        return
    from sercli.corpora import corpus_names, get_corpus
    from sercli.protocols import get_protocol, protocol_names

    loadable(corpus_names(), get_corpus)  # prints which corpora, and so their protocols, are left out
    entries = [get_protocol(name) for name in protocol_names()]
    if json:
        typer.echo(to_json([_described(entry) for entry in entries]))
        return
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        where = f" ({entry.corpus})" if entry.corpus else ""
        typer.echo(f"{entry.name:<{width}}  {entry.description}{where}")
    typer.echo(
        f"{'lists:PATH':<{width}}  your own folds, a table with the columns id, fold and part; or lists of "
        "EmoBox, s3prl, SpeechBrain or nkululeko, a folder or a pattern"
    )
    typer.echo(
        "\nYou can replace the 5 by any number. To see the folds "
        "on a corpus: sercli protocols show NAME --corpus C"
    )


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(autocompletion=complete_protocol, help="Protocol to show, or lists:PATH.")
    ],
    *,
    corpus: Annotated[
        str,
        typer.Option(autocompletion=complete_prepared, help="Prepared corpus, or several, as emodb+ravdess."),
    ],
    scheme: SchemeOption = None,
    classes: ClassesOption = None,
    targets: TargetsOption = None,
    labels: LabelsOption = None,
    unknown_speakers: UnknownSpeakersOption = None,
    csv: Annotated[
        bool,
        typer.Option("--csv", help="Print the part of every utterance, in the format that lists:PATH reads."),
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Show the folds of a protocol on a prepared corpus as a table."""
    from sercli.protocols import fold_digest, get_protocol, shared_speakers, untrained, without_speaker
    from sercli.protocols.lists import to_csv
    from sercli.schemes import choose
    from sercli.schemes.reading import choose_scheme
    from sercli.unions import union_name
    from sercli.workspace import Workspace

    place, corpus = Workspace(workspace), union_name(corpus)
    protocol = get_protocol(name)
    if unknown_speakers:
        protocol = protocol.with_unknown_speakers(unknown_speakers)
    utterances = place.utterances(corpus)
    chosen = choose_scheme(scheme, classes, targets) or protocol.scheme
    selected, selection = choose(utterances, corpus, chosen, labels=labels)
    classes_by_id = selection.labels
    folds = protocol.divide(utterances, classes_by_id)
    if csv:
        typer.echo(to_csv(folds), nl=False)
        return
    if json:
        facts = _described(protocol) | {"corpus": corpus, "scheme": selected, "digest": fold_digest(folds)}
        parts = [
            {"name": f.name, "train": list(f.train), "dev": list(f.dev), "test": list(f.test)} for f in folds
        ]
        typer.echo(to_json(facts | {"folds": parts}))
        return
    typer.echo(f"{protocol.name} on {corpus}, {selected}; digest {fold_digest(folds)}")
    typer.echo(f"{protocol.description}")
    for line in describe_union(place, corpus):
        typer.echo(f"union     {line}")
    if not protocol.tests_nothing:
        only_train = protocol.unknown_speakers == "train"
        shared = shared_speakers(folds, utterances, unknown_train=only_train)
        _print_what_is_tested(protocol, corpus, shared)
    if protocol.unknown_speakers != "error":
        print_unknown_speakers(protocol, len(without_speaker(utterances, classes_by_id)))
    print_spellings(protocol, utterances, classes_by_id)
    for missing, lacking in untrained(folds, classes_by_id).items():
        numbers = ", ".join(str(folds.index(fold) + 1) for fold in lacking)
        typer.echo(
            f"class {missing} has no training utterance in fold {numbers}; `sercli train` refuses this"
        )
    print_lists(protocol, folds, utterances, classes_by_id)
    if selection.left_out:
        typer.echo(f"left out  {describe_left_out(selection.left_out)}")
    _print_table(folds, classes_by_id, utterances)


def _print_what_is_tested(protocol: "Protocol", corpus: str, shared: int | None) -> None:
    """Print the speakers in two parts, and the meaning of the metrics."""
    if shared is None:
        typer.echo("the speakers are not known, so it is unknown whether the folds are speaker independent")
    elif shared:
        typer.echo(f"NOT SPEAKER INDEPENDENT: {shared} speakers are in two parts of a fold")
    if corpus in protocol.papers:
        typer.echo(f"paper: {protocol.papers[corpus]}")
    typer.echo(
        "metrics: pooled over the tested folds, with the mean "
        "over folds; UA is the mean over the classes that occur"
    )


def print_spellings(
    protocol: "Protocol", utterances: "Sequence[Utterance]", labels: "Mapping[str, str]"
) -> None:
    """Print which speakers may be one person under two names, if the folds are to separate speakers."""
    from sercli.manifest.speakers import describe_spellings

    if not protocol.speaker_independent:
        return
    fact = describe_spellings([each for each in utterances if each.id in labels])
    if fact:
        typer.echo(f"speakers  {fact}")


def print_unknown_speakers(protocol: "Protocol", count: int) -> None:
    """Print what happens to the utterances of unknown speakers."""
    use = "used for training only" if protocol.unknown_speakers == "train" else "left out"
    typer.echo(f"unknown   {count} utterances without a speaker are {use}")


def print_lists(
    protocol: "Protocol",
    folds: "Sequence[Fold]",
    utterances: "Sequence[Utterance]",
    labels: "Mapping[str, str]",
) -> None:
    """Print the differences between lists of folds and the corpus, and what leaks between their parts.

    Nothing is printed for a protocol that is not from lists.
    """
    from sercli.audit import Verdict, examine, summarise
    from sercli.audit.protocol import divisions

    if not protocol.listed:
        return
    for note in protocol.notes(utterances, labels):
        typer.echo(f"lists     {note}")
    findings = examine(divisions(utterances, folds, protocol))
    typer.echo(f"audit     {summarise(findings)}")
    for finding in findings:
        if finding.verdict is Verdict.LEAK:
            examples = f", such as {', '.join(finding.examples)}" if finding.examples else ""
            typer.echo(f"audit     {finding.check}: {finding.fact}{examples}")


def describe_left_out(left_out: "Mapping[str, int]") -> str:
    """Count the utterances that a scheme leaves out, by reason."""
    reasons = [f"{name} {count}" for name, count in sorted(left_out.items(), key=lambda each: -each[1])]
    return f"{sum(left_out.values())} ({list_some(reasons, _REASONS)})"


def _described(entry: "Protocol") -> dict[str, object]:
    return {
        "name": entry.name,
        "description": entry.description,
        "speaker_independent": entry.speaker_independent,
        "dev": entry.has_dev,
        "test": not entry.tests_nothing,
        "corpora": [entry.corpus] if entry.corpus else [],
        "scheme": entry.scheme,
        "papers": dict(entry.papers),
        "shares": dict(entry.shares),
    }


def _print_table(
    folds: "Sequence[Fold]", labels: "Mapping[str, str]", utterances: "Sequence[Utterance]"
) -> None:
    """Print a row per fold: utterances and speakers of each part, and the classes of the test part."""
    from collections import Counter

    speaker = {utterance.id: utterance.speaker for utterance in utterances}
    classes = sorted(set(labels.values()) - {""})
    width = max(len(fold.name) for fold in folds)
    typer.echo(
        f"\n{'fold':>4}  {'':<{width}}  {'train':>12}  {'dev':>12}  {'test':>12}  {'  '.join(classes)}"
    )
    for number, fold in enumerate(folds, 1):
        cells = []
        for part in (fold.train, fold.dev, fold.test):
            people = {speaker[i] for i in part} - {None}
            cells.append(f"{len(part)} ({len(people)} sp.)" if people else f"{len(part)}")
        counts = Counter(labels[i] for i in fold.test)
        row = "  ".join(f"{counts[name] or '-':>{len(name)}}" for name in classes)
        typer.echo(
            f"{number:>4}  {fold.name:<{width}}  " + "  ".join(f"{cell:>12}" for cell in cells) + f"  {row}"
        )
