"""EMOVO: six actors, fourteen sentences, seven emotions, Italian.

A file name is emotion, speaker, sentence: ``dis-f1-b1`` is disgust (disgusto) of the woman f1 in the first
short sentence. Sentences are short (b), long (l), without sense (n) or questions (d).

Source: Costantini et al., EMOVO Corpus: an Italian Emotional Speech Database, LREC 2014.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

# Disgusto, gioia, neutro, paura, rabbia, sorpresa, tristezza.
_EMOTIONS = {
    "dis": "disgust",
    "gio": "happiness",
    "neu": "neutral",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
}
_SPEAKERS = ("f1", "f2", "f3", "m1", "m2", "m3")
_SENTENCES = ("b1", "b2", "b3", "d1", "d2", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5")
_NAME = re.compile(rf"({'|'.join(_EMOTIONS)})-({'|'.join(_SPEAKERS)})-({'|'.join(_SENTENCES)})")


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "an EMOVO file name such as dis-f1-b1.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem.lower())
    if match is None:
        return None
    emotion, speaker, sentence = match.groups()
    return Utterance(
        id=f"emovo/{match[0]}",
        corpus="emovo",
        file="",
        speaker=speaker,
        gender="female" if speaker.startswith("f") else "male",
        style="scripted",
        text_id=sentence,
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="EMOVO, Italian emotional speech",
    source="Costantini et al., EMOVO Corpus: an Italian Emotional Speech Database, LREC 2014",
    licence="free for research; some lists state CC BY-NC-SA 4.0",
    layout="EMOVO/f1/dis-f1-b1.wav",
    utterances=588,
    hours=0.51,
    language="Italian",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 84),
        "gender": {"female": 294, "male": 294},
        "speaker": dict.fromkeys(_SPEAKERS, 98),
    },
    ids=tuple("emovo/" + "-".join(each) for each in product(_EMOTIONS, _SPEAKERS, _SENTENCES)),
    from_name=from_name,
    inner=("[fmFM][123]",),
    origin="Fondazione Ugo Bordoni, http://voice.fub.it/activities/corpora/emovo",
    shares={"texts": "every actor speaks the same fourteen sentences"},
    schemes=usual_schemes("emovo", _EMOTIONS.values()),
)
