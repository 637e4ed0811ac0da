"""What the protocols share that divide by speaker or session."""

from collections.abc import Iterable, Mapping, Sequence

from sercli.errors import DivisionError
from sercli.manifest.values import is_nothing
from sercli.records import Fold, Utterance


def groups_of(
    utterances: Sequence[Utterance], labels: Mapping[str, str], protocol: str, field: str = "speaker"
) -> list[str]:
    """List the speakers (or the values of another field) of the labelled utterances, sorted.

    Raises:
        DivisionError: an utterance has none.
    """
    chosen = [utterance for utterance in utterances if utterance.id in labels]
    without = [utterance.id for utterance in chosen if is_nothing(getattr(utterance, field))]
    if without:
        others = f", as for {len(without) - 1} others of {len(chosen)}" if len(without) > 1 else ""
        raise DivisionError(
            f"{without[0]}: no {field}{others}, without which '{protocol}' can't be made; name the "
            f"{field}s when the corpus is prepared, or leave these utterances out of its list"
        )
    return sorted({getattr(utterance, field) for utterance in chosen})


def by_groups(
    name: str,
    utterances: Sequence[Utterance],
    labels: Mapping[str, str],
    dev: Iterable[str],
    test: Iterable[str],
    field: str = "speaker",
) -> Fold:
    """Make the fold whose dev and test parts are the utterances of the given speakers (or sessions)."""
    dev, test = set(dev), set(test)
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for utterance in utterances:
        if utterance.id in labels:
            value = getattr(utterance, field)
            parts[2 if value in test else 1 if value in dev else 0].append(utterance.id)
    return Fold(name, *(tuple(part) for part in parts))


def leave_one_out(
    protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str], field: str, *, dev: bool
) -> list[Fold]:
    """Make a fold per speaker (or session), named by who is tested; the next one, cyclically, is dev.

    Raises:
        DivisionError: there are too few, or an utterance has none.
    """
    groups = groups_of(utterances, labels, protocol, field)
    least = 3 if dev else 2
    if len(groups) < least:
        parts = "train, dev, test" if dev else "train, test"
        raise DivisionError(f"{protocol} needs {least} {field}s or more ({parts}), found {len(groups)}")
    return _in_turn(field, [[group] for group in groups], utterances, labels, field, dev=dev)


def leave_one_group_out(
    protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str], k: int, *, dev: bool
) -> list[Fold]:
    """Deal the speakers out to ``k`` groups and make a fold per group, the next one, cyclically, being dev.

    Women and men are dealt out in turn, so that each group has nearly as many of either as another.

    Raises:
        DivisionError: fewer than ``k`` speakers, too few groups, or an utterance has no speaker.
    """
    if dev and k < 3:
        raise DivisionError(f"{protocol}: train, dev and test need three groups of speakers or more")
    speakers = groups_of(utterances, labels, protocol)
    if len(speakers) < k:
        raise DivisionError(f"{protocol} needs {k} speakers or more, found {len(speakers)}")
    genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
    dealt = sorted(speakers, key=lambda speaker: (genders[speaker], speaker))
    groups = [sorted(dealt[start::k]) for start in range(k)]
    return _in_turn("speakers", groups, utterances, labels, dev=dev)


def _in_turn(
    called: str,
    groups: Sequence[Sequence[str]],
    utterances: Sequence[Utterance],
    labels: Mapping[str, str],
    field: str = "speaker",
    *,
    dev: bool,
) -> list[Fold]:
    """Make a fold per group, named by who is tested; the next one, cyclically, is dev."""
    following = [*groups[1:], groups[0]]
    return [
        by_groups(f"{called} {' '.join(test)}", utterances, labels, after if dev else [], test, field)
        for test, after in zip(groups, following, strict=True)
    ]
