"""A study run: what is finished is used, what fails is told, and a killed command goes on."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import SMALL

from sercli.devices import Device
from sercli.preparation import prepare
from sercli.runs.config import RunConfig
from sercli.runs.folder import all_runs
from sercli.studies import get_study, running
from sercli.studies.estimate import costs
from sercli.studies.progress import Progress
from sercli.studies.results import find_cell_run
from sercli.studies.running import plan_cells, run, todo
from sercli.training import estimate
from sercli.workspace import Workspace

CPU = Device("cpu")

STUDY = {
    "title": "Small",
    "arch": "mdcnn",
    "on": ["emodb-4", "ravdess-4"],
    "set": {
        "model": SMALL["model"],
        "training": SMALL["training"] | {"max_epochs": 2, "precision": "32-true"},
    },
    "rows": [
        {"name": "plain", "paper": {"emodb-4": {"ua": 60}}},
        {"name": "attention", "from": "plain", "set": {"model.attention": True}},
        {"name": "the same again", "from": "attention"},
    ],
}


@pytest.fixture
def place(small_workspace, tmp_path):
    """A workspace with the small corpus and runs of its own, and a study beside it."""
    own = Workspace(tmp_path / "w")
    own.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (own.root / name).symlink_to(small_workspace.root / name)
    write(own, STUDY)
    return own


def write(place, study):
    (place.root.parent / "small.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


def study_of(place):
    return get_study(str(place.root.parent / "small.yaml"))


def command(place, *options):
    study = str(place.root.parent / "small.yaml")
    accelerator = ("--accelerator", "cpu")
    return [
        sys.executable,
        "-m",
        "sercli",
        "ablate",
        study,
        "--workspace",
        str(place.root),
        *accelerator,
        *options,
    ]


def ablate(place, *options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command(place, *options), env=environment, capture_output=True, text=True, timeout=300, check=False
    )


class Record:
    """Keeps the ends of trials."""

    def __init__(self):
        self.ends = []

    def trial_began(self, planned, trial):
        pass

    def epoch_ended(self, planned, trial, line):
        pass

    def trial_ended(self, planned, trial, reason):
        self.ends.append((planned.cell.row.name, trial.fold, reason))


def planned(place, folds="1-2"):
    works, failures = plan_cells(study_of(place).cells(on=["emodb-4"]), place, CPU, folds)
    assert failures == []
    return works


def test_rows_that_come_to_the_same_share_their_trials_and_a_finished_one_is_not_run_again(place):
    works = planned(place)
    assert len({work.plan.run.path for work in works}) == 2
    assert len(todo(works)) == 4
    told = Record()
    assert run(works[:2], CPU, told) == []
    assert told.ends == [
        ("plain", 1, None),
        ("plain", 2, None),
        ("attention", 1, None),
        ("attention", 2, None),
    ]
    again = Record()
    assert run(planned(place, "1-3"), CPU, again) == []
    assert again.ends == [("plain", 3, None), ("attention", 3, None)]
    for work in works:
        assert find_cell_run(work.cell, place) == work.plan.run
    course = Progress(planned(place, "1-3"), 1)
    assert (course.done, course.total, course.left()) == (6, 6, 0)
    assert [len(state.done) for state in course.cells] == [3, 3, 3]
    assert all(0 < value <= 1 for state in course.cells for value in state.dev.values())


def test_a_run_is_found_from_the_runs_alone(place, small_workspace):
    (work, *_) = planned(place, "1")
    assert find_cell_run(work.cell, place) is None
    run([work], CPU, Record())
    (place.root / "corpora").unlink()
    assert find_cell_run(work.cell, place) == work.plan.run


def test_a_run_that_starts_from_a_bundle_is_found(place):
    bundle = place.root / "start"
    bundle.mkdir()
    described = {"weights_sha256": "ab" * 32, "facts": {"corpus": "ravdess"}}
    (bundle / "bundle.json").write_text(json.dumps(described))
    write(place, STUDY | {"rows": [{"name": "pretrained", "set": {"init": str(bundle)}}]})
    (work,) = planned(place, "1")
    work.plan.run.trial(1, 0).path.mkdir(parents=True)
    assert find_cell_run(work.cell, place) == work.plan.run
    (bundle / "bundle.json").unlink()
    assert find_cell_run(work.cell, place) is None


def test_a_trial_that_fails_does_not_end_the_others(place):
    study = STUDY | {"rows": [{"name": "wild", "set": {"training.lr": 1e30}}, STUDY["rows"][0]]}
    write(place, study)
    told = Record()
    (failure,) = run(planned(place, "1"), CPU, told)
    assert "wild, emodb-4, fold 1, seed 0: " in str(failure)
    assert "became NaN or infinite" in failure.reason
    assert told.ends[1] == ("plain", 1, None)


def fail_in(monkeypatch, module, name, error):
    """Let a function of the plan of a trial raise an error for the row without attention."""
    usual = getattr(module, name)

    def failing(plan, *given, **named):
        if not plan.config.model.attention:
            raise error
        return usual(plan, *given, **named)

    monkeypatch.setattr(module, name, failing)


def test_an_error_of_a_network_of_one_s_own_does_not_end_the_others(place, monkeypatch):
    works, told = planned(place, "1"), Record()
    fail_in(monkeypatch, running.trials, "train_trial", ValueError("first line\nlast line"))
    with pytest.raises(ValueError, match="first line"):  # a bug of ours
        run(works, CPU, told)
    works, told = planned(place, "1"), Record()
    monkeypatch.setattr(RunConfig, "code", property(lambda config: {"models/own": "c0de"}))
    fail_in(monkeypatch, running.trials, "train_trial", ValueError("first line\nlast line"))
    (failure,) = run(works, CPU, told)
    assert str(failure) == "plain, emodb-4, fold 1, seed 0: ValueError: first line"
    assert told.ends == [("plain", 1, "ValueError: first line"), ("attention", 1, None)]
    fail_in(monkeypatch, running.trials, "train_trial", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(works, CPU, told)


def test_an_error_of_a_network_of_one_s_own_does_not_end_the_estimate(place, monkeypatch):
    works = planned(place, "1")
    monkeypatch.setattr(RunConfig, "code", property(lambda config: {"models/own": "c0de"}))
    fail_in(monkeypatch, estimate, "seconds_per_epoch", IndexError("too far"))
    first, second, _ = costs(works, CPU)
    assert (first.reason, first.epoch) == ("IndexError: too far", None)
    assert (second.reason, second.epoch > 0) == (None, True)


def test_a_cell_that_can_t_be_divided_is_told(place):
    write(place, STUDY | {"on": ["emodb-4:speaker-9-fold"]})
    works, failures = plan_cells(study_of(place).cells(), place, CPU)
    assert works == []
    assert len(failures) == 3
    assert "needs 9 speakers" in str(failures[0])


def test_what_is_left_is_timed_on_a_sample(place):
    found = costs(planned(place), CPU)
    assert all(0 < cost.epoch < 60 for cost in found)
    assert found[0].seconds == pytest.approx(found[0].epoch * 2 * 2)
    assert found[1].epoch == found[2].epoch
    assert not place.runs.exists()


def test_a_dry_run_says_what_is_left_out_and_what_is_to_do(place, command_line):
    file = place.root.parent / "small.yaml"
    options = ("--workspace", place.root, "--accelerator", "cpu", "--dry-run", "--fold", "1-2")
    status, out, err = command_line("ablate", file, *options, "--max-epochs", "7")
    assert (status, err) == (0, "")
    assert "left out: 3 of 6 cells, since ravdess is not prepared" in out
    assert "changed in every row: training.max_epochs=7" in out
    assert "3 cells, 4 trials, 0 finished" in out
    assert "plain           emodb-4  0 of 2 trials done; " in out
    assert "at most 7" in out
    assert "takes at most about" in out


def test_trials_without_epochs_are_not_said_to_take_no_time(place, command_line):
    rows = [{"name": "linear", "set": {"features.kind": "opensmile"}}]
    write(place, {"title": "Linear", "arch": "linear", "on": ["emodb-4"], "rows": rows})
    file = place.root.parent / "small.yaml"
    options = ("--workspace", place.root, "--accelerator", "cpu", "--dry-run", "--fold", "1")
    status, out, _ = command_line("ablate", file, *options)
    assert status == 0
    assert "no times: these trials have no epochs" in out
    assert "takes at most" not in out


def test_a_dry_run_with_nothing_to_train_says_no_time(place, command_line):
    write(place, STUDY | {"on": ["emodb-4:speaker-9-fold"]})
    file = place.root.parent / "small.yaml"
    options = ("--workspace", place.root, "--accelerator", "cpu", "--dry-run")
    _, out, err = command_line("ablate", file, *options)
    assert err.count("can't be trained") == 3
    assert "0 cells, 0 trials, 0 finished" in out
    assert "takes at most" not in out


def test_a_corpus_that_is_named_has_to_be_there(place, command_line):
    file = place.root.parent / "small.yaml"
    status, _, err = command_line("ablate", file, "--workspace", place.root, "--on", "ravdess-4")
    assert status == 1
    assert "corpus 'ravdess' is not prepared" in err
    status, _, err = command_line("ablate", "attpool", "--workspace", place.root)
    assert status == 1
    assert "none of the study's corpora is prepared (iemocap)" in err
    assert "prepared are emodb: choose with --on" in err


def test_without_a_study_they_are_listed(command_line):
    status, out, _ = command_line("ablate")
    assert status == 0
    assert re.search(r"^mdcnn-arcface +Margin and scale of ArcFace$", out, re.MULTILINE)


@pytest.mark.slow
def test_what_a_training_has_finished_is_used(place):
    cell = study_of(place).cells(on=["emodb-4"])[0]
    settings = place.root.parent / "settings.yaml"
    settings.write_text(yaml.safe_dump(dict(cell.settings)))
    train = [
        sys.executable,
        "-m",
        "sercli",
        "train",
        "--config",
        str(settings),
        "--workspace",
        str(place.root),
    ]
    subprocess.run([*train, "--fold", "1", "--accelerator", "cpu"], check=True, capture_output=True)
    assert len(todo(planned(place, "1"))) == 1  # of the other network


@pytest.mark.slow
def test_killed_and_run_again_it_goes_on_and_ends_alike(place):
    """kill -9 in the middle of the second trial."""
    options = ("--fold", "1-2", "--rows", "plain", "--rows", "attention", "--max-epochs", "6")
    assert ablate(place, *options).returncode == 0
    expected = {trial.path: trial.predictions_file.read_bytes() for trial in trials(place)}
    assert len(expected) == 4
    for each in all_runs(place):
        each.remove()
    with subprocess.Popen(
        command(place, *options), env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("1/4"):
                process.send_signal(signal.SIGKILL)
    done = {trial.path: trial.metrics_file.stat().st_mtime_ns for trial in trials(place) if trial.finished}
    assert 1 <= len(done) < 4
    again = ablate(place, *options)
    assert again.returncode == 0, again.stderr
    assert f"4 trials, {len(done)} finished" in again.stdout
    course, _, report = again.stdout.partition("finished: 4 of 4 trials")
    assert "test" not in course.lower()
    assert re.search(r"^plain +UA +60 +\d+\.\d ", report, re.MULTILINE)
    page = re.search(r"^report +(\S+report\.html)$", report, re.MULTILINE)[1]
    assert "Changed in every row: training.max_epochs=6" in Path(page).read_text()
    assert {trial.path: trial.predictions_file.read_bytes() for trial in trials(place)} == expected
    assert all(
        trial.metrics_file.stat().st_mtime_ns == done.get(trial.path, trial.metrics_file.stat().st_mtime_ns)
        for trial in trials(place)
    )


@pytest.mark.slow
def test_trials_of_several_rows_share_a_pool(place):
    done = ablate(place, "--fold", "1-2", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "finished: 4 of 4 trials" in done.stdout
    assert "the same again, emodb-4: 2 of 2 trials" in done.stdout
    assert len(trials(place)) == 4


def test_what_can_not_be_tested_elsewhere_is_told_before_anything_is_trained(
    place, small_workspace, talking, command_line
):
    (place.root / "corpora").unlink()
    (place.root / "corpora").mkdir()
    for held, corpus in ((small_workspace, "emodb"), (talking, "synth-continuous")):
        (place.root / "corpora" / corpus).symlink_to(held.corpus(corpus))
    rows = [{"name": "plain"}]
    write(place, STUDY | {"on": ["emodb-4"], "test_on": ["synth-continuous"], "rows": rows})
    file = place.root.parent / "small.yaml"
    status, out, err = command_line("ablate", file, "--workspace", place.root, "--dry-run")
    assert status == 1
    assert "corpus 'synth-continuous' has no emotions" in err
    write(place, STUDY | {"on": ["emodb-4"], "test_on": ["recola/arousal-valence"], "rows": rows})
    status, _, err = command_line("ablate", file, "--workspace", place.root, "--dry-run")
    assert status == 1
    assert "test_on: plain on emodb-4 is for classification, recola/arousal-valence has no" in err
    write(place, STUDY | {"on": ["emodb-4"], "test_on": ["synth-4"], "rows": rows})
    status, out, _ = command_line("ablate", file, "--workspace", place.root, "--dry-run")
    assert status == 0
    assert "not tested on synth-4, since synth is not prepared" in out


@pytest.mark.slow
def test_networks_are_tested_on_the_study_s_other_corpora_once(place, small_workspace):
    (place.root / "corpora").unlink()
    prepare("synth", None, place)
    (place.root / "corpora" / "emodb").symlink_to(small_workspace.corpus("emodb"))
    write(place, STUDY | {"on": ["emodb-4"], "test_on": ["synth-4", "emodb-4"], "rows": STUDY["rows"][:1]})
    done = ablate(place, "--fold", "1", "--max-epochs", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tested: plain, emodb-4 on synth-4") == 1
    assert done.stdout.count("tested:") == 1
    assert (all_runs(place)[0].path / "on-synth-synth-4" / "metrics.json").exists()
    assert "tested:" not in ablate(place, "--fold", "1", "--max-epochs", "1").stdout


def trials(place):
    return [trial for each in all_runs(place) for trial in each.trials()]
