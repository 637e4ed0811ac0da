"""IEMOCAP speakers taken from the dialog's name, which names the side that wore the markers.

In ``Ses01F_impro01_M003`` the speaker is the man of session 1, not ``Ses01F``: prefix and speaker
differ in about half of the turns, and whoever divides by the prefix has both speakers on both sides.
"""

from collections import defaultdict

from sercli.audit import Division, Finding, Item, Verdict
from sercli.corpora.iemocap import from_name, prefix_speaker

_CHECK = "prefix speakers"


def prefix_speakers(division: Division) -> Finding:
    """Find out whether a list's speakers, or its parts, go by the dialog's prefix."""
    turns = [item for item in division.items if _turn(item)]
    if not turns:
        return Finding(_CHECK, Verdict.NOT_CHECKED, "no turns of IEMOCAP")
    declared = [item for item in turns if item.declared_speaker is not None]
    wrong = [item for item in declared if prefix_speaker(_turn(item)) != _true_speaker(item)]
    if wrong and _goes_by_prefix(declared):
        fact = (
            f"the speaker is the dialog's prefix, wrong for {len(wrong)} of {len(declared)} turns: "
            "who divides by it has both speakers on both sides"
        )
        return Finding(_CHECK, Verdict.LEAK, fact, tuple(_turn(item) for item in wrong[:3]))
    torn = _torn_sessions(division)
    if torn:
        fact = f"{len(torn)} sessions are divided by the dialogs' prefix, both speakers on both sides"
        return Finding(_CHECK, Verdict.LEAK, fact, tuple(torn[:3]))
    what = f"the speakers of {len(declared)} turns are not" if declared else "the parts are not"
    return Finding(_CHECK, Verdict.CLEAN, f"{what} taken from the dialogs' names")


def _turn(item: Item) -> str:
    """Return the turn's name, empty for anything else than a turn of IEMOCAP."""
    stem = (item.utterance.source or item.utterance.file).rpartition("/")[2].rpartition(".")[0]
    name = stem or item.utterance.id.rpartition("/")[2]
    return name if from_name(name) is not None else ""


def _true_speaker(item: Item) -> str | None:
    known = from_name(_turn(item))
    return known.speaker if known else None


def _goes_by_prefix(declared: list[Item]) -> bool:
    """Tell whether each declared speaker stands for one prefix, though for several true speakers."""
    prefixes, true = defaultdict(set), defaultdict(set)
    for item in declared:
        prefixes[item.declared_speaker].add(prefix_speaker(_turn(item)))
        true[item.declared_speaker].add(_true_speaker(item))
    return all(len(found) == 1 for found in prefixes.values()) and any(
        len(found) > 1 for found in true.values()
    )


def _torn_sessions(division: Division) -> list[str]:
    """List the sessions whose two prefixes lie in different parts, each in one alone."""
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
