"""Synthetic continuous speech whose voice follows arousal and valence curves; it needs no download.

There is one recording per voice of `synth`. ``traces/F01-r1.csv`` belongs to ``wav/F01-r1.wav`` and holds
arousal and valence in [-1, 1] for every 40 ms. The time is the start of the frame, in seconds. The curve is
known exactly: there are no raters, no delay and no disagreement.

Scores on this corpus show whether a program works. They prove nothing about people.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sercli import audio, files
from sercli.corpora import Corpus, Trace, _voice, audio_files
from sercli.corpora._voice import FRAMES_PER_SECOND, Floats
from sercli.errors import CorpusError
from sercli.records import Problem, Utterance

RATE = 25  # annotations per second

_NAME = re.compile(r"([FM]\d\d)-r\d")


def generate(root: Path) -> None:
    """Write the corpus into an empty folder: ``wav/``, ``traces/`` and ``README.txt``."""
    (root / "wav").mkdir(parents=True)
    for speaker in _voice.SPEAKERS:
        rng = _voice.generator("synth-continuous", speaker.name)
        samples, trace = talk(speaker, int(rng.integers(36, 45)), rng)
        audio.write_pcm16(root / "wav" / f"{speaker.name}-r1.wav", samples, audio.SAMPLE_RATE)
        files.write_text(root / "traces" / f"{speaker.name}-r1.csv", _table(trace))
    files.write_text(root / "README.txt", _readme())


def talk(speaker: _voice.Speaker, seconds: int, rng: np.random.Generator) -> tuple[audio.Samples, Floats]:
    """Make one recording.

    Returns:
        Samples, 16 kHz, (samples,); and arousal and valence in [-1, 1], (seconds * 25, 2).
    """
    frames = seconds * FRAMES_PER_SECOND
    arousal, valence = (np.tanh(0.8 * _curve(frames, rng)) for _ in range(2))
    # Random deviations are also slow, so that no single cue reveals the label.
    stray = {name: 1.2 * _curve(frames, rng) for name in _voice.CUES}
    cues = _voice.express(speaker, arousal, valence, stray)
    samples = _voice.speak(speaker, _phrases(frames, cues["tempo"], rng), cues, rng)
    trace = np.stack([arousal, valence], axis=1)
    return samples, trace.reshape(seconds * RATE, -1, 2).mean(axis=1)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings under ``root/wav``, sorted by file name, each with its trace."""
    for path in audio_files(root / "wav"):
        place = path.relative_to(root).as_posix()
        match = _NAME.fullmatch(path.stem)
        trace = f"traces/{path.stem}.csv"
        if match is None:
            yield Problem(place, "not a name of the continuous synthetic corpus such as F01-r1.wav")
        elif not (root / trace).is_file():
            yield Problem(place, f"its annotation {trace} is missing")
        else:
            yield Utterance(
                id=f"synth-continuous/{path.stem}",
                corpus="synth-continuous",
                file=place,
                speaker=match[1],
                gender="female" if match[1].startswith("F") else "male",
                style="scripted",
                trace=trace,
                trace_method="known exactly",
            )


def read_trace(root: Path, utterance: Utterance) -> Trace:
    """Read arousal and valence of a recording, (frames, 2), a row every 40 ms from its start.

    Raises:
        CorpusError: the table is missing or damaged.
    """
    place = str(utterance.trace)
    try:
        lines = (root / place).read_text(encoding="utf-8").splitlines()[1:]
        rows = [[float(cell) for cell in line.split(",")[1:]] for line in lines]
        return np.array(rows, np.float32).reshape(len(rows), 2)
    except (OSError, ValueError):
        raise CorpusError(f"{place}: missing, or not a table of time, arousal and valence") from None


def _phrases(frames: int, tempo: Floats, rng: np.random.Generator) -> list[_voice.SpokenSound]:
    """Fill ``frames`` with random texts, at the tempo of each moment, and with pauses."""
    segments = [_voice.pause(0.2)]
    spent = segments[0].frames
    texts = list(_voice.TEXTS.values())
    while True:
        phrase = _voice.spell(texts[rng.integers(len(texts))], float(tempo[spent]), rng)
        phrase.append(_voice.pause(rng.uniform(0.15, 0.5)))
        length = sum(segment.frames for segment in phrase)
        if spent + length >= frames:
            return [*segments, _voice.pause((frames - spent) / FRAMES_PER_SECOND)]
        segments += phrase
        spent += length


def _curve(frames: int, rng: np.random.Generator) -> Floats:
    """Draw a smooth curve of about unit variance: a sum of slow waves, (frames,)."""
    time = np.arange(frames) / FRAMES_PER_SECOND
    periods, phases = rng.uniform(6, 30, size=4), rng.uniform(0, 2 * np.pi, size=4)
    waves = np.sin(2 * np.pi * time / periods[:, None] + phases[:, None])  # (4, frames)
    curve: Floats = waves.sum(axis=0) / np.sqrt(2)
    return curve


def _table(trace: Floats) -> str:
    rows = (
        f"{index / RATE:.2f},{arousal:.4f},{valence:.4f}\n" for index, (arousal, valence) in enumerate(trace)
    )
    return "time,arousal,valence\n" + "".join(rows)


def _readme() -> str:
    return f"""\
{CORPUS.title}

{_voice.NOTICE}
No person speaks in these files. They were computed by sercli from random numbers and rules of
thumb about arousal, valence and the voice.

Licence: {CORPUS.licence} (public domain)

wav/SPEAKER-r1.wav, 16 kHz, mono, 16 bits, and traces/SPEAKER-r1.csv: arousal and valence in
[-1, 1], one row every 0.04 s, the time being the start of the frame. Speakers F01 to F04 have
female voices, M01 to M04 male ones. The words are syllables without meaning.
"""


CORPUS = Corpus(
    parse,
    title="Synthetic running speech of sercli with continuous arousal and valence (no real recordings)",
    source="made by sercli itself",
    licence="CC0 1.0",
    layout="wav/F01-r1.wav and traces/F01-r1.csv",
    utterances=len(_voice.SPEAKERS),
    known={"speaker": {speaker.name: 1 for speaker in _voice.SPEAKERS}},
    read_trace=read_trace,
    ids=tuple(f"synth-continuous/{speaker.name}-r1" for speaker in _voice.SPEAKERS),
    generate=generate,
    notice=_voice.NOTICE,
)
