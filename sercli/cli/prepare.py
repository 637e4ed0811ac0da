"""``sercli prepare``."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._app import App, Command
from sercli.cli._options import (
    ColumnOption,
    JsonOption,
    SegmentsOption,
    VadOption,
    VadSetOption,
    WorkspaceOption,
    column_pairs,
    find_turns,
    key_values,
)
from sercli.cli._output import progress_bar

if TYPE_CHECKING:
    from sercli.preparation import Preparation
    from sercli.preparation.counts import SchemeCounts
    from sercli.raters import RaterCounts
    from sercli.records import Problem

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# Lines about files that differ only in numbers.
_SHOWN = 8
# Labels in a line; more than the known nouns.
_MOST = 30
# Options that only some readers have, by setting: how they are typed, and which corpora have them.
_OPTIONS = {
    "map": ("--map", "folder, csv and manifest; train --classes merges or leaves out emotions"),
    "columns": ("--column", "csv and manifest"),
    "speaker_pattern": ("--speaker-pattern", "folder, csv and manifest"),
}
_NAMED = "sercli.prepare.corpus"


class PrepareCommand(Command):
    """The command whose help also describes a corpus, if one is named before ``--help``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the name of the corpus for the help, which ends the reading of the command line."""
        ctx.meta[_NAMED] = self.make_parser(ctx).parse_args(args=list(args))[0].get("corpus")
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what the named corpus is, and how to obtain it.

        Raises:
            UnknownNameError: there is no corpus of that name.
        """
        super().format_epilog(ctx, formatter)
        name = ctx.meta.get(_NAMED)
        if not isinstance(name, str):
            return
        from sercli.cli.corpora import describe_access, describe_corpus
        from sercli.corpora import get_corpus

        entry = get_corpus(name)
        lines = [*describe_corpus(name, entry), *describe_access(name, entry)]
        formatter.write("\n" + "".join(f"{line}\n" for line in lines))


app = App()


