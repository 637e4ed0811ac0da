"""Lists of people's own, from the file to prepared audio."""

import json
import re
import zipfile

import numpy as np
import pytest
from conftest import tone

from sercli import audio
from sercli.audit.lists import ListReader
from sercli.errors import CorpusError, ProtocolError
from sercli.inference.inputs import read_table
from sercli.preparation import prepare
from sercli.protocols import get_protocol
from sercli.records import Note
from sercli.schemes import choose


def notes(result, title):
    return [
        problem.fact for problem in result.problems if isinstance(problem, Note) and problem.title == title
    ]


@pytest.fixture
def long(tmp_path, write_wav):
    """Four seconds of noise, of which no two pieces are alike."""
    samples = np.random.default_rng(0).normal(0, 0.1, 4 * 16_000).astype(np.float32)
    return write_wav(tmp_path / "c/long.flac", samples)


def clock(seconds, point="."):
    return f"00:00:{seconds:06.3f}".replace(".", point)


ROW = {"wav": "long.flac", "emo": "sad"}
LISTS = {
    "emobox": ("t.jsonl", lambda s: {"key": f"u{s}", "start_time": s, "end_time": s + 0.75, "length": 0.75}),
    "samples": ("t.jsonl", lambda s: {"ID": s, "start": s * 16e3, "stop": s * 16e3 + 12e3, "duration": 0.75}),
    "offset": ("t.json", lambda s: {"offset": s, "duration": 0.75}),
    "upper case": ("t.jsonl", lambda s: {"StartTime": s, "EndTime": s + 0.75, "LABEL": "sad"}),
    "clock": ("t.json", lambda s: {"begin": clock(s, ","), "end": clock(s + 0.75)}),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("source", ["csv", "manifest"])
def test_each_list_cuts_its_segments_out(workspace, long, kind, source):
    name, row = LISTS[kind]
    rows = [ROW | row(start) for start in (0.0, 1.25, 3.0)]
    path = long.parent / name
    path.write_text(json.dumps(rows) if name == "t.json" else "\n".join(map(json.dumps, rows)))
    result = prepare(source, path, workspace, name="mine")
    assert [utterance.duration for utterance in result.utterances] == [0.75] * 3
    whole = audio.read(long)
    for utterance, start in zip(result.utterances, (0, 20_000, 48_000), strict=True):
        cut = audio.read(workspace.corpus("mine") / utterance.file)
        np.testing.assert_allclose(cut, whole[start : start + 12_000], atol=1 / 32768)
    assert notes(result, "lengths") == []


def test_a_stated_length_that_is_not_the_one_read_is_named(workspace, long):
    rows = [{"key": f"u{k}", "wav": "long.flac", "emo": "sad", "length": 0.5} for k in range(3)]
    path = long.parent / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    first, second = notes(prepare("manifest", path, workspace, name="mine"), "lengths")
    assert first.startswith(
        "3 of 3 utterances are not as long as the list states: mine/u0 is 4 s long, 0.5 s"
    )
    assert second.startswith("3 utterances share a complete recording with others: long.flac is read 3 times")


@pytest.mark.parametrize("source", ["csv", "manifest"])
def test_times_of_the_film_that_clips_are_from_cut_nothing(workspace, tmp_path, write_wav, source):
    lines = ["file,Emotion,StartTime,EndTime"]
    for k in range(4):
        write_wav(tmp_path / f"clips/{k}.wav", tone(0.5 + 0.1 * k, seed=k))
        lines.append(f'clips/{k}.wav,sad,"00:1{k}:00,250","00:1{k}:01,900"')
    (tmp_path / "t.csv").write_text("\n".join(lines))
    result = prepare(source, tmp_path / "t.csv", workspace, name="mine")
    assert [utterance.duration for utterance in result.utterances] == [0.5, 0.6, 0.7, 0.8]
    assert {utterance.start for utterance in result.utterances} == {None}
    (note,) = notes(result, "times")
    assert note.startswith(
        "start and end are times of a longer recording, so nothing was cut: 4 of 4 are beyond"
    )


@pytest.mark.parametrize("unit", [1000, 16_000])
def test_times_of_another_unit_are_not_those_of_a_film(workspace, tmp_path, write_wav, unit):
    lines = ["file,emotion,start,end"]
    for k in range(4):
        write_wav(tmp_path / f"{k}.wav", tone(0.5, seed=k))
        lines.append(f"{k}.wav,sad,{unit // 10},{4 * unit // 10}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(CorpusError, match=r"0\.wav: can't cut out .*; it is 0\.5 s long"):
        prepare("csv", tmp_path / "t.csv", workspace, name="mine")


def test_one_wrong_time_among_right_ones_is_still_a_fault(workspace, tmp_path, write_wav):
    lines = ["file,emotion,start,end"]
    for k in range(4):
        write_wav(tmp_path / f"{k}.wav", tone(0.5, seed=k))
        lines.append(f"{k}.wav,sad,0.1,{9 if k == 2 else 0.4}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(CorpusError, match=r"2\.wav: can't cut out 0\.1 to 9 s; it is 0\.5 s long"):
        prepare("csv", tmp_path / "t.csv", workspace, name="mine")


def test_a_row_that_names_no_recording_or_no_part_of_it_is_named_by_its_line(workspace, tmp_path, write_wav):
    (tmp_path / "lists").mkdir()
    (tmp_path / "wav").mkdir()
    write_wav(tmp_path / "wav/a.wav", tone(2.0))
    write_wav(tmp_path / "b.wav", tone(0.5))
    table = tmp_path / "lists" / "t.csv"
    table.write_text("file,emotion,start,end\nwav/A.WAV,sad,0,1\nwav/A.WAV,sad,1,9\nb.wav,sad,,\nTotal,3,,\n")
    with pytest.raises(CorpusError) as caught:
        prepare("csv", table, workspace, name="mine", audio_root=tmp_path)
    assert str(caught.value) == f"{table}:5: Total: no such file; correct it, or add --skip-bad"
    result = prepare("csv", table, workspace, name="mine", audio_root=tmp_path, skip_bad=True)
    assert [str(each) for each in result.problems if not each.harmless] == [
        f"{table}:5: Total: no such file",
        f"{table}:3: wav/a.wav: can't cut out 1 to 9 s; it is 2 s long",
    ]


@pytest.mark.parametrize("nobody", ["Unknown", "", "?", "nan", "N/A"])
def test_nobody_is_no_speaker(workspace, tmp_path, write_wav, nobody, command_line):
    lines = ["file,emotion,spk"]
    for k, who in enumerate(("a", "b", "c", nobody, nobody)):
        write_wav(tmp_path / f"{k}.wav", tone(0.3, seed=k))
        lines.append(f"{k}.wav,{'sad' if k % 2 else 'happy'},{who}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    status, out, _ = command_line("prepare", "csv", tmp_path / "t.csv", "--workspace", workspace.root)
    assert status == 0
    assert "speakers    3; 2 utterances have no speaker: --unknown-speakers decides about them" in out
    result = prepare("csv", tmp_path / "t.csv", workspace)
    labels = choose(result.utterances, "t", None)[1].labels
    with pytest.raises(ProtocolError, match=r"t/3: no speaker, as for 1 other of 5, and protocol"):
        get_protocol("leave-one-speaker-out").divide(result.utterances, labels)


def test_names_of_another_computer_are_found_and_ids_lose_its_folders(workspace, tmp_path, write_wav):
    write_wav(tmp_path / "wav/a.wav")
    write_wav(tmp_path / "wav/B.wav", tone(0.3))
    rows = [r"C:\Users\Ada\mine\wav\a.wav,sad", r"C:\Users\Ada\mine\wav\b,happy"]
    (tmp_path / "t.csv").write_text("\n".join(["file,emotion", *rows]))
    for source in ("csv", "manifest"):
        result = prepare(source, tmp_path / "t.csv", workspace, name=f"{source}-1")
        assert [each.id for each in result.utterances] == [f"{source}-1/wav/a", f"{source}-1/wav/B"]
        assert len(notes(result, "files")) == 2


def test_an_archive_in_place_of_a_list_is_to_be_unpacked(workspace, tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("angry/a.wav", b"")
    for source in ("csv", "manifest"):
        with pytest.raises(CorpusError, match=r"a zip archive.* unpack"):
            prepare(source, tmp_path / "c.zip", workspace)


def test_each_reader_of_lists_reads_a_folder_of_kaldi(workspace, tmp_path, write_wav, command_line):
    write_wav(tmp_path / "all/wav/a.wav", np.concatenate([tone(0.5), tone(0.7, pitch=300.0)]))
    for part, times in (("train", "0 0.5"), ("test", "0.5 1.2")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "wav.scp").write_text("rec wav/a.wav\n")
        (tmp_path / part / "segments").write_text(f"{part}-1 rec {times}\n")
        (tmp_path / part / "utt2spk").write_text(f"{part}-1 ann\n")
        (tmp_path / part / "utt2emo").write_text(f"{part}-1 sad\n")
    for source in ("csv", "manifest"):
        result = prepare(
            source, tmp_path / "test", workspace, name=f"{source}-1", audio_root=tmp_path / "all"
        )
        (found,) = result.utterances
        assert (found.id, found.duration, found.speaker) == (f"{source}-1/test-1", 0.7, "ann")
        assert found.emotion == "sadness"
        samples = audio.read(workspace.corpus(f"{source}-1") / found.file)
        np.testing.assert_allclose(samples, audio.read(tmp_path / "all/wav/a.wav")[8000:], atol=1e-4)
    inputs = read_table(tmp_path / "test", audio_root=tmp_path / "all")
    assert (inputs.spans, inputs.speakers) == (((0.5, 1.2),), ("ann",))
    assert dict(zip(inputs.columns, inputs.rows[0], strict=True)) == {
        "id": "test-1", "file": "wav/a.wav", "start": "0.5", "end": "1.2", "speaker": "ann", "emotion": "sad",
    }  # fmt: skip
    place = ("--audio-root", tmp_path / "all")
    for lists in ((tmp_path / "train", tmp_path / "test"), (tmp_path,)):
        status, out, _ = command_line("audit", *lists, *place)
        assert status == 3
        assert re.search(r"LEAK +speakers +1 speaker", out)


SPELLED = {
    "semicolon.csv": "Path;who;label;von;bis\nwav/a.wav;Ann;sad;0,5;00:00:01,25\n",
    "excel.csv": "sep=;\npath;who;label;von;bis\nWAV\\A;Ann;sad;0.5;1.25\n",
    "lines.jsonl": '{"wav": "C:/data/wav/a.wav", "who": "Ann", "emo": "sad", "von": 0.5, "bis": 1.25}\n',
    "records.json": '[{"audio": "wav/a.wav", "who": "Ann", "emotion": "sad", "von": 0.5, "bis": 1.25}]',
    "emobox.jsonl": '{"key": "k", "dataset": "d", "wav": "wav/a.wav", "emo": "s", "speaker": "Ann", '
    '"start_time": 0.5, "end_time": 1.25, "length": 0.75}\n',
    "speechbrain.json": '{"k": {"wav": "{data_root}/wav/a.wav", "emo": "sad", "spk_id": "Ann", "start": 0.5, '
    '"end": 1.25, "length": 0.75}}',
}


@pytest.mark.parametrize("name", SPELLED)
def test_each_list_is_read_alike_by_prepare_audit_and_predict(workspace, tmp_path, write_wav, name):
    write_wav(tmp_path / "wav/a.wav", tone(2.0))
    (tmp_path / name).write_text(SPELLED[name])
    (tmp_path / "label_map.json").write_text('{"s": "sad"}')
    own = {"speaker": "who", "start": "von", "end": "bis"} if "who" in SPELLED[name] else {}
    for source in ("csv", "manifest"):
        (found,) = prepare(source, tmp_path / name, workspace, settings={"columns": own}).utterances
        assert (found.source, found.speaker, found.emotion) == ("wav/a.wav", "Ann", "sadness")
        assert (found.start, found.end, found.duration) == (0.5, 1.25, 0.75)
    ((item,), _) = ListReader(columns=own).read(tmp_path / name)
    assert (item.path, item.declared_speaker) == (str(tmp_path / "wav/a.wav"), "Ann")
    assert (item.utterance.start, item.utterance.end) == (0.5, 1.25)
    inputs = read_table(tmp_path / name, own)
    assert (inputs.files, inputs.spans, inputs.speakers) == (
        (tmp_path / "wav/a.wav",),
        ((0.5, 1.25),),
        ("Ann",),
    )


def test_a_folder_in_place_of_a_list_names_the_lists_in_it(workspace, tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.jsonl").touch()
    for source in ("csv", "manifest"):
        with pytest.raises(CorpusError, match=r"it holds 0\.jsonl, 1\.jsonl, 2\.jsonl and 2 more"):
            prepare(source, tmp_path, workspace, name="mine")


def test_a_damaged_table_in_a_folder_in_place_of_a_list_is_named(workspace, tmp_path):
    (tmp_path / "train.parquet").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(CorpusError, match=r"train\.parquet is a damaged Parquet file"):
        prepare("manifest", tmp_path, workspace, name="mine")


def test_a_list_may_have_columns_of_other_names(workspace, tmp_path, write_wav):
    write_wav(tmp_path / "a.wav")
    (tmp_path / "t.csv").write_text("take,file,mood,emotion,who\n1,a,sad,?,Ann\n")
    for source in ("csv", "manifest"):
        settings = {"columns": {"emotion": "Mood", "speaker": "who"}}
        (found,) = prepare(source, tmp_path / "t.csv", workspace, name="mine", settings=settings).utterances
        assert (found.emotion, found.speaker) == ("sadness", "Ann")


@pytest.mark.parametrize("stated", [500, 8000, 0.5])
def test_a_length_in_milliseconds_or_samples_is_no_contradiction(workspace, tmp_path, write_wav, stated):
    write_wav(tmp_path / "a.wav", tone(0.5))
    (tmp_path / "t.csv").write_text(f"file,emotion,length\na.wav,sad,{stated}\n")
    assert notes(prepare("csv", tmp_path / "t.csv", workspace, name="mine"), "lengths") == []
