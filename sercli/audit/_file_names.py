"""Complete utterances of lists by their file names, if these are names of a supported corpus.

Names are used only if each file of the division has the name of a supported corpus (`Corpus.from_name`) and
no column contradicts the names: a name that could be EMO-DB's proves nothing if its neighbour's could not.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sercli.audit import ListedUtterance
from sercli.corpora import get_corpus, loadable_corpora
from sercli.labels import to_noun
from sercli.records import Utterance

# If more than a few labels differ from those in the names, the names belong to a different corpus.
_WRONG = 0.1


def complete_by_names(
    parts: Mapping[str, Sequence[ListedUtterance]],
) -> tuple[dict[str, list[ListedUtterance]], list[str]]:
    """Complete items by their file names, and describe what was done.

    Args:
        parts: items by part.

    Returns:
        The items by part, and notes, a line each.
    """
    items = [item for found in parts.values() for item in found]
    readers = [read for _, corpus in loadable_corpora() if (read := corpus.from_name)]
    known = {id(item): _named(item.utterance, readers) for item in items}
    named = [(item, each) for item in items if (each := known[id(item)]) is not None]
    corpora = ", ".join(sorted({each.corpus for _, each in named}))
    reason = ""
    if 0 < len(named) < len(items):
        reason = f"{len(named)} of {len(items)} file names look like those of {corpora}, the others do not"
    elif named and (contradicted := _contradicted(named)):
        reason = f"all names look like those of {corpora}, but the lists' {contradicted} contradict them"
    if not named or reason:
        kept = {part: [_by_file(item) for item in found] for part, found in parts.items()}
        return kept, [f"names: {reason}; file names were not used"] if reason else []
    completed = {
        part: [_completed(item, each) for item in found if (each := known[id(item)]) is not None]
        for part, found in parts.items()
    }
    return completed, [
        f"names: speakers, texts and sessions were read from the file names, which are those of {corpora}"
    ]


def _named(listed: Utterance, readers: Sequence[Callable[[str], Utterance | None]]) -> Utterance | None:
    """Return the facts in a file's name, if it is the name of a supported corpus."""
    stem = PurePosixPath(listed.file).stem
    return next((known for read in readers if (known := read(stem)) is not None), None)


def _contradicted(named: Sequence[tuple[ListedUtterance, Utterance]]) -> str:
    """Name the column that contradicts the names; empty if none does."""
    declared = [
        (f"{known.corpus}/{item.declared_speaker}", known) for item, known in named if item.declared_speaker
    ]
    if not _one_to_one((name, known.speaker) for name, known in declared):
        # A known mistake, such as the dialog's prefix of IEMOCAP, does not make it another corpus.
        mistaken = [(name, _mistaken_speaker(known)) for name, known in declared]
        if any(speaker is None for _, speaker in mistaken) or not _one_to_one(mistaken):
            return "speakers"
    genders = [(item.utterance.gender, known.gender) for item, known in named]
    if any(a is not None and b is not None and a != b for a, b in genders):
        return "genders"
    labels = [(_noun(item.utterance), known.emotion) for item, known in named]
    stated = [(a, b) for a, b in labels if a is not None and b is not None]
    if sum(a != b for a, b in stated) > _WRONG * len(stated):
        return "emotions"
    return ""


def _mistaken_speaker(known: Utterance) -> str | None:
    """Return the speaker that some lists wrongly read in an utterance's name, if there is such a case."""
    mistake = get_corpus(known.corpus).mistaken_speaker
    return mistake(known.id.rpartition("/")[2]) if mistake else None


def _one_to_one(pairs: Iterable[tuple[str, str | None]]) -> bool:
    left: dict[str, set[str]] = defaultdict(set)
    right: dict[str, set[str]] = defaultdict(set)
    for a, b in pairs:
        left[a].add(str(b))
        right[str(b)].add(a)
    return all(len(values) == 1 for values in (*left.values(), *right.values()))


def _noun(utterance: Utterance) -> str | None:
    return utterance.emotion or to_noun(utterance.emotion_raw or "")


def _completed(item: ListedUtterance, known: Utterance) -> ListedUtterance:
    """Complete an utterance by the facts in its file's name."""
    listed = item.utterance
    kept = ("file", "sha256", "source_sha256", "start", "end", "duration", "transcript")
    stated = {name: getattr(listed, name) for name in kept}
    emotion, raw = listed.emotion or known.emotion, listed.emotion_raw or known.emotion_raw
    source = listed.source or listed.file
    return replace(item, utterance=replace(known, **stated, source=source, emotion=emotion, emotion_raw=raw))


def _by_file(item: ListedUtterance) -> ListedUtterance:
    """Give an utterance an id from its file, so that it has the same id in every list."""
    listed = item.utterance
    cut = "" if listed.start is None and listed.end is None else f"#{listed.start!r}-{listed.end!r}"
    place = str(Path(item.path).resolve()) if item.path else listed.file
    return replace(item, utterance=replace(listed, id=f"{place}{cut}"))
