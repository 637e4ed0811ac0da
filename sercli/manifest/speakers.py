"""Find speakers whose names may not mean one person: several spellings of a name, or several genders."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sercli.errors import list_some
from sercli.records import Note, Problem, Utterance

# Differences between two spellings of one number.
_DECIMAL = re.compile(r"\d+\.0+")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
# Words in front of a name, before a blank or sign, or a number.
_TITLE = re.compile(r"\A(?:speaker|spkr?|actor|subject)(?:[-_.\s]+(?=\w)|(?=\d))")
_SIGNS = re.compile(r"(?<=[^\W\d_])[-_.]+|[-_.]+(?=[^\W\d_])")
# Numbers in scientific notation, as spreadsheets write long ones.
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_SHOWN = 3
_FEW = 5  # utterances, each of which may well have a speaker of its own

DIFFERENCES = "case, spaces, leading zeros, signs such as _ or a word such as 'speaker'"
"""Differences between two spellings of one name, for messages."""


def loosely(name: str) -> str:
    """Return a speaker's name without the differences between lists.

    These are the ones of `narrowly`, a word such as ``speaker`` in front, and the signs ``_ - .`` beside a
    letter (1_1 and 11 are two names).
    """
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    return narrowly(_SIGNS.sub("", _TITLE.sub("", plain)))


def narrowly(name: str) -> str:
    """Return a speaker's name without differences that two names in one list have by mistake only.

    These are case, width of the characters, spaces, leading zeros and a decimal zero.
    """
    text = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    if _DECIMAL.fullmatch(text):
        text = text.partition(".")[0]
    return _LEADING_ZEROS.sub("", text)


def spellings(names: Iterable[str]) -> list[tuple[str, ...]]:
    """List the groups of different names that may be spellings of one name, sorted."""
    groups: dict[str, set[str]] = defaultdict(set)
    for name in names:
        groups[loosely(name)].add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def describe_spellings(utterances: Sequence[Utterance]) -> str | None:
    """State which speakers of a corpus have several spellings; ``None`` if there are none."""
    by_corpus: dict[str, set[str]] = defaultdict(set)
    for utterance in utterances:
        if utterance.speaker is not None:
            by_corpus[utterance.corpus].add(utterance.speaker)
    found = [group for names in by_corpus.values() for group in spellings(names)]
    if not found:
        return None
    named = list_some([" and ".join(f"'{name}'" for name in group) for group in found], _SHOWN)
    return (
        f"{named} differ only in {DIFFERENCES}; a person with two names can be in the training and "
        "the test part, so spell them the same way"
    )


def note_speakers(utterances: Sequence[Utterance]) -> list[Note]:
    """Point out speakers with several spellings or genders, rounded numbers, and one for each utterance."""
    notes = []
    names = {utterance.speaker for utterance in utterances if utterance.speaker is not None}
    if len(names) == len(utterances) > _FEW:
        fact = f"each of the {len(names)} utterances has a speaker of its own"
        remedy = "if people speak several, name them alike, or the parts of a division can share people"
        notes.append(Note("speakers", f"{fact}; {remedy}"))
    if rounded := sorted(name for name in names if _ROUNDED.fullmatch(name)):
        fact = f"'{rounded[0]}' may be a number that a spreadsheet rounded, so it can mean several people"
        notes.append(Note("speakers", f"{fact}; export the column of speakers as text"))
    if spelled := describe_spellings(utterances):
        notes.append(Note("speakers", spelled))
    several = {name: each for name, each in sorted(genders_of(utterances).items()) if len(each) > 1}
    for speaker, genders in list(several.items())[:1]:
        listed = " and ".join(f"{gender} in {file}" for gender, file in sorted(genders.items()))
        more = f" (and {len(several) - 1} more speakers)" if len(several) > 1 else ""
        fact = f"'{speaker}' is {listed}{more}; if two people share a name, give each a name of their own"
        notes.append(Note("speakers", fact))
    return notes


def settle_genders(items: Iterable[Utterance | Problem]) -> list[Utterance | Problem]:
    """Read H as men, as lists in Spanish write it beside M for women, and in French beside F."""
    listed = list(items)
    found = {item.gender for item in listed if isinstance(item, Utterance) and item.gender is not None}
    if "h" not in found or len(found) > 2 or not found <= {"h", "male", "female"}:
        return listed
    meant = {"h": "male", "male": "female", "female": "female"}  # M alone was read as male
    return [
        replace(item, gender=meant[item.gender]) if isinstance(item, Utterance) and item.gender else item
        for item in listed
    ]


def genders_of(utterances: Sequence[Utterance]) -> dict[str, dict[str, str]]:
    """Return the genders of each speaker, each with the first file that has it."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for utterance in utterances:
        if utterance.speaker is not None and utterance.gender is not None:
            found[utterance.speaker].setdefault(utterance.gender, utterance.source or utterance.file)
    return found
