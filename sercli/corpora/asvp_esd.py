"""ASVP-ESD: speech and other sounds of people from films and the web, twelve emotions and breath.

A file name is modality, channel (01 speech, 02 other sounds), emotion, intensity, and further numbers, which
are not reliable: ``Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav``. The codes of the emotions are not
those of RAVDESS. The folder is the speaker; some folders, and those in ``Bonus``, are collections of several
people. All recordings are in the manifest, and the schemes choose speech. Genders are doubtful and are not
read.

Source: Tientcheu Touko Landry, He and Xie, ASVP-ESD, Zenodo 7132783, 2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._alike import left_to_others
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme, keep
from sercli.schemes.conditions import Condition

_EMOTIONS = {
    "01": "boredom",
    "02": "neutral",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
    "09": "excitement",
    "10": "pleasure",
    "11": "pain",
    "12": "disappointment",
    "13": "breath",
    "17": "other",
}
_INTENSITIES = {"01": "normal", "02": "high"}
_NAME = re.compile(
    rf"(Audio|Bonus)_(actor_\d*)_(\d\d-(0[12])-({'|'.join(_EMOTIONS)})-(\d+)(?:-\d+)*)", re.ASCII
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by folder and name."""
    example = "an ASVP-ESD file name such as Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav"
    return read_named(root, _from_name, example, _name_of, leaves_out=left_to_others(root, "asvp-esd"))


def _name_of(path: Path) -> str:
    """Return ``Audio_actor_36_03-01-...`` for ``Audio/actor_36/03-01-...wav``."""
    *_, above, folder = ("", "", *path.parts[:-1])
    section = "Bonus" if above.lower() == "bonus" else "Audio"
    return f"{section}_{folder.lower()}_{stem_of(path)}"


def _from_name(name: str) -> Utterance | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    section, actor, _, channel, code, intensity = match.groups()
    return Utterance(
        id=f"asvp-esd/{name}",
        corpus="asvp-esd",
        file="",
        # Bonus has numbers of its own.
        speaker=actor if section == "Audio" else f"bonus {actor}",
        emotion_raw=f"{channel}-{code}",
        emotion=_EMOTIONS[code],
        intensity=_INTENSITIES.get(intensity),
    )


_ALL = keep(*sorted(set(_EMOTIONS.values()) - {"other"}))
_SPEECH = (Condition("emotion_raw", tuple(f"01-{code}" for code in _EMOTIONS)),)

CORPUS = Corpus(
    parse,
    title="ASVP-ESD, speech and non-speech emotional sounds",
    source="Tientcheu Touko Landry, He and Xie, Zenodo 7132783, 2020",
    licence="CC BY 4.0 by its page; the sounds are from films and the web",
    layout="Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav",
    utterances=13964,
    people=131,
    hours=18.0,
    language="several languages",
    known={
        "emotion": {
            "anger": 1453,
            "boredom": 548,
            "breath": 172,
            "disappointment": 365,
            "disgust": 899,
            "excitement": 401,
            "fear": 1180,
            "happiness": 1868,
            "neutral": 1598,
            "other": 1,
            "pain": 834,
            "pleasure": 365,
            "sadness": 2694,
            "surprise": 1586,
        },
    },
    counts_from="a public list of the release of 2022",
    inner=("Audio", "Bonus", "actor_*"),
    origin="its authors, https://zenodo.org/record/7132783",
    notice="Some speakers of ASVP-ESD are collections of several people, so speakers may be shared. Schemes "
    "for all corpora, such as common-4, also take its sounds that are not speech.",
    schemes=(
        Scheme("asvp-esd-13", "asvp-esd", _ALL, selection=_SPEECH),
        Scheme("asvp-esd-4", "asvp-esd", FOUR, selection=_SPEECH),
        Scheme("asvp-esd-13-sounds", "asvp-esd", _ALL),
    ),
    default_protocol="speaker-5-fold",
)
