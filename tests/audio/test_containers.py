import os
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import tone
from encoded import encode, to_pcm, to_wav

from sercli import audio
from sercli.errors import AudioError

CONTAINERS = {
    "wav": ("WAV", "PCM_16"),
    "wave": ("WAVEX", "PCM_24"),
    "aiff": ("AIFF", "PCM_16"),
    "aifc": ("AIFF", "FLOAT"),
    "w64": ("W64", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "snd": ("AU", "ULAW"),
    "caf": ("CAF", "ALAC_16"),
    "sph": ("NIST", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("share", [0.4, 0.75, 0.97])
def test_a_file_that_is_cut_is_refused_wherever_it_was_cut(tmp_path, suffix, share):
    content = encode(tone(1.5), *CONTAINERS[suffix])
    assert len(audio.read(write(tmp_path / f"whole.{suffix}", content))) == 24_000
    path = write(tmp_path / f"cut.{suffix}", content[: int(share * len(content))])
    with pytest.raises(AudioError, match=r"cut\.\w+: cut short"):
        audio.read(path)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_what_a_file_is_counts_and_not_its_name(tmp_path, suffix):
    content = encode(tone(1.5), *CONTAINERS[suffix])
    assert len(audio.read(write(tmp_path / "renamed.raw", content))) == 24_000
    with pytest.raises(AudioError, match="cut short"):
        audio.read(write(tmp_path / "cut.wav", content[: 3 * len(content) // 4]))


def test_a_cut_big_endian_wav_is_refused(tmp_path):
    content = encode(tone(1.0), "WAV", endian="BIG")
    assert content[:4] == b"RIFX"
    assert len(audio.read(write(tmp_path / "a.wav", content))) == 16_000
    with pytest.raises(AudioError, match="cut short, 10000 of 32000 bytes missing"):
        audio.read(write(tmp_path / "b.wav", content[:-10_000]))


def _film(*lengths, left=1.0):
    """Chunks of an AVI film that have these lengths; the last one is cut to a share."""
    chunks = [b"RIFF" + struct.pack("<I", length) + b"AVI " + bytes(length - 4) for length in lengths]
    return b"".join(chunks[:-1]) + chunks[-1][: round(left * len(chunks[-1]))]


FLASH = b"FLV\1\4" + bytes(40) + b"\0\x08filesize\0" + struct.pack(">d", 464) + bytes(400)


@pytest.mark.parametrize(
    ("film", "fact"),
    [
        (_film(1000, left=0.5), "cut short, 504 of 1000 bytes missing"),
        (_film(1000, 500, left=0.9), "cut short, 51 of 500 bytes missing"),
        (_film(1000), "it is AVI video"),
        (_film(1000, 500), "it is AVI video"),
        (_film(1000)[:-8], "it is AVI video"),  # the stated length includes the head
        (b"RIFF\xff\xff\xff\xffAVI " + bytes(90), "it is AVI video"),
        (FLASH[:-1], "cut short, 1 of 464 bytes missing"),
        (FLASH, "it is Flash video"),
        (b"FLV\1\4" + bytes(90), "it is Flash video"),
    ],
)
@pytest.mark.usefixtures("without_ffmpeg")
def test_a_cut_film_is_not_taken_as_complete(tmp_path, film, fact):
    with pytest.raises(AudioError, match=fact):
        audio.read(write(tmp_path / "a.avi", film))


@pytest.mark.parametrize("at_page", [True, False])
@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_an_ogg_file_without_its_last_page_is_cut_and_what_follows_that_does_not_count(
    tmp_path, suffix, at_page
):
    content = encode(tone(4.0), *CONTAINERS[suffix])
    end = content.rfind(b"OggS") + (0 if at_page else 30)
    with pytest.raises(AudioError, match="cut short, its last page is missing"):
        audio.read(write(tmp_path / f"cut.{suffix}", content[:end]))
    whole = audio.read(write(tmp_path / f"whole.{suffix}", content))
    tagged = audio.read(write(tmp_path / f"tagged.{suffix}", content + b"TAG" + bytes(125)))
    np.testing.assert_array_equal(tagged, whole)


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_a_damaged_page_of_an_ogg_file_is_named(tmp_path, suffix):
    content = encode(tone(4.0), *CONTAINERS[suffix])
    for begin in (content.index(b"OggS", 1), content.rfind(b"OggS")):
        damaged = bytearray(content)
        damaged[begin + 100] ^= 255
        with pytest.raises(AudioError, match=f"damaged: the checksum of the page at byte {begin} is wrong"):
            audio.header(write(tmp_path / f"a.{suffix}", bytes(damaged)))


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("tag", [b"", b"ID3\3\0\0\0\0\0\x0a" + bytes(10)])
def test_files_that_were_joined_are_refused_and_not_read_as_the_first(tmp_path, suffix, tag):
    if tag and suffix not in ("wav", "aiff", "flac", "ogg"):
        return  # no program puts a tag before it
    one, other = (encode(tone(seconds), *CONTAINERS[suffix]) for seconds in (1.0, 2.0))
    with pytest.raises(AudioError, match=r"several .* are joined in it, one after the other"):
        audio.header(write(tmp_path / f"a.{suffix}", tag + one + other))
    assert len(audio.read(write(tmp_path / f"b.{suffix}", tag + other))) == 32_000


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg"])
def test_a_file_that_is_cut_is_refused_behind_a_tag_too(tmp_path, suffix):
    content = b"ID3\3\0\0\0\0\0\x0a" + bytes(10) + encode(tone(1.5), *CONTAINERS[suffix])
    with pytest.raises(AudioError, match="cut short"):
        audio.read(write(tmp_path / f"a.{suffix}", content[: -len(content) // 4]))


@pytest.mark.parametrize(
    "declared",
    [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x80000000, 0x7FFFFFFF, 0x7FFFFFFC, 0x7FFFF000, 0x7FFFEFFE],
)
def test_a_recorder_that_never_learnt_the_length_is_read_to_the_end(tmp_path, declared):
    path = write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.5)), declared))
    np.testing.assert_array_equal(audio.read(path), np.round(tone(0.5) * 32767) / np.float32(32768))
    assert audio.header(path).frames == 8000
    np.testing.assert_array_equal(np.concatenate(list(audio.stream(path))), audio.read(path))


@pytest.mark.parametrize("settings", [16, 18, 40])
@pytest.mark.parametrize("name", [b"RIFF", b"RIFX"])
def test_a_length_that_counts_the_header_too_is_read_to_the_end(tmp_path, name, settings):
    order, kind = (">", ">i2") if name == b"RIFX" else ("<", "<i2")
    samples = np.frombuffer(to_pcm(tone(0.5)), "<i2").astype(kind).tobytes()
    form = struct.pack(f"{order}HHIIHH", 1, 1, 16_000, 32_000, 2, 16).ljust(settings, b"\0")
    before = b"WAVEfmt " + struct.pack(f"{order}I", settings) + form + b"data"
    at = len(before) + 12

    def stated(more):
        length = struct.pack(f"{order}I", len(samples) + more)
        riff = name + struct.pack(f"{order}I", at - 8 + len(samples))
        return write(tmp_path / "a.wav", riff + before + length + samples)

    for more in {36, 44, at - 8, at}:
        np.testing.assert_array_equal(
            audio.read(stated(more)), np.round(tone(0.5) * 32767) / np.float32(32768)
        )
        assert audio.header(tmp_path / "a.wav").frames == 8000
    for more in (8, at - 4, at + 2, 2000):
        with pytest.raises(AudioError, match=f"cut short, {more} of {16_000 + more} bytes missing"):
            audio.read(stated(more))


@pytest.mark.parametrize("declared", [16_002, 1 << 20, 0x7000_0000, 0xC000_0000])
def test_a_length_that_is_no_placeholder_is_believed(tmp_path, declared):
    with pytest.raises(AudioError, match=f"cut short, {declared - 16_000} of {declared} bytes missing"):
        audio.read(write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.5)), declared)))


@pytest.mark.parametrize("declared", [1, 2, 100, 400])
def test_a_header_that_states_next_to_nothing_of_the_file_is_refused(tmp_path, declared):
    path = write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.5)), declared))
    with pytest.raises(AudioError, match=f"its header states {declared} bytes of samples, but "):
        audio.header(path)


