"""RAVDESS songs: 23 actors, two sentences, six emotions, two intensities, North American English, sung.

File names are those of the speech (see `sercli.corpora.ravdess`) with the channel 02:
``03-02-05-02-01-01-07``. Actor 18 has no songs. Songs are a corpus of their own, because singing is not
speech.

Source: Livingstone & Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5),
2018.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from sercli.corpora import Corpus, Download
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance
from sercli.schemes import CALM_IS_NEUTRAL, FOUR, Scheme, keep

_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
}
_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
_ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25) if actor != 18)
_NAME = re.compile(rf"03-02-(0[1-6])-(0[12])-(0[12])-0[12]-({'|'.join(_ACTORS)})", re.ASCII)
_OTHER = re.compile(r"0[1-3]-0[12](?:-\d\d){5}", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the songs at any depth, sorted by name, without the speech and the sound of films."""
    example = "a RAVDESS song's file name such as 03-02-05-02-01-01-07.wav"
    return read_named(root, from_name, example, leaves_out=_no_song)


def _no_song(path: Path) -> str | None:
    stem = stem_of(path)
    is_other = _OTHER.fullmatch(stem) and not stem.startswith("03-02-")
    return "speech (corpus ravdess) or a film's sound" if is_other else None


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    emotion, intensity, statement, actor = match.groups()
    return Utterance(
        id=f"ravdess-song/{stem}",
        corpus="ravdess-song",
        file="",
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        style="scripted",
        text_id=statement,
        transcript=_STATEMENTS[statement],
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
        intensity=_INTENSITIES[intensity],
    )


def _released_ids() -> tuple[str, ...]:
    """Every id of the released corpus: neutral was recorded at normal intensity only."""
    return tuple(
        f"ravdess-song/03-02-{emotion}-{intensity}-{statement}-{repetition}-{actor}"
        for actor, emotion, intensity, statement, repetition in product(
            _ACTORS, _EMOTIONS, _INTENSITIES, _STATEMENTS, ("01", "02")
        )
        if (emotion, intensity) != ("01", "02")
    )


CORPUS = Corpus(
    parse,
    title="RAVDESS, Ryerson Audio-Visual Database of Emotional Speech and Song (song)",
    source="Livingstone & Russo, PLoS ONE 13(5), 2018",
    licence="CC BY-NC-SA 4.0",
    layout="Actor_01/03-02-01-01-01-01-01.wav",
    utterances=1012,
    language="North American English",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 184) | {"neutral": 92},
        "gender": {"female": 484, "male": 528},
        "speaker": dict.fromkeys(_ACTORS, 44),
    },
    ids=_released_ids(),
    from_name=from_name,
    speakers_of="ravdess",
    inner=("Actor_*",),
    download=Download(
        "https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip?download=1",
        size=225505317,
        md5="5411230427d67a21e18aa4d466e6d1b9",
    ),
    shares={"texts": "every actor sings the same two sentences"},
    notice="RAVDESS songs are sung: results are not comparable with those on speech.",
    schemes=(
        Scheme("ravdess-song-6", "ravdess-song", keep(*_EMOTIONS.values())),
        Scheme("ravdess-song-4", "ravdess-song", FOUR | CALM_IS_NEUTRAL),
    ),
    default_protocol="speaker-5-fold",
)
