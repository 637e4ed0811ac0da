"""Synthesise a simple voice: glottal pulses through formant filters, controlled by arousal and valence.

The source is a Rosenberg pulse per glottal cycle plus breath noise, the vocal tract a cascade of
resonators that moves every frame; consonants are nasals, stops and fricatives from band noise.
Equal seeds give equal samples, to the byte on one machine; NumPy does not promise more across its
versions and processors.

Source: pulse: Rosenberg, JASA 49(2B), 1971, pulse C; resonators in cascade: Klatt, JASA 67(3),
1980, section I.C; vowel formants: Peterson & Barney, JASA 24(2), 1952, table II (men).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sercli.audio import SAMPLE_RATE, Samples

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

NOTICE = "Synthetic speech: scores on it show that a program works and prove nothing about people."

TEXTS = {
    "t01": "mala tisu nofa ke",
    "t02": "suki manelo ta",
    "t03": "pono kasi lemu fa",
    "t04": "tilu sefo kama ni",
    "t05": "nafe lusomi pa",
    "t06": "kemo sati fulo ne",
}

FRAME = 80  # samples: the voice changes every 5 ms
FRAMES_PER_SECOND = SAMPLE_RATE // FRAME

_SILENT = -90.0  # dB
_TAIL = 10  # frames: the resonators are silent after 40 ms
_NOISE_BANDS = ((800.0, 2000.0), (2500.0, 5000.0), (4500.0, 7800.0))  # Hz
_UPPER_FORMANTS = (3400, 4500, 5600)  # Hz
_BANDWIDTHS = np.array([90.0, 110.0, 160.0, 250.0, 350.0, 500.0])  # Hz


class _Sound(NamedTuple):
    """Formants in hertz, length in seconds, levels of voice and noise in dB, index of the noise band."""

    formants: tuple[int, int, int]
    length: float
    voice: float
    noise: float = _SILENT
    band: int = 0


_SOUNDS = {
    "a": _Sound((730, 1090, 2440), 0.125, 0),
    "e": _Sound((530, 1840, 2480), 0.110, -1),
    "i": _Sound((270, 2290, 3010), 0.100, -3),
    "o": _Sound((570, 840, 2410), 0.115, -1),
    "u": _Sound((300, 870, 2240), 0.100, -3),
    "m": _Sound((280, 1000, 2200), 0.070, -11),
    "n": _Sound((280, 1600, 2500), 0.065, -11),
    "l": _Sound((360, 1300, 2700), 0.060, -7),
    "s": _Sound((320, 1700, 2600), 0.095, _SILENT, -15, 2),
    "f": _Sound((320, 1000, 2300), 0.085, _SILENT, -22, 1),
    "p": _Sound((320, 900, 2200), 0.015, _SILENT, -17, 0),
    "t": _Sound((320, 1700, 2600), 0.020, _SILENT, -14, 1),
    "k": _Sound((320, 1900, 2300), 0.025, _SILENT, -14, 0),
    "-": _Sound((320, 1500, 2500), 0.055, _SILENT),  # the closure before p, t and k
    "_": _Sound((500, 1500, 2500), 0.100, _SILENT),  # a pause
}


class Cue(NamedTuple):
    """One trait of an expression: its neutral value, the effect of emotion, and its random deviation."""

    neutral: float
    arousal: float
    valence: float
    speaker: float  # standard deviation between speakers
    chance: float  # standard deviation from one time to the next


CUES = {
    "pitch": Cue(0.0, 3.8, 0.7, 0.0, 1.0),  # semitones off the speaker's own
    "range": Cue(3.0, 1.4, 1.7, 0.5, 0.7),  # semitones from unaccented to accented
    "final": Cue(-1.5, 0.3, 2.5, 0.7, 1.2),  # semitones by which the last syllable rises
    "tempo": Cue(1.1, 0.13, 0.02, 0.05, 0.06),  # times the lengths above
    "level": Cue(0.0, 3.6, 0.3, 1.5, 4.2),  # dB
    "tilt": Cue(9.0, -5.0, 3.5, 1.0, 1.3),  # dB taken from the source above 1 kHz
    "breath": Cue(-25.0, -5.5, -2.0, 1.6, 1.6),  # dB of breath noise against the voice
    "smile": Cue(0.0, 0.0, 0.055, 0.0, 0.018),  # share by which the lips raise the formants
    "rough": Cue(0.013, 0.004, -0.008, 0.002, 0.003),  # jitter: deviation of a cycle's length
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker: mean pitch in hertz, and formants as multiples of those of the mean man."""

    name: str
    gender: str
    pitch: float
    formants: float


