"""Checks of utterances, audio, speakers, sessions, dialogs, texts and recordings that two parts share."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import PurePosixPath

from sercli.audit import Division, Finding, ListedUtterance, Verdict, judge
from sercli.manifest.speakers import DIFFERENCES, loosely, narrowly
from sercli.manifest.values import is_absent

Key = Callable[[ListedUtterance], str | None]
"""Returns the value of an item that parts may share; ``None`` if it has none."""

# Suffixes that programs append to a file's name when they cut or change it.
_SUFFIX = re.compile(
    r"[-_. ]*(?:(?:seg(?:ment)?|chunk|part|slice|win(?:dow)?|frame|aug(?:mented)?|noise|noisy|pitch|speed"
    r"|stretch|shift|flip|copy|repeat)[-_ ]?[\d.x]*|\d+\.\d+[-_]\d+\.\d+)$",
    re.IGNORECASE,
)


def utterances(division: Division) -> Finding:
    """Find utterances that are in two parts, or in one part twice."""
    finding = _shared("utterances", division, lambda item: item.utterance.id, "utterance")
    counts = Counter((part, item.utterance.id) for part, items in division.parts.items() for item in items)
    twice = sorted({name for (_, name), count in counts.items() if count > 1})
    if finding.verdict is not Verdict.CLEAN or not twice:
        return finding
    fact = f"{finding.fact}; {len(twice)} occur more than once within a part"
    return Finding("utterances", Verdict.CLEAN, fact, tuple(twice[:3]))


def speakers(division: Division) -> Finding:
    """Find speakers who are in two parts; an utterance without a speaker can't be compared."""
    finding = _shared("speakers", division, _of_corpus("speaker", division), "speaker")
    remedy = [division.no_speaker] if division.no_speaker else []
    if finding.verdict is Verdict.NOT_CHECKED:
        return replace(finding, fact="; ".join([finding.fact, *remedy]))
    doubts = []
    if unnamed := sum(is_absent(item.utterance.speaker) for item in division.items):
        doubts += [f"{unnamed} of {len(division.items)} utterances have no speaker", *remedy]
    if alike := _spelled_differently(division):
        have = "1 speaker has" if len(alike) == 1 else f"{len(alike)} speakers have"
        doubts.append(
            f"{have} names that differ only in {DIFFERENCES}, such as {' and '.join(alike[0])}: "
            "spell them the same way"
        )
    if not doubts:
        return finding
    verdict = Verdict.NOT_CHECKED if finding.verdict is Verdict.CLEAN else finding.verdict
    return replace(finding, verdict=verdict, fact="; ".join([finding.fact, *doubts]))


def _spelled_differently(division: Division) -> list[tuple[str, str]]:
    """Find names in two parts with different spellings that may be one speaker's, sorted.

    If one part has spk1 and spk_1, its author uses them for two people.
    """
    key = _of_corpus("speaker", division)
    spellings: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for part, items in division.parts.items():
        for item in items:
            if (name := key(item)) is not None:
                corpus, slash, speaker = name.rpartition("/")
                spellings[corpus + slash + loosely(speaker)][part].add(name)
    found = []
    for by_part in spellings.values():
        two_people = any(len(set(map(narrowly, names))) > 1 for names in by_part.values())
        pairs = (
            (one, other)
            for a, b in division.pairs()
            for one in sorted(by_part.get(a, ()))
            for other in sorted(by_part.get(b, ()))
            if one != other and not (two_people and narrowly(one) != narrowly(other))
        )
        if pair := next(pairs, None):
            one, other = (name.partition("/")[2] for name in pair)
            found.append((one, other))
    return sorted(found)


def sessions(division: Division) -> Finding:
    """Find sessions that are in two parts."""
    return _shared("sessions", division, _of_corpus("session", division), "session")


def dialogs(division: Division) -> Finding:
    """Find dialogs that are in two parts: their speakers share topic, mood and microphone.

    Only dialogs with a name count; `segments` checks pieces of one recording.
    """
    return _shared("dialogs", division, _of_corpus("dialog", division), "dialog")


def texts(division: Division) -> Finding:
    """Find texts that are spoken in two parts: a network can learn the words instead of the emotion.

    Texts without an id are compared by their words, if they have four or more: anyone says "okay".
    """

    def key(item: ListedUtterance) -> str | None:
        words = (item.utterance.transcript or "").casefold().split()
        if item.utterance.text_id is None and item.utterance.style != "improvised" and len(words) >= 4:
            return f"{item.utterance.corpus}/{' '.join(words)}"
        return _of_corpus("text_id", division)(item)

    return _shared("texts", division, key, "text")


def segments(division: Division) -> Finding:
    """Find recordings with one piece, or a changed copy of it, in two parts.

    Pieces whose times do not overlap are different utterances. If their recording is in several parts, the
    fact is reported, but it is not a leak.
    """
    found: dict[str, list[tuple[str, ListedUtterance]]] = defaultdict(list)
    for part, items in division.parts.items():
        for item in items:
            found[_recording(item)].append((part, item))
    torn = {
        name: {frozenset((a, b)) for (a, x), (b, y) in combinations(pieces, 2) if a != b and _overlap(x, y)}
        for name, pieces in found.items()
        if len({part for part, _ in pieces}) > 1
    }
    counts = {pair: sum(frozenset(pair) in pairs for pairs in torn.values()) for pair in division.pairs()}
    facts = [f"{_count(count, 'recording')} in {a} and {b}" for (a, b), count in counts.items() if count]
    if not facts:
        fact = f"{_count(len(found), 'recording')}, no overlapping pieces in two parts"
        if apart := sum(len({item.utterance.id for _, item in found[name]}) > 1 for name in torn):
            fact = f"{fact}; pieces of {_count(apart, 'recording')} are in several parts"
        return Finding("segments", Verdict.CLEAN, fact)
    examples = [name.partition("/")[2] for name, pairs in torn.items() if pairs]
    corpora = _corpora(name for name, pairs in torn.items() if pairs)
    return judge("segments", division, "; ".join(facts), examples, _weight(counts), corpora)


