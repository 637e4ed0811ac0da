"""Measure how well the detectors of speech find where speech is, in made recordings.

    python docs/results/voice-activity/measure.py CORPORA

CORPORA is a folder with EMO-DB in `emodb/wav`. Recordings of several speakers are put one after another
with pauses, other sounds are added, and each frame of 10 ms is compared with the truth: speech is where a
recording was put, without the silence at its ends.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sercli import audio
from sercli.voice import VoiceConfig, detector_names, find_speech

Signal = NDArray[np.float64]
Truth = NDArray[np.bool_]

RATE = audio.SAMPLE_RATE
RECORDINGS = 40
PAUSES_S = (0.8, 1.2, 2.0, 3.0)
DETECTORS = detector_names()


def level(samples: Signal, decibels: float) -> Signal:
    """Scale samples to a level of their root mean square."""
    return samples * 10 ** (decibels / 20) / np.sqrt(np.mean(np.square(samples)))


def trim(samples: Signal) -> Signal:
    """Cut off what is 40 dB below the loudest 20 ms at both ends."""
    frames = np.sqrt(np.square(samples[: len(samples) // 320 * 320].reshape(-1, 320)).mean(axis=1))
    loud = np.flatnonzero(frames > frames.max() / 100)
    return samples[loud[0] * 320 : (loud[-1] + 1) * 320]


def make_dialogue(
    paths: Sequence[Path], rng: np.random.Generator, decibels: float = -25.0
) -> tuple[Signal, Truth]:
    """Return speech with silence between, and where the speech is, (samples,) each."""
    samples, truth = [], []
    for path in paths:
        pause = round(rng.choice(PAUSES_S) * RATE)
        speech = level(trim(audio.read(path)), decibels)
        samples += [np.zeros(pause), speech]
        truth += [np.zeros(pause, bool), np.ones(len(speech), bool)]
    return np.concatenate([*samples, np.zeros(RATE)]), np.concatenate([*truth, np.zeros(RATE, bool)])


def make_music(length: int, rng: np.random.Generator) -> Signal:
    """Return chords of decaying tones with overtones, a new one every 0.4 to 1 s."""
    music = np.zeros(length)
    at = 0
    while at < length:
        seconds = rng.uniform(0.4, 1.0)
        t = np.arange(min(length - at, round(2 * RATE))) / RATE
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        for ratio in (1, 5 / 4, 3 / 2):
            for k in range(1, 6):
                music[at : at + len(t)] += np.sin(2 * np.pi * root * ratio * k * t) / k * np.exp(-3 * t)
        at += round(seconds * RATE)
    return music


def make_conditions(paths: Sequence[Path]) -> Iterator[tuple[str, Signal, Truth]]:
    """Yield name, samples and truth of each condition."""
    speech, truth = make_dialogue(paths, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    noise = rng.normal(size=len(speech))
    yield "silence between", speech, truth
    for ratio in (20, 10, 5):
        yield f"white noise, {ratio} dB below speech", speech + level(noise, -25 - ratio), truth
    music = level(make_music(len(speech), rng), -1)
    for ratio in (20, 10, 5):
        yield f"music, {ratio} dB below speech", speech + level(music, -25 - ratio), truth
    other, also = make_dialogue(paths[::-1], rng)
    length = min(len(speech), len(other))
    yield "two people, partly at once", speech[:length] + other[:length], truth[:length] | also[:length]
    yield "clipped at -20 dB", np.clip(speech, -0.1, 0.1), truth
    quiet = level(noise, -90) + speech * 10 ** (-35 / 20)
    yield "very quiet, -60 dB", quiet, truth
    nothing = np.zeros(60 * RATE, bool)
    yield "digital silence", np.zeros(60 * RATE), nothing
    yield "noise of the last bit", rng.integers(-1, 2, 60 * RATE) / 32768, nothing
    yield "white noise alone", level(rng.normal(size=60 * RATE), -40), nothing
    yield "music alone", level(make_music(60 * RATE, rng), -25), nothing


def measure(samples: Signal, truth: Truth, detector: str) -> tuple[str, str]:
    """Return recall and false alarms: shares of the frames with and without speech, in per cent."""
    prepared = audio.round_to_pcm16(samples.astype(np.float32))
    found = np.zeros(len(truth), bool)
    for turn in find_speech([prepared], VoiceConfig(detector=detector)):
        found[round(turn.start * RATE) : round(turn.end * RATE)] = True
    found, truth = found[:: RATE // 100], truth[:: RATE // 100]
    recall = f"{100 * found[truth].mean():.1f}" if truth.any() else "-"
    return recall, f"{100 * found[~truth].mean():.1f}"


def main() -> None:
    """Print the table, and how fast the detectors are."""
    files = sorted((Path(sys.argv[1]) / "emodb" / "wav").glob("*.wav"))
    paths = [files[i] for i in np.random.default_rng(2).choice(len(files), RECORDINGS, replace=False)]
    columns = [f"{name}: {what}" for name in DETECTORS for what in ("recall", "false alarms")]
    print("| recording | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    spent = dict.fromkeys(DETECTORS, 0.0)
    seconds = 0.0
    for name, samples, truth in make_conditions(paths):
        cells: list[str] = []
        for detector in DETECTORS:
            before = time.process_time()
            cells += measure(samples, truth, detector)
            spent[detector] += time.process_time() - before
        seconds += len(samples) / RATE
        print(f"| {name} | " + " | ".join(cells) + " |")
    for detector, own in spent.items():
        print(f"{detector}: {seconds / own:.0f} times real time, of processor time")


if __name__ == "__main__":
    main()
