"""Synthetic speech of eight voices and four emotions, made here: no recording, no download.

It exists so that everything can be tried and tested at once. A file name is speaker, text,
emotion, take: ``F01-t03-anger-a`` is voice F01 saying the third text in anger, for the first time.

Scores on this corpus show whether a program works. They prove nothing about people.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from sercli import audio, files
from sercli.corpora import Corpus, _voice, audio_files
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme

TAKES = ("a",)

# Arousal and valence of each emotion, about which single utterances scatter.
_EMOTIONS = {
    "anger": (0.75, -0.65),
    "happiness": (0.6, 0.8),
    "neutral": (-0.05, 0.05),
    "sadness": (-0.75, -0.55),
}
_SCATTER = 0.15

_NAME = re.compile(rf"([FM]\d\d)-(t\d\d)-({'|'.join(_EMOTIONS)})-([a-z])")


def generate(root: Path) -> None:
    """Write the corpus into an empty folder: ``wav/`` and ``README.txt``."""
    (root / "wav").mkdir(parents=True)
    for speaker, text_id, emotion, take in product(_voice.SPEAKERS, _voice.TEXTS, _EMOTIONS, TAKES):
        samples = say(speaker, text_id, emotion, take)
        audio.write_pcm16(
            root / "wav" / f"{_stem(speaker, text_id, emotion, take)}.wav", samples, audio.SAMPLE_RATE
        )
    files.write_text(root / "README.txt", _readme())


def say(speaker: _voice.Speaker, text_id: str, emotion: str, take: str) -> audio.Samples:
    """Make one utterance; equal arguments give equal samples, 16 kHz, (samples,)."""
    rng = _voice.generator("synth", speaker.name, text_id, emotion, take)
    arousal, valence = np.clip(np.array(_EMOTIONS[emotion]) + _SCATTER * rng.normal(size=2), -1, 1)
    stray = {name: rng.normal() for name in _voice.CUES}
    cues = _voice.express(speaker, arousal, valence, stray)
    phrase = _voice.spell(_voice.TEXTS[text_id], float(cues["tempo"]), rng)
    before, after = (_voice.pause(rng.uniform(0.05, 0.15)) for _ in range(2))
    return _voice.speak(speaker, [before, *phrase, after], cues, rng)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances under ``root/wav``, sorted by file name."""
    for path in audio_files(root / "wav"):
        place = path.relative_to(root).as_posix()
        match = _NAME.fullmatch(path.stem)
        if match is None or match[2] not in _voice.TEXTS:
            yield Problem(place, "not a name of the synthetic corpus such as F01-t03-anger-a.wav")
            continue
        speaker, text_id, emotion, _ = match.groups()
        yield Utterance(
            id=f"synth/{path.stem}",
            corpus="synth",
            file=place,
            speaker=speaker,
            gender="female" if speaker.startswith("F") else "male",
            style="scripted",
            text_id=text_id,
            transcript=_voice.TEXTS[text_id],
            emotion_raw=emotion,
            emotion=emotion,
        )


def _stem(speaker: _voice.Speaker, text_id: str, emotion: str, take: str) -> str:
    return f"{speaker.name}-{text_id}-{emotion}-{take}"


def _readme() -> str:
    texts = "\n".join(f"{text_id}  {text}" for text_id, text in _voice.TEXTS.items())
    return f"""\
{CORPUS.title}

{_voice.NOTICE}
No person speaks in these files. They were computed by sercli from random numbers and rules of
thumb about arousal, valence and the voice.

Licence: {CORPUS.licence} (public domain)

wav/SPEAKER-TEXT-EMOTION-TAKE.wav, 16 kHz, mono, 16 bits. Speakers F01 to F04 have female voices,
M01 to M04 male ones. The texts are made of syllables without meaning:

{texts}
"""


_ALL = list(product(_voice.SPEAKERS, _voice.TEXTS, _EMOTIONS, TAKES))

CORPUS = Corpus(
    parse,
    title="Synthetic emotional speech of sercli (no real recordings)",
    source="made by sercli itself",
    licence="CC0 1.0",
    layout="wav/F01-t03-anger-a.wav",
    utterances=len(_ALL),
    known={
        "emotion": dict.fromkeys(_EMOTIONS, len(_ALL) // len(_EMOTIONS)),
        "speaker": {speaker.name: len(_ALL) // len(_voice.SPEAKERS) for speaker in _voice.SPEAKERS},
    },
    ids=tuple(f"synth/{_stem(*each)}" for each in _ALL),
    generate=generate,
    notice=_voice.NOTICE,
    shares={"texts": "every voice speaks the same six texts"},
    schemes=(Scheme("synth-4", "synth", FOUR),),
)
