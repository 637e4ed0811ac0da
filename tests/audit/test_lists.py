"""Lists of people's own: spellings of columns, segments, names that look like a corpus's, exit status."""

import json
import shutil

import pytest
from conftest import tone

from sercli.audit import Verdict, examine
from sercli.audit.lists import from_files
from sercli.errors import ConfigError, ManifestError


def write(path, rows, separator=","):
    """Write a table, or JSON Lines where no separator is given."""
    if separator is None:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [rows[0], *(row.values() for row in rows)]
        path.write_text("".join(separator.join(map(str, line)) + "\n" for line in lines))
    return path


def split(tmp_path, file="file", speaker="speaker", separator=",", suffix=".csv", leak=True):
    """Write a division in which speaker s1 and one recording are in both parts (or nothing is)."""
    parts = {
        "train": [("wav/a.wav", "s1"), ("wav/b.wav", "s2")],
        "test": [("wav/copy.wav", "s1"), ("wav/c.wav", "s3")] if leak else [("wav/c.wav", "s3")],
    }
    return [
        write(
            tmp_path / f"{part}{suffix}",
            [{file: name, "emotion": "sad", speaker: who} for name, who in rows],
            separator,
        )
        for part, rows in parts.items()
    ]


@pytest.fixture
def corpus(tmp_path, write_wav):
    for number, name in enumerate("abc"):
        write_wav(tmp_path / f"wav/{name}.wav", tone(0.2, pitch=150 + 20 * number, seed=number))
    shutil.copy(tmp_path / "wav/a.wav", tmp_path / "wav/copy.wav")
    return tmp_path


def found(division):
    return {finding.check: finding for finding in examine([division])}


@pytest.mark.parametrize(
    ("file", "speaker", "separator", "suffix"),
    [
        ("Path", "SPEAKER", ",", ".csv"),
        ("audio_file", "Speaker ID", ";", ".csv"),
        ("wav", "spk", "\t", ".tsv"),
        ("File Name", "actor", "|", ".txt"),
        ("filename", "spk_id", None, ".jsonl"),
        ("FILE", "Speaker", None, ".ndjson"),
    ],
)
def test_a_leak_is_found_however_columns_are_called(corpus, command_line, file, speaker, separator, suffix):
    lists = split(corpus, file, speaker, separator, suffix)
    status, out, _ = command_line("audit", *lists, "--audio-root", corpus)
    assert status == 3
    assert "1 speaker in train and test" in out
    assert "2 of 9 checks found a leak: same audio, speakers" in out
    assert f"speaker <- {speaker}" in out


@pytest.mark.parametrize(
    ("column", "train", "test"),
    [
        ("split", "train", "test"),
        ("Partition", "TRAIN", "Testing"),
        ("subset", "trn", "eval"),
        ("set", "train", "dev"),
    ],
)
def test_one_table_with_a_column_of_parts_is_a_division(corpus, command_line, column, train, test):
    rows = [("wav/a.wav", "s1", train), ("wav/b.wav", "s2", train), ("wav/copy.wav", "s1", test)]
    table = [{"file": name, "emotion": "sad", "speaker": who, column: part} for name, who, part in rows]
    path = write(corpus / "t.csv", table)
    status, out, _ = command_line("audit", path)
    assert status == 3
    assert f"1 speaker in train and {'dev' if test == 'dev' else 'test'}" in out
    assert "2 of 9 checks found a leak: same audio, speakers" in out
    assert f"t.csv: the column '{column}' divides the utterances" in out


