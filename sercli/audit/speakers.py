"""Checks of speakers: labels that follow from the speaker, and speakers taken from a dialog's name.

The name of an IEMOCAP dialog begins with the side that wore the markers. In ``Ses01F_impro01_M003`` the
speaker is the man of session 1, not ``Ses01F``: prefix and speaker differ in about half of the turns, and a
division by the prefix has both speakers in two parts.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from sercli.audit import Division, Finding, ListedUtterance, Verdict
from sercli.corpora.iemocap import from_name, prefix_speaker

_LABELS, _PREFIX = "labels by speaker", "prefix speakers"
# If the speakers explain this proportion of the labels beyond chance, it is a leak.
_LIMIT = 0.5
# A speaker with this number of utterances, all of one class, is not a coincidence.
_ENOUGH = 5
_SHARE = 0.1
_DRAWS = 20


def labels_by_speaker(division: Division) -> Finding:
    """Compare predicting each speaker's most frequent label with the same rule on shuffled labels.

    If speakers occur in one class only, a network that recognises voices also knows labels.
    """
    known = [
        (f"{u.corpus}/{u.speaker}", u.emotion or u.emotion_raw)
        for u in (item.utterance for item in division.items)
        if u.speaker is not None and (u.emotion or u.emotion_raw)
    ]
    if not known:
        return Finding(_LABELS, Verdict.NOT_CHECKED, "the utterances have no speakers or no labels")
    speakers = [speaker for speaker, _ in known]
    labels = np.array([label for _, label in known], dtype=str)
    reached = _accuracy(speakers, labels)
    most = max(Counter(labels.tolist()).values()) / len(labels)
    rng = np.random.default_rng(0)
    by_chance = float(np.mean([_accuracy(speakers, rng.permutation(labels)) for _ in range(_DRAWS)]))
    rule = f"each speaker's most frequent label is right for {100 * reached:.1f} % of utterances"
    if by_chance > 0.95:
        fact = f"{rule}, but each speaker has too few utterances to decide"
        return Finding(_LABELS, Verdict.NOT_CHECKED, fact)
    fact = f"{rule} (by chance {100 * by_chance:.1f} %, the most frequent label alone {100 * most:.1f} %)"
    counts = _by_speaker(speakers, labels)
    single = {name: sum(c.values()) for name, c in counts.items() if len(c) == 1 < len(set(labels.tolist()))}
    fact = f"{fact}; {len(single)} of {len(counts)} speakers occur in one class only"
    examples = tuple(name.partition("/")[2] for name in sorted(single, key=single.__getitem__)[::-1][:3])
    beyond = (reached - by_chance) / (1 - by_chance)
    share = sum(count for count in single.values() if count >= _ENOUGH) / len(labels)
    verdict = Verdict.LEAK if beyond >= _LIMIT or share >= _SHARE else Verdict.CLEAN
    return Finding(_LABELS, verdict, fact, examples)


def _accuracy(speakers: Sequence[str], labels: np.ndarray[tuple[int], np.dtype[np.str_]]) -> float:
    counts = _by_speaker(speakers, labels)
    return sum(max(found.values()) for found in counts.values()) / len(speakers)


def _by_speaker(
    speakers: Sequence[str], labels: np.ndarray[tuple[int], np.dtype[np.str_]]
) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for speaker, label in zip(speakers, labels.tolist(), strict=True):
        counts[speaker][label] += 1
    return counts


def prefix_speakers(division: Division) -> Finding:
    """Find out whether a list takes its speakers, or its parts, from the dialog's prefix."""
    turns = [item for item in division.items if _turn(item)]
    if not turns:
        return Finding(_PREFIX, Verdict.NOT_CHECKED, "the lists contain no turns of IEMOCAP")
    declared = [item for item in turns if item.declared_speaker is not None]
    wrong = [item for item in declared if prefix_speaker(_turn(item)) != _true_speaker(item)]
    if wrong and _goes_by_prefix(declared):
        fact = (
            f"the speaker is the dialog's prefix, which is wrong for {len(wrong)} of {len(declared)} turns: "
            "a division by it has both speakers in two parts"
        )
        return Finding(_PREFIX, Verdict.LEAK, fact, tuple(_turn(item) for item in wrong[:3]))
    torn = _torn_sessions(division)
    if torn:
        fact = f"{len(torn)} sessions are divided by the dialogs' prefix, with both speakers in two parts"
        return Finding(_PREFIX, Verdict.LEAK, fact, tuple(torn[:3]))
    subject = f"the speakers of {len(declared)} turns are not" if declared else "the parts are not"
    return Finding(_PREFIX, Verdict.CLEAN, f"{subject} taken from the dialogs' names")


def _turn(item: ListedUtterance) -> str:
    """Return the name of a turn of IEMOCAP; empty for any other utterance."""
    stem = (item.utterance.source or item.utterance.file).rpartition("/")[2].rpartition(".")[0]
    name = stem or item.utterance.id.rpartition("/")[2]
    return name if from_name(name) is not None else ""


def _true_speaker(item: ListedUtterance) -> str | None:
    known = from_name(_turn(item))
    return known.speaker if known else None


def _goes_by_prefix(declared: list[ListedUtterance]) -> bool:
    """Return whether each declared speaker has one prefix, but some have several true speakers."""
    prefixes, true = defaultdict(set), defaultdict(set)
    for item in declared:
        prefixes[item.declared_speaker].add(prefix_speaker(_turn(item)))
        true[item.declared_speaker].add(_true_speaker(item))
    return all(len(found) == 1 for found in prefixes.values()) and any(
        len(found) > 1 for found in true.values()
    )


def _torn_sessions(division: Division) -> list[str]:
    """List the sessions whose two prefixes are in different parts, each in a single part."""
    parts: dict[str, set[str]] = defaultdict(set)
    for part, items in division.parts.items():
        for item in items:
            if turn := _turn(item):
                parts[prefix_speaker(turn)].add(part)
    torn = []
    for session in sorted({prefix[:-1] for prefix in parts}):
        sides = [parts.get(session + letter, set()) for letter in "FM"]
        if all(len(side) == 1 for side in sides) and sides[0] != sides[1]:
            torn.append(session)
    return torn
