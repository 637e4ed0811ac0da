"""``sercli predict`` and ``sercli prepare`` with ``--vad`` and ``--segments``."""

import csv
import json

import numpy as np
import pytest
import soundfile
from conftest import tone
from untrained import ALL

RATE = 16_000


@pytest.fixture
def calls(tmp_path, write_wav):
    """A recording with two syllables of speech, and one of noise."""
    silence = np.zeros(RATE, np.float32)
    spoken = [silence, tone(1.0), silence, tone(1.0, pitch=300.0), silence]
    write_wav(tmp_path / "calls" / "anger" / "a.wav", np.concatenate(spoken))
    noise = np.random.default_rng(0).normal(size=2 * RATE).astype(np.float32) * 0.01
    write_wav(tmp_path / "calls" / "fear" / "b.wav", noise)
    return tmp_path / "calls"


@pytest.fixture
def bundle(tmp_path):
    place = tmp_path / "bundle"
    ALL["mdcnn-half"]().save(place)
    return place


def test_voice_activity_from_the_command_to_each_format(command_line, bundle, calls, tmp_path):
    status, out, err = command_line("predict", bundle, calls, "--vad", "--json")
    spoken, noise = map(json.loads, out.splitlines())
    assert status == 0
    assert [round(each["start_s"]) for each in spoken["turns"]] == [1, 3]
    assert (noise["predicted"], noise["turns"]) == (None, [])
    assert "b.wav: no speech" in err
    for name, count in (("o.rttm", 2), ("o.csv", 4), ("o.json", 2)):
        out = tmp_path / name
        assert command_line("predict", bundle, calls, "--vad", "--out", tmp_path / name)[0] == 0
        assert len((tmp_path / name).read_text().splitlines()) == count
        again = command_line("predict", bundle, calls, "--segments", tmp_path / name, "--format", "rttm")
        assert len(again[1].splitlines()) == 2
        assert ("o.csv: entries without start and end list no turn: 1" in again[2]) == (name == "o.csv")
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    silent = {"file": str(calls / "fear" / "b.wav"), "duration_s": "2.0"}
    assert rows[-1] == dict.fromkeys(rows[0], "") | silent
    status, out, err = command_line("predict", bundle, calls, "--vad")
    assert "no speech" in out.splitlines()[-1]
    recording = calls / "anger" / "a.wav"
    labels = command_line(
        "predict", bundle, recording, "--segments", tmp_path / "o.rttm", "--format", "audacity"
    )
    assert len(labels[1].splitlines()) == 2
    status, out, err = command_line("predict", bundle, calls, "--vad", "--format", "audacity")
    assert (status, out) == (1, "")
    assert "--format audacity writes the labels of one file, 2 are named; name one of them" in err


def test_a_list_gives_the_means_of_its_speakers(command_line, bundle, calls, tmp_path):
    path = tmp_path / "a.rttm"
    path.write_text("SPEAKER a 1 1 1 <NA> <NA> anna <NA> <NA>\nSPEAKER a 1 3 1 <NA> <NA> ben <NA> <NA>\n")
    recording = calls / "anger" / "a.wav"
    picture = tmp_path / "a.svg"
    _, out, _ = command_line("predict", bundle, recording, "--segments", path, "--picture", picture)
    assert [line.split()[-1] for line in out.splitlines()[2:]] == ["anna", "ben", "anna", "ben"]
    assert picture.read_text().count("anna") == 1
    _, out, _ = command_line("predict", bundle, recording, "--segments", path, "--csv")
    assert [line.split(",")[4] for line in out.splitlines()] == ["speaker", "anna", "ben"]


@pytest.mark.parametrize(
    ("options", "status", "fact"),
    [
        (["--vad-set", "pad_s=0"], 2, "add --vad"),
        (["--vad", "--vad-set", "pads=0"], 1, "--vad-set: unknown setting 'pads'; did you mean pad_s"),
        (["--vad", "--vad-set", "pad_s"], 1, "--vad-set pad_s: write it as KEY=VALUE, for example detector="),
        (
            ["--vad", "--vad-set", "threshold=2"],
            1,
            "--vad-set: threshold: input should be greater than 0.15 and",
        ),
        (["--vad", "--vad-set", "detector=loud"], 1, "use one of energy, silero"),
        (["--vad", "--timeline"], 2, "leave the windows out"),
        (["--vad", "--json", "--format", "rttm"], 2, "give one of --json, --csv and --format"),
        (["--format", "rttm"], 1, "give --vad, --segments or --timeline"),
        (["--segments", "none.rttm"], 1, "none.rttm: no such file"),
    ],
)
def test_what_does_not_go_together_is_refused(command_line, bundle, calls, options, status, fact):
    found, _, err = command_line("predict", bundle, calls, *options)
    assert found == status
    assert fact in " ".join(err.replace("│", " ").split())