@pytest.mark.parametrize("kind", ["wav", "aiff", "w64", "caf", "au", "sph"])
def test_sound_behind_the_stated_samples_is_refused_but_zeros_are_not(tmp_path, kind):
    content = encode(tone(1.5), *CONTAINERS[kind])
    audio.header(write(tmp_path / f"zeros.{kind}", content + bytes(1 << 17)))
    audio.header(write(tmp_path / f"few.{kind}", content + b"\x80few bytes of a program" * 100))
    with pytest.raises(
        AudioError, match=r"its header states \d+ bytes of samples, but \d+ bytes follow that"
    ):
        audio.header(write(tmp_path / f"more.{kind}", content + to_pcm(tone(3.0))))


@pytest.mark.parametrize("kind", ["wav", "wave", "rf64", "aiff", "w64", "caf", "au", "sph"])
@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_a_header_that_states_a_part_of_the_sound_is_refused(tmp_path, kind, seconds):
    content, rest = encode(tone(1.5), *CONTAINERS[kind]), to_pcm(tone(seconds))
    with pytest.raises(AudioError, match=f"but {len(rest)} bytes follow that may be samples too"):
        audio.header(write(tmp_path / f"a.{kind}", content + rest))


@pytest.mark.parametrize(
    "tail",
    [
        b"LIST" + (8001).to_bytes(4, "little") + b"x" * 8000,  # one byte more is stated than written
        b"iXML"
        + (4001).to_bytes(4, "little")
        + b"y" * 4001
        + b"ZOOM"
        + (4000).to_bytes(4, "little")
        + b"z" * 4000,
        b"<?xpacket begin" + b"x" * 8000,
        b"\xff" * 8000,
    ],
    ids=["list", "unpadded", "xmp", "one byte"],
)
def test_metadata_behind_the_samples_is_not_taken_for_sound(tmp_path, tail):
    content = encode(tone(1.0), *CONTAINERS["wav"])
    assert len(audio.read(write(tmp_path / "a.wav", content + tail))) == 16_000


