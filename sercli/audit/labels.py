"""Labels that can be told from the speaker alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from sercli.audit import Division, Finding, Verdict

_CHECK = "labels by speaker"
# More than half of what is left to know, beyond what any grouping of that size tells by chance.
_LIMIT = 0.5
# A speaker with so many utterances of one class occurs in that class only, and not by chance.
_ENOUGH = 5
_SHARE = 0.1
_DRAWS = 20


def labels_by_speaker(division: Division) -> Finding:
    """Compare the rule that gives each speaker's most frequent label with the same rule on shuffled labels.

    Where speakers occur in one class only, a network that knows voices knows labels.
    """
    known = [
        (f"{u.corpus}/{u.speaker}", u.emotion or u.emotion_raw)
        for u in (item.utterance for item in division.items)
        if u.speaker is not None and (u.emotion or u.emotion_raw)
    ]
    if not known:
        return Finding(_CHECK, Verdict.NOT_CHECKED, "no speakers or no labels are named")
    speakers = [speaker for speaker, _ in known]
    labels = np.array([label for _, label in known], dtype=str)
    reached = _reached(speakers, labels)
    most = max(Counter(labels.tolist()).values()) / len(labels)
    rng = np.random.default_rng(0)
    by_chance = float(np.mean([_reached(speakers, rng.permutation(labels)) for _ in range(_DRAWS)]))
    rule = f"each speaker's most frequent label is right for {100 * reached:.1f} % of utterances"
    if by_chance > 0.95:
        fact = f"{rule}, but there are too few utterances of each speaker to tell"
        return Finding(_CHECK, Verdict.NOT_CHECKED, fact)
    fact = f"{rule} (by chance {100 * by_chance:.1f} %, the most frequent label alone {100 * most:.1f} %)"
    counts = _by_speaker(speakers, labels)
    single = {name: sum(c.values()) for name, c in counts.items() if len(c) == 1 < len(set(labels.tolist()))}
    fact = f"{fact}; {len(single)} of {len(counts)} speakers occur in one class only"
    examples = tuple(name.partition("/")[2] for name in sorted(single, key=single.__getitem__)[::-1][:3])
    beyond = (reached - by_chance) / (1 - by_chance)
    share = sum(count for count in single.values() if count >= _ENOUGH) / len(labels)
    verdict = Verdict.LEAK if beyond >= _LIMIT or share >= _SHARE else Verdict.CLEAN
    return Finding(_CHECK, verdict, fact, examples)


def _reached(speakers: Sequence[str], labels: np.ndarray[tuple[int], np.dtype[np.str_]]) -> float:
    counts = _by_speaker(speakers, labels)
    return sum(max(found.values()) for found in counts.values()) / len(speakers)


def _by_speaker(
    speakers: Sequence[str], labels: np.ndarray[tuple[int], np.dtype[np.str_]]
) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for speaker, label in zip(speakers, labels.tolist(), strict=True):
        counts[speaker][label] += 1
    return counts
