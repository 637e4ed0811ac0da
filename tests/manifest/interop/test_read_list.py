import json
import re
from pathlib import Path

import pytest

from sercli import manifest
from sercli.errors import ConfigError, ManifestError, UnknownNameError
from sercli.manifest.interop import format_names, get_format, read_list, write_list
from sercli.records import Note, Utterance

LISTS = {
    "emobox.jsonl": '{"key": "k", "dataset": "d", "wav": "d/a.wav", "length": 1.0, "emo": "neu"}\n',
    "speechbrain.json": '{"k": {"wav": "{data_root}/d/a.wav", "length": 1.0, "emo": "neu"}}',
    "s3prl.json": '{"labels": {"neu": 0}, "meta_data": [{"path": "d/a.wav", "label": "neu"}]}',
    "nkululeko.csv": "file,speaker,gender,emotion\nd/a.wav,03,female,neu\n",
    "metadata.csv": "file_name,emotion\nd/a.wav,neu\n",
    "recordings.jsonl": '{"id": "k", "sources": [{"type": "file", "channels": [0], "source": "d/a.wav"}], '
    '"sampling_rate": 16000, "num_samples": 16000, "duration": 1.0}\n',
    "plain.txt": "\nd/a.wav\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_each_kind_of_list_is_recognised(tmp_path, name):
    (tmp_path / name).write_text(LISTS[name])
    (found,) = [item for item in read_list(tmp_path / name) if not isinstance(item, Note)]
    keyed = name.startswith(("emobox", "speechbrain", "recordings"))
    assert (found.file, found.id) == ("d/a.wav", "imported/k" if keyed else "imported/d/a")
    assert found.emotion_raw == (None if name in ("plain.txt", "recordings.jsonl") else "neu")
    assert (found.emotion, found.text_id, found.session) == (None, None, None)


def test_a_manifest_of_ours_is_read_with_its_nouns(tmp_path):
    utterances = [
        Utterance(id="c/a", corpus="c", file="a.wav", emotion="anger", start=1.0, raters=({"a": 1},)),
        Utterance(id="d/a", corpus="d", file="a.wav", speaker="03"),
    ]
    manifest.write(tmp_path / "manifest.jsonl", utterances)
    assert list(read_list(tmp_path / "manifest.jsonl")) == utterances


def test_bad_lines_of_a_manifest_are_problems(tmp_path):
    path = tmp_path / "manifest.jsonl"
    path.write_text(
        '{"id": "c/a", "corpus": "c", "file": "a.wav"}\n'
        '{"id": "c/b", "corpus": "c", "file": "b.wav", "raters": [3]}\n{"id": "c/'
    )
    first, *problems = read_list(path)
    assert first.id == "c/a"
    assert [str(problem) for problem in problems] == [
        f"{path}:2: 'raters' can't be [3]",
        f"{path}:3: not a JSON object (cut short?); write one a line, with a key per column",
    ]


def test_s3prls_meta_data(tmp_path):
    path = tmp_path / "train_meta_data.json"
    entries = [
        {"path": "Session1/wav/Ses01F_F000.wav", "label": "neu", "speaker": "Ses01F"},
        {"label": "neu"},
        "Session1/wav/Ses01F_F001.wav",
    ]
    path.write_text(json.dumps({"labels": {"neu": 0}, "meta_data": entries}))
    first, *problems = read_list(path)
    assert first == Utterance(
        id="imported/Session1/wav/Ses01F_F000",
        corpus="imported",
        file="Session1/wav/Ses01F_F000.wav",
        speaker="Ses01F",
        emotion_raw="neu",
    )
    assert [str(problem) for problem in problems] == [
        f"{path}, entry 2: names no audio file",
        f"{path}, entry 3: not a JSON object",
    ]


def test_a_number_in_s3prls_meta_data_is_a_label_of_its_file(tmp_path):
    path = tmp_path / "train_meta_data.json"
    entries = [
        {"path": f"{name}.wav", "label": label}
        for name, label in zip("abcd", (1, "0", "ang", 7), strict=True)
    ]
    path.write_text(json.dumps({"labels": {"neu": 0, "ang": 1}, "meta_data": entries}))
    note, *found = read_list(path)
    assert [each.emotion_raw for each in found] == ["ang", "neu", "ang", "7"]
    assert note.harmless
    assert str(note).startswith(f"{path}: labels: 'labels' has no name for '7', which the list has")


@pytest.mark.parametrize(
    "text", ['{"meta_data": [{"pa', '{"meta_data": 3}', '{"a": "\\"meta_data\\"", "meta_data": {}}']
)
def test_damaged_meta_data_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ManifestError, match="fetch it again"):
        list(read_list(tmp_path / "a.json"))