def test_a_header_that_states_a_part_of_compressed_sound_is_refused(tmp_path):
    content = encode(tone(2.0), "WAV", "GSM610")
    with pytest.raises(AudioError, match="but 1000 bytes follow that may be samples too"):
        audio.header(write(tmp_path / "a.wav", content + content[-1000:]))


def _chunk(name, length, *, form=">I", inclusive=0):
    return name + struct.pack(form, length + inclusive) + b"\x81" * (length + length % 2)


@pytest.mark.parametrize(
    "tag", [b"", b"\x81newline\r\n", bytes(9000), b"TAG" + b"x" * 9000, b"APETAGEX" + b"\x81" * 9000]
)
@pytest.mark.parametrize(
    ("kind", "chunks"),
    [
        ("wav", _chunk(b"LIST", 9001, form="<I") + _chunk(b"id3 ", 7000, form="<I")),
        ("aiff", _chunk(b"xtra", 9001) + _chunk(b"FLLR", 7000)),
        ("caf", _chunk(b"info", 9000, form=">q")),
        ("au", b""),
        ("sph", b""),
        ("w64", _chunk(bytes.fromhex("5662f7ab2d39d21186c700c04f8edb8a"), 9000, form="<Q", inclusive=24)),
    ],
)
def test_chunks_and_tags_behind_the_samples_are_no_samples(tmp_path, kind, chunks, tag):
    content = encode(tone(1.5), *CONTAINERS[kind])
    for rest in (tag, chunks + tag):
        path = write(tmp_path / f"a.{kind}", content + rest)
        assert audio.header(path).frames == 24_000
    with pytest.raises(AudioError, match=r"but \d+ bytes follow that may be samples too"):
        audio.header(write(tmp_path / f"b.{kind}", content + chunks + to_pcm(tone(0.5))))


def test_a_long_chunk_without_padding_before_it_and_a_tag_are_no_samples(tmp_path):
    note = b"bext" + struct.pack("<I", 70_000) + b"x" * 70_000
    assert audio.header(write(tmp_path / "a.wav", encode(tone(1.5)[:-1], "WAV", "PCM_U8")[:-1] + note)).frames
    assert audio.header(write(tmp_path / "b.wav", encode(tone(1.5), "WAV", "PCM_16") + b"ID3" + note)).frames


def test_a_long_chunk_after_few_samples_is_no_contradiction(tmp_path):
    note = b"LIST" + struct.pack("<I", 20_004) + b"INFO" + bytes(20_000)
    path = write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.05)), after=note))
    assert audio.header(path).frames == 800


def test_an_empty_data_chunk_before_other_chunks_holds_no_samples(tmp_path):
    path = write(tmp_path / "a.wav", to_wav(b"", after=b"LIST" + struct.pack("<I", 5) + b"INFO\0\0"))
    with pytest.raises(AudioError, match="holds no audio"):
        audio.read(path)


def _riff(*chunks):
    body = b"WAVE" + b"".join(name + struct.pack("<I", length) + data for name, length, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


SETTINGS = (b"fmt ", 16, struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16))
SOUND = to_pcm(tone(0.5))
DATA = (b"data", len(SOUND), SOUND)
TEXT = (b"LIST", 5, b"INFOx")  # a byte of padding is missing


