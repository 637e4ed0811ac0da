"""What the speaker-independent protocols share."""

from collections.abc import Iterable, Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.records import Fold, Utterance


def speakers_of(utterances: Sequence[Utterance], labels: Mapping[str, str], protocol: str) -> list[str]:
    """List the speakers of the labelled utterances, sorted.

    Raises:
        ProtocolError: an utterance has no speaker.
    """
    found = set()
    for utterance in utterances:
        if utterance.id in labels:
            if utterance.speaker is None:
                raise ProtocolError(
                    f"{utterance.id}: no speaker, without which '{protocol}' can't be made; "
                    "name the speakers when the corpus is prepared"
                )
            found.add(utterance.speaker)
    return sorted(found)


def by_speakers(
    name: str,
    utterances: Sequence[Utterance],
    labels: Mapping[str, str],
    dev: Iterable[str],
    test: Iterable[str],
) -> Fold:
    """Make the fold whose dev and test parts are the utterances of the given speakers."""
    dev, test = set(dev), set(test)
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for utterance in utterances:
        if utterance.id in labels:
            parts[2 if utterance.speaker in test else 1 if utterance.speaker in dev else 0].append(
                utterance.id
            )
    return Fold(name, *(tuple(part) for part in parts))
