"""Commands without a model use the starter, a bundle in a plug-in; those with one work as before."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import tone
from small_encoders import encoder_folder
from untrained import make

from sercli import registry
from sercli.errors import ConfigError, RunError, UnknownNameError
from sercli.inference.inputs import divide_names, find_bundle

FACTS = {"corpus": "two", "title": "Two Corpora", "licence": "CC BY-NC-SA 4.0"}
WARNING = "Wrong for 50 to 64 of 100 recordings of a corpus that it was not trained on (mean over classes)."
OTHER = {"trained_on": "One", "tested_on": "Another", "figures": {"ua": {"value": 0.46}, "chance": 0.25}}
ENCODED = {"kind": "pretrained", "statistics": "per-bin"}


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch):
    monkeypatch.setattr(registry, "_installed", lambda: ())
    registry._plugins.cache_clear()


@pytest.fixture
def starter(tmp_path, monkeypatch):
    """Folder of the bundle of a starter, in a plug-in."""
    folder = tmp_path / "plugin"
    bundle = make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8})
    facts = FACTS | {"warning": WARNING, "other_corpora": [OTHER]}
    replace(bundle, facts=facts).save(folder / "starter")
    monkeypatch.setenv("SERCLI_PLUGINS", str(folder))
    return folder / "starter"


@pytest.fixture
def run(command_line, workspace):
    return lambda *arguments: command_line("predict", *arguments, "--workspace", workspace.root)


@pytest.fixture
def recording(tmp_path, write_wav):
    return write_wav(tmp_path / "calls" / "a.wav")


def test_a_file_alone_is_predicted_by_the_starter_which_warns_first(run, starter, recording):
    status, out, err = run(recording)
    assert (status, len(out.splitlines())) == (0, 2)
    first, second = err.splitlines()
    assert first == f"note: the starter model is w{WARNING[1:]}"
    assert second == (
        "note: the starter model is for research, not to judge a person; licence CC BY-NC-SA 4.0; "
        f"its limits: {starter / 'README.md'}"
    )


def test_the_service_prints_the_same_notes(command_line, run, starter, recording, workspace, monkeypatch):
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    monkeypatch.setattr("sercli.serve.server.serve", lambda *_: (15, True))
    status, _, err = command_line("serve", "--workspace", workspace.root)
    notes = run(recording)[2]
    assert (status, err[-len(notes) :]) == (0, notes)


def test_the_notes_are_printed_once_and_never_among_the_answers(run, starter, recording, write_wav):
    write_wav(recording.parent / "b.wav", tone(0.4, pitch=320))
    status, out, err = run(recording.parent, "--json")
    assert (status, [json.loads(line)["file"][-5:] for line in out.splitlines()]) == (0, ["a.wav", "b.wav"])
    assert len(err.splitlines()) == 2


def test_a_starter_without_a_warning_still_states_its_licence(run, starter, recording):
    bundle = make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8})
    replace(bundle, facts=FACTS).save(starter)
    (line,) = run(recording)[2].splitlines()
    assert "licence CC BY-NC-SA 4.0" in line


def test_a_model_before_the_file_is_used_and_the_starter_is_not_mentioned(run, starter, recording, tmp_path):
    make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8}).save(tmp_path / "mine")
    status, out, err = run(tmp_path / "mine", recording)
    assert (status, len(out.splitlines()), err) == (0, 2, "")


def test_the_starter_can_be_named(run, starter, recording):
    assert run("starter", recording)[1:] == run(recording)[1:]


def test_a_table_needs_no_model(run, starter, recording):
    table = recording.parent / "list.csv"
    table.write_text("file,who\na.wav,Ann\n")
    status, out, _ = run("--table", table, "--csv")
    assert (status, out.splitlines()[1].split(",")[:2]) == (0, ["a.wav", "Ann"])
    status, _, err = run(recording, "--table", table)
    assert (status, "name files or a --table, not both" in err) == (2, True)


def test_a_wrong_name_of_a_model_is_never_taken_for_a_recording(run, starter, recording):
    status, out, err = run("latst", recording)
    assert (status, out) == (1, "")
    assert "no runs yet" in err
    status, out, err = run("speech")
    assert (status, out) == (1, "")
    assert err == (
        "error: speech: no such file or folder, and no model has this name (`sercli runs` lists the runs)\n"
    )


def test_a_wrong_name_of_a_recording_is_reported_as_such(run, starter, tmp_path):
    status, _, err = run(tmp_path / "speach.wav")
    assert status == 1
    assert err.splitlines()[2] == f"error: {tmp_path / 'speach.wav'}: no such file"


def test_nothing_to_predict_is_an_error(run, starter):
    status, out, err = run()
    assert (status, out) == (2, "")
    told = "name audio files, folders that hold some, or a --table"
    assert told in " ".join(err.replace("│", " ").split())


def test_it_follows_speech(run, starter, monkeypatch):
    sound = io.BytesIO((tone(1.2) * 32_768).astype("<i2").tobytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(sound))
    status, out, err = run("--live", "--csv")
    assert (status, WARNING[1:] in err) == (0, True)
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["1.00", "1.20"]


def test_without_a_starter_the_message_tells_how_to_get_it(run, recording, monkeypatch):
    monkeypatch.setenv("SERCLI_PLUGINS", "")
    status, out, err = run(recording)
    assert (status, out) == (1, "")
    assert err == (
        "error: no model is named, and the starter model is not installed; name a bundle, a run or latest, "
        "or run `pip install ./starter` in a clone of sercli's repository\n"
    )


def test_two_starters_are_refused(starter, workspace, tmp_path, monkeypatch):
    shutil.copytree(starter.parent, tmp_path / "other")
    monkeypatch.setenv("SERCLI_PLUGINS", f"{starter.parent}:{tmp_path / 'other'}")
    with pytest.raises(ConfigError, match=r"several plug-ins bring a starter \(.*plugin, .*other\)"):
        find_bundle(workspace, "starter")


def test_names_are_divided_into_model_and_recordings(workspace, tmp_path, monkeypatch, write_wav):
    (workspace.runs / "mdcnn-emodb-1a2b3c4d" / "fold-01" / "seed-0").mkdir(parents=True)
    for folder in ("calls", "1a2b3c4d", "starter", "run/fold-01/seed-0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    write_wav(tmp_path / "a.wav")
    (tmp_path / "noise").write_text("a file without a suffix")
    monkeypatch.chdir(tmp_path)

    def divided(*names, listed=False):
        return divide_names(workspace, names, listed=listed)

    assert divided("a.wav", "calls") == ("starter", ("a.wav", "calls"))
    assert divided("noise") == ("starter", ("noise",))
    assert divided("-") == ("starter", ("-",))
    assert divided("missing.m4a", "a.wav") == ("starter", ("missing.m4a", "a.wav"))
    assert divided("calls") == ("starter", ("calls",))
    assert divided("calls", "a.wav") == ("starter", ("calls", "a.wav"))
    assert divided(listed=True) == ("starter", ())
    assert divided("starter", "a.wav") == ("starter", ("a.wav",))
    assert divided("./starter") == ("starter", ("./starter",))
    assert divided("latest", "a.wav") == ("latest", ("a.wav",))
    assert divided("bundle", "a.wav") == ("bundle", ("a.wav",))
    assert divided("bundle/bundle.json", "a.wav") == ("bundle/bundle.json", ("a.wav",))
    assert find_bundle(workspace, "bundle/bundle.json") == Path("bundle")
    assert divided("run", "calls") == ("run", ("calls",))
    # The end of a run's name has always been a model, even if a folder has the same name.
    assert divided("1a2b3c4d", "a.wav") == ("1a2b3c4d", ("a.wav",))
    assert divided("1a2b3c4d", listed=True) == ("1a2b3c4d", ())
    assert divided("1a2b3c4d") == ("starter", ("1a2b3c4d",))
    assert divided("mdcnn-emodb-1a2b3c4d") == ("mdcnn-emodb-1a2b3c4d", ())
    with pytest.raises(RunError, match=r"^speech: no such file or folder"):
        divided("speech")
    with pytest.raises(UnknownNameError, match="did you mean"):
        find_bundle(workspace, divided("mdcn-emodb-1a2b3c4d", "a.wav")[0])


@pytest.fixture
def encoded(tmp_path, monkeypatch):
    """The folder of the encoder that a starter needs."""
    folder = shutil.copytree(encoder_folder("whisper"), tmp_path / "encoder")
    bundle = make("linear", {"x": ENCODED | {"model": str(folder)}})
    shape = (*bundle.inputs["x"].shape, 1)
    own = replace(bundle.statistics["x"], mean=np.zeros(shape, np.float32), std=np.ones(shape, np.float32))
    replace(bundle, statistics={"x": own}, facts=FACTS).save(tmp_path / "plugin" / "starter")
    monkeypatch.setenv("SERCLI_PLUGINS", str(tmp_path / "plugin"))
    return folder


def test_a_missing_encoder_is_one_error_before_the_work(run, encoded, recording, write_wav):
    write_wav(recording.parent / "b.wav")
    assert run(recording.parent)[0] == 0
    shutil.rmtree(encoded)
    from sercli.encoders import loading

    loading._load_once.cache_clear()
    status, out, err = run(recording.parent)
    assert (status, out) == (1, "")
    assert err.splitlines()[1:] == [
        f"error: {encoded}: the encoder's folder is no longer there; put it back, or make a link to it there"
    ]


def test_another_encoder_is_refused(run, encoded, recording):
    shutil.rmtree(encoded)
    shutil.copytree(encoder_folder("hubert"), encoded)
    from sercli.encoders import loading

    loading._load_once.cache_clear()
    status, out, err = run(recording)
    assert (status, out) == (1, "")
    assert f"error: {encoded}: not the encoder that is needed" in err


def test_the_page_serves_the_starter_with_its_warning(command_line, starter, workspace, monkeypatch):
    pytest.importorskip("gradio")
    seen = []
    monkeypatch.setattr("sercli.demo.server.serve", lambda loaded, *_: seen.extend(loaded))
    assert command_line("demo", "--workspace", workspace.root)[0] == 0
    (loaded,) = seen
    assert (loaded.path, loaded.notice) == (starter, WARNING)
    assert loaded.facts["Test results"] == (
        "trained on One alone, tested on Another: UA 46.0 % (no interval), chance is 25 %"
    )


def test_doctor_tells_where_the_starter_is(command_line, starter, monkeypatch):
    assert f"  model            {starter}\n" in command_line("doctor")[1]
    monkeypatch.setenv("SERCLI_PLUGINS", "")
    assert "not installed; run `pip install ./starter`" in command_line("doctor")[1]
