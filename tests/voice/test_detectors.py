"""Detectors on made signals and on recordings."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from sercli import audio
from sercli.errors import ConfigError
from sercli.voice import VoiceConfig, detector_names, energy, find_speech, get_detector, silero

RATE = audio.SAMPLE_RATE
SILENCE = {
    "digital": np.zeros(5 * RATE),
    "last bit": np.random.default_rng(0).integers(-1, 2, 5 * RATE) / 32768,
    "noise": np.random.default_rng(0).normal(size=5 * RATE) * 0.01,
    "nothing": np.zeros(0),
}


def need(detector):
    """Skip a test if the detector is not installed; importing silero-vad would change torch's threads."""
    if detector == "silero" and find_spec("silero_vad") is None:
        pytest.skip("silero-vad is not installed")


def spoken(decibels=-20.0):
    """Return tones that come and go four times a second, from 2 to 4 s and from 6 to 7 s of 9 s."""
    t = np.arange(9 * RATE) / RATE
    on = ((t >= 2) & (t < 4)) | ((t >= 6) & (t < 7))
    syllables = np.abs(np.sin(2 * np.pi * 2 * t))
    return on * syllables * np.sin(2 * np.pi * 300 * t) * 10 ** (decibels / 20)


def found(samples, **changes):
    return [
        (turn.start, turn.end) for turn in find_speech([samples.astype(np.float32)], VoiceConfig(**changes))
    ]


@pytest.fixture
def pieces(recordings):
    """Four recordings with two seconds of faint noise before each, and where each begins and ends."""
    parts, spans, rng = [], [], np.random.default_rng(0)
    files = sorted((recordings / "emodb" / "wav").glob("*.wav"))[:40:10]
    for path in files:
        parts += [rng.normal(size=2 * RATE) * 1e-3, audio.read(path)]
        end = sum(map(len, parts)) / RATE
        spans.append((end - len(parts[-1]) / RATE, end))
    return np.concatenate(parts).astype(np.float32), spans


@pytest.mark.parametrize("decibels", [-20.0, -60.0])
@pytest.mark.parametrize("ratio", [None, 20.0])
def test_the_energy_rule_finds_what_comes_and_goes(decibels, ratio):
    noise = 0.0 if ratio is None else np.random.default_rng(1).normal(size=9 * RATE)
    samples = spoken(decibels) + noise * 10 ** ((decibels - (ratio or 0)) / 20)
    (first, second) = found(samples)
    np.testing.assert_allclose([*first, *second], [1.9, 4.1, 5.9, 7.1], atol=0.1)


@pytest.mark.parametrize("detector", detector_names())
@pytest.mark.parametrize("kind", SILENCE)
def test_silence_has_no_turn(detector, kind):
    need(detector)
    assert found(SILENCE[kind], detector=detector) == []


def test_the_level_is_that_of_the_band():
    # A sine of amplitude 0.5 within the band has -9.03 dB, one above the band has none.
    t = np.arange(RATE) / RATE
    inside, outside = (np.sin(2 * np.pi * f * t).reshape(-1, 320) * 0.5 for f in (1000, 6000))
    np.testing.assert_allclose(energy._levels(inside[1:-1]), 20 * np.log10(0.5 / np.sqrt(2)), atol=0.05)
    assert energy._levels(outside).max() < -50


@pytest.mark.parametrize("detector", detector_names())
def test_the_division_into_blocks_changes_nothing(detector):
    need(detector)
    samples = (spoken() + SILENCE["noise"][0]).astype(np.float32)
    score = get_detector(detector).score
    blocks = [samples[:7], samples[7:50_000], samples[50_000:]]
    np.testing.assert_allclose(score(blocks), score([samples]), atol=1e-5)


@pytest.mark.parametrize("detector", detector_names())
def test_recordings_are_found_between_silence(pieces, detector):
    need(detector)
    samples, spans = pieces
    turns = found(samples, detector=detector)
    assert len(turns) == len(spans)
    for (start, end), (first, last) in zip(turns, spans, strict=True):
        assert first - 0.15 <= start < first + 0.6
        assert last - 0.7 < end <= last + 0.15


def test_music_is_no_speech_to_silero_and_is_to_the_energy_rule():
    need("silero")
    t = np.arange(10 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277.2, 329.6)) * np.exp(-3 * (t % 1)) / 10
    assert found(chord, detector="silero") == []
    assert found(chord) != []


def test_silero_gives_the_probabilities_of_its_own_program(pieces):
    need("silero")
    import torch

    samples = pieces[0][: 120 * 512]
    program = torch.jit.load(str(silero.find_weights()))
    with torch.inference_mode():
        wanted = [program(torch.from_numpy(frame[None]), RATE).item() for frame in samples.reshape(-1, 512)]
    np.testing.assert_allclose(silero.score([samples]), wanted, atol=1e-5)


def test_silero_is_not_imported_and_keeps_the_number_of_threads():
    need("silero")
    import torch

    before = torch.get_num_threads()
    silero.score([np.zeros(1600, np.float32)])
    assert torch.get_num_threads() == before
    assert "silero_vad" not in sys.modules


def test_without_silero_the_message_names_the_extra(monkeypatch):
    monkeypatch.setattr(silero, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'sercli\[vad\]'"):
        find_speech([], VoiceConfig(detector="silero"))
