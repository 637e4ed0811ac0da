"""Names of the recordings of RAVDESS, whose speech and whose songs are corpora of their own.

A file name is seven numbers: modality, channel, emotion, intensity, statement, repetition, actor.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product

from sercli.records import Utterance

NAME = re.compile(r"(\d\d)-(\d\d)-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])", re.ASCII)
"""Name of any recording: speech or song, with picture or without."""
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
_SOUND_ONLY = "03"
_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}


@dataclass(frozen=True, slots=True)
class Channel:
    """Speech or song.

    Attributes:
        corpus: name of its corpus.
        number: its number in the names.
        emotions: its emotions by their numbers.
        actors: numbers of its actors.
    """

    corpus: str
    number: str
    emotions: Mapping[str, str]
    actors: Collection[str]


def read_name(stem: str, channel: Channel) -> Utterance | None:
    """Return the facts in the name of a channel's recording without picture; ``None`` for other names."""
    match = NAME.fullmatch(stem)
    if match is None:
        return None
    modality, number, emotion, intensity, statement, _, actor = match.groups()
    if (modality, number) != (_SOUND_ONLY, channel.number):
        return None
    if emotion not in channel.emotions or actor not in channel.actors:
        return None
    return Utterance(
        id=f"{channel.corpus}/{stem}",
        corpus=channel.corpus,
        file="",
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        style="scripted",
        text_id=statement,
        transcript=_STATEMENTS[statement],
        emotion_raw=emotion,
        emotion=channel.emotions[emotion],
        intensity=_INTENSITIES[intensity],
    )


def released_ids(channel: Channel) -> tuple[str, ...]:
    """Return every id of a channel's release: neutral was recorded at normal intensity only."""
    return tuple(
        f"{channel.corpus}/{_SOUND_ONLY}-{channel.number}-{emotion}-{intensity}-{statement}-{repetition}-{actor}"
        for actor, emotion, intensity, statement, repetition in product(
            channel.actors, channel.emotions, _INTENSITIES, _STATEMENTS, ("01", "02")
        )
        if (emotion, intensity) != ("01", "02")
    )
