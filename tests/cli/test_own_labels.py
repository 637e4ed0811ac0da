"""A table with invented labels goes from `prepare` to `predict` on the command line, without code."""

import json

import pytest
import soundfile
from conftest import tone

from sercli.plain.yaml import from_yaml

pytestmark = pytest.mark.usefixtures("blank_pictures")

SPEAKERS = ("ada", "ben", "cleo")
LABELS = ("anger", "Guilt & shame", "drunk, loud", "encouraging")


@pytest.fixture
def place(tmp_path):
    rows = ["file,emotion,speaker,session"]
    for i, speaker in enumerate((*SPEAKERS, "?")):
        for j, label in enumerate(LABELS):
            file = f"{i}_{j}.wav"
            soundfile.write(tmp_path / file, tone(0.4, pitch=100 + 60 * j + 7 * i), 16_000)
            rows.append(f'{file},"{label}",{speaker},s{i}')
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "mine.yaml").write_text(
        'classes: {anger: anger, heavy: ["Guilt & shame", "drunk, loud"]}\n'
        "selection: {session: [s0, s1, s2]}\n"
    )
    return tmp_path


def test_invented_labels_from_prepare_to_predict(command_line, place):
    def run(*words):
        status, out, err = command_line(*words, "--workspace", place / "w")
        assert status == 0, out + err
        return out

    told = run("prepare", "csv", place / "t.csv", "--name", "calls")
    assert "emotions    Guilt & shame 4, anger 4, drunk, loud 4, encouraging 4" in told
    assert "known nouns anger; kept as spelled: Guilt & shame, drunk, loud, encouraging" in told
    base = ("train", "--arch", "melcnn", "--corpus", "calls", "--max-epochs", "1", "--accelerator", "cpu")
    base = (*base, "--protocol", "leave-one-speaker-out-no-dev")
    told = run(*base, "--scheme", place / "mine.yaml")
    name = told.partition("run ")[2].split()[0]
    assert name.startswith("melcnn-anger-heavy-by-session-")
    assert "anger 3, heavy 6; 7 left out" in told
    (place / "mine.yaml").unlink()  # from here on, the run itself holds the scheme

    settings = from_yaml((place / "w/runs" / name / "fold-01/seed-0/config.yaml").read_text()).value
    assert settings["scheme"]["classes"] == {"anger": ["anger"], "heavy": ["Guilt & shame", "drunk, loud"]}
    again = run("train", "--config", place / "w/runs" / name / "fold-02/seed-0/config.yaml", "--dry-run")
    assert f"run       {name}\n" in again
    assert "3 are finished" in again

    told = json.loads(run("eval", name, "--draws", "100", "--no-audit", "--json"))
    assert told["utterances"] == 9
    run("audit", name)
    run("export", name, place / "bundle", "--fold", "1")
    assert json.loads((place / "bundle/bundle.json").read_text())["facts"]["scheme"] == settings["scheme"]
    assert "the stated metrics hold exactly" in run("reproduce", place / "bundle")
    status, out, _ = command_line("predict", place / "bundle", place / "0_0.wav", "--json")
    assert status == 0
    assert set(json.loads(out)["probabilities"]) == {"anger", "heavy"}


def test_the_utterances_of_unknown_speakers_are_counted(command_line, place):
    assert (
        command_line("prepare", "csv", place / "t.csv", "--name", "calls", "--workspace", place / "w")[0] == 0
    )
    words = ("train", "--arch", "melcnn", "--corpus", "calls", "--dry-run", "--workspace", place / "w")
    words = (*words, "--protocol", "leave-one-speaker-out-no-dev")
    status, _, err = command_line(*words)
    assert status == 1
    assert "no speaker, as for 3 others of 16" in err
    for how, use in (("train", "used for training only"), ("drop", "left out")):
        status, out, err = command_line(*words, "--unknown-speakers", how)
        assert status == 0, err
        assert f"4 utterances without a speaker are {use}" in out
        assert f"leave-one-speaker-out-no-dev+unknown-{how}@1: 3 folds" in out
    asked = ("audit", "--corpus", "calls", "--protocol", "leave-one-speaker-out-no-dev", "--json")
    for how, status in (("drop", 0), ("train", 4)):  # 4: speakers that are not known can't be compared
        words = (*asked, "--unknown-speakers", how, "--classes", "anger,encouraging")
        assert command_line(*words, "--workspace", place / "w")[0] == status


def test_the_same_content_gives_the_same_run(command_line, place):
    assert (
        command_line("prepare", "csv", place / "t.csv", "--name", "calls", "--workspace", place / "w")[0] == 0
    )
    (place / "a.yaml").write_text("classes: {anger: [anger], cheer: [encouraging]}\n")

    def name(*words):
        base = ("train", "--arch", "melcnn", "--corpus", "calls", "--dry-run", "--workspace", place / "w")
        status, out, err = command_line(*base, "--protocol", "stratified-2-fold", *words)
        assert status == 0, err
        return out.partition("run ")[2].split()[0]

    typed = name("--classes", "encouraging=cheer,anger")
    assert name("--scheme", place / "a.yaml") == typed
    assert name("--classes", "encouraging,anger") != typed
    named = (place / "a.yaml").read_text() + "name: other\n"
    (place / "a.yaml").write_text(named)
    assert name("--scheme", place / "a.yaml").rpartition("-")[2] == typed.rpartition("-")[2]
