import csv
import io
import json
import re

import numpy as np
import pytest
from conftest import SMALL, tone

from sercli.runs.folder import all_runs
from sercli.workspace import Workspace


@pytest.fixture(scope="module")
def place(small_workspace, tmp_path_factory):
    """A workspace with one finished run."""
    from sercli.devices import Device
    from sercli.training.plan import make_plan
    from sercli.training.settings import configure
    from sercli.training.trials import compute_features, train_trials

    place = Workspace(tmp_path_factory.mktemp("cli") / "w")
    (place.root / "corpora").mkdir(parents=True)
    (place.root / "corpora" / "emodb").symlink_to(small_workspace.corpus("emodb"))
    plan = make_plan(configure(SMALL, place, Device("cpu")), place, "1")
    compute_features(plan)
    train_trials(plan, Device("cpu"), lambda line: None)
    return place


@pytest.fixture
def run(monkeypatch, command_line, place):
    """Run ``sercli predict``: returns exit status, stdout, stderr."""

    def run_(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return command_line("predict", *arguments, "--workspace", place.root)

    return run_


@pytest.fixture
def recording(tmp_path, write_wav):
    return write_wav(tmp_path / "a.wav")


def test_a_readable_table_is_printed(run, place, recording):
    status, out, err = run("latest", recording, "--unsure-below", 1)
    header, line = out.splitlines()
    assert status == 0
    assert header.split() == ["file", "class", "%", "anger", "happiness", "neutral", "sadness"]
    assert line.split()[0].endswith("/a.wav")
    assert line.endswith("unsure")
    (made,) = all_runs(place)
    assert err == f"note: bundle {made.trials()[0].bundle}\n"


def test_a_named_bundle_needs_no_note(run, place, recording):
    (made,) = all_runs(place)
    assert run(made.trials()[0].bundle, recording)[2] == ""


def test_json_is_a_line_for_each_file(run, recording, write_wav, tmp_path):
    other = write_wav(tmp_path / "b.wav", tone(0.4, pitch=320))
    status, out, _ = run("latest", recording, "-", "--json", stdin=f"{other}\n")
    first, second = map(json.loads, out.splitlines())
    assert (status, first["file"], second["file"]) == (0, str(recording), str(other))
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["predicted"] == max(first["probabilities"], key=first["probabilities"].get)
    assert first["unsure"] is None


def test_one_bad_file_is_told_and_the_rest_go_on(run, recording, tmp_path):
    status, out, err = run("latest", recording, tmp_path / "absent.wav", "--csv")
    assert status == 1
    assert [row["file"] for row in csv.DictReader(io.StringIO(out))] == [str(recording)]
    assert err.splitlines()[1:] == [f"error: {tmp_path / 'absent.wav'}: no such file", "1 of 2 files failed"]


def test_of_a_folder_nothing_is_left_out_in_silence(run, recording, write_wav, tmp_path):
    """Links to folders are followed as in `prepare`, and a broken link is a failure."""
    behind = write_wav(tmp_path / "elsewhere" / "b.wav").parent
    folder = tmp_path / "calls"
    folder.mkdir()
    recording.rename(folder / "a.wav")
    (folder / "linked").symlink_to(behind)
    (folder / "lost.wav").symlink_to(tmp_path / "nowhere.wav")
    (folder / ".hidden.wav").symlink_to(tmp_path / "nowhere.wav")
    status, out, err = run("latest", folder, "--csv")
    assert status == 1
    assert [line.split(",")[0].rpartition("calls/")[2] for line in out.splitlines()[1:]] == [
        "a.wav",
        "linked/b.wav",
    ]
    assert "lost.wav" in err
    assert "1 of 3" in err


def test_a_table_is_read_and_a_file_written_whole(run, recording, tmp_path):
    table, target = tmp_path / "t.csv", tmp_path / "out" / "said.csv"
    table.write_text("path,who\na.wav,Ann\n")
    status, out, _ = run("latest", "--table", table, "--column", "path", "--csv", "--out", target)
    assert (status, out) == (0, "")
    (row,) = csv.DictReader(target.open())
    assert (row["path"], row["who"]) == ("a.wav", "Ann")
    assert float(row["duration_s"]) == 0.5


def test_a_row_that_can_not_be_read_is_told_and_the_rest_go_on(run, recording, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("file,start,end\na.wav,0,0.2\n,0,1\na.wav,0.1,x\na.wav\na.wav,0.2,0.4\na.wav,.4,.1\n")
    status, out, err = run("latest", "--table", table, "--csv")
    assert status == 1
    assert [row["start"] for row in csv.DictReader(out.splitlines())] == ["0", "0.2"]
    told = [line.removeprefix(f"error: {table}:") for line in err.splitlines() if line.startswith("error")]
    assert [line[:12] for line in told] == ["3: no file; ", "4: end 'x' i", "5: 1 cells f", "7: start 0.4"]
    assert "4 of 6 files failed" in err


def test_an_interrupted_command_leaves_no_file(run, recording, tmp_path, monkeypatch):
    from sercli.inference.predict import Predictor

    def die(self, paths, *_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Predictor, "predict", die)
    assert run("latest", recording, "--csv", "--out", tmp_path / "said.csv")[0] == 130
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav"}


@pytest.fixture
def several(tmp_path, write_wav):
    """Five recordings, and a table of them with another column."""
    for i in range(5):
        write_wav(tmp_path / f"{i}.wav", tone(0.4, pitch=150 + 40 * i))
    table = tmp_path / "t.csv"
    table.write_text("file,who\n" + "".join(f"{i}.wav,{'ABCDE'[i]}\n" for i in range(5)))
    return table


@pytest.fixture
def stopping(monkeypatch):
    """Stop a prediction, as Ctrl-C does, after some files; collects the names of the files begun."""
    from sercli.inference.predict import Predictor

    usual, begun = Predictor.predict, []

    def stop_after(count):
        def predict(self, recordings, speakers=None, turns=None):
            recordings = list(recordings)
            begun.append([each.path.name for each in recordings])
            for number, found in enumerate(usual(self, recordings, speakers, turns)):
                if number == count:
                    raise KeyboardInterrupt
                yield found

        monkeypatch.setattr(Predictor, "predict", predict)
        return begun

    return stop_after


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_a_command_that_was_interrupted_resumes_and_writes_the_same(run, several, stopping, tmp_path, form):
    out, once = tmp_path / "said.txt", tmp_path / "once.txt"
    command = ("latest", "--table", several, form, "--out")
    assert run(*command, once)[0] == 0
    stopping(2)
    status, _, err = run(*command, out)
    part = tmp_path / "said.txt.part"
    assert (status, out.exists(), part.exists()) == (130, False, True)
    assert f"note: 2 of 5 files are done, see {part}; the same command resumes there" in err
    with part.open("a") as file:
        file.write('{"number": 2, "lines": ["half')  # killed while it wrote
    begun = stopping(5)
    status, _, err = run(*command, out)
    assert (status, begun[-1], part.exists()) == (0, ["2.wav", "3.wav", "4.wav"], False)
    assert "note: 2 of 5 files are done already" in err
    # Other recordings are in a batch, which changes the last digits.
    texts = [re.split(r"(\d\.\d+(?:e-\d+)?)", path.read_text()) for path in (out, once)]
    assert texts[0][::2] == texts[1][::2]
    np.testing.assert_allclose(*(np.array(each[1::2], float) for each in texts), atol=1e-6)


def test_only_files_with_a_result_are_done_and_a_changed_file_is_not(run, several, stopping, tmp_path):
    out, command = tmp_path / "said.csv", ("latest", "--table", several, "--csv", "--out")
    kept = (tmp_path / "0.wav").read_bytes()
    (tmp_path / "0.wav").write_bytes(b"no audio")
    stopping(3)
    assert run(*command, out)[0] == 130
    (tmp_path / "0.wav").write_bytes(kept)
    (tmp_path / "1.wav").write_bytes((tmp_path / "4.wav").read_bytes())
    begun = stopping(5)
    assert run(*command, out)[0] == 0
    assert begun[-1] == ["0.wav", "1.wav", "3.wav", "4.wav"]
    rows = list(csv.DictReader(out.open()))
    assert [row["who"] for row in rows] == list("ABCDE")
    assert rows[1]["p(anger)"] == rows[4]["p(anger)"]


def test_without_any_result_an_earlier_file_is_left_as_it_is(run, several, tmp_path):
    out, command = tmp_path / "said.csv", ("latest", "--table", several, "--csv", "--out")
    out.write_text("earlier\n")
    for i in range(5):
        (tmp_path / f"{i}.wav").unlink()
    status, _, err = run(*command, out)
    assert (status, out.read_text(), out.with_name("said.csv.part").exists()) == (1, "earlier\n", False)
    assert f"note: there are no results, so {out} is not written" in err


def test_a_journal_of_other_options_or_of_another_process_is_kept(run, several, stopping, tmp_path):
    from sercli.errors import ConfigError
    from sercli.inference.journal import Journal

    out, part = tmp_path / "said.csv", tmp_path / "said.csv.part"
    stopping(2)
    assert run("latest", "--table", several, "--csv", "--out", out)[0] == 130
    before = part.read_bytes()
    stopping(5)
    status, _, err = run("latest", "--table", several, "--csv", "--out", out, "--unsure-below", 0.5)
    assert (status, part.read_bytes()) == (1, before)
    assert f"{part}: holds predictions of another model, of other options or of other recordings" in err
    other = tmp_path / "other.csv"
    with Journal(other, [], "a"), pytest.raises(ConfigError, match="another process is writing it"):
        Journal(other, [], "a")
    assert not other.with_name("other.csv.part").exists()
    foreign = tmp_path / "foreign.csv.part"
    foreign.write_text("mine")
    with pytest.raises(ConfigError, match="remove the file"):
        Journal(tmp_path / "foreign.csv", [], "a")
    assert foreign.read_text() == "mine"


def test_a_timeline_is_told_and_drawn(run, tmp_path, write_wav):
    path, picture = write_wav(tmp_path / "long.wav", tone(9)), tmp_path / "p.png"
    status, out, _ = run("latest", path, "--csv", "--picture", picture)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0
    assert [(row["start_s"], row["end_s"]) for row in rows] == [
        ("0.0", "4.0"), ("2.0", "6.0"), ("4.0", "8.0"), ("5.0", "9.0"),
    ]  # fmt: skip
    assert {row["span"] for row in rows} >= {"1"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    out = run("latest", path, "--timeline")[1].splitlines()
    assert out[2].strip().startswith("0.0 to ")
    assert " 9.0 s  " in out[-1]


def test_windows_that_have_no_effect_are_noted(run, recording):
    note = "note: recordings of up to a minute are not cut into windows: 1; give --timeline"
    assert note in run("latest", recording, "--window-s", 0.2)[2]
    assert "note: recordings" not in run("latest", recording, "--window-s", 0.2, "--timeline")[2]
    assert "note: recordings" not in run("latest", recording)[2]


def test_a_recording_on_standard_input_is_not_taken_for_names(run, recording):
    status, out, err = run("latest", "-", stdin=f"RIFF$\0\0\0WAVE\n{recording}\n")
    assert (status, out) == (1, "")
    assert "-: standard input is not text; - takes the names of files or folders, one on a line" in err


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 1, "error: nothing was named: no recordings"),
        (["-"], 1, "error: -: no recordings"),
        (["a.wav", "b.wav", "--picture", "p.png"], 1, "--picture draws one file, 2 are named"),
        (["a.wav", "--picture", "p.png", "--no-timeline"], 1, "leave --no-timeline out"),
        (["a.wav", "--picture", "p.txt"], 1, "p.txt: figures are written as .png, .pdf or .svg, not '.txt'"),
        (["a.wav", "--window-s", "inf"], 1, "window_s=inf: use 0.1 to 3600 s"),
        (["a.wav", "--window-s", "1", "--no-timeline"], 1, "a window or hop without a timeline"),
        (["a.wav", "--out", "-"], 1, "-: not a file; name a file, or leave --out out to print"),
        (["a.wav", "--json", "--csv"], 2, "give one of --json, --csv and --format"),
        (["a.wav", "--table", "t.csv"], 2, "name files or a --table, not both"),
        (["a.wav", "--accelerator", "tpu"], 1, "accelerator='tpu': use auto, cpu, gpu, cuda or mps"),
    ],
)
def test_what_does_not_go_together_is_told(run, arguments, status, told):
    found = run("latest", *arguments)
    assert found[0] == status
    assert told in " ".join(found[2].replace("│", " ").split())


