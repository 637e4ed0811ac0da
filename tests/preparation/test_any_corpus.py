"""Corpora without a reader of their own, from folder or table to prepared audio."""

import hashlib

import numpy as np
import pytest
from conftest import tone

from sercli import audio, manifest
from sercli.errors import CorpusError
from sercli.preparation import prepare
from sercli.processor import count_cores
from sercli.records import Note


@pytest.fixture
def long(tmp_path, write_wav):
    """A recording of four seconds, 24 kHz, called r.wav, and a function that writes the table of its cuts."""
    write_wav(tmp_path / "c" / "r.wav", tone(4, rate=24_000), rate=24_000)

    def cuts(*rows):
        table = tmp_path / "c" / "t.csv"
        table.write_text("\n".join(["id,file,emotion,speaker,start,end", *rows]))
        return table

    return cuts


def test_utterances_are_cut_out_of_a_recording(workspace, tmp_path, long):
    table = long("a,r.wav,sad,        EB0,0.5,1.25", "b,r.wav,Happy,EB1,3,")
    first, second = prepare("csv", table, workspace, name="mine").utterances
    assert (first.id, first.speaker, first.emotion, first.duration) == ("mine/a", "EB0", "sadness", 0.75)
    assert (second.id, second.emotion_raw, second.duration, second.file) == (
        "mine/b",
        "Happy",
        1.0,
        "audio/b.wav",
    )
    source = tmp_path / "c" / "r.wav"
    assert first.source_sha256 == second.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    cut = audio.resample(audio.decode(source)[0][12_000:30_000], 24_000, 16_000)
    prepared = audio.read(workspace.corpus("mine") / first.file)
    np.testing.assert_allclose(prepared, cut, atol=1 / 32768)


def test_only_a_cut_that_changed_is_made_again(workspace, long):
    rows = ["a,r.wav,sad,,0,1", "b,r.wav,sad,,1,2"]
    before = prepare("csv", long(*rows), workspace, name="mine").utterances
    after = prepare("csv", long(rows[0], "b,r.wav,sad,,1,2.5"), workspace, name="mine")
    assert after.reused == 1
    assert after.utterances[0].sha256 == before[0].sha256
    assert [u.duration for u in after.utterances] == [1.0, 1.5]


def test_a_recording_is_hashed_once_for_all_its_cuts(workspace, long, tmp_path, monkeypatch):
    digest, hashed = hashlib.file_digest, tmp_path / "hashed"  # a file: processes share the work

    def note(file, how):
        with hashed.open("a") as notes:
            notes.write("x")
        return digest(file, how)

    monkeypatch.setattr(hashlib, "file_digest", note)
    table = long(*(f"u{i},r.wav,sad,,{i / 100},{i / 100 + 0.5}" for i in range(200)))
    result = prepare("csv", table, workspace, name="mine")
    assert len(result.utterances) == 200
    assert 1 <= len(hashed.read_text()) <= count_cores()


def test_an_interrupted_preparation_of_cuts_goes_on(workspace, long):
    table = long(*(f"u{i},r.wav,sad,,{i},{i + 1}" for i in range(4)))

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("csv", table, workspace, name="mine", progress=interrupt)
    assert workspace.prepared() == []
    assert prepare("csv", table, workspace, name="mine").reused >= 2


def test_a_cut_beyond_the_recording_is_named(workspace, long):
    table = long("a,r.wav,sad,,0,1", "b,r.wav,sad,,3,4.06", "c,r.wav,sad,,3,4.05")
    with pytest.raises(CorpusError, match=r"r\.wav: can't cut out 3 to 4\.06 s; it is 4 s long"):
        prepare("csv", table, workspace, name="mine")
    assert workspace.prepared() == []
    result = prepare("csv", table, workspace, name="mine", skip_bad=True)
    assert [(u.id, u.duration) for u in result.utterances] == [("mine/a", 1.0), ("mine/c", 1.0)]


@pytest.mark.parametrize(
    "row", ["a,r.wav,unknown,,,", "a,r.wav,sad,,2,1", "../../x,r.wav,sad,,,", "a,../r.wav,sad,,,"]
)
def test_a_bad_table_leaves_nothing_and_without_it_all_the_rest(workspace, tmp_path, long, row):
    table = long("ok,r.wav,sad,,0,1", row)
    with pytest.raises(CorpusError, match="correct it, or add --skip-bad"):
        prepare("csv", table, workspace, name="mine")
    assert not (workspace.corpus("mine") / "audio").exists()
    result = prepare("csv", table, workspace, name="mine", skip_bad=True)
    assert [u.id for u in manifest.read(result.path)] == ["mine/ok"]
    assert len([problem for problem in result.problems if not isinstance(problem, Note)]) == 1
    assert not list(tmp_path.rglob("x.wav"))