def test_prepare_cuts_recordings_into_turns(command_line, calls, tmp_path):
    place = tmp_path / "w"
    status, out, _ = command_line("prepare", "folder", calls, "--vad", "--name", "mine", "--workspace", place)
    assert status == 0
    assert "1 of 2 recordings cut into 2 utterances" in out
    assert "fear/b.wav: no turn of speech; left out" in out
    rows = [json.loads(line) for line in (place / "corpora/mine/manifest.jsonl").read_text().splitlines()]
    assert [(row["id"], row["emotion"]) for row in rows] == [
        ("mine/anger/a-001", "anger"),
        ("mine/anger/a-002", "anger"),
    ]
    samples, _ = soundfile.read(calls / "anger" / "a.wav", dtype="float32")
    for row in rows:
        own, _ = soundfile.read(place / "corpora/mine" / row["file"], dtype="float32")
        np.testing.assert_array_equal(own, samples[round(row["start"] * RATE) : round(row["end"] * RATE)])
    about = json.loads((place / "corpora/mine/corpus.json").read_text())
    assert about["settings"]["vad"]["detector"] == "energy"


def test_prepare_takes_speakers_from_a_list(command_line, calls, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("file,start,end,speaker\na.wav,1,2,anna\na.wav,3,4,ben\nb.wav,0,2,carl\n")
    place = tmp_path / "w"
    status, _, _ = command_line(
        "prepare", "folder", calls, "--segments", path, "--name", "mine", "--workspace", place, "--json"
    )
    assert status == 0
    rows = [json.loads(line) for line in (place / "corpora/mine/manifest.jsonl").read_text().splitlines()]
    assert [(row["speaker"], row["emotion"], row["start"]) for row in rows] == [
        ("anna", "anger", 1.0),
        ("ben", "anger", 3.0),
        ("carl", "fear", 0.0),
    ]


def test_prepare_cuts_turns_at_the_end_of_the_recording(command_line, calls, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("file,start,end\na.wav,3,9\na.wav,70,80\nb.wav,1,2.03\n")
    place = tmp_path / "w"
    command = ["prepare", "folder", calls, "--segments", path, "--name", "mine", "--workspace", place]
    status, out, _ = command_line(*command)
    assert status == 0
    assert (
        "anger/a.wav: turns that end after the recording (5 s) are cut at its end: 1, first 3 to 9 s" in out
    )
    assert "are left out: 1, first 70 to 80 s" in out
    rows = [json.loads(line) for line in (place / "corpora/mine/manifest.jsonl").read_text().splitlines()]
    assert [(row["start"], row["end"], row["duration"]) for row in rows] == [(3, 5, 2), (1, 2.03, 1)]
    path.write_text("file,start,end\na.wav,3000,4000\nb.wav,0,1\n")
    status, _, err = command_line(*command)
    assert status == 1
    assert "anger/a.wav: none of its turns (1) begins within the recording" in err


def test_a_corpus_with_utterances_of_its_own_is_not_cut(command_line, calls, tmp_path):
    status, _, err = command_line("prepare", "emodb", calls, "--vad", "--workspace", tmp_path / "w")
    assert status == 1
    assert "leave --vad and --segments out" in err


def test_a_list_of_turns_is_also_a_table_of_parts(command_line, bundle, calls):
    path = calls / "anger" / "turns.rttm"
    path.write_text("SPEAKER a 1 1 1 <NA> <NA> anna <NA> <NA>\nSPEAKER a 1 3 1 <NA> <NA> ben <NA> <NA>\n")
    status, out, _ = command_line("predict", bundle, "--table", path, "--json")
    assert status == 0
    rows = [json.loads(line)["table"] for line in out.splitlines()]
    assert [(row["start"], row["speaker"]) for row in rows] == [("1.0", "anna"), ("3.0", "ben")]
