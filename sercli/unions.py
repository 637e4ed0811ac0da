"""Several corpora as one: a union has the names of its corpora, as in ``emodb+ravdess``.

A union is made when a command names it; nothing is copied. Its utterances are those of its corpora, with
these differences:

- Speakers, sessions, dialogs and texts have the name of their corpus in front: ``emodb/03``.
- Files are relative to the folder of all corpora.
- A recording that is in two corpora is used once. Their speakers of this recording become one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sercli.errors import ConfigError
from sercli.manifest.values import is_absent
from sercli.records import Utterance

MARK = "+"
"""Separates the names of corpora in the name of a union."""

_NAMED = ("session", "dialog", "text_id")


def is_union(name: str) -> bool:
    """Return whether a name is that of several corpora."""
    return MARK in name


def corpora_of(name: str) -> tuple[str, ...]:
    """Return the corpora of a union, sorted; a single corpus is its own.

    Raises:
        ConfigError: a name is empty, or occurs twice.
    """
    if not is_union(name):
        return (name,)
    parts = tuple(sorted(part.strip() for part in name.split(MARK)))
    if "" in parts:
        raise ConfigError(f"corpus '{name}': write names of corpora with {MARK} between them, as a{MARK}b")
    if len(set(parts)) < len(parts):
        twice = next(part for part in parts if parts.count(part) > 1)
        raise ConfigError(f"corpus '{name}': names '{twice}' twice; name each corpus once")
    return parts


def union_name(name: str) -> str:
    """Return a name with its corpora in order, so that a union has only one name.

    Raises:
        ConfigError: the name is not that of a corpus or a union.
    """
    return MARK.join(corpora_of(name))


def common_corpora(one: str, other: str) -> list[str]:
    """List the corpora that two recorded names have in common, sorted; no name is checked."""
    return sorted(set(one.split(MARK)) & set(other.split(MARK)))


@dataclass(frozen=True, slots=True)
class Repeated:
    """A recording that is in two corpora of a union.

    Attributes:
        left_out: its utterance that is not used.
        kept: its utterance that is used.
    """

    left_out: Utterance
    kept: Utterance


@dataclass(frozen=True, slots=True)
class Union:
    """Several corpora as one.

    Attributes:
        utterances: utterances of the corpora, in the order of their names.
        repeated: recordings that are in two corpora.
        one_speaker: name in the union by the names of speakers that have recordings in common, with the
            name of their corpus in front.
    """

    utterances: tuple[Utterance, ...]
    repeated: tuple[Repeated, ...] = ()
    one_speaker: Mapping[str, str] | None = None

    def notes(self) -> list[str]:
        """Describe the recordings that are in two corpora, and the speakers that become one, a line each."""
        found = []
        pairs: dict[tuple[str, str], list[Repeated]] = {}
        for each in self.repeated:
            pairs.setdefault((each.left_out.corpus, each.kept.corpus), []).append(each)
        for (other, first), several in pairs.items():
            differ = sum(each.left_out.emotion != each.kept.emotion for each in several)
            differently = f", {differ} of them with another label" if differ else ""
            example = f"{several[0].left_out.id} = {several[0].kept.id}"
            are = "recording of {} is" if len(several) == 1 else "recordings of {} are"
            found.append(
                f"{len(several)} {are.format(other)} also in {first}{differently}, and left out of {other}, "
                f"such as {example}"
            )
        groups: dict[str, list[str]] = {}
        for speaker, name in (self.one_speaker or {}).items():
            groups.setdefault(name, []).append(speaker)
        found += [
            f"{' and '.join(sorted(speakers))} have recordings in common, and count as one speaker, {name}"
            for name, speakers in groups.items()
        ]
        return found


def join(parts: Mapping[str, Sequence[Utterance]], speakers_of: Mapping[str, str] | None = None) -> Union:
    """Join the utterances of corpora.

    Args:
        parts: utterances by corpus.
        speakers_of: for a corpus with the speakers of another corpus, under the same names: the other one.

    Raises:
        ConfigError: two corpora have an id in common.
    """
    owners = speakers_of or {}
    kept: list[Utterance] = []
    repeated: list[Repeated] = []
    ids: dict[str, str] = {}
    by_audio: dict[str, Utterance] = {}
    for corpus in sorted(parts):
        named = [_name(each, corpus, owners.get(corpus, corpus)) for each in parts[corpus]]
        own: dict[str, Utterance] = {}
        for each in named:
            if ids.setdefault(each.id, corpus) != corpus:
                raise ConfigError(
                    f"'{corpus}' and '{ids[each.id]}' both have an utterance '{each.id}'; prepare one of "
                    "them with another --name"
                )
            first = by_audio.get(each.sha256) if each.sha256 else None
            if first is not None:
                repeated.append(Repeated(each, first))
                continue
            kept.append(each)
            own.setdefault(each.sha256, each)
        by_audio |= {sha256: each for sha256, each in own.items() if sha256}
    same = _one_name(repeated)
    utterances = (replace(each, speaker=same.get(each.speaker or "", each.speaker)) for each in kept)
    return Union(tuple(utterances), tuple(repeated), same)


def _name(utterance: Utterance, corpus: str, owner: str) -> Utterance:
    """Put the name of the corpus in front of names and files of an utterance."""
    owners = dict.fromkeys(_NAMED, corpus) | {"speaker": owner, "trace": corpus}
    values = {name: getattr(utterance, name) for name in owners}
    named: dict[str, Any] = {
        name: f"{owners[name]}/{value}" for name, value in values.items() if not is_absent(value)
    }
    return replace(utterance, corpus=corpus, file=f"{corpus}/{utterance.file}", **named)


def _one_name(repeated: Sequence[Repeated]) -> dict[str, str]:
    """Return the common name of speakers who have a recording in common, by each of their names."""
    leads: dict[str, str] = {}

    def find(name: str) -> str:
        while leads.setdefault(name, name) != name:
            name = leads[name]
        return name

    for each in repeated:
        one, other = each.left_out.speaker, each.kept.speaker
        if one is not None and other is not None and one != other:
            first, second = sorted((find(one), find(other)))
            leads[second] = first
    return {name: find(name) for name in sorted(leads)}