def test_one_table_may_have_several_folds_and_must_have_parts(corpus, command_line):
    def row(name, who, fold, part):
        return {"file": f"wav/{name}.wav", "speaker": who, "Fold": fold, "split": part}

    rows = [row("a", "s1", 1, "train"), row("b", "s2", 1, "test"), row("a", "s1", 2, "test")]
    status, out, _ = command_line("audit", write(corpus / "t.csv", [*rows, row("c", "s1", 2, "train")]))
    assert status == 3
    assert "1 speaker in train and test [1 of 2]" in out
    status, _, err = command_line("audit", write(corpus / "t.csv", rows))
    assert status == 1
    assert "the column 'split' of t.csv, fold 2 names only test" in err
    status, _, err = command_line("audit", write(corpus / "t.csv", [row("a", "s1", 1, "A")]))
    assert status == 1
    assert "t.csv:2: split 'A' is none of train, dev, test" in err
    status, _, err = command_line("audit", write(corpus / "t.csv", [{"file": "wav/a.wav", "speaker": "s1"}]))
    assert status == 1
    assert "needs two or three lists: train, (dev,) test; or one table with a column split" in err


def test_a_column_of_another_name_is_chosen(corpus, command_line):
    lists = split(corpus, speaker="who")
    status, out, _ = command_line("audit", *lists, "--audio-root", corpus, "--column", "speaker=Who")
    assert (status, "1 speaker in train and test" in out) == (3, True)
    status, _, err = command_line("audit", *lists, "--column", "speaker=whom")
    assert (status, "no column 'whom'; the columns are file, emotion, who" in err) == (1, True)
    with pytest.raises(ConfigError, match="--column speakr: no such field"):
        from_files(lists, None, {"speakr": "who"})


@pytest.mark.parametrize(
    ("speakers", "remedy"),
    [
        (("who", "who"), "no utterance has a speaker; if 'who' names the speakers, add --column speaker=who"),
        (
            ("speaker", "who"),
            "no speaker; if 'who' in test.csv names the speakers, rename the column to speaker",
        ),
        (
            ("who", "speaker"),
            "no speaker; if 'who' in train.csv names the speakers, rename the column to speaker",
        ),
        (
            ("file", "file"),
            "no utterance has a speaker; add the speakers to train.csv under the name speaker",
        ),
    ],
)
def test_speakers_that_could_not_be_compared_are_status_4(corpus, command_line, speakers, remedy):
    for part, (name, column) in {"train": ("a", speakers[0]), "test": ("c", speakers[1])}.items():
        write(corpus / f"{part}.csv", [{column: name, "file": f"wav/{name}.wav", "emotion": "sad"}])
    lists = [corpus / "train.csv", corpus / "test.csv"]
    status, out, _ = command_line("audit", *lists, "--audio-root", corpus)
    assert status == 4
    assert out.endswith("speakers not checked; otherwise no leak found\n")
    assert remedy in out
    status, out, _ = command_line("audit", *lists, "--audio-root", corpus, "--json")
    assert (status, json.loads(out)["speakers_checked"]) == (4, False)


def test_nobody_is_the_same_person_as_another_nobody(corpus, command_line):
    for part, name in (("train", "a"), ("test", "c")):
        rows = [
            {"file": f"wav/{name}.wav", "speaker": "Unknown"},
            {"file": f"wav/{name}2.wav", "speaker": name},
        ]
        write(corpus / f"{part}.csv", rows)
    status, out, _ = command_line("audit", corpus / "train.csv", corpus / "test.csv")
    assert status == 4
    assert "2 speakers, none in two parts; 2 of 4 utterances have no speaker" in out


def test_a_division_without_a_leak_is_status_0(corpus, command_line):
    lists = split(corpus, leak=False)
    status, out, _ = command_line("audit", *lists, "--audio-root", corpus)
    assert (status, out.splitlines()[-1]) == (0, "no leak found")


@pytest.mark.parametrize("times", [("start_time", "end_time"), ("start", "duration"), ("Begin", "End")])
def test_pieces_of_one_recording_are_utterances_of_their_own(tmp_path, write_wav, times):
    write_wav(tmp_path / "long.flac", tone(3.0))
    for part, starts in (("train", (0.0, 1.0)), ("test", (2.0, 2.5))):
        rows = [
            {"key": f"k{start}", "wav": "long.flac", "emo": "sad", times[0]: start}
            | {times[1]: 0.5 if times[1] == "duration" else start + 0.5}
            for start in starts
        ]
        write(tmp_path / f"{part}.jsonl", rows, None)
    division, notes = from_files([tmp_path / "train.jsonl", tmp_path / "test.jsonl"], tmp_path)
    checks = found(division)
    assert [checks[name].verdict for name in ("utterances", "same audio", "segments")] == [Verdict.CLEAN] * 3
    assert [item.seconds for item in division.items] == [0.5] * 4
    assert notes == []


