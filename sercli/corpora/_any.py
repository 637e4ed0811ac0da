"""What the readers of any corpus share: labels by their spelling, facts by the file's name."""

import re
from dataclasses import replace
from typing import Any, Self

from pydantic import Field, model_validator

from sercli.config import Config
from sercli.errors import ConfigError
from sercli.labels import EMOTIONS, near_noun, to_noun
from sercli.manifest.listing import check_columns
from sercli.manifest.values import GENDERS, is_nothing
from sercli.records import Problem, Utterance

_IN_NAMES = ("speaker", "gender", "session", "dialog", "text_id", "emotion")


class AnyOptions(Config):
    """How a corpus without a reader of its own spells its labels and names its speakers."""

    map: dict[str, str] = Field({})
    """Emotion by the corpus's own spelling, where that is not a usual one."""
    speaker_pattern: str | None = None
    """Regular expression found in a file's place, whose group is the speaker; groups named speaker,
    gender, session, dialog, text_id or emotion give these."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        meant: dict[str, str] = {}
        for label, noun in self.map.items():
            key = label.strip().lower()
            if meant.setdefault(key, noun) != noun:
                raise ValueError(f"map {label}={noun}: {key} is mapped to {meant[key]} already")
            if noun not in EMOTIONS:
                usual = to_noun(noun)
                known = (
                    f"the emotion is called {usual}"
                    if usual
                    else f"the emotions are {', '.join(sorted(EMOTIONS))}"
                )
                raise ValueError(f"map {label}={noun}: {known}")
        if self.speaker_pattern is not None:
            try:
                pattern = re.compile(self.speaker_pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"speaker_pattern: {error}") from None
            foreign = set(pattern.groupindex) - set(_IN_NAMES)
            if not pattern.groups or foreign:
                raise ValueError(
                    "speaker_pattern: needs a group, as in 'speaker_([0-9]+)', or groups named "
                    + ", ".join(_IN_NAMES)
                )
        return self

    @property
    def names_emotion(self) -> bool:
        """Whether the pattern gives the emotion, too."""
        return "(?P<emotion>" in (self.speaker_pattern or "")


class TableOptions(AnyOptions):
    """Likewise for a list, whose columns have names."""

    columns: dict[str, str] = Field({})
    """Column by field, where it has none of the usual names: ``speaker``, ``emotion``, ``file`` and so on."""

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        try:
            check_columns(self.columns)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def chosen(self) -> dict[str, str]:
        """Column by field."""
        return check_columns(self.columns)


def remedy(label: str) -> str:
    """Say how to make a label known, with the emotion that it is a slip of, if there is one."""
    return f"say which with --map '{label}={near_noun(label) or 'EMOTION'}'"


def complete(utterance: Utterance, place: str, options: AnyOptions) -> Utterance | Problem:
    """Add what the file's name says, and the noun that the label means.

    Args:
        utterance: with file and, unless the name says it, ``emotion_raw``.
        place: where a problem is to be looked for.
        options: spellings and pattern.
    """
    if options.speaker_pattern is not None:
        match = re.search(options.speaker_pattern, utterance.file)
        if match is None:
            return Problem(
                place, f"speaker_pattern '{options.speaker_pattern}' is not found in its file's place"
            )
        named = match.groupdict() or {"speaker": match[1]}
        facts: dict[str, Any] = {
            name: value.strip() for name, value in named.items() if not is_nothing(value)
        }
        if "emotion" in facts:
            facts["emotion_raw"] = facts.pop("emotion")
        utterance = replace(utterance, **facts)
    if utterance.style not in (None, "improvised", "scripted"):
        return Problem(place, f"style '{utterance.style}' is neither improvised nor scripted")
    if utterance.gender is not None:
        # Any other word is kept: only schemes whose classes carry the gender need one of the two.
        gender = utterance.gender.lower()
        utterance = replace(utterance, gender=GENDERS.get(gender, gender))
    if utterance.emotion_raw is None:
        return Problem(place, "no emotion")
    noun = to_noun(utterance.emotion_raw, options.map)
    if noun is None:
        label = utterance.emotion_raw
        return Problem(place, f"label '{label}' is no emotion known here; {remedy(label)}")
    return replace(utterance, emotion=noun)
