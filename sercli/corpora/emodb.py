"""EMO-DB, the Berlin Database of Emotional Speech: ten actors, ten sentences, seven emotions, German.

A file name is speaker, sentence, emotion, version: ``03a01Fa.wav`` is speaker 03, sentence a01,
Freude, version a.

Source: Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, audio_files
from sercli.records import Problem, Utterance

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])[a-z]")

# The letter is the initial of the German word:
# Wut, Langeweile, Ekel, Angst, Freude, Trauer, and N for neutral.
_EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}

_WOMEN = frozenset({"08", "09", "13", "14", "16"})

_SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances under ``root/wav`` (or ``root`` itself), sorted by file name."""
    folder = root / "wav" if (root / "wav").is_dir() else root
    for path in audio_files(folder):
        match = _NAME.fullmatch(path.stem)
        place = path.relative_to(root).as_posix()
        if match is None:
            yield Problem(place, "not an EMO-DB file name such as 03a01Fa.wav")
            continue
        yield Utterance(
            id=f"emodb/{path.stem}",
            corpus="emodb",
            file=place,
            speaker=match["speaker"],
            gender="female" if match["speaker"] in _WOMEN else "male",
            style="scripted",
            text_id=match["sentence"],
            transcript=_SENTENCES.get(match["sentence"]),
            emotion_raw=match["emotion"],
            emotion=_EMOTIONS[match["emotion"]],
        )


CORPUS = Corpus(
    parse,
    title="EMO-DB, Berlin Database of Emotional Speech",
    source="Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005",
    licence="free to use",
    layout="wav/03a01Fa.wav",
    utterances=535,
    known={
        "emotion": {
            "anger": 127,
            "boredom": 81,
            "disgust": 46,
            "fear": 69,
            "happiness": 71,
            "neutral": 79,
            "sadness": 62,
        },
        "speaker": {
            "03": 49,
            "08": 58,
            "09": 43,
            "10": 38,
            "11": 55,
            "12": 35,
            "13": 61,
            "14": 69,
            "15": 56,
            "16": 71,
        },
    },
)
