import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import tone
from encoded import split_mp3, to_mp3, to_wav

from sercli import audio
from sercli.errors import AudioError

# Silence that MP3 adds: up to two frames of 1152 samples, less the decoder's delay.
ADDED = 2304


def speech(seconds, rate=16_000, seed=0):
    """Loud and quiet by turns, so that a variable rate varies."""
    samples = tone(seconds, rate, seed=seed)
    noise = np.random.default_rng(seed).normal(0, 0.2, len(samples))
    return (samples + noise * (np.arange(len(samples)) // (rate // 2) % 2)).astype(np.float32)


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE", "AVERAGE"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_the_frames_are_the_length_and_not_an_estimate(tmp_path, rate, mode, channels):
    samples = np.stack([speech(2.5, rate, seed) for seed in range(channels)], axis=1)
    stream = to_mp3(samples, rate, mode)
    header, *frames = split_mp3(stream)
    assert b"Info" in header or b"Xing" in header
    path = write(tmp_path / "a.mp3", b"".join(frames))
    decoded, found = audio.decode(path)
    assert len(samples) <= len(decoded) <= len(samples) + ADDED
    assert found.frames == audio.header(path).frames == len(decoded)
    np.testing.assert_array_equal(np.concatenate(list(audio.stream(path, rate, block_s=0.7))), decoded)
    # libmpg123 adds up in another order where reading begins elsewhere.
    cut, _ = audio.decode(path, 1.7, 2.2)
    np.testing.assert_allclose(cut, decoded[round(1.7 * rate) : round(2.2 * rate)], rtol=0, atol=3e-7)


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_a_stream_with_its_header_is_what_libsndfile_reads(tmp_path, mode):
    path = write(tmp_path / "a.mp3", to_mp3(0.5 * speech(2.0), mode=mode))
    expected, _ = soundfile.read(path, dtype="float32")
    assert len(expected) == 32_000
    np.testing.assert_allclose(audio.read(path), expected, rtol=0, atol=3e-7)


@pytest.mark.parametrize("begin", [1, 150, 399])
def test_a_stream_may_begin_within_a_frame(tmp_path, begin):
    stream = b"".join(split_mp3(to_mp3(speech(2.0)))[1:])
    decoded = audio.read(write(tmp_path / "a.mp3", stream[begin:]))
    assert 32_000 - 1152 <= len(decoded) <= 32_000 + ADDED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"ID3\x04\0\0\0\0\x02\x01" + b"\xff" * 257, b""),
        (b"", b"TAG" + bytes(125)),
        (b"\0" * 1000, b"\0" * 5000),
        (b"some words of a station ", b"APETAGEX" + bytes(300)),
    ],
)
def test_what_lies_around_the_frames_is_passed_over(tmp_path, before, after):
    stream = to_mp3(0.5 * speech(2.0), mode="VARIABLE")
    path = write(tmp_path / "a.mp3", before + stream + after)
    np.testing.assert_array_equal(audio.read(path), audio.read(write(tmp_path / "b.mp3", stream)))


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("declared", [None, 0, 0xFFFFFFFF, 0x7FFFF000])
def test_mpeg_audio_in_a_wav_file_is_as_long_as_its_frames(tmp_path, rate, declared):
    stream = b"".join(split_mp3(to_mp3(speech(2.0, rate), rate, "VARIABLE"))[1:])
    path = write(tmp_path / "a.wav", to_wav(stream, declared, rate=rate, form=0x55, bits=8))
    assert 0 <= audio.header(path).frames - 2 * rate <= ADDED
    with pytest.raises(AudioError, match="cut short"):
        audio.read(
            write(tmp_path / "b.wav", to_wav(stream[:2000], len(stream), rate=rate, form=0x55, bits=8))
        )