def test_a_length_that_contradicts_the_audio_is_named(tmp_path, write_wav):
    write_wav(tmp_path / "long.flac", tone(3.0))
    for part in ("train", "test"):
        rows = [{"key": f"{part}{k}", "wav": "long.flac", "emo": "sad", "length": 0.5} for k in range(2)]
        write(tmp_path / f"{part}.jsonl", rows, None)
    _, notes = from_files([tmp_path / "train.jsonl", tmp_path / "test.jsonl"], tmp_path)
    assert "train.jsonl: lengths: 2 of 2 utterances are not as long as the list states" in notes[0]
    assert "2 utterances share a complete recording with others" in notes[1]


EMODB = ("03a01Fa", "08a02Wb", "09b01Na", "10a04Ta")


@pytest.mark.parametrize(
    ("names", "columns", "speakers", "said"),
    [
        (EMODB, {}, {"03", "08", "09", "10"}, "were read from the file names, which are those of emodb"),
        (EMODB, {"speaker": ("Ann", "Ben", "Cem", "Dan")}, {"03", "08", "09", "10"}, "were read from"),
        (
            (*EMODB[:3], "10-long-4"),
            {"speaker": ("x", "y", "x", "y")},
            {"x", "y"},
            "3 of 4 file names look like",
        ),
        ((*EMODB[:3], "10-long-4"), {}, {None}, "3 of 4 file names look like those of emodb"),
        (EMODB, {"speaker": ("x", "x", "y", "y")}, {"x", "y"}, "the lists' speakers contradict them"),
        (
            ("03a01Fa", "03a02Wb", "03b01Na", "03a04Ta"),
            {"speaker": "abcd"},
            set("abcd"),
            "the lists' speakers",
        ),
        (EMODB, {"sex": ("f", "m", "m", "m")}, {None}, "the lists' genders contradict them"),
        (
            EMODB,
            {"emotion": ("sad", "sad", "fear", "anger")},
            {None},
            "the lists' emotions contradict them",
        ),
    ],
)
def test_names_count_where_all_are_a_corpus_s_and_no_column_contradicts(
    tmp_path, names, columns, speakers, said
):
    rows = [
        {"file": f"{name}.wav"} | {key: each[i] for key, each in columns.items()}
        for i, name in enumerate(names)
    ]
    write(tmp_path / "train.csv", rows[:2])
    write(tmp_path / "test.csv", rows[2:])
    division, notes = from_files([tmp_path / "train.csv", tmp_path / "test.csv"])
    assert {item.utterance.speaker for item in division.items} == speakers
    assert any(said in note for note in notes)
    assert ({item.utterance.text_id for item in division.items} == {None}) == ("were read from" not in said)


def test_a_harmless_problem_of_a_list_is_a_note(tmp_path):
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_bytes(
            f"file;Speaker\nsch\u00f6n{part}.wav;{part}\n".encode("latin-1")
        )
    _, notes = from_files([tmp_path / "train.csv", tmp_path / "test.csv"])
    assert (
        notes[0] == "train.csv: not UTF-8, read as Latin-1; if names or labels look wrong, save it as UTF-8"
    )


def test_an_archive_in_place_of_a_list_is_named(tmp_path):
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(ManifestError, match=r"train\.csv: a zip archive; unpack the archive"):
        from_files([tmp_path / "train.csv", tmp_path / "test.csv"])


def test_a_folder_of_audio_that_is_none_is_named(corpus):
    lists = split(corpus)
    with pytest.raises(ManifestError, match=r"none: no such folder; --audio-root names the folder"):
        from_files(lists, corpus / "none")
    (corpus / "audio.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(ManifestError, match=r"audio\.zip: a zip archive.*unpack the archive"):
        from_files(lists, corpus / "audio.zip")
