"""Compare what was found with what the released corpus holds."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sercli.corpora import Corpus
from sercli.records import Utterance

_SHOWN = 3


def differences(corpus: Corpus, utterances: Sequence[Utterance]) -> list[str]:
    """Say in which counts the utterances differ from the released corpus; nothing if in none."""
    found = {utterance.id for utterance in utterances}
    lines = []
    if len(found) != corpus.utterances:
        lines.append(f"{len(found)} of {corpus.utterances} utterances")
    for name, known in corpus.known.items():
        counted = Counter(str(getattr(utterance, name)) for utterance in utterances)
        differing = [
            f"{value} {counted[value]} of {known.get(value, 0)}"
            for value in sorted(set(known) | set(counted))
            if counted[value] != known.get(value, 0)
        ]
        if differing:
            lines.append(f"by {name}: {_listed(differing, len(differing))}")
    if corpus.ids is not None:
        for what, ids in (("missing", set(corpus.ids) - found), ("unknown", found - set(corpus.ids))):
            if ids:
                lines.append(f"{len(ids)} {what}: {_listed(sorted(ids), _SHOWN)}")
    return lines


def _listed(items: Iterable[str], shown: int) -> str:
    listed = list(items)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more
