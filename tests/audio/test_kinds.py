import struct
import zipfile

import numpy as np
import pytest
from conftest import tone
from encoded import encode, to_mp3, to_pcm, to_wav

from sercli import audio
from sercli.errors import AudioError

MP4 = struct.pack(">I", 28) + b"ftypM4A \0\0\0\0M4A mp42isom" + bytes(4000)
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0a" * 32 + b"\nsize 71266\n"


def _coded(form):
    return to_wav(bytes(range(100)), form=form)


KINDS = {
    "pointer": (POINTER, "a git-lfs pointer.*git lfs pull"),
    "annex": (b"/annex/objects/SHA256E-s1--ab.wav\n", "a git-annex pointer.*git annex get"),
    "link to annex": (b"../../.git/annex/objects/q/Z/SHA256E-s1--ab.wav\n", "a git-annex pointer"),
    "page": (PAGE, r"a web page \(HTML\).*download it again"),
    "page, after a comment": (b"\n <!-- saved from\nhere -->\n<html>", r"a web page \(HTML\)"),
    "page in UTF-16": (PAGE.decode().encode("utf-16"), r"a web page \(HTML\)"),
    "page with a mark": (b"\xef\xbb\xbf" + PAGE, r"a web page \(HTML\)"),
    "answer": (b'{"error": "too many requests"}', "JSON, not a recording.*too many requests"),
    "notes": ("gruß aus Köln, ".encode() * 99, "text, not a recording"),
    "phone": (MP4, r"MPEG-4 \(m4a, mp4\).*ffmpeg"),
    "old phone": (MP4.replace(b"M4A ", b"3gp4"), r"3GPP \(3gp\).*ffmpeg"),
    "browser": (b"\x1aE\xdf\xa3" + bytes(99), "WebM or Matroska.*ffmpeg"),
    "aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(99), "AAC.*ffmpeg"),
    "windows": (b"0&\xb2u\x8ef\xcf\x11" + bytes(99), "Windows Media.*ffmpeg"),
    "amr": (b"#!AMR\n" + bytes(99), "AMR.*ffmpeg"),
    "video": (b"RIFF\x6b\0\0\0AVI LIST" + bytes(99), "AVI video.*ffmpeg"),
    "film": (10 * (b"\x47" + bytes(187)), r"MPEG transport stream \(ts, mts\).*ffmpeg"),
    "camera": (10 * (b"\0\0\0\0\x47" + bytes(187)), r"MPEG transport stream \(ts, mts\).*ffmpeg"),
    "disc": (b"\x7f\xfe\x80\x01" + bytes(99), "DTS.*ffmpeg"),
    "aac in wav": (_coded(0xFF), "AAC in a wav file; install ffmpeg, .*ffmpeg -i FILE FILE.wav"),
    "wma in wav": (_coded(0x161), r"Windows Media \(wma\) in a wav file.*ffmpeg"),
    "vorbis in wav": (_coded(0x674F), "Vorbis in a wav file.*ffmpeg"),
    "another in wav": (_coded(0x1234), "sound of the format 0x1234 in a wav file.*ffmpeg"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3" + bytes(99), "a PDF document"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture"),
    "nothing": (bytes(9000), "zero bytes.*download it again"),
}


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mp3", ".au", ".raw", ".flac"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("without_ffmpeg")
def test_what_is_no_audio_is_named_whatever_it_is_called(tmp_path, kind, suffix):
    content, fact = KINDS[kind]
    if kind == "nothing" and suffix == ".raw":
        return  # samples without a header may be zero
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"a\{suffix}: not readable as audio: it is {fact}") as caught:
        audio.read(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "container", [("WAV", "PCM_16"), ("OGG", "VORBIS"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16")]
)
def test_bytes_before_a_header_are_named_and_can_be_removed(tmp_path, container):
    path = tmp_path / "a.wav"
    path.write_bytes(b"\r\n\r\n" + encode(tone(), *container))
    with pytest.raises(AudioError, match=r"4 other bytes precede its header; .*`tail -c \+5 FILE > NEW`"):
        audio.header(path)


@pytest.mark.parametrize(("place", "value"), [(22, b"\0\0"), (22, b"\xff\xff"), (34, b"\0\0")])
def test_an_impossible_header_has_a_remedy(tmp_path, place, value):
    content = bytearray(encode(tone(), "WAV"))
    content[place : place + 2] = value  # channels, or bits of a sample
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"its header is damaged or of no known kind .*; copy it again"):
        audio.header(tmp_path / "a.wav")


def test_an_archive_is_to_be_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.wav", "w") as archive:
        archive.writestr("b.wav", encode(tone(), "WAV"))
    with pytest.raises(AudioError, match="a zip archive; unpack it first"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [".raw", ".pcm", ".RAW", ".vox"])
def test_samples_without_a_header_have_no_known_rate(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(to_pcm(tone()))
    for function in (audio.read, audio.header):
        with pytest.raises(AudioError, match="samples without a header, so its sample rate is unknown"):
            function(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    ("suffix", "advice"),
    [
        (".pcm", "state the rate and convert it, for example with `ffmpeg -f s16le -ar 16000 -ac 1 -i"),
        (".gsm", "GSM 6.10, .*; convert it, for example with `ffmpeg -i FILE FILE.wav`$"),
        (
            ".VOX",
            "OKI ADPCM, .*; convert it with the rate of its source, .* `sox -t vox -r 8000 FILE FILE.wav`$",
        ),
    ],
)
def test_compressed_samples_without_a_header_are_not_converted_as_samples(tmp_path, suffix, advice):
    (tmp_path / f"a{suffix}").write_bytes(to_pcm(tone()))
    with pytest.raises(AudioError, match=advice):
        audio.header(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".au", ".snd"])
def test_samples_without_a_header_are_not_taken_for_telephone_speech(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(to_pcm(tone()))
    with pytest.raises(AudioError, match="not readable as audio"):
        audio.read(tmp_path / f"a{suffix}")


def test_recordings_in_other_formats_are_listed_unless_they_are_there_twice(tmp_path):
    names = ["b.WAV", "a.m4a", "b.mp4", "c.sph", "notes.txt", "._c.wav", "d/b.webm"]
    found = audio.recordings(tmp_path / name for name in names)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a.m4a",
        "b.WAV",
        "c.sph",
        "d/b.webm",
    ]


def test_films_of_cameras_are_listed_and_programs_in_typescript_are_not(tmp_path):
    paths = [tmp_path / name for name in ("00001.MTS", "00002.m2ts", "index.ts")]
    assert audio.recordings(paths) == paths[:2]
    assert audio.count_others(paths[2:]) == "1 file without an audio suffix (.ts)"


def test_recordings_that_are_left_out_beside_others_are_named(tmp_path):
    names = [
        "x/b.WAV",
        "a.m4a",
        "x/b.mp4",
        "x/b.txt",
        "x/._b.m4a",
        *(f"{n}{s}" for n in range(7) for s in (".wav", ".amr")),
    ]
    beside = audio.left_out_beside(tmp_path / name for name in names)
    assert audio.describe_left_out(beside, tmp_path) == (
        "left out: 0.amr, 1.amr, 2.amr, 3.amr, 4.amr and 3 more, because recordings of the same names are "
        "beside them (such as 0.wav); rename those that are other recordings"
    )
    assert beside.pop(tmp_path / "x" / "b.mp4") == tmp_path / "x" / "b.WAV"
    assert audio.left_out_beside([tmp_path / "a.m4a"]) == {}


ADTS = b"\xff\xf1\x60\x40\x02\x1f\xfc" + bytes(9)  # a frame of 16 bytes


@pytest.mark.parametrize(
    "content",
    [
        to_mp3(tone()),
        2 * ADTS,
        *(
            KINDS[kind][0]
            for kind in (
                "phone",
                "browser",
                "windows",
                "video",
                "film",
                "camera",
                "amr",
                "aac in wav",
                "page",
            )
        ),
        *(encode(tone(), kind) for kind in ("WAV", "AIFF", "AU", "CAF", "W64", "RF64", "FLAC", "NIST")),
        encode(tone(), "OGG", "OPUS"),
    ],
)
def test_a_file_is_distinguished_from_samples_by_its_first_20_ms(content):
    assert audio.is_encoded(content[:640])


def test_samples_are_not_taken_for_a_file():
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20_000)
    samples = to_pcm(np.concatenate([np.zeros(999), tone(), noise]))
    assert not any(audio.is_encoded(samples[at:][:640]) for at in range(0, len(samples), 2))
    assert not audio.is_encoded(ADTS + bytes(99))
    assert not any(audio.is_encoded(head) for head in (b"", b"\xff", b"\x47\0" * 320))
