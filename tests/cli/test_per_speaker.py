"""Training and prediction with features standardised per speaker, on the command line."""

import json

import numpy as np
import pytest
from conftest import tone

from sercli.inference.journal import Journal

pytestmark = pytest.mark.usefixtures("blank_pictures")

SETTINGS = ("--arch", "linear", "--corpus", "emodb", "--scheme", "emodb-4", "--fold", "1")


@pytest.fixture(scope="module")
def place(small_workspace, tmp_path_factory):
    """A workspace with a run that standardises per speaker."""
    found = tmp_path_factory.mktemp("per-speaker") / "w"
    found.mkdir()
    (found / "corpora").symlink_to(small_workspace.root / "corpora")
    return found


@pytest.fixture
def run(command_line, place):
    def call(*words):
        return command_line(*words, "--workspace", place)

    if not (place / "runs").exists():
        status, _, err = call("train", *SETTINGS, "--set", "features.statistics=per-speaker")
        assert status == 0, err
    return call


def test_reports_audits_and_cards_say_that_it_is_transductive(run, tmp_path):
    status, out, _ = run("eval", "latest")
    assert status == 0
    assert "Transductive: features are standardised per speaker" in out
    status, out, _ = run("audit", "latest")
    assert status == 0, out
    assert "transductive: each speaker's utterances of a part are standardised" in " ".join(out.split())
    assert run("export", "latest", tmp_path / "model", "--fold", 1)[0] == 0
    card = (tmp_path / "model/README.md").read_text()
    assert "Transductive" in card
    assert "The features need the encoder whisper-tiny.en (digest" in card


def test_predictions_of_a_test_speaker_are_those_of_the_test_part(run, place):
    trial = next(place.glob("runs/*/fold-01/seed-0"))
    tested = trial.joinpath("predictions.csv").read_text().splitlines()
    ids = [line.split(",")[0] for line in tested[1:]]
    files = [place / "corpora/emodb/audio" / f"{name.removeprefix('emodb/')}.wav" for name in ids]
    status, out, err = run("predict", "latest", *files, "--same-speaker", "--json")
    assert status == 0, err
    header = tested[0].split(",")
    for line, row in zip(out.splitlines(), tested[1:], strict=True):
        stored = dict(zip(header, row.split(","), strict=True))
        for name, value in json.loads(line)["probabilities"].items():
            assert value == pytest.approx(float(stored[f"p({name})"]), abs=1e-4)


def test_speakers_of_a_table_and_enrolled_recordings_are_used(run, tmp_path, write_wav):
    names = [f"{number}.wav" for number in range(4)]
    for number, name in enumerate(names):
        write_wav(tmp_path / name, tone(0.5, pitch=150 + 40 * number, seed=number))
    rows = "\n".join(f"{name},{'ab'[number // 2]}" for number, name in enumerate(names))
    (tmp_path / "list.csv").write_text(f"file,who\n{rows}\n")
    table = ("predict", "latest", "--table", tmp_path / "list.csv", "--json")
    status, by_speaker, err = run(*table, "--speaker-column", "who")
    assert status == 0, err
    two = ("predict", "latest", tmp_path / names[0], tmp_path / names[1], "--same-speaker", "--json")
    alone = run(*two)[1].splitlines()
    probabilities = [json.loads(line)["probabilities"] for line in by_speaker.splitlines()]
    assert [json.loads(line)["probabilities"] for line in alone] == probabilities[:2]
    enrolled = run(*two, "--enrol", tmp_path / names[2], "--enrol", tmp_path / names[3])[1]
    assert enrolled.splitlines() != alone
    (tmp_path / "empty.wav").write_bytes(b"")
    empty = ("--enrol", tmp_path / names[2], "--enrol", tmp_path / "empty.wav")
    assert "; 1 can't be used: " in run(*two, *empty)[2]
    status, _, err = run(*two, *empty, "--enrol", tmp_path / names[3])
    assert (status, "--enrol: 1 of 3 recordings can't be used: " in err) == (1, True)


