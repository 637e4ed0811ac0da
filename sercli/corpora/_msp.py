"""Read the judgements of raters in the files of the MSP corpora.

A line is rater, main emotion, all emotions, ratings: ``WORKER1; Happy; Happy,Excited; A:4; V:5; D:4;``. The
main emotion is the rater's vote. Other words than those of the list are an emotion ``Other``, with the word
in brackets or after a hyphen.
"""

import re
from typing import Any

from sercli.corpora._named import to_number
from sercli.labels import to_noun

DIMENSIONS = {"A": "arousal", "V": "valence", "D": "dominance"}
"""Field of the manifest by the letter of a dimension."""

_LINE = re.compile(r"\s*([\w-]+)\s*;([^;]*);(.*?);((?:\s*[AVDN]\s*:[^;]*;)+)\s*", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")


def read_rater_line(line: str) -> dict[str, Any] | None:
    """Read the line of a rater; ``None`` if it is another line."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    rater, main, every, ratings = match.groups()
    return rater_of(rater, main, every, read_ratings(ratings))


def rater_of(rater: str, main: str, every: str, ratings: dict[str, float]) -> dict[str, Any]:
    """Return a rater's judgement as the manifest has it.

    Args:
        rater: name of the rater.
        main: the rater's main emotion, as the corpus spells it.
        every: all emotions that the rater noticed, as the corpus spells them.
        ratings: value by field.
    """
    word = _WORD.match(main.strip())
    noun = (to_noun(word[0]) or "other") if word else None
    texts = [text for text in (main.strip() if noun == "other" else "", every.strip()) if text]
    judged: dict[str, Any] = {"rater": rater.strip()}
    if noun:
        judged["emotions"] = [noun]
    return judged | ratings | ({"comment": "; ".join(texts)} if texts else {})


def add_rater(raters: list[dict[str, Any]], judged: dict[str, Any]) -> None:
    """Add a rater's judgement, unless the same rater judged the turn before: each rater has one vote."""
    if all(each["rater"] != judged["rater"] for each in raters):
        raters.append(judged)


def read_ratings(text: str) -> dict[str, float]:
    """Read ``A:4.0; V:5.0; D:4.0;``: value by field, without values that are not numbers."""
    found: dict[str, float] = {}
    for cell in text.split(";"):
        letter, _, value = cell.partition(":")
        number = to_number(value)
        if number is not None and letter.strip() in DIMENSIONS:
            found[DIMENSIONS[letter.strip()]] = number
    return found
