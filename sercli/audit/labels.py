"""Labels that can be told from the speaker alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from sercli.audit import Division, Finding, Verdict

_CHECK = "labels by speaker"
# More than half of what is left to know, beyond what any grouping of that size tells by chance.
_LIMIT = 0.5
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
    single = [speaker for speaker, found in _by_speaker(speakers, labels).items() if len(found) == 1]
    if (reached - by_chance) / (1 - by_chance) < _LIMIT:
        return Finding(_CHECK, Verdict.CLEAN, fact)
    fact = f"{fact}; {len(single)} of {len(set(speakers))} speakers occur in one class only"
    return Finding(_CHECK, Verdict.LEAK, fact, tuple(name.partition("/")[2] for name in sorted(single)[:3]))


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
