import json
import os

import pytest

from sercli.errors import RunError, UnknownNameError
from sercli.runs.folder import Run, all_runs, find_run


@pytest.fixture
def runs(workspace):
    """Two runs, the second one newer, with one finished trial of two."""
    for i, name in enumerate(("mdcnn-emodb-4-aaaaaaaa", "mdcnn-emodb-7-bbbbbbbb")):
        run = Run(workspace.runs / name)
        for fold in (1, 2):
            trial = run.trial(fold, 0)
            trial.path.mkdir(parents=True)
            trial.config_file.write_text("arch: mdcnn\n")
        run.trial(1, 0).metrics_file.write_text(json.dumps({"test_ua": i}))
        for path in run.path.glob("fold-*/seed-*/*"):
            os.utime(path, (i + 1000, i + 1000))
    return workspace


def test_runs_are_found_by_name_end_folder_and_time(runs):
    first, second = all_runs(runs)
    assert find_run(runs, "latest") == second
    assert find_run(runs, "aaaaaaaa") == first
    assert find_run(runs, first.name) == first
    assert find_run(runs, str(first.path)).path == first.path


def test_a_report_does_not_make_a_run_the_latest(runs):
    first, second = all_runs(runs)
    (first.path / "report").mkdir()
    assert find_run(runs, "latest") == second


def test_a_bundle_is_no_run(runs, tmp_path):
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(RunError, match="is a bundle, not a run"):
        find_run(runs, str(tmp_path))


def test_where_no_name_is_near_not_all_are_listed(runs):
    for i in range(9):
        trial = Run(runs.runs / f"eca-emodb-4-{i}").trial(1, 0)
        trial.path.mkdir(parents=True)
        trial.config_file.write_text("arch: eca\n")
    with pytest.raises(UnknownNameError, match="has no 'xyz'; `sercli runs` lists all names"):
        find_run(runs, "xyz")


def test_an_unknown_or_ambiguous_name_is_told(runs):
    with pytest.raises(UnknownNameError, match="did you mean mdcnn-emodb-4-aaaaaaaa"):
        find_run(runs, "mdcnn-emodb-4-aaaaaaab")
    with pytest.raises(RunError, match="no runs yet"):
        find_run(type(runs)(runs.root / "other"), "latest")
    with pytest.raises(
        RunError, match=r"^'exp1' is not the folder of a run .* no runs yet; correct the path"
    ):
        find_run(str(runs.root / "other"), "exp1")


def test_a_trial_is_finished_when_its_figures_are_there(runs):
    run = find_run(runs, "latest")
    assert [trial.fold for trial in run.trials()] == [1, 2]
    assert [trial.fold for trial in run.finished()] == [1]
    assert run.trial(3, 7).path.as_posix().endswith("fold-03/seed-7")


def test_damaged_figures_say_what_to_do(runs):
    trial = find_run(runs, "latest").trial(1, 0)
    trial.metrics_file.write_text("{half")
    with pytest.raises(RunError, match="missing or damaged; remove"):
        trial.metrics()
    trial.config_file.unlink()
    with pytest.raises(RunError, match="missing or damaged; remove"):
        trial.settings()


def test_settings_that_are_not_those_of_the_bundle_are_refused(runs):
    trial = find_run(runs, "latest").trial(1, 0)
    facts = {"corpus": "emodb", "protocol": "lists:there/folds.yaml#0123456789ab@1"}
    trial.bundle.mkdir()
    (trial.bundle / "bundle.json").write_text(json.dumps({"arch": "mdcnn", "facts": facts}))
    protocol = facts["protocol"].replace("there", "here")
    text = f"arch: mdcnn\ncorpus: emodb\nprotocol: {protocol}\nprovenance: {{corpus: {{}}}}\n"
    trial.config_file.write_text(text)
    assert trial.settings()["protocol"].startswith("lists:here/"), "a list of folds may be moved"
    trial.config_file.write_text(text.replace("#0123456789ab", "#other"))
    with pytest.raises(
        RunError, match=r"protocol is lists:.* the bundle was trained with .*; restore the file"
    ):
        trial.settings()
    (trial.bundle / "bundle.json").unlink()
    assert trial.settings()["corpus"] == "emodb"


def test_the_history_is_read_with_its_gaps(runs):
    trial = find_run(runs, "latest").trial(1, 0)
    assert trial.history() == []
    trial.history_file.write_text("epoch,train_loss,dev_ua\n1,0.5,\n2,0.25,0.75\n")
    assert trial.history() == [
        {"epoch": 1, "train_loss": 0.5},
        {"epoch": 2, "train_loss": 0.25, "dev_ua": 0.75},
    ]


@pytest.mark.parametrize("name", ["..", "nope", "../runs/nope"])
def test_a_folder_that_is_no_run_is_never_taken_for_one(runs, name):
    with pytest.raises((UnknownNameError, RunError)):
        find_run(runs, str(runs.runs / name))
