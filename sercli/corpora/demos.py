"""DEMoS: 68 speakers, seven emotions and neutral, Italian, elicited.

A file name is prototypical (PR) or not (NP), gender, speaker, emotion, number: ``NP_m_23_tri00a`` is a man,
speaker 23, sad. Names of neutral recordings have no first part.

Source: Parada-Cabaleiro et al., DEMoS: An Italian Emotional Speech Corpus, Language Resources and Evaluation
54, 2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "col": "guilt",
    "dis": "disgust",
    "gio": "happiness",
    "neu": "neutral",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
}
_NAME = re.compile(rf"(?:(?:NP|PR)_)?([fm])_(\d\d)_({'|'.join(_EMOTIONS)})\d\d[a-z]", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "a DEMoS file name such as NP_m_23_tri00a.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    gender, speaker, code = match.groups()
    return Utterance(
        id=f"demos/{stem}",
        corpus="demos",
        file="",
        speaker=speaker,
        gender="female" if gender == "f" else "male",
        emotion_raw=code,
        emotion=_EMOTIONS[code],
    )


CORPUS = Corpus(
    parse,
    title="DEMoS, Database of Elicited Mood in Speech",
    source="Parada-Cabaleiro et al., Language Resources and Evaluation 54, 2020",
    licence="for research, after a signed agreement",
    layout="DEMOS/NP_m_23_tri00a.wav, and NEU/m_68_neu05b.wav",
    utterances=9697,
    people=68,
    language="Italian",
    known={
        "emotion": {
            "anger": 1477,
            "disgust": 1678,
            "fear": 1156,
            "guilt": 1129,
            "happiness": 1395,
            "neutral": 332,
            "sadness": 1530,
            "surprise": 1000,
        },
        "gender": {"female": 3444, "male": 6253},
    },
    from_name=from_name,
    inner=("DEMOS", "NEU"),
    origin="its authors, https://zenodo.org/record/2544829",
    schemes=usual_schemes("demos", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