@pytest.mark.parametrize(
    "chunks", [(TEXT, SETTINGS, DATA), (SETTINGS, TEXT, DATA), (TEXT, SETTINGS, TEXT, DATA)]
)
def test_a_chunk_without_padding_is_passed_over(tmp_path, chunks):
    path = write(tmp_path / "a.wav", _riff(*chunks))
    np.testing.assert_array_equal(audio.read(path), audio.read(write(tmp_path / "b.wav", to_wav(SOUND))))
    assert audio.header(path).frames == 8000
    with pytest.raises(AudioError, match="cut short, 100 of 16000 bytes missing"):
        audio.read(write(tmp_path / "c.wav", path.read_bytes()[:-100]))


@pytest.mark.parametrize(
    ("chunks", "fact"),
    [
        ((SETTINGS, (b"LIST", 4, b"INFO")), "holds no samples: no chunk of it is named 'data'; record or"),
        ((SETTINGS, (b"LIST", 24_012, b"wavldata" + bytes(24_004))), "a list of pieces .'LIST wavl'.; write"),
        ((SETTINGS, DATA, DATA), "its samples are in more than one 'data' chunk; write it again"),
        ((SETTINGS, DATA, (b"LIST", 4, b"INFO"), DATA), "its samples are in more than one 'data' chunk"),
        ((DATA, SETTINGS), "no 'fmt ' chunk precedes its samples; write it again"),
        ((DATA,), "no 'fmt ' chunk precedes its samples; write it again"),
    ],
)
def test_chunks_that_no_decoder_understands_are_named(tmp_path, chunks, fact):
    with pytest.raises(AudioError, match=fact):
        audio.header(write(tmp_path / "a.wav", _riff(*chunks)))


@pytest.mark.parametrize(("suffix", "name"), [("w64", b"data"), ("aiff", b"SSND"), ("caf", b"data")])
def test_other_containers_without_samples_are_not_called_cut(tmp_path, suffix, name):
    container = ("CAF", "PCM_16") if suffix == "caf" else CONTAINERS[suffix]
    content = encode(tone(0.5), *container)
    content = content[: content.index(name)] + b"xxxx" + content[content.index(name) + 4 :]
    with pytest.raises(AudioError, match=f"holds no samples: no chunk of it is named '{name.decode()}'"):
        audio.header(write(tmp_path / f"a.{suffix}", content))


def test_the_chunks_of_aiff_have_any_order(tmp_path):
    content = encode(tone(0.5), "AIFF")
    begin, samples = content.index(b"COMM"), content.index(b"SSND")
    swapped = content[:begin] + content[samples:] + content[begin:samples]
    assert audio.header(write(tmp_path / "a.aiff", swapped)).frames == 8000


def _with_length(content, name, offset, value):
    at = content.index(name) + offset
    return content[:at] + value + content[at + len(value) :]


@pytest.mark.parametrize(
    ("suffix", "name", "offset", "value"),
    [
        ("au", b".snd", 8, b"\xff" * 4),
        ("au", b".snd", 8, bytes(4)),
        ("aiff", b"SSND", 4, b"\xff" * 4),
        ("aiff", b"SSND", 4, bytes(4)),
        ("caf", b"data", 4, b"\xff" * 8),
        ("caf", b"data", 4, bytes(8)),
        ("rf64", b"ds64", 16, bytes(8)),
        ("rf64", b"ds64", 16, b"\xff" * 8),
        ("w64", b"data", 16, bytes(8)),
        ("w64", b"data", 16, b"\xff" * 7 + b"\x7f"),
        ("flac", b"fLaC", 22, bytes(4)),
    ],
)
def test_other_containers_of_no_known_length_are_read_to_the_end(tmp_path, suffix, name, offset, value):
    container = {"caf": ("CAF", "PCM_16")}.get(suffix, CONTAINERS[suffix])
    content = encode(tone(1.5, seed=3), *container)
    whole = audio.read(write(tmp_path / f"whole.{suffix}", content))
    streamed = audio.read(write(tmp_path / f"open.{suffix}", _with_length(content, name, offset, value)))
    np.testing.assert_array_equal(streamed, whole)


@pytest.mark.parametrize("blocksize", [None, 0.0, 1.0])
@pytest.mark.parametrize("seconds", [0.2, 3.3])
def test_a_flac_file_written_to_a_pipe_is_counted_by_its_last_frame(tmp_path, seconds, blocksize):
    options = {} if blocksize is None else {"compression_level": blocksize}
    content = _with_length(encode(tone(seconds, seed=1), "FLAC", **options), b"fLaC", 22, bytes(4))
    assert len(audio.read(write(tmp_path / "a.flac", content))) == round(seconds * 16_000)
    with pytest.raises(AudioError, match="cut short, its last frame is not complete"):
        audio.read(write(tmp_path / "b.flac", content[:-9]))


