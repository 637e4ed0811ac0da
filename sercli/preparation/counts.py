"""Compare the utterances that were found with the released corpus."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sercli.corpora import Corpus
from sercli.errors import list_some, near_names
from sercli.formatting import count_noun
from sercli.labels import EMOTIONS, near_noun, to_noun, trim
from sercli.manifest.speakers import narrowly
from sercli.manifest.values import RATINGS, ratings_outside, split_labels
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, schemes_of

_SHOWN = 3
# Releases are measured in samples; published durations are rounded.
_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SchemeCounts:
    """Selection of a scheme from a prepared corpus.

    Attributes:
        name: name of the scheme.
        counts: numbers of utterances by ``class``, ``session`` and ``speaker``, without absent fields.
        left_out: numbers of utterances that the scheme leaves out, by emotion or style.
        differences: differences from the published counts, a line each.
        checked: whether there are published counts.
        utterances: number of selected utterances.
        dimensions: dimensions whose values the scheme selects.
    """

    name: str
    counts: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, int]
    differences: tuple[str, ...]
    checked: bool
    utterances: int
    dimensions: tuple[str, ...] = ()


def differences(corpus: Corpus, utterances: Sequence[Utterance]) -> list[str]:
    """List the counts in which the utterances differ from the released corpus."""
    if corpus.utterances is None:
        return []
    found = {utterance.id for utterance in utterances}
    lines = []
    if len(found) != corpus.utterances:
        lines.append(f"{len(found)} of {corpus.utterances} utterances")
    for name, known in corpus.known.items():
        counted = Counter(str(getattr(utterance, name)) for utterance in utterances)
        differing = _differing(counted, known)
        if differing:
            lines.append(f"by {name}: {', '.join(differing)}")
    if corpus.ids is not None:
        for what, ids in (("missing", set(corpus.ids) - found), ("unknown", found - set(corpus.ids))):
            if ids:
                lines.append(f"{len(ids)} {what}: {list_some(sorted(ids), _SHOWN)}")
    seconds = sum(utterance.duration for utterance in utterances)
    if not lines and corpus.seconds and seconds and abs(seconds - corpus.seconds) > _SECONDS:
        lines.append(f"{seconds:.2f} of {corpus.seconds:.2f} seconds")
    return lines


def note_labels(utterances: Sequence[Utterance]) -> list[Problem]:
    """Point out the labels that may be misspelled: near a known noun, or in several spellings."""
    counted = Counter(utterance.emotion for utterance in utterances if utterance.emotion)
    found, alike = _note_several(counted), dict[str, str]()
    for label in sorted(set(counted) - EMOTIONS, key=lambda label: (-counted[label], label)):
        key = narrowly(label)
        right = near_noun(label) or alike.setdefault(key, label)
        if right != label:
            fact = f"{count_noun(counted[label], 'utterance')}; if this is a misspelling of {right}, add"
            found.append(Problem(f"label '{label}'", f"{fact} --map '{label}={right}'", harmless=True))
    return found


def note_ratings(utterances: Sequence[Utterance], scale: tuple[float, float]) -> list[Problem]:
    """Point out ratings outside of the scale of a corpus."""
    rated = sorted(RATINGS)
    outside = [
        (utterance.id, fact)
        for utterance in utterances
        for fact in ratings_outside({name: getattr(utterance, name) for name in rated}, scale).values()
    ]
    if not outside:
        return []
    place, fact = outside[0]
    more = f" ({len(outside)} ratings are)" if len(outside) > 1 else ""
    return [Problem(place, f"{fact}{more}; correct the table, or get it again", harmless=True)]


def note_copies(utterances: Sequence[Utterance]) -> list[Problem]:
    """Point out the same audio under different emotions or speakers, which can't all be right, and copies."""
    by_audio: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_audio[utterance.sha256].append(utterance)
    groups = [group for group in by_audio.values() if len({(u.emotion, u.speaker) for u in group}) > 1]
    if not groups:
        return _note_repeated([group for group in by_audio.values() if len(group) > 1])
    first, *others = groups[0]
    copy = next(u for u in others if (u.emotion, u.speaker) != (first.emotion, first.speaker))
    pairs = {"emotion": (first.emotion, copy.emotion), "speaker": (first.speaker, copy.speaker)}
    differing = [f"{name} {b or 'none'} instead of {a or 'none'}" for name, (a, b) in pairs.items() if a != b]
    fact = (
        f"same audio as {first.source or first.file}, but {' and '.join(differing)}; "
        f"{sum(map(len, groups))} utterances share their audio in this way; keep one of each, the right one"
    )
    return [Problem(copy.source or copy.file, fact, harmless=True)]


