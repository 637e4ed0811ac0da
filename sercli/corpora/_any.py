"""Share code of the readers of any corpus: labels by their spelling, facts by the file's name."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sercli.corpora import ReaderConfig
from sercli.errors import ConfigError
from sercli.labels import EMOTIONS, UNDECIDED, near_noun, to_label, to_noun, trim
from sercli.manifest.column_choice import check_columns, field_named
from sercli.manifest.values import GENDERS, is_absent, parse_number
from sercli.raters import labels_of, plurality
from sercli.records import Problem, Utterance

_IN_NAMES = ("speaker", "gender", "session", "dialog", "text_id", "emotion")


def _read_scale(value: Any) -> Any:
    """Return the ends of a scale."""
    ends = [parse_number(each) for each in value] if isinstance(value, list | tuple) else []
    if value is not None and (
        len(ends) != 2 or None in ends or not float(ends[0] or 0) < float(ends[1] or 0)
    ):
        raise ValueError("expected the lowest and the highest possible rating, as [1, 5]")
    return value


class AnyOptions(ReaderConfig):
    """Spelling of labels and speakers in a corpus without its own reader."""

    map: dict[str, str] = Field({})
    """Label by the corpus's own spelling, if it is not a usual spelling: a known noun, or any text."""
    speaker_pattern: str | None = None
    """Regular expression that is searched in a file's path. Its group is the speaker; groups named speaker,
    gender, session, dialog, text_id or emotion set these fields."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        meant: dict[str, str] = {}
        for label, noun in self.map.items():
            key = trim(label).lower()
            if meant.setdefault(key, noun) != noun:
                raise ValueError(f"map {label}={noun}: {key} is already mapped to {meant[key]}")
            usual = to_noun(noun)
            if usual and noun not in EMOTIONS:
                raise ValueError(f"map {label}={noun}: the emotion is called {usual}")
            if is_absent(noun):
                raise ValueError(f"map {label}={noun}: '{noun}' means no label; write the label")
        if self.speaker_pattern is not None:
            try:
                pattern = re.compile(self.speaker_pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"speaker_pattern: {error}") from None
            foreign = set(pattern.groupindex) - set(_IN_NAMES)
            if pattern.groups > 1 and not pattern.groupindex:
                raise ValueError(
                    f"speaker_pattern: has {pattern.groups} groups; name that of the speaker, "
                    "(?P<speaker>...), and write (?:...) for the others"
                )
            if not pattern.groups or foreign:
                raise ValueError(
                    "speaker_pattern: needs a group, as in 'speaker_([0-9]+)', or groups named "
                    + ", ".join(_IN_NAMES)
                )
        return self

    @property
    def names_emotion(self) -> bool:
        """Whether the pattern also sets the emotion."""
        return "(?P<emotion>" in (self.speaker_pattern or "")


class TableOptions(AnyOptions):
    """The same settings for a list, whose columns have names."""

    columns: dict[str, str] = Field({})
    """Column by field (``speaker``, ``emotion``, ``file`` and so on), if its name is not a usual one; empty
    to switch the field off. The fields ``raters``, ``ratings`` and ``emotion`` (a column for each emotion)
    may have several columns, as "a,b"."""
    scale: Annotated[tuple[float, float] | None, BeforeValidator(_read_scale)] = None
    """Lowest and highest possible rating, as [1, 5], if utterances are rated."""

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


_NO_EMOTION = "no emotion; write it, or name its column with --column emotion=COLUMN"


def remedy(label: str) -> str:
    """Write the option that replaces a label, with the emotion of which it may be a misspelling."""
    return f"give its emotion with --map '{label}={near_noun(label) or 'EMOTION'}'"


def _map_labels(rater: Mapping[str, Any], options: AnyOptions) -> dict[str, Any]:
    """Return a rater's judgement with the labels of the manifest."""
    if "emotions" not in rater:
        return dict(rater)
    return {**rater, "emotions": [to_label(label, options.map) for label in rater["emotions"]]}


def facts_in_name(file: str, options: AnyOptions) -> dict[str, Any] | None:
    """Return the facts that the pattern finds in a file's path, by field; ``None`` if it does not fit."""
    match = re.search(options.speaker_pattern or "", file)
    if match is None:
        return None
    named = match.groupdict() or {"speaker": match[1]}
    return {field_named(name): trim(value) for name, value in named.items() if not is_absent(value)}


def facts_named(options: AnyOptions) -> tuple[str, ...]:
    """List the fields that the pattern can set."""
    return tuple(map(field_named, re.compile(options.speaker_pattern or "").groupindex)) or ("speaker",)


def complete(
    utterance: Utterance, place: str, options: AnyOptions, *, labelled: bool = True
) -> Utterance | Problem:
    """Add the facts in the file's name, and the emotion's name for the label.

    Without a label, the emotion is the label that most raters gave; if several have the most votes, it is
    undecided.

    Args:
        utterance: with file and, unless the name has it, ``emotion_raw`` or raters.
        place: place of the utterance, for problems.
        options: spellings and pattern.
        labelled: whether utterances have labels; otherwise ratings are enough.
    """
    if options.speaker_pattern is not None:
        facts = facts_in_name(utterance.file, options)
        if facts is None:
            return Problem(
                place, f"speaker_pattern '{options.speaker_pattern}' does not match its file's path"
            )
        utterance = replace(utterance, **facts)
    if utterance.style not in (None, "improvised", "scripted"):
        return Problem(place, f"style '{utterance.style}' is neither improvised nor scripted")
    if utterance.gender is not None:
        # Any other word is kept: only schemes whose classes carry the gender need one of the two.
        gender = re.sub(r"[-_ ]speakers?$|(?<=male)s$", "", utterance.gender.lower())
        utterance = replace(utterance, gender=GENDERS.get(gender, gender))
    if utterance.raters:
        utterance = replace(utterance, raters=tuple(_map_labels(each, options) for each in utterance.raters))
    if utterance.emotion_raw is None:
        raters = labels_of(utterance)
        if raters:
            return replace(utterance, emotion=plurality(raters) or UNDECIDED)
        return Problem(place, _NO_EMOTION) if labelled else utterance
    label = to_label(utterance.emotion_raw, options.map)
    if is_absent(label):
        return Problem(place, f"label '{label}' means that no emotion is known; {remedy(label)}")
    return replace(utterance, emotion=label)
