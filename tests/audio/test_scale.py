import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import audio
from sercli.errors import AudioError


def written(path, samples, rate=16_000, subtype="FLOAT"):
    soundfile.write(path, samples, rate, subtype=subtype, format=path.suffix[1:].upper())
    return path


@pytest.mark.parametrize(
    ("scale", "subtype"), [(2.0**15, "FLOAT"), (2.0**15, "DOUBLE"), (2.0**23, "FLOAT"), (2.0**31, "DOUBLE")]
)
@pytest.mark.parametrize("level", [1.9, 0.01])
def test_integers_as_floats_are_divided_by_their_scale(tmp_path, scale, subtype, level):
    whole = np.round(level * tone() * scale)
    if np.abs(whole).max() < scale / 256:
        scale = 2.0**15 if np.abs(whole).max() <= 2**15 else 2.0**23  # a quiet file of a wider scale
    samples, header = audio.decode(written(tmp_path / "a.wav", whole, subtype=subtype))
    np.testing.assert_allclose(samples, whole / scale, rtol=1e-6)
    assert f"treated as integers and divided by {scale:.6g}" in header.note


def test_integers_that_were_filtered_are_known_by_their_peak(tmp_path):
    samples, header = audio.decode(written(tmp_path / "a.wav", 0.9 * 32768 * tone() + 0.25))
    np.testing.assert_allclose(samples, 0.9 * tone() + 0.25 / 32768, atol=1e-6)
    assert "divided by 32768" in header.note


def test_a_loud_file_is_divided_by_its_peak_and_its_share_is_told(tmp_path):
    samples = np.zeros(16_000)
    samples[:100], samples[100:300] = 8.0, -1.0  # full scale itself is not beyond it
    decoded, header = audio.decode(written(tmp_path / "a.wav", samples + 0.001))
    assert header.note == "0.6250 % of its samples beyond full scale, peak 8.001: divided by the peak"
    np.testing.assert_allclose(decoded, (samples + 0.001) / 8.001, atol=1e-6)
    assert decoded.max() == 1


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp3"])
def test_files_within_full_scale_stay_as_they_are(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone(), 16_000)
    samples, header = audio.decode(path)
    assert header.note == ""
    assert 0.3 < np.abs(samples).max() < 1


@pytest.mark.parametrize("value", [1e38, 1e12, -3e10])
def test_what_is_of_no_known_scale_is_refused(tmp_path, value):
    path = written(tmp_path / "a.wav", np.full(16_000, value))
    for function in (audio.read, lambda path: list(audio.stream(path)), audio.is_prepared):
        with pytest.raises(
            AudioError, match=r"a\.wav: far beyond full scale \(100 % of its samples .*, peak"
        ):
            function(path)


@pytest.mark.parametrize("suffix", [".wav", ".caf", ".aiff"])
def test_finite_samples_that_32_bits_do_not_hold_are_far_beyond_full_scale(tmp_path, suffix):
    samples = tone().astype(np.float64) / 3
    path = written(tmp_path / f"a{suffix}", samples, subtype="DOUBLE")
    np.testing.assert_array_equal(audio.read(path), samples.astype(np.float32))
    samples[7] = -1e300
    written(path, samples, subtype="DOUBLE")
    for function in (audio.read, lambda path: list(audio.stream(path)), audio.is_prepared):
        with pytest.raises(AudioError, match=r"far beyond full scale \(peak 1e\+300\); its samples"):
            function(path)
    samples[8] = np.inf
    with pytest.raises(AudioError, match="not numbers"):
        audio.read(written(path, samples, subtype="DOUBLE"))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("factor", [1, 9])
def test_parts_and_blocks_of_a_file_are_divided_as_all_of_it(tmp_path, suffix, factor):
    loud = factor * tone(3.0) if suffix != ".flac" else tone(3.0)
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, loud, 16_000, subtype="FLOAT" if suffix == ".wav" else None)
    samples = audio.read(path)
    assert np.abs(samples).max() <= 1
    # The loud beginning decides, though the part is of the quiet end.
    np.testing.assert_array_equal(audio.decode(path, 2.0, 2.5)[0], samples[32_000:40_000])
    np.testing.assert_array_equal(np.concatenate(list(audio.stream(path, block_s=0.4))), samples)


def test_a_file_that_is_replaced_is_looked_at_anew(tmp_path):
    path = written(tmp_path / "a.wav", 9 * tone())
    assert audio.full_scale(path).divisor > 4
    written(path, tone(0.6))
    assert audio.full_scale(path).divisor == 1


def test_scaled_files_are_not_taken_as_they_are(tmp_path):
    assert audio.is_prepared(written(tmp_path / "a.wav", tone()))
    assert not audio.is_prepared(written(tmp_path / "b.wav", 4 * tone()))


def _speech():
    return 0.4 * tone(1.0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda x: np.where(np.arange(len(x)) == 800, 30_000, x), "some samples are far beyond full scale"),
        (lambda x: np.where(np.arange(len(x)) == 800, -12.5, x), "some samples are far beyond full scale"),
        (lambda x: np.where(np.arange(len(x)) < len(x) // 2, x, 32768 * x), "parts have different scales"),
        (lambda x: np.round(32768 * x) + 32768, "holds unsigned integers as floats"),
        (lambda x: np.round(100 * x) + 128, "holds unsigned integers as floats"),
        (lambda x: np.round(127 * x), "integers of 8 bits or very quiet ones of 16"),
    ],
)
def test_a_scale_that_can_not_be_known_is_refused(tmp_path, change, why):
    with pytest.raises(AudioError, match=why):
        audio.decode(written(tmp_path / "a.wav", change(_speech())))


@pytest.mark.parametrize("form", ["VOC", "SVX", "IRCAM", "AVR", "PAF", "PVF", "SDS", "WVE", "MAT5", "MPC2K"])
def test_containers_whose_length_is_not_checked_are_named(tmp_path, form):
    path = tmp_path / "a.bin"
    rate = 8000 if form == "WVE" else 16_000
    subtype = "ALAW" if form == "WVE" else "PCM_16"
    soundfile.write(path, tone(), rate, format=form, subtype=subtype)
    with pytest.raises(AudioError, match=r"a\.bin: .*convert it"):
        audio.decode(path)
