"""CaFE: twelve actors, six sentences, seven emotions, two intensities, Canadian French.

A file name is speaker, emotion, intensity, sentence: ``12-P-2-5`` is actor 12, fear (peur), strong, sentence
5. Odd actors are men. The letters are those of the French words: P is fear, S surprise, T sadness. Names of
folders have accents, which many unpacking programs damage; they are not read.

Source: Gournay et al., A Canadian French Emotional Speech Dataset, ACM MMSys 2018.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

# Colère, dégoût, joie, neutre, peur, surprise, tristesse.
_EMOTIONS = {
    "C": "anger",
    "D": "disgust",
    "J": "happiness",
    "N": "neutral",
    "P": "fear",
    "S": "surprise",
    "T": "sadness",
}
_INTENSITIES = {"1": "mild", "2": "strong"}
_SENTENCES = {
    "1": "Un cheval fou dans mon jardin.",
    "2": "Deux ânes aigris au pelage brun.",
    "3": "Trois cygnes aveugles au bord du lac.",
    "4": "Quatre vieilles truies éléphantesques.",
    "5": "Cinq pumas fiers et passionnés.",
    "6": "Six ours aimants domestiqués.",
}
_ACTORS = tuple(f"{actor:02d}" for actor in range(1, 13))
# Neutral has no intensity: its files have a 1.
_NAME = re.compile(r"(0[1-9]|1[0-2])-(?:([CDJPST])-([12])|(N)-1)-([1-6])", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name; wav before the aiff of the same name."""
    return read_named(root, from_name, "a CaFE file name such as 12-P-2-5.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    actor, acted, intensity, neutral, sentence = match.groups()
    emotion = acted or neutral
    return Utterance(
        id=f"cafe/{stem}",
        corpus="cafe",
        file="",
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        style="scripted",
        text_id=sentence,
        transcript=_SENTENCES[sentence],
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
        intensity=_INTENSITIES.get(intensity),
    )


def _released_ids() -> tuple[str, ...]:
    """Every id of the released corpus: neutral has one intensity."""
    return tuple(
        f"cafe/{actor}-{emotion}-{intensity}-{sentence}"
        for actor, emotion, intensity, sentence in product(_ACTORS, _EMOTIONS, _INTENSITIES, _SENTENCES)
        if (emotion, intensity) != ("N", "2")
    )


CORPUS = Corpus(
    parse,
    title="CaFE, Canadian French Emotional speech",
    source="Gournay et al., A Canadian French Emotional Speech Dataset, ACM MMSys 2018",
    licence="CC BY-NC-SA 4.0",
    layout="CaFE_48k/Peur/Fort/12-P-2-5.wav",
    utterances=936,
    hours=1.16,
    language="Canadian French",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 144) | {"neutral": 72},
        "gender": {"female": 468, "male": 468},
        "speaker": dict.fromkeys(_ACTORS, 78),
    },
    ids=_released_ids(),
    from_name=from_name,
    inner=("Faible", "Fort", "Joie", "Neutre", "Peur", "Surprise", "Tristesse", "Col*re", "D*go*t"),
    origin="its authors, https://zenodo.org/record/1478765",
    shares={"texts": "every actor speaks the same six sentences"},
    schemes=usual_schemes("cafe", _EMOTIONS.values()),
)