def test_speakers_with_one_recording_or_turn_are_left_out_and_reported(run, tmp_path, write_wav):
    sounds = [tone(1.0, pitch=150 + 60 * i, seed=i) for i in range(4)]
    for i, sound in enumerate(sounds):
        write_wav(tmp_path / f"{i}.wav", sound)
    (tmp_path / "t.csv").write_text("file,speaker\n0.wav,ann\n1.wav,ann\n2.wav,ben\n3.wav,\n")
    (tmp_path / "two.csv").write_text("file,speaker\n0.wav,ann\n1.wav,ann\n")
    status, out, err = run("predict", "latest", "--table", tmp_path / "t.csv", "--csv")
    assert (status, "2 of 4 files failed" in err) == (1, True)
    assert "2.wav: the model standardises per speaker, which needs 2 utterances or more, and ben has 1" in err
    assert "3.wav: no speaker is known" in err
    assert out == run("predict", "latest", "--table", tmp_path / "two.csv", "--csv")[1]
    meeting = write_wav(tmp_path / "meeting.wav", np.concatenate(sounds))
    lines = "start,end,speaker\n0,1,anna\n1,2,anna\n"
    (tmp_path / "a.csv").write_text(lines)
    (tmp_path / "b.csv").write_text(f"{lines}2,3,ben\n3,4,\n")
    only = run("predict", "latest", meeting, "--segments", tmp_path / "a.csv", "--csv")[1]
    status, out, err = run("predict", "latest", meeting, "--segments", tmp_path / "b.csv", "--csv")
    assert (status, out) == (0, only)
    assert "turns are left out: 2, first 2 to 3 s: the model standardises per speaker" in err
    (tmp_path / "c.csv").write_text("start,end,speaker\n2,3,ben\n")
    status, _, err = run("predict", "latest", meeting, "--segments", tmp_path / "c.csv", "--csv")
    assert (status, "1 of 1 speakers have fewer than 2 utterances" in err) == (1, True)


def test_a_changed_recording_is_not_mixed_with_results_of_its_speaker(run, tmp_path, write_wav, monkeypatch):
    files = [write_wav(tmp_path / f"{i}.wav", tone(0.5, pitch=150 + 40 * i)) for i in range(3)]
    (tmp_path / "3.wav").write_bytes(b"no audio")
    command = ("predict", "latest", *files, tmp_path / "3.wav", "--same-speaker", "--out", tmp_path / "o.csv")
    add = Journal.add

    def stop(self, number, lines):
        if self.done:
            raise KeyboardInterrupt
        add(self, number, lines)

    for _ in range(2):  # unchanged, it resumes
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add", stop)
            assert run(*command)[0] == 130
    (tmp_path / "3.wav").write_bytes(files[0].read_bytes())
    status, _, err = run(*command)
    assert (status, (tmp_path / "o.csv").exists()) == (1, False)
    assert "or recordings have changed that all predictions depend on" in err


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ((), 1, "name the speakers with --same-speaker or --speaker-column"),
        (("--same-speaker",), 1, "1 of 1 speakers have fewer than 2 utterances"),
        (("--enrol", "x.wav"), 2, "--enrol needs --same-speaker"),
        (("--speaker-column", "who"), 2, "--speaker-column and --audio-root need a --table"),
    ],
)
def test_what_is_missing_is_one_line(run, tmp_path, write_wav, options, status, message):
    file = write_wav(tmp_path / "a.wav")
    found, _, err = run("predict", "latest", file, *options)
    assert (found, message in err.replace("\n", " ")) == (status, True), err


def test_the_speakers_of_turns_are_standardised_as_those_of_files(run, tmp_path, write_wav):
    sounds = [tone(1.0, pitch=150 + 60 * i, seed=i) for i in range(6)]
    people = ["anna", "ben"] * 3
    write_wav(tmp_path / "meeting.wav", np.concatenate(sounds))
    turns = [f"{i},{i + 1},{name}" for i, name in enumerate(people)]
    (tmp_path / "turns.csv").write_text("\n".join(["start,end,speaker", *turns]))
    rows = [f"{i}.wav,{name}" for i, name in enumerate(people)]
    (tmp_path / "files.csv").write_text("\n".join(["file,speaker", *rows]))
    for i, sound in enumerate(sounds):
        write_wav(tmp_path / f"{i}.wav", sound)
    status, out, err = run(
        "predict", "latest", tmp_path / "meeting.wav", "--segments", tmp_path / "turns.csv", "--json"
    )
    assert status == 0, err
    found = [turn["probabilities"] for turn in json.loads(out)["turns"]]
    status, out, err = run("predict", "latest", "--table", tmp_path / "files.csv", "--json")
    assert status == 0, err
    assert len(found) == 6
    for turn, line in zip(found, out.splitlines(), strict=True):
        assert turn == pytest.approx(json.loads(line)["probabilities"], abs=1e-4)