SPEAKERS = (
    Speaker("F01", "female", 198.0, 1.16),
    Speaker("F02", "female", 221.0, 1.20),
    Speaker("F03", "female", 183.0, 1.12),
    Speaker("F04", "female", 208.0, 1.18),
    Speaker("M01", "male", 112.0, 1.00),
    Speaker("M02", "male", 128.0, 1.04),
    Speaker("M03", "male", 99.0, 0.97),
    Speaker("M04", "male", 119.0, 1.02),
)


class SpokenSound(NamedTuple):
    """One sound of an utterance: its symbol, frames, and its effect on the pitch."""

    symbol: str
    frames: int
    accent: float
    place: float  # from 0, the start of the phrase, to 1, its end
    last: bool  # whether it is the last vowel of the phrase


def generator(*names: str) -> np.random.Generator:
    """Return a separate random generator for ``names``, which is the same in every process."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))


def express(
    speaker: Speaker, arousal: Floats, valence: Floats, stray: Mapping[str, float | Floats]
) -> dict[str, Floats]:
    """Convert emotion to cues, in the way of the speaker.

    Args:
        speaker: speaker, whose habits change the cues and the effect of emotion on each cue.
        arousal: arousal in [-1, 1]; one value, (), or one per frame, (frames,).
        valence: valence in [-1, 1], with the same shape.
        stray: random deviation of each cue, in standard deviations.

    Returns:
        Value of each cue, of the shape of ``arousal``.
    """
    own = generator("speaker", speaker.name)
    cues = {}
    for name, cue in CUES.items():
        habit, strength = own.normal(0, cue.speaker), own.uniform(0.6, 1.5)
        emotion = cue.arousal * arousal + cue.valence * valence
        cues[name] = np.asarray(cue.neutral + habit + strength * emotion + cue.chance * stray[name])
    return cues


def spell(text: str, tempo: float, rng: np.random.Generator) -> list[SpokenSound]:
    """Make the segments of one phrase; the first vowel of each word has a random accent."""
    segments = []
    last_vowel = max(text.rfind(vowel) for vowel in "aeiou")
    accent_due = True
    for index, letter in enumerate(text):
        if letter == " ":
            accent_due = True
            continue
        place, last = index / len(text), index == last_vowel
        accented = accent_due and letter in "aeiou"
        accent_due = accent_due and not accented
        if letter in "ptk":
            segments.append(SpokenSound("-", _frames("-", tempo, rng), 0.0, place, False))
        frames = _frames(letter, tempo / (1.4 if last else 1.15 if accented else 1.0), rng)
        segments.append(SpokenSound(letter, frames, rng.uniform(0.6, 1.4) if accented else 0.0, place, last))
    return segments


def pause(seconds: float) -> SpokenSound:
    """Return a silence."""
    return SpokenSound("_", max(1, round(seconds * FRAMES_PER_SECOND)), 0.0, 0.0, False)


def speak(
    speaker: Speaker, segments: Sequence[SpokenSound], cues: Mapping[str, Floats], rng: np.random.Generator
) -> Samples:
    """Synthesise the segments.

    Args:
        speaker: speaker of the segments.
        segments: the sounds to speak.
        cues: cues from `express`; the tempo is already in the segments.
        rng: random generator of the noise, jitter and shimmer, which differ in every utterance.

    Returns:
        Samples at 16 kHz, (frames * 80,), within 0.95 of full scale.
    """
    from scipy import signal  # only a corpus that is generated needs it

    lengths = [segment.frames for segment in segments]
    sounds = [_SOUNDS[segment.symbol] for segment in segments]
    cues = {name: np.broadcast_to(cue, sum(lengths)) for name, cue in cues.items()}

    def track(values: ArrayLike, seconds: float) -> Floats:
        return _smooth(np.repeat(np.asarray(values, dtype=np.float64), lengths, axis=0), seconds)

    accents = track([s.accent for s in segments], 0.15)
    falling = 0.3 - track([s.place for s in segments], 0.10)
    ending = track([s.last for s in segments], 0.15)
    wander = _smooth(rng.normal(size=sum(lengths)), 0.3)
    semitones = cues["pitch"] + cues["range"] * (accents + falling) + cues["final"] * ending + 2.5 * wander
    pitch = speaker.pitch * 2 ** (semitones / 12)  # (frames,)

    formants = track([(*sound.formants, *_UPPER_FORMANTS) for sound in sounds], 0.06)  # (frames, 6)
    formants *= speaker.formants * (1 + cues["smile"][:, None])

    voiced = track(_linear([sound.voice for sound in sounds]), 0.025)
    voice = _tract(_source(pitch, cues, rng) * _upsample(voiced), formants)  # (samples,)
    voice *= _upsample(_linear(cues["level"]))
    for band, edges in enumerate(_NOISE_BANDS):
        noisy = track(_linear([s.noise if s.band == band else _SILENT for s in sounds]), 0.015)
        filters = signal.butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos")
        noise = signal.sosfilt(filters, rng.normal(size=len(voice)))
        # In a loud voice the level of consonants rises less than that of vowels.
        voice += _upsample(noisy * _linear(0.6 * cues["level"])) * noise
    voice += _linear(rng.normal(-50, 3)) * rng.normal(size=len(voice))  # the room
    limited: Samples = (0.95 * np.tanh(0.07 * voice / 0.95)).astype(np.float32)
    return limited


def _source(pitch: Floats, cues: Mapping[str, Floats], rng: np.random.Generator) -> Floats:
    """Glottal flow, differentiated, with its noise; (samples,) from a pitch in hertz, (frames,)."""
    from scipy import signal  # only a corpus that is generated needs it

    step = _upsample(pitch) / SAMPLE_RATE  # cycles per sample
    cycle = np.cumsum(step).astype(np.int64)
    jitter = rng.normal(size=cycle[-1] + 1)[cycle] * _upsample(cues["rough"])
    shimmer = rng.normal(size=cycle[-1] + 1)[cycle] * _upsample(3 * cues["rough"])
    phase = np.cumsum(step * np.clip(1 + jitter, 0.8, 1.2)) % 1.0
    breath = _upsample(cues["breath"])
    # A breathy voice opens longer: 0.6 of the cycle at -25 dB, at most 0.8.
    opened = np.clip(0.6 + 0.015 * (breath + 25), 0.45, 0.8)
    rise, fall = 0.66 * opened, 0.34 * opened
    flow = np.where(phase < rise, 0.5 - 0.5 * np.cos(np.pi * phase / rise), 0.0)
    falling = (phase >= rise) & (phase < opened)
    flow = np.where(falling, np.cos(0.5 * np.pi * (phase - rise) / fall), flow)
    # Divided by the pitch, so that a high pitch alone does not make the voice loud.
    pulses = np.diff(flow, prepend=flow[0]) / step * 0.1 * (1 + np.clip(shimmer, -0.5, 0.5))
    dark = signal.lfilter([0.25], [1, -0.75], pulses)
    share = _upsample(_linear(-np.clip(cues["tilt"], 0, 40)))
    noise = rng.normal(size=len(pulses)) * _linear(breath) * (0.4 + flow)
    voiced: Floats = share * pulses + (1 - share) * dark + noise
    return voiced


def _tract(source: Floats, formants: Floats) -> Floats:
    """Filter the source, (samples,), by resonators of unit gain at 0 Hz that move every frame, (frames, 6).

    Overlapping windows of the source are added up; each is filtered by the resonators of its frame. If the
    coefficients of a running filter changed instead, there would be clicks.
    """
    radius = np.exp(-np.pi * _BANDWIDTHS / SAMPLE_RATE)
    angle = 2 * np.pi * np.minimum(formants, 0.47 * SAMPLE_RATE) / SAMPLE_RATE
    first, second = -2 * radius * np.cos(angle), radius**2
    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(_TAIL * FRAME))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(source, (FRAME // 2, FRAME)), 2 * FRAME)
    windows = windows[::FRAME] * np.hanning(2 * FRAME + 1)[:-1]  # (frames, 160)
    spectra = np.fft.rfft(windows, _TAIL * FRAME)  # (frames, bins)
    for one in range(formants.shape[1]):
        gain = 1 + first[:, one, None] + second[one]
        spectra *= gain / (1 + first[:, one, None] * delay + second[one] * delay**2)
    pieces = np.fft.irfft(spectra).reshape(-1, _TAIL, FRAME)
    added = np.zeros((len(pieces) + _TAIL, FRAME))
    for shift in range(_TAIL):
        added[shift : shift + len(pieces)] += pieces[:, shift]
    return added.ravel()[FRAME // 2 :][: len(source)]


def _frames(symbol: str, tempo: float, rng: np.random.Generator) -> int:
    seconds = _SOUNDS[symbol].length / tempo * rng.uniform(0.85, 1.15)
    return max(1, round(seconds * FRAMES_PER_SECOND))


def _smooth(steps: Floats, seconds: float) -> Floats:
    """Smooth along time (first axis, frames) by a Hann window."""
    from scipy import ndimage  # only a corpus that is generated needs it

    window = np.hanning(round(seconds * FRAMES_PER_SECOND) + 2)
    smoothed: Floats = ndimage.convolve1d(steps, window / window.sum(), axis=0, mode="nearest")
    return smoothed


def _upsample(track: Floats) -> Floats:
    """Interpolate from frames to samples, (frames,) to (frames * 80,)."""
    samples = np.arange(len(track) * FRAME)
    return np.interp(samples, np.arange(len(track)) * FRAME + FRAME / 2, track)


def _linear(decibels: ArrayLike) -> Floats:
    return np.asarray(10 ** (np.asarray(decibels) / 20))