def same_audio(division: Division) -> Finding:
    """Find recordings with the same bytes, or the same samples, as another one in another part."""
    items = [item for item in division.items if item.utterance.sha256]
    if not items:
        fact = "the audio files were not found; name their folder with --audio-root"
        return Finding("same audio", Verdict.NOT_CHECKED, fact)
    parts = {id(item): part for part, found in division.parts.items() for item in found}
    by_hash: dict[str, list[ListedUtterance]] = defaultdict(list)
    for item in items:
        by_hash[item.utterance.sha256].append(item)
    groups = [group for group in by_hash.values() if len({item.utterance.id for item in group}) > 1]
    across = [group for group in groups if len({parts[id(item)] for item in group}) > 1]
    absent = len(division.items) - len(items)
    left = f"; the audio of {absent} was not found" if absent else ""
    if across:
        fact = f"{len(across)} recordings under several names in two parts{_kinds(across)}{left}"
        return judge("same audio", division, fact, [_names(group, parts) for group in across])
    within = f"; {len(groups)} under several names within a part{_kinds(groups)}" if groups else ""
    examples = tuple(_names(group, parts) for group in groups[:3])
    return Finding(
        "same audio",
        Verdict.CLEAN,
        f"{len(by_hash)} recordings, none under several names in two parts{within}{left}",
        examples,
    )


def _overlap(one: ListedUtterance, other: ListedUtterance) -> bool:
    """Return whether two pieces of a recording may hold the same audio: no only if their times are apart."""
    a, b = one.utterance, other.utterance
    if a.id == b.id or None in (a.start, a.end, b.start, b.end):
        return a.id != b.id
    return max(a.start or 0, b.start or 0) < min(a.end or 0, b.end or 0)


def _of_corpus(field: str, division: Division) -> Key:
    """Return a key on a field; the same name in two corpora is not the same person."""

    def key(item: ListedUtterance) -> str | None:
        value = getattr(item.utterance, field)
        if is_absent(value):
            return None
        return str(value) if division.joined else f"{item.utterance.corpus}/{str(value).strip()}"

    return key


def _recording(item: ListedUtterance) -> str:
    """Return the name of the recording that an utterance comes from, as far as file names show it."""
    place = PurePosixPath(item.utterance.source or item.utterance.file)
    stem, before = place.stem, ""
    while stem != before:
        before, stem = stem, _SUFFIX.sub("", stem) or stem
    return f"{item.utterance.corpus}/{place.with_name(stem)}"


def _shared(check: str, division: Division, key: Key, noun: str) -> Finding:
    parts = {
        part: {value for item in items if (value := key(item)) is not None}
        for part, items in division.parts.items()
    }
    named = set().union(*parts.values())
    if not named:
        return Finding(check, Verdict.NOT_CHECKED, f"no utterance has a {noun}")
    common = {(a, b): parts[a] & parts[b] for a, b in division.pairs()}
    facts = [f"{_count(len(values), noun)} in {a} and {b}" for (a, b), values in common.items() if values]
    if not facts:
        return Finding(check, Verdict.CLEAN, f"{_count(len(named), noun)}, none in two parts")
    shared = set().union(*common.values())
    several = len(_corpora(named)) > 1
    examples = [name if several else name.partition("/")[2] for name in shared]
    weight = _weight({pair: len(values) for pair, values in common.items()})
    return judge(check, division, "; ".join(facts), examples, weight, _corpora(shared))


def _corpora(names: Iterable[str]) -> set[str]:
    """Return the corpora of names that have their corpus in front."""
    return {name.partition("/")[0] for name in names}


def _weight(counts: Mapping[tuple[str, str], int]) -> int:
    """Return the weight of shared values; those between train and test weigh most."""
    return sum(count * (1_000_000 if pair == ("train", "test") else 1) for pair, count in counts.items())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _kinds(groups: list[list[ListedUtterance]]) -> str:
    """Count the groups with the same file, and those with the same samples in different files."""
    same_bytes = sum(len({item.utterance.source_sha256 for item in group}) == 1 for group in groups)
    return f" ({same_bytes} byte for byte, {len(groups) - same_bytes} in samples only)"


def _names(group: list[ListedUtterance], parts: Mapping[int, str]) -> str:
    """Name two utterances of a group, from different parts if possible."""
    first = group[0]
    second = next((item for item in group if parts[id(item)] != parts[id(first)]), group[1])
    more = f" and {len(group) - 2} more" if len(group) > 2 else ""
    labels = {item.utterance.emotion or item.utterance.emotion_raw for item in group}
    differently = " (labelled differently)" if len(labels) > 1 else ""
    return f"{first.utterance.id} = {second.utterance.id}{more}{differently}"
