import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import audio
from sercli.errors import AudioError


def nothing_in(path, samples, subtype="PCM_16", rate=16_000):
    soundfile.write(path, samples, rate, subtype=subtype)
    return audio.nothing_in(*audio.decode(path))


def noise(steps, count=16_000):
    """Noise of some steps of 16 bits to either side."""
    return np.random.default_rng(0).integers(-steps, steps + 1, count).astype(np.int16)


@pytest.mark.parametrize(
    ("samples", "fact"),
    [
        (np.full(1, 0.1), "1 sample, 6.25e-05 s; a recording of less than 0.1 s"),
        (tone(0.09), "1440 samples, 0.09 s"),
        (np.zeros(32_000), "nothing but silence"),
        (np.full(16_000, 0.25), "nothing but silence"),
        (noise(1), "nothing but silence"),
        (np.stack([noise(1), noise(1)[::-1]], axis=1), "nothing but silence"),
        (np.stack([tone(), -tone()], axis=1), "cancel each other"),
        (np.stack([tone(), -0.95 * tone()], axis=1), "cancel each other"),
        (np.stack([tone(), -tone(), 0.5 * tone(), -0.5 * tone()], axis=1), "cancel each other"),
    ],
)
def test_recordings_that_hold_nothing_are_known(tmp_path, samples, fact):
    assert fact in nothing_in(tmp_path / "a.wav", samples)


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
def test_cancelling_channels_are_known_in_every_format(tmp_path, subtype):
    both = np.stack([tone(), -tone()], axis=1)
    assert "cancel" in nothing_in(tmp_path / "a.wav", both, subtype)
    assert "cancel" in nothing_in(tmp_path / "b.wav", 5 * both, "FLOAT")


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_stream_ends_with_an_error_if_the_channels_cancel(tmp_path, subtype):
    both = np.stack([tone(), -0.9 * tone()], axis=1)
    both[:1600] = 0
    soundfile.write(tmp_path / "a.wav", both, 16_000, subtype=subtype)
    blocks = audio.stream(tmp_path / "a.wav", block_s=0.3)
    assert [len(next(blocks)), len(next(blocks))] == [4800, 3200]
    with pytest.raises(
        AudioError, match=r"a.wav: holds nothing after its channels .* cancel each other; take"
    ):
        next(blocks)
    both[-1600:, 1] = 0  # the last block alone does not cancel
    soundfile.write(tmp_path / "a.wav", both, 16_000, subtype=subtype)
    assert sum(map(len, audio.stream(tmp_path / "a.wav", block_s=0.3))) == 8000


@pytest.mark.parametrize(
    "samples",
    [
        tone(0.1),
        1e-3 * tone(),
        noise(3),
        np.stack([tone(), tone()], axis=1),
        np.stack([tone(), np.zeros(8000)], axis=1),
        np.stack([tone(), *np.zeros((15, 8000))], axis=1),  # one of sixteen microphones
        np.stack([tone(pitch=200), tone(pitch=333, seed=1)], axis=1),
        np.stack([tone(), -0.5 * tone()], axis=1),
    ],
)
def test_quiet_short_and_one_sided_recordings_hold_something(tmp_path, samples):
    assert nothing_in(tmp_path / "a.wav", samples) is None
