"""Formats that only ffmpeg decodes; a program in its place finds a wav behind the first bytes of a file."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import tone
from encoded import to_wav

from sercli import audio
from sercli.audio import _ffmpeg
from sercli.errors import AudioError, CorpusError
from sercli.preparation import prepare

M4A = b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00"
HEADS = {
    "m4a": M4A,
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00",
    "webm": b"\x1aE\xdf\xa3" + bytes(20),
    "avi": b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(20),
    "aac": b"\xff\xf1\x50\x80" + bytes(20),
}
PROGRAM = """#!{python}
import pathlib, sys
arguments = sys.argv[1:]
source = pathlib.Path(arguments[arguments.index("-i") + 1].removeprefix("file:"))
with open({log!r}, "a") as log:
    log.write(source.name + "\\n")
content = source.read_bytes()
if b"CUT" in content:
    sys.exit("[mov @ 0x5] stream 0, offset 0x30: partial file" if b"FAIL" in content else print(
        "[mov @ 0x5] stream 0, offset 0x30: partial file", file=sys.stderr))
if b"MUTE" in content:
    sys.exit("Stream map '0:a:0' matches no streams.")
if b"RIFF" not in content[4:]:
    sys.exit("[mov @ 0x5] Invalid data found when processing input")
pathlib.Path(arguments[-1]).write_bytes(content[content.index(b"RIFF", 4):])
"""


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Put a program called ffmpeg on the path; return the names of the files that it was run for."""
    (tmp_path / "bin").mkdir()
    program, log = tmp_path / "bin/ffmpeg", tmp_path / "bin/log"
    program.write_text(PROGRAM.format(python=sys.executable, log=str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return lambda: log.read_text().split() if log.exists() else []


@pytest.fixture
def make(tmp_path, write_wav):
    def make(name, samples=None, rate=16_000, head=M4A):
        wav = write_wav(tmp_path / "one.wav", tone() if samples is None else samples, rate)
        path = tmp_path / "c" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(head + wav.read_bytes())
        return path

    return make


@pytest.mark.parametrize("kind", HEADS)
def test_the_sound_is_decoded(runs, make, tmp_path, kind):
    path = make(f"a.{kind}", rate=48_000, head=HEADS[kind])
    np.testing.assert_array_equal(audio.read(path), audio.read(tmp_path / "one.wav"))
    assert audio.header(path).sample_rate == 48_000
    assert not audio.is_prepared(path)
    assert np.concatenate(list(audio.stream(path))).shape == audio.read(path).shape


def test_a_file_that_is_read_several_times_is_decoded_once(runs, make):
    path = make("long.mp4", tone(2.0))
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda k: audio.decode(path, k / 10, k / 10 + 0.5)[0], range(10)))
    np.testing.assert_array_equal(parts[3], audio.read(path)[4800:12800])
    assert runs() == ["long.mp4"]
    make("long.mp4", tone(1.0))
    assert len(audio.read(path)) == 16_000
    assert len(runs()) == 2


def test_what_was_decoded_can_be_forgotten(runs, make):
    path = make("a.m4a")
    kept = len(_ffmpeg._cache._files)
    audio.header(path)
    audio.forget(path)
    assert len(_ffmpeg._cache._files) == kept
    audio.forget(path)  # nothing is left to forget
    audio.header(path)
    assert runs() == ["a.m4a", "a.m4a"]
    audio.forget(path)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_decoding_ends_soon_after_the_limit(tmp_path, write_wav):
    path = tmp_path / "a.m4a"
    wav = write_wav(tmp_path / "a.wav", tone(6.0))
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, path], check=True)
    header = audio.header(path, most_s=2.0)
    audio.forget(path)
    assert 2.9 < header.frames / header.sample_rate < 3.1
    assert audio.header(path).frames / 16_000 == pytest.approx(6.0, abs=0.1)
    audio.forget(path)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(
    ("shift", "at"), [("0", None), ("1", 0), ("gte(T,0.5)", 8000), ("-0.2*gte(T,0.5)", None)]
)
def test_a_gap_in_the_sound_of_a_film_is_silence(tmp_path, write_wav, shift, at):
    path, wav = tmp_path / "a.mkv", write_wav(tmp_path / "a.wav", tone(1.0))
    picture = ["-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=2"]
    late = ["-af", f"asetnsamples=800,asetpts='PTS+({shift})/TB'", "-c:a", "pcm_s16le"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *picture, *late, path], check=True)
    second = [] if at is None else [at] * 16_000
    np.testing.assert_array_equal(audio.read(path), np.insert(audio.read(wav), second, 0.0))
    audio.forget(path)


def test_prepared_audio_needs_ffmpeg_no_more(runs, make, workspace, monkeypatch):
    make("sad/a.m4a"), make("happy/b.webm", head=HEADS["webm"])
    result = prepare("folder", make("sad/c.wav", head=b"").parent.parent, workspace)
    assert [each.file for each in result.utterances] == [
        "audio/happy/b.wav",
        "audio/sad/a.wav",
        "audio/sad/c.wav",
    ]
    assert result.resampled == 2
    monkeypatch.setenv("PATH", "")
    for each in result.utterances:
        assert len(audio.read(workspace.corpus("c") / each.file)) == 8000


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"CUT RIFF", "it is cut short, as ffmpeg reports; copy it again"),
        (b"CUT FAIL", "it is cut short, as ffmpeg reports; copy it again"),
        (b"MUTE", "it holds no sound"),
        (b"", r"ffmpeg can't decode it \(Invalid data found when processing input\)"),
    ],
)
def test_a_file_that_ffmpeg_does_not_decode_is_named(runs, tmp_path, content, fact):
    path = tmp_path / "a.m4a"
    path.write_bytes(M4A + content)
    message = rf"a.m4a: it is MPEG-4 \(m4a, mp4\), but {fact}"
    with pytest.raises(AudioError, match=message):
        audio.read(path)
    with pytest.raises(AudioError, match=message):
        audio.decode(path, content=path.read_bytes())


def test_only_recordings_are_given_to_ffmpeg(runs, tmp_path):
    contents = {
        "a.m4a": b"#EXTM3U\nfile:///etc/passwd\n", "b.wav": b"version https://git-lfs.github.com/spec/v1\n",
        "c.wav": b"<html>log in</html>", "d.raw": bytes(range(1, 200)), "e.mp4": b"\x89PNG" + bytes(50),
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AudioError, match="not readable as audio"):
            audio.read(tmp_path / name)
    assert runs() == []


def test_without_ffmpeg_it_is_asked_for(make, workspace, monkeypatch):
    monkeypatch.setenv("PATH", "")
    path = make("sad/a.m4a")
    with pytest.raises(AudioError, match=r"it is MPEG-4 \(m4a, mp4\); install ffmpeg, .* or convert it"):
        audio.read(path)
    with pytest.raises(CorpusError, match="install ffmpeg"):
        prepare("folder", path.parent.parent, workspace)


def test_a_wav_file_of_other_sound_than_libsndfile_reads_is_decoded(runs, make):
    path = make("a.wav", tone(0.5), head=to_wav(b"", 0xFFFFFFFF, form=0xFF))
    assert len(audio.read(path)) == 8000
    assert runs() == ["a.wav"]