def test_speakers_with_two_spellings_or_genders_are_noted(workspace, tmp_path, write_wav):
    rows = [
        "spk03,f,sad",
        "SPK03,f,anger",
        "Ｓ4,m,sad",
        "S4,m,sad",
        "7.0,,sad",
        "07,,anger",
        "x,f,sad",
        "x,m,sad",
    ]
    for number in range(len(rows)):
        write_wav(tmp_path / f"{number}.wav")
    table = "\n".join(["file,speaker,gender,emotion", *(f"{n}.wav,{row}" for n, row in enumerate(rows))])
    (tmp_path / "t.csv").write_text(table + "\n")
    result = prepare("csv", tmp_path / "t.csv", workspace, name="mine")
    spelled, gendered = (each.fact for each in result.problems if each.place == "speakers")
    assert spelled.startswith("'07' and '7.0', 'S4' and 'Ｓ4', 'SPK03' and 'spk03' differ only in case")
    assert gendered.startswith("'x' is female in 6.wav and male in 7.wav; if two people share a name")


def test_the_same_audio_with_another_emotion_or_speaker_is_noted(workspace, tmp_path, write_wav):
    rows = ["sad,1", "sad,1", "anger,2", "fear,3", "fear,3", "fear,4"]
    for number in range(len(rows)):
        write_wav(tmp_path / f"{number}.wav", tone(pitch=100 + 100 * (number // 2)))  # one sound for two rows
    table = "\n".join(["file,emotion,speaker", *(f"{n}.wav,{row}" for n, row in enumerate(rows))])
    (tmp_path / "t.csv").write_text(table + "\n")
    (only,) = (
        each for each in prepare("csv", tmp_path / "t.csv", workspace, name="mine").problems
        if not isinstance(each, Note)
    )  # fmt: skip
    assert only.harmless
    assert str(only) == (
        "3.wav: same audio as 2.wav, but emotion fear instead of anger and speaker 3 instead of 2; "
        "4 utterances share their audio in this way; keep one of each, the right one"
    )


def test_a_copied_folder_is_noted(workspace, tmp_path, write_wav):
    for number in range(3):
        for part in ("all", "train"):
            write_wav(tmp_path / "mine" / part / "sad" / f"{number}.wav", tone(pitch=100 + 100 * number))
    result = prepare("folder", tmp_path / "mine", workspace)
    (note,) = (each for each in result.problems if not isinstance(each, Note))
    assert str(note) == (
        "train/sad/0.wav: same audio, emotion and speaker as all/sad/0.wav; utterances that repeat "
        "another one and are counted again: 3; remove the copies if this is not meant"
    )


def test_of_two_files_of_an_utterance_the_intact_one_is_used(workspace, tmp_path, write_wav):
    root = tmp_path / "mine"
    write_wav(root / "sad" / "a.wav")
    write_wav(root / "sad" / "c.flac")
    write_wav(root / "sad" / "c.wav")
    (root / "sad" / "a.flac").write_bytes((root / "sad" / "c.flac").read_bytes()[:200])
    with pytest.raises(CorpusError, match="the same utterance as"):
        prepare("folder", root, workspace)
    result = prepare("folder", root, workspace, skip_bad=True)
    assert [(each.id, each.source) for each in result.utterances] == [
        ("mine/sad/c", "sad/c.flac"),
        ("mine/sad/a", "sad/a.wav"),
    ]
    assert sorted(each.place for each in result.problems) == ["sad/a.flac", "sad/c.wav"]


def test_a_mapped_label_that_nothing_has_is_noted(workspace, tmp_path, write_wav):
    root = tmp_path / "mine"
    write_wav(root / "Anger" / "a.wav")
    write_wav(root / "sad" / "b.wav", tone(pitch=300))
    result = prepare(
        "folder", root, workspace, settings={"map": {"angerr": "anger", "SAD": "sadness", "q": "fear"}}
    )
    assert [str(each) for each in result.problems] == [
        "--map 'angerr': no utterance has this label; did you mean 'Anger'?",
        "--map 'q': no utterance has this label",
    ]


def test_folders_of_any_spelling_and_sample_rate(workspace, tmp_path, write_wav):
    root = tmp_path / "My corpus"
    write_wav(root / "Angry" / "day 1" / "a b.wav", rate=24_000)
    write_wav(root / "hap" / "c.flac", rate=44_100)
    write_wav(root / "boredem" / "d.wav")
    kept = prepare("folder", root, workspace)
    assert {u.emotion for u in kept.utterances} == {"anger", "happiness", "boredem"}
    hint = "1 utterance; if this is a misspelling of boredom, add --map 'boredem=boredom'"
    assert [str(each) for each in kept.problems] == [f"label 'boredem': {hint}"]
    result = prepare("folder", root, workspace, settings={"map": {"boredem": "boredom"}})
    assert result.path == workspace.manifest("my-corpus")
    assert [(u.id, u.emotion, u.duration) for u in result.utterances] == [
        ("my-corpus/Angry/day 1/a b", "anger", 0.5),
        ("my-corpus/boredem/d", "boredom", 0.5),
        ("my-corpus/hap/c", "happiness", 0.5),
    ]
    assert result.resampled == 2
    assert [u.speaker for u in result.utterances] == [None] * 3