def test_mpeg_audio_is_found_where_a_wav_states_its_format_further_on(tmp_path):
    stream = b"".join(split_mp3(to_mp3(speech(2.0), mode="VARIABLE"))[1:])
    guid = struct.pack("<H", 0x55) + bytes.fromhex("000000001000800000aa00389b71")
    settings = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 4000, 1, 8, 22, 0, 4) + guid
    body = b"WAVEfmt " + struct.pack("<I", 40) + settings + b"data" + struct.pack("<I", len(stream)) + stream
    path = write(tmp_path / "a.wav", b"RIFF" + struct.pack("<I", len(body)) + body)
    assert 0 <= audio.header(path).frames - 32_000 <= ADDED


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_stream_with_fewer_frames_than_it_states_is_cut(tmp_path, mode, share):
    stream = to_mp3(speech(3.0), mode=mode)
    with pytest.raises(AudioError, match=r"cut short, \d+ of 86 frames missing; copy it again"):
        audio.header(write(tmp_path / "a.mp3", stream[: int(share * len(stream))]))


def test_two_streams_one_after_the_other_are_read_to_the_end(tmp_path):
    one, other = to_mp3(speech(1.0)), to_mp3(speech(2.0, seed=1))
    decoded = audio.read(write(tmp_path / "a.mp3", one + other))
    assert 48_000 <= len(decoded) <= 48_000 + 2 * ADDED


@pytest.mark.parametrize("kept", [0, 1])  # with the encoder's header or without
@pytest.mark.parametrize(
    "other", [to_mp3(speech(1.0, 44_100), 44_100), to_mp3(np.stack([speech(1.0)] * 2, 1))]
)
def test_streams_of_different_kinds_one_after_the_other_are_refused(tmp_path, kept, other):
    frames = split_mp3(to_mp3(speech(1.0)))[1 - kept :] + split_mp3(other)[1 - kept :]
    with pytest.raises(AudioError, match="several MPEG streams of different kinds are joined in it"):
        audio.header(write(tmp_path / "a.mp3", b"".join(frames)))


@pytest.mark.parametrize("value", [0, 0x55, 0xFF])
def test_damage_in_a_stream_without_a_header_is_named(tmp_path, value):
    frames = split_mp3(to_mp3(speech(3.0)))[1:]
    place, lost = len(b"".join(frames[:30])), len(b"".join(frames[30:40]))
    stream = b"".join(frames)
    damaged = stream[:place] + bytes([value]) * lost + stream[place + lost :]
    with pytest.raises(AudioError, match=f"damaged: {lost} bytes from byte {place} on are not MPEG audio"):
        audio.header(write(tmp_path / "a.mp3", damaged))


@pytest.mark.parametrize("tag", [b"TAG" + bytes(1000), b"APETAGEX" + bytes(1000), bytes(99)])
def test_tags_between_streams_are_passed_over(tmp_path, tag):
    stream = b"".join(split_mp3(to_mp3(speech(1.0)))[1:])
    assert len(audio.read(write(tmp_path / "a.mp3", stream + tag + stream))) >= 32_000


def test_a_wav_named_mp3_and_an_mp3_named_wav_are_read_as_what_they_are(tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav")
    assert len(audio.read(path.rename(tmp_path / "a.mp3"))) == 8000
    assert len(audio.read(write(tmp_path / "b.wav", to_mp3(speech(0.5))))) == 8000


def test_the_decoder_says_nothing_on_the_terminal(tmp_path):
    frames = split_mp3(to_mp3(speech(3.0), mode="VARIABLE"))
    rng = np.random.default_rng(0)
    spoilt = [bytearray(frame) for frame in frames[1:]]
    for frame in spoilt[::3]:
        for place in rng.integers(4, len(frame), 5):
            frame[place] ^= 0x5A
    write(tmp_path / "spoilt.mp3", b"".join(spoilt))
    write(tmp_path / "junk.mp3", bytes(3000) + frames[0][:50] + b"".join(frames) + b"junk" * 500)
    write(tmp_path / "text.mp3", b"no music at all\n" * 500)
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from sercli import audio\nfrom sercli.errors import AudioError\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try:\n        audio.read(path), audio.header(path), list(audio.stream(path))\n"
        "    except AudioError as error:\n        print(error)\n"
        "import ctypes; ctypes.CDLL(None).perror(b'heard again')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "text.mp3: not readable as audio: it is text" in done.stdout
    assert done.stderr.startswith("heard again")
    assert done.stderr.count("\n") == 1
