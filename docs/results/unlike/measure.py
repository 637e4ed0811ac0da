"""Measure false and missed marks of "unlike the training corpus" on real and made recordings.

    python docs/results/unlike/measure.py EMODB/wav RAVDESS > docs/results/unlike/marks.csv

EMODB/wav and RAVDESS are the corpora as distributed. Half of the speakers of a corpus are its training part.
The margin is chosen on these speakers alone: each of them is left out of the limits once. The other half of
the speakers, the other corpus and everything made from them is only tested.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt

from sercli import audio
from sercli.acoustics import MARGIN, Acoustics, Usual, join, measure
from sercli.audio import SAMPLE_RATE, Samples

MARGINS = (0.0, 0.1, 0.25, 0.5)
N = 3 * SAMPLE_RATE
SEED = 0
MOST = 100  # held-out recordings that are changed

Recording = tuple[str, Samples]  # speaker, samples


def read(folder: Path, speaker: Callable[[Path], str]) -> list[Recording]:
    """Read the recordings of a corpus as `sercli prepare` makes them."""
    paths = audio.recordings(folder.rglob("*"))
    return [(speaker(path), audio.round_to_pcm16(audio.read(path))) for path in sorted(paths)]


def divide(recordings: Sequence[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Divide a corpus into training and test: two speakers here, two speakers there.

    In RAVDESS women and men alternate, so that both parts have both.
    """
    speakers = sorted({speaker for speaker, _ in recordings})
    train = {speaker for place, speaker in enumerate(speakers) if place // 2 % 2 == 0}
    return [each for each in recordings if each[0] in train], [
        each for each in recordings if each[0] not in train
    ]


def limits(recordings: Sequence[Acoustics | None]) -> Usual:
    """Find the limits of recordings."""
    usual = Usual.of([each for each in recordings if each is not None])
    assert usual is not None
    return usual


def share(usual: Usual, recordings: Sequence[Acoustics | None], margin: float = MARGIN) -> float:
    """Return the marked share, percent; digital silence is always marked."""
    marked = [each is None or usual.describe_difference(each, margin) is not None for each in recordings]
    return 100 * sum(marked) / len(marked)


def leave_one_out(train: Sequence[Recording], margin: float) -> float:
    """Return the share of the training recordings that limits without their speaker mark, percent."""
    measured = [(speaker, measure(samples)) for speaker, samples in train]
    shares = []
    for left_out in sorted({speaker for speaker, _ in train}):
        usual = limits([found for speaker, found in measured if speaker != left_out])
        shares.append(share(usual, [found for speaker, found in measured if speaker == left_out], margin))
    return float(np.mean(shares))


def level(decibels: float) -> Callable[[Samples], Samples]:
    """Change the level."""
    return lambda x: x * np.float32(10 ** (decibels / 20))


def telephone(x: Samples) -> Samples:
    """Keep the band of a telephone."""
    return sosfilt(butter(6, [300, 3400], "band", fs=SAMPLE_RATE, output="sos"), x).astype(np.float32)


def clipped(gain: float) -> Callable[[Samples], Samples]:
    """Amplify until the peak is ``gain`` times full scale, and clip."""
    return lambda x: np.clip(x * np.float32(gain / np.abs(x).max()), -1, 1)


def noisy(ratio: float) -> Callable[[Samples], Samples]:
    """Add white noise at a ratio of mean powers, decibels."""

    def add(x: Samples) -> Samples:
        random = np.random.default_rng(SEED)
        deviation = x.std() * 10 ** (-ratio / 20)
        return x + (deviation * random.standard_normal(len(x))).astype(np.float32)

    return add


def between(x: Samples) -> Samples:
    """Put a second of digital silence before and after."""
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    return np.concatenate([quiet, x, quiet])


CHANGES: dict[str, Callable[[Samples], Samples]] = {
    **{f"speech {decibels} dB": level(decibels) for decibels in (0, -10, -20, -30, -40, -50, -60, -70, -80)},
    "speech, telephone band": telephone,
    **{f"speech, clipped by {20 * np.log10(gain):.0f} dB": clipped(gain) for gain in (2, 4, 10)},
    **{f"speech, white noise {ratio} dB below": noisy(ratio) for ratio in (30, 20, 10, 0)},
    "speech, silence around it": between,
    "speech, reversed": lambda x: x[::-1],
}


def pink(random: np.random.Generator) -> Samples:
    """Make noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(random.standard_normal(N))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    wave = np.fft.irfft(spectrum, N)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def notes(random: np.random.Generator, decay: float) -> Samples:
    """Play six chords of decaying tones with five harmonics each, every half second."""
    wave, times = np.zeros(N), np.arange(N) / SAMPLE_RATE
    for start in range(0, N, N // 6):
        own = times[: N - start]
        root = 110 * 2 ** (random.integers(0, 24) / 12)
        tones = [root * ratio * harmonic for ratio in (1, 1.26, 1.5) for harmonic in range(1, 6)]
        wave[start:] += np.exp(-decay * own) * sum(np.sin(2 * np.pi * f * own) * root / f for f in tones)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def sounds() -> Iterator[tuple[str, list[Samples]]]:
    """Yield sounds without speech, twenty of each."""
    random, times = np.random.default_rng(SEED), np.arange(N) / SAMPLE_RATE
    kinds: dict[str, Callable[[], Samples]] = {
        "white noise": lambda: (10 ** random.uniform(-3, -1) * random.standard_normal(N)).astype(np.float32),
        "pink noise": lambda: pink(random),
        "one-bit noise": lambda: (random.integers(-1, 2, N) / 32768).astype(np.float32),
        "digital silence": lambda: np.zeros(N, np.float32),
        "tone": lambda: (0.3 * np.sin(2 * np.pi * random.uniform(100, 2000) * times)).astype(np.float32),
        "chords, held": lambda: notes(random, 0.3),
        "chords, plucked": lambda: notes(random, 6.0),
    }
    for name, make in kinds.items():
        yield name, [make() for _ in range(20)]


def main(emodb: Path, ravdess: Path) -> None:
    """Print the table."""
    corpora = {
        "EMO-DB": read(emodb, lambda path: path.stem[:2]),
        "RAVDESS": read(ravdess, lambda path: path.stem[-2:]),
    }
    parts = {name: divide(recordings) for name, recordings in corpora.items()}
    print("trained on,tested on,recordings,margin,marked %")

    def row(trained: str, tested: str, count: int, margin: float, marked: float) -> None:
        print(f'{trained},"{tested}",{count},{margin:g},{marked:.1f}')

    for name, (train, test) in parts.items():
        for margin in MARGINS:
            row(name, "training speakers, each left out", len(train), margin, leave_one_out(train, margin))
        usual = limits([measure(samples) for _, samples in train])
        held_out = [measure(samples) for _, samples in test]
        for margin in MARGINS:
            row(name, "held-out speakers", len(test), margin, share(usual, held_out, margin))
        for other in parts:
            if other != name:
                foreign = [measure(samples) for _, samples in corpora[other]]
                row(name, other, len(foreign), MARGIN, share(usual, foreign))
        some = [samples for _, samples in test][:: max(1, len(test) // MOST)][:MOST]
        for change, make in CHANGES.items():
            found = [measure(audio.round_to_pcm16(make(samples))) for samples in some]
            row(name, change, len(found), MARGIN, share(usual, found))
        joined = np.concatenate(some[:40])
        windows = [
            measure(joined[at : at + 4 * SAMPLE_RATE]) for at in range(0, len(joined), 2 * SAMPLE_RATE)
        ]
        row(name, "40 recordings joined, by windows of 4 s", 1, MARGIN, share(usual, [join(windows)]))
        for sound, waves in sounds():
            found = [measure(audio.round_to_pcm16(wave)) for wave in waves]
            row(name, sound, len(found), MARGIN, share(usual, found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
