import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import get_window

from sercli.features.shared import spectra

FRAMINGS = ("whole", "filled", "every", "centred")
lengths = st.integers(1, 60)


@pytest.mark.parametrize(
    ("samples", "whole", "filled", "every", "centred"),
    [
        # Frames of 4 every 2; the numbers are those of dots on paper.
        (0, 1, 1, 1, 1),
        (1, 1, 1, 1, 1),
        (3, 1, 1, 2, 2),
        (4, 1, 1, 2, 3),
        (5, 1, 2, 3, 3),
        (6, 2, 2, 3, 4),
        (7, 2, 3, 4, 4),
    ],
)
def test_frames_counted_by_hand(samples, whole, filled, every, centred):
    counts = [spectra.count_frames(samples, 4, 2, framing) for framing in FRAMINGS]
    assert counts == [whole, filled, every, centred]


def test_frames_of_the_papers():
    assert spectra.count_frames(96_000, 240, 160, "whole") == 599
    assert spectra.count_frames(96_000, 800, 160, "whole") == 596
    assert spectra.count_frames(48_000, 640, 320, "every") == 150
    assert spectra.count_frames(32_000, 640, 160, "whole") == 197
    assert spectra.count_frames(66_150, 2048, 512, "centred") == 130


def frames_by_loop(wave, size, hop, framing):
    """The frames one by one, each sample looked up where it is, zero where there is none."""
    shift = size // 2 if framing == "centred" else 0
    starts = range(-shift, len(wave) + hop + size, hop)
    kept = {
        "whole": lambda start: start + size <= len(wave) or start == 0,
        # A frame is needed as long as the one before did not reach the end.
        "filled": lambda start: start == 0 or start - hop + size < len(wave),
        "every": lambda start: start < len(wave),
        # The middle of an even frame lies between two samples, that of an odd one on a sample.
        "centred": lambda start: (
            start + size / 2 <= len(wave) if size % 2 == 0 else start + shift < len(wave)
        ),
    }[framing]
    return [
        [wave[i] if 0 <= i < len(wave) else 0.0 for i in range(start, start + size)]
        for start in starts
        if kept(start)
    ]


@settings(max_examples=200, deadline=None)
@given(lengths, st.integers(2, 20), st.integers(1, 25), st.sampled_from(FRAMINGS))
def test_frames_are_those_of_a_plain_loop(length, size, hop, framing):
    wave = np.arange(1, length + 1, dtype=np.float32)
    frames = spectra.frame(torch.from_numpy(wave), size, hop, framing)
    expected = frames_by_loop(wave.tolist(), size, hop, framing)
    assert frames.tolist() == expected
    assert len(expected) == spectra.count_frames(length, size, hop, framing)


def test_windows_are_numpys_and_scipys():
    # scipy makes them in float64: half a unit in the last place of float32 at 1.
    for name in ("hamming", "hann"):
        for periodic in (False, True):
            shape = spectra.window(f"periodic-{name}" if periodic else name, 401)
            np.testing.assert_allclose(shape, get_window(name, 401, fftbins=periodic), atol=6e-8)
    assert spectra.window("rectangular", 5).tolist() == [1, 1, 1, 1, 1]
    np.testing.assert_allclose(spectra.window("hamming", 3), [0.08, 1, 0.08], atol=1e-7)
    np.testing.assert_allclose(spectra.window("periodic-hann", 4), [0, 0.5, 1, 0.5], atol=1e-7)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 511, 512, 513])
@pytest.mark.parametrize("n_fft", [64, 100, 37])
def test_blocks_join_without_a_seam(count, n_fft):
    rng = np.random.default_rng(count)
    frames = rng.normal(0, 0.1, (count, 37)).astype(np.float32)
    bank = rng.uniform(0, 1, (5, n_fft // 2 + 1))
    shape = spectra.window("hann", 37)
    expected = np.fft.rfft(frames.astype(np.float64) * np.hanning(37), n_fft)

    energies = spectra.mel_power(torch.from_numpy(frames), shape, n_fft, spectra.lay_out(bank))
    # Sums of up to 102 positive numbers in float32, each of a relative error near 1e-7.
    np.testing.assert_allclose(energies.T, np.abs(expected) ** 2 @ bank.T, rtol=5e-6)
    magnitudes = spectra.magnitudes(torch.from_numpy(frames), shape, n_fft, 11)
    np.testing.assert_allclose(magnitudes, np.abs(expected)[:, :11], atol=1e-6)  # of values near 1


@pytest.mark.parametrize("n_mels", [1, 15, 16, 17, 32, 40])
@pytest.mark.parametrize("hollow", [False, True])
def test_bands_of_filters_leave_out_zeros_alone(n_mels, hollow):
    # Narrow filters side by side, some or (a whole band of 16) all of them empty.
    rng = np.random.default_rng(n_mels)
    bank = np.zeros((n_mels, 65))
    for m in range(n_mels):
        bank[m, m + 3 : m + 3 + m % 4] = rng.uniform(0.1, 1, m % 4)
    if hollow:
        bank[:16] = 0
    frames = rng.normal(0, 0.1, (300, 128)).astype(np.float32)
    energies = spectra.mel_power(
        torch.from_numpy(frames), spectra.window("hamming", 128), 128, spectra.lay_out(bank)
    )
    expected = np.abs(np.fft.rfft(frames.astype(np.float64) * np.hamming(128))) ** 2 @ bank.T
    # A single bin may be small next to the loudest, of which the FFT's error is 1e-7.
    np.testing.assert_allclose(energies.T, expected, rtol=1e-4, atol=1e-6)
    assert (energies.numpy()[bank.sum(axis=1) == 0] == 0).all()
