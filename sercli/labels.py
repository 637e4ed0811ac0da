"""Emotions, each one English noun, and the spellings that corpora use for them.

These nouns make labels of different corpora comparable. Any other text is a label too: it is kept as a corpus
spells it.
"""

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher

UNDECIDED = "undecided"
"""Label of an utterance on which the raters do not agree."""

EMOTIONS = frozenset(
    {
        "amusement",
        "anger",
        "anxiety",
        "apology",
        "assertiveness",
        "boredom",
        "calm",
        "concern",
        "confusion",
        "contempt",
        "disappointment",
        "disgust",
        "encouragement",
        "excitement",
        "fear",
        "frustration",
        "happiness",
        "interest",
        "neutral",
        "other",
        "pain",
        "pride",
        "relief",
        "sadness",
        "sarcasm",
        "shame",
        "surprise",
        "tenderness",
        "tiredness",
        UNDECIDED,
    }
)

# Spellings in corpora without their own reader, in lower case.
_SPELLINGS = {
    "amusement": "amused",
    "anger": "ang angry",
    "anxiety": "anxious",
    "boredom": "bor bored boring",
    "calm": "calmness",
    "confusion": "confused",
    "contempt": "contemptuous",
    "disappointment": "disappointed",
    "disgust": "dis disgusted",
    "excitement": "exc excited",
    "fear": "fea fearful afraid",
    "frustration": "fru frustrated",
    "happiness": "hap happy joy joyful",
    "interest": "interested",
    "neutral": "neu neutrality",
    "other": "oth",
    "pride": "proud",
    "relief": "relieved",
    "sadness": "sad",
    "sarcasm": "sarcastic",
    "shame": "ashamed",
    "surprise": "sur surprised ps pleasant_surprise",
    "tiredness": "tired sleepiness",
    "undecided": "xxx",
}
_NOUNS = {noun: noun for noun in EMOTIONS} | {
    spelling: noun for noun, spellings in _SPELLINGS.items() for spelling in spellings.split()
}


# Zero-width joiners: invisible, but part of the spelling in Persian and other scripts.
_JOINERS = "\u200c\u200d"


def trim(text: str) -> str:
    """Return a text without the blanks around it and without invisible characters.

    Invisible are a zero-width space, a mark of byte order, a soft hyphen and so on, which are left by text
    programs: labels or names would look equal and differ.
    """
    if text.isascii():
        return text.strip()
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    if visible.isascii():
        return visible.strip()
    kept = (letter for letter in text if letter in _JOINERS or unicodedata.category(letter) != "Cf")
    return "".join(kept).strip().strip(_JOINERS).strip()


def to_noun(label: str, given: Mapping[str, str] | None = None) -> str | None:
    """Return the noun that a label means, ``None`` for an unknown one.

    Case, blanks, invisible characters, and a number before the label (``01_angry``) are ignored.

    Args:
        label: as a corpus spells it.
        given: nouns by spelling, which take precedence over the usual spellings.
    """
    key = trim(label).lower()
    if given:
        nouns = {trim(spelling).lower(): noun for spelling, noun in given.items()}
        if key in nouns:
            return nouns[key]
    return _NOUNS.get(key) or _NOUNS.get(_NUMBER.sub("", key))


def to_label(label: str, given: Mapping[str, str] | None = None) -> str:
    """Return the noun that a label means; an unknown one unchanged, except as `trim` does.

    Args:
        label: as a corpus spells it.
        given: labels by spelling, which take precedence over the usual spellings.
    """
    return to_noun(label, given) or unicodedata.normalize("NFC", trim(label))


_NUMBER = re.compile(r"^\d+[-_. ]+")
_DEV = ("dev", "devel", "development", "devset", "val", "valid", "validation", "validset", "valset")
_TEST = (
    "test",
    "testing",
    "testset",
    "tst",
    "eval",
    "evaluation",
    "evalset",
    "heldout",
    "held-out",
    "held_out",
)
PART_SPELLINGS = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(_DEV, "dev"),
    **dict.fromkeys(_TEST, "test"),
}
"""The parts train, dev and test by the names that toolkits give them, in small letters."""

_PART_SUFFIX = re.compile(r"[-_ ]?(?:set|data|split|part|wavs?|audio)?[-_ ]?\d*$")
_FOLD = re.compile(r"(?:fold|split|partition)[-_ ]?\d+")
# Similarity of a misspelling and the right spelling: boredem and boredom have 0.86.
_NEAR = 0.82
# Shorter spellings are similar by chance.
_SHORTEST = 4


def is_part(name: str) -> bool:
    """Return whether a name is one of a part, such as ``train``, ``test_set`` or ``fold 2``."""
    key = trim(name).lower()
    return (
        key in PART_SPELLINGS
        or _PART_SUFFIX.sub("", key) in PART_SPELLINGS
        or _FOLD.fullmatch(key) is not None
    )


def near_noun(label: str) -> str | None:
    """Return the noun that a label misspells, ``None`` where no spelling is near enough."""
    key = trim(label).lower()
    if len(key) < _SHORTEST or is_part(key):
        return None
    alike = {
        spelling: SequenceMatcher(None, spelling, key).ratio()
        for spelling in _NOUNS
        if len(spelling) >= _SHORTEST and spelling[0] == key[0]
    }
    nearest = max(alike, key=lambda spelling: alike[spelling], default=None)
    return _NOUNS[nearest] if nearest and alike[nearest] >= _NEAR else None
