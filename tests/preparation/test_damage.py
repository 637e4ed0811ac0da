"""Recordings that hold nothing, or that are not what they seem."""

import json

import numpy as np
import pytest
import soundfile
from conftest import tone
from encoded import encode, split_mp3, to_mp3, to_pcm, to_wav

from sercli import audio
from sercli.errors import CorpusError, ManifestError
from sercli.preparation import prepare

EMPTY = {
    "one sample": (np.full(1, 0.1), "1 sample"),
    "a blink": (tone(0.05), "800 samples"),
    "zeros": (np.zeros(16_000), "but silence"),
    "an offset": (np.full(16_000, -0.2), "but silence"),
    "cancelling": (np.stack([tone(), -tone()], axis=1), "cancel each other"),
}


@pytest.fixture
def folder(tmp_path, write_wav):
    for number in range(3):
        write_wav(tmp_path / "mine" / "sad" / f"good{number}.wav", tone(pitch=150 + 30 * number))
    return tmp_path / "mine"


@pytest.mark.parametrize("kind", EMPTY)
def test_recordings_that_hold_nothing_are_named_and_left_out_when_asked_for(
    folder, workspace, write_wav, kind
):
    samples, fact = EMPTY[kind]
    write_wav(folder / "sad" / "empty.wav", samples)
    with pytest.raises(CorpusError, match=rf"empty\.wav: holds nothing.*{fact}.*--skip-bad"):
        prepare("folder", folder, workspace)
    result = prepare("folder", folder, workspace, skip_bad=True)
    assert [each.file for each in result.utterances] == [f"audio/sad/good{number}.wav" for number in range(3)]
    assert fact in result.problems[0].fact


def test_a_corpus_of_silence_is_refused(folder, workspace, write_wav):
    for path in (folder / "sad").iterdir():
        write_wav(path, np.zeros(16_000))
    with pytest.raises(CorpusError, match=r"good0\.wav: holds nothing but silence \(and 2 more\)"):
        prepare("folder", folder, workspace)
    with pytest.raises(CorpusError, match="none of its 3 files can be used"):
        prepare("folder", folder, workspace, skip_bad=True)


def test_a_silent_part_of_a_recording_holds_nothing(tmp_path, workspace, write_wav):
    write_wav(tmp_path / "a.wav", np.concatenate([tone(1.0), np.zeros(16_000)]))
    (tmp_path / "t.csv").write_text("file,emotion,start,end\na.wav,sad,0,1\na.wav,sad,1,2\n")
    result = prepare("csv", tmp_path / "t.csv", workspace, name="mine", skip_bad=True)
    assert [each.start for each in result.utterances] == [0.0]
    assert [each.fact for each in result.problems if not each.harmless] == ["holds nothing but silence"]


@pytest.mark.parametrize(
    ("factor", "rate", "fact"),
    [(32768, 16_000, "divided by 32768"), (2**23, 48_000, "divided by 8.38861e+06"), (8, 16_000, "the peak")],
)
def test_what_is_beyond_full_scale_is_scaled_and_told(folder, workspace, command_line, factor, rate, fact):
    whole = np.round(factor * tone(rate=rate)) if factor > 8 else factor * tone(rate=rate)
    soundfile.write(folder / "sad" / "loud.wav", whole, rate, subtype="FLOAT")
    status, out, _ = command_line("prepare", "folder", folder, "--workspace", workspace.root)
    assert status == 0
    (line,) = [each for each in out.splitlines() if "loud.wav" in each]
    assert line.startswith("  noted       sad/loud.wav: ")
    assert " % of its samples beyond full scale, peak " in line
    assert line.endswith(fact)
    assert "1 scaled down to full scale" in out
    described = json.loads((workspace.corpus("mine") / "corpus.json").read_text())
    assert described["scaled"] == 1
    assert fact in described["problems"][0]
    path = workspace.corpus("mine") / "audio" / "sad" / "loud.wav"
    assert soundfile.info(path).subtype == "PCM_16"
    expected = tone(rate=rate) if factor > 8 else whole / np.abs(whole).max()
    prepared = audio.read(path)
    np.testing.assert_allclose(prepared.std(), expected.std(), rtol=0.01)
    assert prepare("folder", folder, workspace).scaled == 1  # nor is it forgotten when nothing is done anew


def test_all_parts_of_a_loud_recording_keep_their_relation(tmp_path, workspace):
    samples = np.concatenate([8 * tone(1.0), tone(1.0)])
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    (tmp_path / "t.csv").write_text("file,emotion,start,end\na.wav,sad,0,1\na.wav,sad,1,2\n")
    result = prepare("csv", tmp_path / "t.csv", workspace, name="mine")
    loud, quiet = (audio.read(workspace.corpus("mine") / each.file) for each in result.utterances)
    assert loud.std() / quiet.std() == pytest.approx(8, rel=0.01)
    assert [each.place for each in result.problems].count("a.wav") == 1


@pytest.mark.usefixtures("without_ffmpeg")
def test_every_bad_file_is_named_by_what_is_wrong_with_it(folder, workspace):
    stream = to_mp3(tone(2.0))
    bad = {
        "cut.aiff": (encode(tone(1.0), "AIFF")[:-9000], "cut short"),
        "lost.w64": (encode(tone(1.0), "W64")[:-9000], "cut short"),
        "short.opus": (encode(tone(3.0), "OGG", "OPUS")[:-2000], "cut short"),
        "half.mp3": (stream[: len(stream) // 2], "cut short"),
        "page.wav": (b"<html><body>404</body></html>", "a web page"),
        "stub.flac": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        "phone.m4a": (b"\0\0\0\x1cftypM4A " + bytes(99), "MPEG-4"),
        "headless.raw": (to_pcm(tone()), "sample rate is unknown"),
        "slow.wav": (to_wav(to_pcm(tone()), rate=3), "sample rate of 3 Hz"),
    }
    for name, (content, _) in bad.items():
        (folder / "sad" / name).write_bytes(content)
    whole = {"a.mp3": b"".join(split_mp3(stream)[1:]), "b.wav": to_wav(to_pcm(tone()), 0)}
    for name, content in whole.items():
        (folder / "sad" / name).write_bytes(content)
    result = prepare("folder", folder, workspace, skip_bad=True)
    assert len(result.utterances) == 3 + len(whole)
    facts = {problem.place.removeprefix("sad/"): problem.fact for problem in result.problems}
    assert facts.keys() == bad.keys()
    for name, (_, fact) in bad.items():
        assert fact in facts[name]


def test_many_files_of_one_kind_are_counted(folder, workspace, command_line):
    for number in range(12):
        loud = (2 + number) * tone(seed=number)
        soundfile.write(folder / "sad" / f"x{number:02}.wav", loud, 16_000, subtype="FLOAT")
    _, out, _ = command_line("prepare", "folder", folder, "--workspace", workspace.root)
    lines = [line for line in out.splitlines() if "noted" in line]
    assert len(lines) == 9
    assert lines[-1].split(maxsplit=1)[1] == "4 more of this kind; corpus.json lists them"


def test_a_manifest_that_was_cut_at_a_line_end_is_refused(folder, workspace):
    path = prepare("folder", folder, workspace).path
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:2]), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"manifest\.jsonl: holds 2 of 3 utterances; prepare the corpus"):
        workspace.utterances("mine")
    path.with_name("corpus.json").unlink()  # without a count there is nothing to compare with
    assert len(workspace.utterances("mine")) == 2
