import struct

import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import audio
from sercli.errors import AudioError


def test_sixteen_bit_files_are_read_exactly(tmp_path, write_wav):
    values = np.array([0, 1, -1, 32767, -32768, 12345], np.int16)
    path = write_wav(tmp_path / "a.wav", values)
    np.testing.assert_array_equal(audio.read(path) * 32768, values)


def test_what_is_written_is_read_again(tmp_path):
    samples = tone()
    written = audio.write_pcm16(tmp_path / "a.wav", samples, 16_000)
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav"), written)
    assert np.abs(written - samples).max() <= 0.5 / 32768


def test_beyond_full_scale_is_clipped_not_wrapped(tmp_path):
    written = audio.write_pcm16(tmp_path / "a.wav", np.array([1.5, -1.5, 1.0], np.float32), 16_000)
    np.testing.assert_array_equal(written, np.array([32767, -32768, 32767], np.float32) / 32768)


def test_channels_are_averaged(tmp_path, write_wav):
    left, right = np.full(100, 0.5, np.float32), np.full(100, 0.25, np.float32)
    path = write_wav(tmp_path / "a.wav", np.stack([left, right], axis=1))
    np.testing.assert_allclose(audio.read(path), 0.375)


def test_resampling_keeps_a_tone_and_its_length(tmp_path, write_wav):
    time = np.arange(48_000) / 48_000
    path = write_wav(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * time), rate=48_000)
    samples = audio.read(path)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert len(samples) == 16_000
    np.testing.assert_allclose(samples[500:-500], expected[500:-500], atol=1e-3)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_formats_that_soundfile_knows_are_read(tmp_path, suffix):
    soundfile.write(tmp_path / f"a{suffix}", tone(), 16_000)
    assert len(audio.read(tmp_path / f"a{suffix}")) == 8000


def test_an_extra_chunk_before_the_data_is_passed_over(tmp_path, write_wav):
    content = write_wav(tmp_path / "a.wav").read_bytes()
    extra = b"FLLR" + struct.pack("<I", 5) + b"\0" * 6  # odd length, padded
    (tmp_path / "b.wav").write_bytes(content[:36] + extra + content[36:])
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav"), audio.read(tmp_path / "b.wav"))


def test_a_data_chunk_of_unknown_length_is_read_to_the_end(tmp_path, write_wav):
    content = write_wav(tmp_path / "a.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(content[:40] + b"\xff\xff\xff\xff" + content[44:])
    assert len(audio.read(tmp_path / "b.wav")) == 8000


def test_the_hash_is_of_the_samples_not_of_the_file(tmp_path, write_wav):
    values = (tone() * 32768).astype(np.int16)
    wav = audio.read(write_wav(tmp_path / "a.wav", values))
    flac = audio.read(write_wav(tmp_path / "a.flac", values))
    assert audio.hash_samples(wav) == audio.hash_samples(flac)
    assert audio.hash_samples(wav) != audio.hash_samples(wav[:-1])


def _empty(path, write_wav):
    path.touch()


def _no_samples(path, write_wav):
    write_wav(path, np.zeros(0, np.float32))


def _text(path, write_wav):
    path.write_text("this is no recording\n" * 100)


def _cut(path, write_wav):
    content = write_wav(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _cut_header(path, write_wav):
    path.write_bytes(write_wav(path).read_bytes()[:30])


def _not_finite(path, write_wav):
    samples = tone()
    samples[100] = np.nan
    write_wav(path, samples, subtype="FLOAT")


def _absent(path, write_wav):
    pass


def _a_folder(path, write_wav):
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (_empty, "empty"),
        (_no_samples, "no audio"),
        (_text, "not readable as audio"),
        (_cut, "cut short"),
        (_cut_header, "cut short"),
        (_not_finite, "not numbers"),
        (_absent, "no such file"),
        (_a_folder, "a.wav"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, write_wav, spoil, fact):
    path = tmp_path / "a.wav"
    spoil(path, write_wav)
    with pytest.raises(AudioError) as caught:
        audio.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_flac_file_cut_in_the_middle_is_refused(tmp_path, write_wav):
    path = write_wav(tmp_path / "a.flac", tone(3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"a\.flac: (cut short|not readable)"):
        audio.read(path)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (0.5, 1.25, 12_000, 30_000),
        (None, 0.5, 0, 12_000),
        (1.5, None, 36_000, 48_000),
        (0.00001, 0.00003, 0, 1),  # 0.24 and 0.72 samples
        (1.0, 2.05, 24_000, 48_000),  # 50 ms beyond the end may be rounding
    ],
)
def test_a_cut_is_those_samples_of_the_whole(tmp_path, suffix, start, end, first, last):
    soundfile.write(tmp_path / f"a{suffix}", tone(2, rate=24_000), 24_000)
    whole, header = audio.decode(tmp_path / f"a{suffix}")
    cut, _ = audio.decode(tmp_path / f"a{suffix}", start, end)
    assert header.frames == 48_000
    np.testing.assert_array_equal(cut, whole[first:last])


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "GSM610"), ("AU", "G721_32"), ("AU", "G723_24"), ("WAV", "NMS_ADPCM_16"), ("AIFF", "DWVW_16")],
)
def test_a_part_is_cut_out_of_formats_in_which_libsndfile_cannot_seek(tmp_path, container, subtype):
    path = tmp_path / "a.any"
    soundfile.write(path, tone(10.0, rate=8000), 8000, subtype=subtype, format=container)
    whole, _ = audio.decode(path)
    for first, last in ((100, 900), (70_000, 80_000)):
        np.testing.assert_array_equal(audio.decode(path, first / 8000, last / 8000)[0], whole[first:last])


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        (0.5, 2.06, "0.5 to 2.06"),
        (2.0, None, "2 to 2"),
        (-0.5, 1.0, "-0.5 to 1"),
    ],
)
def test_a_cut_beyond_the_file_or_of_nothing_is_refused(tmp_path, write_wav, start, end, span):
    path = write_wav(tmp_path / "a.wav", tone(2))
    with pytest.raises(AudioError) as caught:
        audio.decode(path, start, end)
    assert str(caught.value) == f"{path}: can't cut out {span} s; it is 2 s long"


@pytest.mark.parametrize(
    ("start", "end", "fact"),
    [
        (1.0, 1.0, "1 to 1 s; the end must be after the start"),
        (1.5, 1.0, "1.5 to 1 s; the end must be after the start"),
        (None, 0.0, "0 to 0 s; the end must be after the start"),
        (
            0.0,
            500.0,
            "0 to 500 s; it is 2 s long; write the times in seconds, not in milliseconds or samples",
        ),
        (
            500.0,
            None,
            "500 to 2 s; it is 2 s long; write the times in seconds, not in milliseconds or samples",
        ),
    ],
)
def test_times_in_a_wrong_order_or_unit_are_named(tmp_path, write_wav, start, end, fact):
    path = write_wav(tmp_path / "a.wav", tone(2))
    with pytest.raises(AudioError) as caught:
        audio.decode(path, start, end)
    assert str(caught.value) == f"{path}: can't cut out {fact}"


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_stream_is_the_file_read_whole(tmp_path, rate, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone(1.3, rate=rate), rate)
    blocks = list(audio.stream(path, block_s=0.25))
    assert len(blocks) == 6
    np.testing.assert_array_equal(np.concatenate(blocks), audio.read(path))
    assert audio.header(path).frames == round(1.3 * rate)
