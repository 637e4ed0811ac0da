"""RAVDESS songs: 23 actors, two sentences, six emotions, two intensities, North American English, sung.

File names are those of the speech (see `sercli.corpora.ravdess`) with the channel 02:
``03-02-05-02-01-01-07``. Actor 18 has no songs. Songs are a corpus of their own, because singing is not
speech.

Source: Livingstone & Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5),
2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, Download
from sercli.corpora._named import read_named, stem_of
from sercli.corpora._ravdess import ACTORS, EMOTIONS, Channel, read_name, released_ids
from sercli.records import Problem, Utterance
from sercli.schemes import CALM_IS_NEUTRAL, FOUR, Scheme, keep

_EMOTIONS = {
    number: emotion for number, emotion in EMOTIONS.items() if emotion not in ("disgust", "surprise")
}
_SONG = Channel("ravdess-song", "02", _EMOTIONS, [actor for actor in ACTORS if actor != "18"])
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
    return read_name(stem, _SONG)


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
        "speaker": dict.fromkeys(_SONG.actors, 44),
    },
    ids=released_ids(_SONG),
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