def test_a_model_in_an_archive_is_named(run, tmp_path):
    (tmp_path / "m.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    status, _, err = run(tmp_path / "m.zip", "a.wav")
    assert status == 1
    assert err.startswith(
        f"error: {tmp_path / 'm.zip'}: an archive; if it holds the model, unpack it and name"
    )


def test_a_picture_that_can_not_be_written_is_refused_before_the_work(run, recording, monkeypatch):
    from sercli.inference.predict import Predictor

    monkeypatch.setattr(Predictor, "predict", lambda self, paths: pytest.fail("worked"))
    status, out, _ = run("latest", recording, "--picture", "p.jpeg")
    assert (status, out) == (1, "")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.wav", "the name of a recording"),
        ("other.FLAC", "the name of a recording"),
        ("folder", "not a file"),
        ("/dev/stdout", "not a file"),
        ("table.csv", "is read by this command"),
        ("link.csv", "is read by this command"),
        ("bundle/bundle.json", "is read by this command"),
    ],
)
def test_nothing_that_is_read_is_written_over(run, place, recording, tmp_path, monkeypatch, name, why):
    from sercli.inference.predict import Predictor

    monkeypatch.setattr(Predictor, "predict", lambda self, paths: pytest.fail("worked"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.FLAC").write_bytes(b"kept")
    table = tmp_path / "table.csv"
    table.write_text(f"file\n{recording}\n")
    (tmp_path / "link.csv").symlink_to(table)
    (bundle,) = place.runs.glob("*/fold-*/seed-*/bundle")
    out = bundle.parent / name if name.startswith("bundle") else tmp_path / name
    before = {path: path.read_bytes() for path in (recording, table, tmp_path / "other.FLAC")}
    status, said, err = run("latest", "--table", table, "--csv", "--out", out)
    assert (status, said) == (1, "")
    assert f"{out}: {why}" in " ".join(err.split())
    assert {path: path.read_bytes() for path in before} == before


def test_an_unknown_run_is_told(run, recording):
    status, _, err = run("nonsense", recording)
    assert status == 1
    assert "has no 'nonsense'" in err


def test_a_threshold_of_classes_is_refused_for_continuous_labels(recording):
    from sercli.cli.predict import _refuse_unfit
    from sercli.errors import ConfigError
    from sercli.inference.inputs import Inputs
    from sercli.tasks import Outputs

    class Traces:
        bundle = type("Bundle", (), {"outputs": Outputs((), ("arousal",))})
        timeline = None

    with pytest.raises(ConfigError, match="--unsure-below is for classes"):
        _refuse_unfit(Traces(), Inputs((recording,)), None, 0.5)
    _refuse_unfit(Traces(), Inputs((recording,)), None, None)


def test_a_table_in_place_of_a_recording_and_a_format_that_is_not_written(run, recording, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(f"file\n{recording}\n")
    status, _, err = run("latest", table)
    assert status == 2
    assert f"a table, not a recording; give it with --table {table}" in " ".join(err.split())
    status, _, err = run("latest", recording, "--out", tmp_path / "o.xlsx")
    assert status == 2
    assert ".xlsx is not written; end the name in .json, .jsonl, .csv, .rttm or .txt" in " ".join(err.split())
    assert not (tmp_path / "o.xlsx").exists()