def _note_repeated(groups: Sequence[Sequence[Utterance]]) -> list[Problem]:
    """Point out audio that occurs several times under one label and speaker, as in a copied folder."""
    if not groups:
        return []
    first, copy = groups[0][:2]
    count = sum(map(len, groups)) - len(groups)
    fact = (
        f"same audio, emotion and speaker as {first.source or first.file}; utterances that repeat another "
        f"one and are counted again: {count}; remove the copies if this is not meant"
    )
    return [Problem(copy.source or copy.file, fact, harmless=True)]


def note_unused(mapped: Iterable[str], utterances: Sequence[Utterance]) -> list[Problem]:
    """Point out the labels of ``--map`` that no utterance has.

    Nothing is known about the labels of several raters, which are read as they are mapped.
    """
    if any(utterance.raters for utterance in utterances):
        return []
    labels = {trim(utterance.emotion_raw) for utterance in utterances if utterance.emotion_raw is not None}
    spelled = {label.lower() for label in labels}
    found = []
    for label in mapped:
        if label.strip().lower() not in spelled:
            near = near_names(label, sorted(labels))
            meant = f"; did you mean '{near[0]}'?" if near else ""
            found.append(Problem(f"--map '{label}'", f"no utterance has this label{meant}", harmless=True))
    return found


def _note_several(counted: Mapping[str, int]) -> list[Problem]:
    """Point out labels that look like those of several raters, such as ``anger;sad``."""
    several = [label for label in counted if _is_several(label)]
    if not several:
        return []
    count = count_noun(sum(counted[label] for label in several), "utterance")
    option = "--column raters=COLUMN --column emotion="
    fact = f"{count}; if these are labels of several raters, name the column with {option}"
    return [Problem(f"label '{several[0]}'", fact, harmless=True)]


def _is_several(label: str) -> bool:
    try:
        labels = split_labels(label)
    except ValueError:
        return False
    return len(labels) > 1 and all(map(to_noun, labels))


def by_scheme(corpus: str, utterances: Sequence[Utterance]) -> list[SchemeCounts]:
    """Count the selection of each scheme for a corpus; without such a scheme, of those for any corpus.

    Schemes of classes are left out if an utterance has no emotion.
    """
    classed = all(utterance.emotion is not None for utterance in utterances)
    fitting = [
        scheme
        for scheme in schemes_of(corpus)
        if not scheme.traces and (classed or not scheme.task.has_classes)
    ]
    own = [scheme for scheme in fitting if scheme.corpus == corpus]
    counted = [_count(scheme, utterances) for scheme in own or fitting]
    return [each for each in counted if own or each.utterances]


def _count(scheme: Scheme, utterances: Sequence[Utterance]) -> SchemeCounts:
    gendered = scheme.gendered and any(utterance.gender not in ("female", "male") for utterance in utterances)
    selection = scheme.select(() if gendered else utterances)
    counts: dict[str, Mapping[str, int]] = {"class": selection.counts} if scheme.task.has_classes else {}
    for field in ("session", "speaker"):
        values = Counter(getattr(u, field) for u in utterances if u.id in selection.labels)
        if values and None not in values:
            counts[field] = dict(sorted(values.items()))
    lines = []
    for field, known in scheme.known.items():
        differing = _differing(counts.get(field, {}), known)
        if differing:
            lines.append(f"by {field}: {', '.join(differing)}")
    return SchemeCounts(
        scheme.name,
        counts,
        selection.left_out,
        tuple(lines),
        bool(scheme.known),
        len(selection.labels),
        selection.outputs.dimensions,
    )


def _differing(counted: Mapping[str, int], known: Mapping[str, int]) -> list[str]:
    return [
        f"{value} {counted.get(value, 0)} of {known.get(value, 0)}"
        for value in sorted(set(known) | set(counted))
        if counted.get(value, 0) != known.get(value, 0)
    ]