@pytest.mark.parametrize("blocksize", [None, 0.0, 1.0])
@pytest.mark.parametrize("tag", [b"", b"TAG" + bytes(125)])
def test_a_flac_file_that_states_fewer_samples_than_it_holds_is_refused(tmp_path, blocksize, tag):
    options = {} if blocksize is None else {"compression_level": blocksize}
    content = encode(tone(3.3, seed=1), "FLAC", **options) + tag
    assert len(audio.read(write(tmp_path / "whole.flac", content))) == 52_800
    for stated in (26_400, 52_799, 1):
        less = _with_length(content, b"fLaC", 22, stated.to_bytes(4, "big"))
        for function in (audio.read, audio.header):
            with pytest.raises(AudioError, match=rf"a\.flac: its header states {stated} samples, but 52800"):
                function(write(tmp_path / "a.flac", less))


def test_a_header_that_promises_more_than_memory_holds_is_a_bad_file(tmp_path):
    content = _with_length(encode(tone(1.0), "FLAC"), b"fLaC", 21, b"\xff" * 5)
    with pytest.raises(AudioError, match=r"a\.flac: cut short"):
        audio.read(write(tmp_path / "a.flac", content))


@pytest.mark.parametrize("rate", [0, 1, 100, 1_000_000, 4_000_000_000])
def test_absurd_sample_rates_are_named(tmp_path, rate):
    path = write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.5)), rate=rate))
    for function in (audio.read, audio.header, audio.is_prepared, lambda path: next(audio.stream(path))):
        with pytest.raises(AudioError, match=f"claims a sample rate of {rate} Hz; use 2000 to 768000 Hz"):
            function(path)


@pytest.mark.parametrize(
    ("suffix", "name", "offset", "value", "rate"),
    [
        ("aiff", b"COMM", 16, b"\x40\x05\x80" + bytes(7), "64"),
        ("aiff", b"COMM", 16, bytes(10), "0"),
        ("aiff", b"COMM", 16, b"\x7f\xf0" + b"\xff" * 8, "inf"),
        ("au", b".snd", 16, struct.pack(">I", 3), "3"),
        ("caf", b"desc", 12, struct.pack(">d", 1e9), "1000000000"),
        ("caf", b"desc", 12, struct.pack(">d", float("nan")), "nan"),
        ("w64", b"fmt ", 28, struct.pack("<I", 7), "7"),
        ("sph", b"sample_rate", 0, b"sample_rate -i 1\n    ", "1"),
        ("flac", b"fLaC", 18, b"\x00\x01\xf0", "31"),
    ],
)
def test_absurd_sample_rates_are_named_in_every_container(tmp_path, suffix, name, offset, value, rate):
    content = _with_length(encode(tone(0.5), *CONTAINERS[suffix]), name, offset, value)
    with pytest.raises(AudioError, match=f"claims a sample rate of {rate} Hz"):
        audio.read(write(tmp_path / f"a.{suffix}", content))


@pytest.mark.parametrize("rate", [2000, 8000, 22_050, 44_100, 192_000])
def test_usual_sample_rates_are_taken(tmp_path, rate):
    samples = audio.read(write(tmp_path / "a.wav", to_wav(to_pcm(tone(0.5, rate)), rate=rate)))
    assert len(samples) == 8000


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_damaged_header_is_one_line_whatever_is_damaged(tmp_path, suffix, recwarn):
    rng = np.random.default_rng(len(suffix))
    whole = encode(tone(0.3), *CONTAINERS[suffix])
    told = []
    for _ in range(40):
        content = bytearray(whole)
        for place in rng.integers(0, 120, 3):
            content[place] = rng.choice([0, 0x7F, 0x80, 0xFF])
        path = write(tmp_path / "a.bin", bytes(content))
        try:
            assert np.isfinite(audio.read(path)).all()
        except AudioError as error:
            told.append(str(error))
    assert "".join(told).isprintable()
    assert not recwarn.list


def test_a_wav_of_zero_bytes_after_its_header_ends_at_once(tmp_path):
    path = write(tmp_path / "a.wav", b"RIFF\0\0\0\0WAVE" + bytes(2_000_000))
    with pytest.raises(AudioError, match="cut short before its audio begins"):
        audio.read(path)


def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for place in (tmp_path / "pipe.wav", Path(os.devnull), tmp_path):
        with pytest.raises(AudioError, match="a folder, pipe or device, not a file"):
            audio.header(place)
