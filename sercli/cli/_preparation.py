"""Print the result of ``sercli prepare``."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

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


def print_preparation(result: "Preparation") -> None:
    """Print what was found, what differs from the released corpus, what is doubtful, and the schemes."""
    utterances, entry = result.utterances, result.entry
    typer.echo(entry.title)
    typer.echo(f"  manifest    {result.path}")
    known = f" of {entry.utterances}" if entry.utterances else ""
    _print_notes(result.problems)
    typer.echo(f"  utterances  {len(utterances)}{known}, {_length(result.hours)}")
    typer.echo(f"  speakers    {_speakers(result)}")
    _print_labels(result)
    typer.echo(f"  audio       {_audio(result)}")
    if result.replaced.gone or result.replaced.changed:
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
        remedy = "; name the speakers with prepare" if result.entry.any_name else ""
        return f"not known: no speaker-independent protocol can run{remedy}"
    counts = Counter(" and ".join(sorted(each)) for each in genders_of(result.utterances).values())
    known = (
        f" ({', '.join(f'{count} {gender}' for gender, count in sorted(counts.items()))})" if counts else ""
    )
    without = f"; {unnamed} utterances have no speaker: --unknown-speakers decides about them"
    return f"{len(speakers)}{known}" + (without if unnamed else "")


def _raters(found: "RaterCounts", utterances: int) -> str:
    from sercli.formatting import PERCENT, PLAIN

    each = f"{found.fewest} to {found.most} raters"
    if found.fewest == found.most:
        each = "1 rater" if found.most == 1 else f"{found.most} raters"
    of = (
        f"{found.utterances} of {utterances} utterances have" if found.utterances < utterances else "all have"
    )
    alpha = "" if found.alpha is None else f", Krippendorff's alpha {PLAIN.number(found.alpha)}"
    return (
        f"{of} labels of {each}; a majority on {PERCENT.with_unit(found.majority)}, a tie on "
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
