"""Emotions, each one English noun, and the spellings that corpora use for them."""

from collections.abc import Mapping

EMOTIONS = frozenset(
    {
        "amusement",
        "anger",
        "anxiety",
        "boredom",
        "calm",
        "confusion",
        "contempt",
        "disappointment",
        "disgust",
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
        "undecided",  # the raters found no majority
    }
)

# How corpora that have no reader of their own spell them, in lower case.
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


def to_noun(label: str, given: Mapping[str, str] | None = None) -> str | None:
    """Return the noun that a label means, ``None`` for an unknown one; case and blanks do not count.

    Args:
        label: as a corpus spells it.
        given: nouns by spelling, which come before the usual spellings.
    """
    key = label.strip().lower()
    if given:
        nouns = {spelling.strip().lower(): noun for spelling, noun in given.items()}
        if key in nouns:
            return nouns[key]
    return _NOUNS.get(key)