def test_a_plain_list_keeps_blanks_inside_paths(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("/data/a b, ü.WAV\r\nno audio\nc.flac\n./c.flac", encoding="utf-8")
    first, second, third, fourth = read_list(path)
    assert (first.file, first.id) == ("/data/a b, ü.WAV", "imported/data/a b, ü")
    assert str(second) == f"{path}:2: not the path of an audio file"
    assert third.file == "c.flac"
    assert str(fourth) == f"{path}:4: the id 'imported/c' occurs more than once"


@pytest.mark.parametrize("data", [b"\x00\xff\x80" * 99, b"some words\n", b'{"a": 1}\n'])
def test_anything_else_is_refused_with_what_is_read(tmp_path, data):
    for name in ("a.json", "a.jsonl", "a.csv", "a.gz", "a"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ManifestError, match=r"not a list of utterances .* one audio path a line"):
            list(read_list(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "{path}: holds no rows (the file is empty); the first line must name the columns"),
        ("[]", "{path}: holds no rows; write a JSON object for each utterance"),
        ("{}", "{path}: holds no rows; write a JSON object for each utterance"),
        ('{"data": []}', "{path}: holds no rows; write a JSON object for each utterance"),
        ("[1]", "{path}, entry 1: not a JSON object"),
        ('{"path": [', "{path}:1: JSON that is cut short or damaged (Expecting value: line 1 column 11"),
        ('[{"path": "a.wav"},\n {"pa', "{path}:2: JSON that is cut short or damaged (Unterminated string"),
    ],
)
def test_a_list_without_rows_is_refused_with_the_reason(tmp_path, text, fact):
    for name in ("a.json", "a.jsonl", "a.csv", "a.gz", "a"):
        (tmp_path / name).write_text(text)
        start = fact.replace("{path}", str(tmp_path / name))
        with pytest.raises(ManifestError, match=f"^{re.escape(start)}"):
            list(read_list(tmp_path / name))


@pytest.mark.parametrize("text", ["name;emotion\na;sad\n", '{"name": "a", "emotion": "sad"}\n'])
def test_a_table_whose_files_have_another_column_is_told_its_columns(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    (problem,) = read_list(tmp_path / "t.csv")
    assert problem.fact == (
        "no column 'file'; the columns are name, emotion; name the right one with --column file=COLUMN"
    )


@pytest.mark.parametrize(
    ("label", "fact"),
    [
        (
            ["anger"],
            "can't hold ['anger']; write one label; --column raters=label reads the labels of several",
        ),
        ({"a": 1}, "can't hold {'a': 1}; write text or a number"),
        (True, "can't hold True; write text or a number"),
    ],
)
def test_a_label_that_is_no_text_is_named_by_its_column(tmp_path, label, fact):
    (tmp_path / "t.jsonl").write_text(json.dumps({"file": "a.wav", "label": label}))
    (problem,) = [item for item in read_list(tmp_path / "t.jsonl") if not isinstance(item, Note)]
    assert problem.fact.startswith(f"the column 'label' {fact}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ManifestError, match=r"a\.txt: no such file"):
        list(read_list(tmp_path / "a.txt"))


def test_formats_by_name():
    assert format_names() == [
        *("audacity", "audformat", "audiofolder", "emobox", "kaldi", "lhotse", "nkululeko", "rttm", "s3prl"),
        "speechbrain",
    ]
    with pytest.raises(UnknownNameError, match="did you mean lhotse"):
        get_format("lhots")
    with pytest.raises(ConfigError, match="'s3prl' is only read; write one of audformat, audiofolder"):
        write_list("s3prl", Path("out.json"), [], Path())