@app.command(cls=PrepareCommand)
def prepare(
    corpus: Annotated[
        str,
        typer.Argument(
            help="A corpus of `sercli corpora`; folder, csv or manifest for your own corpus. Add --help to "
            "see how to obtain it.",
            show_default=False,
        ),
    ],
    path: Annotated[
        Path | None,
        typer.Argument(help="Folder or file of the corpus as distributed; not needed for synthetic corpora."),
    ] = None,
    *,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Download the corpus first, if its licence allows it; an interrupted download resumes.",
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept an incomplete copy of the corpus.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be used, and list them.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the corpus, if it is read by folder, csv or manifest.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="LABEL=EMOTION",
            help="Replace a label of the corpus by another, for example hap=happiness; may be repeated.",
        ),
    ] = None,
    columns: ColumnOption = None,
    speaker_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Regular expression that finds the speaker in the path of a file, for example "
            "'_(EB[0-9])_'.",
            show_default=False,
        ),
    ] = None,
    audio_root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the file names of a table are relative to. [default: the folder of the table]",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set an option of the corpus, for example lag_s=2 for recola; may be repeated.",
        ),
    ] = None,
    vad: VadOption = False,
    vad_set: VadSetOption = None,
    segments: SegmentsOption = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Prepare a corpus: write its manifest and 16 kHz audio.

    An interrupted preparation resumes where it stopped. The counts are checked against those of the
    corpus as released.
    """
    from sercli.config import join, parse_assignments
    from sercli.preparation import prepare as run
    from sercli.workspace import Workspace

    cutting = find_turns(vad=vad, vad_set=vad_set, segments=segments)
    options: dict[str, Any] = {
        "map": key_values("--map", "LABEL=EMOTION", labels or []),
        "columns": column_pairs(columns or []),
        "speaker_pattern": speaker_pattern,
    }
    given = {key: value for key, value in options.items() if value not in (None, {})}
    _check_options(corpus, given)
    chosen = join(parse_assignments(settings or [], example="lag_s=2"), given)
    with progress_bar(f"preparing {corpus}") as progress:
        result = run(
            corpus,
            path,
            Workspace(workspace),
            name=name,
            audio_root=audio_root,
            settings=chosen,
            partial=partial,
            skip_bad=skip_bad,
            download=download,
            cutting=cutting,
            progress=progress,
        )
    if json:
        typer.echo((result.path.parent / "corpus.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(result)


def _check_options(corpus: str, given: Mapping[str, Any]) -> None:
    """Refuse the options that the reader of a corpus does not have."""
    from sercli.corpora import get_corpus

    reader = get_corpus(corpus).options
    for key in given:
        if reader is None or key not in reader.model_fields:
            option, remedy = _OPTIONS[key]
            raise typer.BadParameter(f"{option} is not for corpus '{corpus}', but for {remedy}")


def _print(result: "Preparation") -> None:
    utterances, entry = result.utterances, result.entry
    typer.echo(entry.title)
    typer.echo(f"  manifest    {result.path}")
    known = f" of {entry.utterances}" if entry.utterances else ""
    _print_notes(result.problems)
    typer.echo(f"  utterances  {len(utterances)}{known}, {_length(result.hours)}")
    typer.echo(f"  speakers    {_speakers(result)}")
    _print_labels(result)
    typer.echo(f"  audio       {_audio(result)}")
    if result.replaced.gone:
        typer.echo(f"  replaced    {result.replaced}")
    for line in result.differences:
        typer.echo(f"  differs     {line}")
    if result.differences and entry.counts_from:
        typer.echo(f"  counts from {entry.counts_from}")
    _print_problems(result.problems)
    for scheme in result.schemes:
        _print_scheme(scheme)
    if result.notice:
        typer.echo(f"  note        {result.notice}")


def _print_labels(result: "Preparation") -> None:
    """Print emotions, ratings of dimensions, raters and traces, as far as there are any."""
    from sercli.errors import list_some
    from sercli.labels import EMOTIONS

    emotions = Counter(utterance.emotion for utterance in result.utterances if utterance.emotion)
    if emotions:
        one = "; a training needs two emotions or more" if len(emotions) == 1 else ""
        typer.echo(f"  emotions    {_listed(emotions)}{one}")
    own = sorted(set(emotions) - EMOTIONS)
    if own:
        nouns = ", ".join(sorted(set(emotions) & EMOTIONS)) or "none"
        typer.echo(f"  known nouns {nouns}; kept as spelled: {list_some(own, _MOST)}")
    if result.entry.any_name and result.spellings:
        spelled = (f"{', '.join(labels)} -> {noun}" for noun, labels in result.spellings.items())
        typer.echo(f"  read as     {'; '.join(spelled)}")
    if result.ratings:
        typer.echo(f"  ratings     {_ratings(result.ratings)}")
    if result.raters is not None:
        typer.echo(f"  raters      {_raters(result.raters, len(result.utterances))}")
    traces = [utterance for utterance in result.utterances if utterance.trace]
    if traces:
        how = "; ".join(sorted({utterance.trace_method or "as distributed" for utterance in traces}))
        typer.echo(f"  traces      {len(traces)}, 25 Hz: {how}")


def _audio(result: "Preparation") -> str:
    audio = "already 16 kHz mono, copied unchanged"
    if result.scaled:
        audio = "already 16 kHz mono"
    if result.resampled:
        unit = "utterances" if result.entry.cuts else "files"
        audio = f"{result.resampled} {unit} converted to 16 kHz mono"
    audio += f"; {result.scaled} scaled down to full scale" if result.scaled else ""
    return audio + (f"; {result.reused} already converted" if result.reused else "")


def _ratings(ratings: Mapping[str, Any]) -> str:
    scale = ratings["scale"]
    spans = (
        f"{name} {each['count']} ({each['min']:g} to {each['max']:g}, mean {each['mean']:.2f})"
        for name, each in ratings["dimensions"].items()
    )
    known = f"scale {scale[0]:g} to {scale[1]:g}" if scale else "their scale is not known"
    return f"{', '.join(spans)}; {known}"


def _speakers(result: "Preparation") -> str:
    from sercli.manifest.speakers import genders_of

    speakers = {utterance.speaker for utterance in result.utterances if utterance.speaker}
    unnamed = sum(utterance.speaker is None for utterance in result.utterances)
    if not speakers:
        return "not known: no speaker-independent protocol can run; name the speakers with prepare"
    counts = Counter(" and ".join(sorted(each)) for each in genders_of(result.utterances).values())
    known = (
        f" ({', '.join(f'{count} {gender}' for gender, count in sorted(counts.items()))})" if counts else ""
    )
    without = f"; {unnamed} utterances have no speaker: --unknown-speakers decides about them"
    return f"{len(speakers)}{known}" + (without if unnamed else "")


def _raters(found: "RaterCounts", utterances: int) -> str:
    from sercli.formatting import PERCENT, PLAIN

    each = f"{found.fewest}" if found.fewest == found.most else f"{found.fewest} to {found.most}"
    of = (
        f"{found.utterances} of {utterances} utterances have" if found.utterances < utterances else "all have"
    )
    alpha = "" if found.alpha is None else f", Krippendorff's alpha {PLAIN.number(found.alpha)}"
    return (
        f"{of} labels of {each} raters; a majority on {PERCENT.with_unit(found.majority)}, a tie on "
        f"{PERCENT.with_unit(found.tied)}; mean agreement {PERCENT.with_unit(found.agreement)}{alpha}"
    )


def _print_problems(problems: Sequence["Problem"]) -> None:
    """Print the problems: the first of equal ones, and a few of those that differ only in numbers."""
    from sercli.records import Note

    alike: dict[tuple[bool, str], dict[str, list[Problem]]] = {}
    for problem in problems:
        if isinstance(problem, Note):
            continue
        kind = alike.setdefault((problem.harmless, _NUMBER.sub("#", problem.fact)), {})
        kind.setdefault(problem.fact, []).append(problem)
    for (harmless, _), facts in alike.items():
        mark = "noted      " if harmless else "skipped    "
        for group in list(facts.values())[:_SHOWN]:
            more = f" (and {len(group) - 1} more like it)" if len(group) > 1 else ""
            typer.echo(f"  {mark} {group[0]}{more}")
        if len(facts) > _SHOWN:
            left = sum(map(len, list(facts.values())[_SHOWN:]))
            typer.echo(f"  {mark} {left} more of this kind; corpus.json lists them")


def _print_notes(problems: Sequence["Problem"]) -> None:
    """Print what the reader decided."""
    from sercli.records import Note

    for note in problems:
        if isinstance(note, Note):
            typer.echo(f"  {note.title:<11} {note.fact}")


def _print_scheme(scheme: "SchemeCounts") -> None:
    left = f"; leaves out {_listed(scheme.left_out)}" if scheme.left_out else ""
    counts = scheme.counts.get("class", {})
    absent = [name for name, count in counts.items() if not count]
    classes = f"{len(counts) - len(absent)} of {len(counts)}" if absent else f"{len(counts)}"
    classes = f" in {classes} classes" if counts else ""
    dimensions = f" with {', '.join(scheme.dimensions)}" if scheme.dimensions else ""
    lacks = f"; has no {', '.join(absent)}" if absent else ""
    agrees = (
        "" if not scheme.checked else " (as published)" if not scheme.differences else " (not as published)"
    )
    typer.echo(f"  scheme      {scheme.name}: {scheme.utterances}{classes}{dimensions}{agrees}{left}{lacks}")
    if scheme.checked:
        for field, counts in scheme.counts.items():
            typer.echo(f"    by {field:<8} {', '.join(f'{name} {count}' for name, count in counts.items())}")
    for line in scheme.differences:
        typer.echo(f"    differs     {line}")


def _listed(counts: Mapping[str, int]) -> str:
    from sercli.errors import list_some

    return list_some([f"{name} {count}" for name, count in sorted(counts.items())], _MOST)


def _length(hours: float) -> str:
    return f"{hours:.2f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
