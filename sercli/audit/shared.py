"""Speakers, sessions, dialogs, texts and recordings that are on both sides of a division."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import PurePosixPath

from sercli.audit import Division, Finding, Item, Verdict, judge
from sercli.manifest.values import is_absent

Key = Callable[[Item], str | None]

# What programs append to a file's name when they cut or alter it.
_SUFFIX = re.compile(
    r"[-_. ]*(?:(?:seg(?:ment)?|chunk|part|slice|win(?:dow)?|frame|aug(?:mented)?|noise|noisy|pitch|speed"
    r"|stretch|shift|flip|copy|repeat)[-_ ]?[\d.x]*|\d+\.\d+[-_]\d+\.\d+)$",
    re.IGNORECASE,
)
# What may differ between two spellings of one number.
_DECIMAL = re.compile(r"\d+\.0+")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")


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
    """Find speakers who are in two parts; without a speaker an utterance can't be compared."""
    finding = _shared("speakers", division, _of_corpus("speaker"), "speaker")
    if finding.fact == "no speakers are named":
        return finding
    doubts = []
    if unnamed := sum(is_absent(item.utterance.speaker) for item in division.items):
        doubts.append(f"{unnamed} of {len(division.items)} utterances have no speaker")
    if alike := _spelled_differently(division):
        have = "1 speaker has" if len(alike) == 1 else f"{len(alike)} speakers have"
        doubts.append(
            f"{have} names that differ only in case, blanks or leading zeros, such as "
            f"{' and '.join(alike[0])}: spell them alike"
        )
    if not doubts:
        return finding
    verdict = Verdict.NOT_CHECKED if finding.verdict is Verdict.CLEAN else finding.verdict
    return replace(finding, verdict=verdict, fact="; ".join([finding.fact, *doubts]))


def _spelled_differently(division: Division) -> list[tuple[str, str]]:
    """Find names in two parts that are spelled differently but may be one speaker's, sorted."""
    key = _of_corpus("speaker")
    spellings: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for part, items in division.parts.items():
        for item in items:
            if (name := key(item)) is not None:
                spellings[_loosely(name)][part].add(name)
    found = []
    for by_part in spellings.values():
        pairs = (
            (one, other)
            for a, b in division.pairs()
            for one in sorted(by_part.get(a, ()))
            for other in sorted(by_part.get(b, ()))
            if one != other
        )
        if pair := next(pairs, None):
            one, other = (name.partition("/")[2] for name in pair)
            found.append((one, other))
    return sorted(found)


def _loosely(name: str) -> str:
    """Return a name without what lists spell differently: case, blanks, leading zeros and a decimal zero."""
    text = "".join(name.casefold().split())
    corpus, _, speaker = text.partition("/")
    if _DECIMAL.fullmatch(speaker):
        speaker = speaker.partition(".")[0]
    return f"{corpus}/{_LEADING_ZEROS.sub('', speaker)}"


def sessions(division: Division) -> Finding:
    """Find sessions that are in two parts."""
    return _shared("sessions", division, _of_corpus("session"), "session")


def dialogs(division: Division) -> Finding:
    """Find dialogs that are in two parts: who talks to each other shares topic, mood and microphone.

    Only named dialogs count; for pieces of one recording see `segments`.
    """
    return _shared("dialogs", division, _of_corpus("dialog"), "dialog")


def texts(division: Division) -> Finding:
    """Find texts that are spoken in two parts: a network can learn the words instead of the emotion.

    Without names of texts the words themselves are compared, from four words on: anyone says "okay".
    """

    def key(item: Item) -> str | None:
        words = (item.utterance.transcript or "").casefold().split()
        if item.utterance.text_id is None and item.utterance.style != "improvised" and len(words) >= 4:
            return f"{item.utterance.corpus}/{' '.join(words)}"
        return _of_corpus("text_id")(item)

    return _shared("texts", division, key, "text")


def segments(division: Division) -> Finding:
    """Find recordings of which one piece, or an altered copy, is in two parts.

    Pieces whose times do not overlap are different utterances. That their recording is in several parts
    is said, but is no leak.
    """
    found: dict[str, list[tuple[str, Item]]] = defaultdict(list)
    for part, items in division.parts.items():
        for item in items:
            found[_recording(item)].append((part, item))
    torn = {
        name: {frozenset((a, b)) for (a, x), (b, y) in combinations(pieces, 2) if a != b and _overlap(x, y)}
        for name, pieces in found.items()
        if len({part for part, _ in pieces}) > 1
    }
    counts = {pair: sum(frozenset(pair) in pairs for pairs in torn.values()) for pair in division.pairs()}
    told = [f"{_count(count, 'recording')} in {a} and {b}" for (a, b), count in counts.items() if count]
    if not told:
        fact = f"{_count(len(found), 'recording')}, no piece in two parts"
        if apart := sum(len({item.utterance.id for _, item in found[name]}) > 1 for name in torn):
            fact = f"{fact}; pieces of {_count(apart, 'recording')} are in several parts"
        return Finding("segments", Verdict.CLEAN, fact)
    examples = [name.partition("/")[2] for name, pairs in torn.items() if pairs]
    return judge("segments", division, "; ".join(told), examples, _weight(counts))


def _overlap(one: Item, other: Item) -> bool:
    """Tell whether two pieces of a recording may hold the same audio: they do, unless their times part."""
    a, b = one.utterance, other.utterance
    if a.id == b.id or None in (a.start, a.end, b.start, b.end):
        return a.id != b.id
    return max(a.start or 0, b.start or 0) < min(a.end or 0, b.end or 0)


def _of_corpus(field: str) -> Key:
    """Key on a field; the same name in two corpora is not the same person."""

    def key(item: Item) -> str | None:
        value = getattr(item.utterance, field)
        return None if is_absent(value) else f"{item.utterance.corpus}/{str(value).strip()}"

    return key


def _recording(item: Item) -> str:
    """Name the recording that an utterance was made from, as far as its names tell."""
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
        return Finding(check, Verdict.NOT_CHECKED, f"no {noun}s are named")
    common = {(a, b): parts[a] & parts[b] for a, b in division.pairs()}
    told = [f"{_count(len(values), noun)} in {a} and {b}" for (a, b), values in common.items() if values]
    if not told:
        return Finding(check, Verdict.CLEAN, f"{_count(len(named), noun)}, none in two parts")
    shared = set().union(*common.values())
    several = len({name.partition("/")[0] for name in named}) > 1
    examples = [name if several else name.partition("/")[2] for name in shared]
    weight = _weight({pair: len(values) for pair, values in common.items()})
    return judge(check, division, "; ".join(told), examples, weight)


def _weight(counts: Mapping[tuple[str, str], int]) -> int:
    """Weigh what is shared: between train and test most."""
    return sum(count * (1_000_000 if pair == ("train", "test") else 1) for pair, count in counts.items())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
