"""A trial that is gone on with elsewhere says so."""

import yaml

from sercli.runs.folder import Run
from sercli.training._finish import resumed

NOW = {"device": "CPU, 2 threads", "threads": 2, "versions": {"torch": "2.13"}, "commit": "b"}


def begun(tmp_path, **before):
    trial = Run(tmp_path).trial(1, 0)
    trial.path.mkdir(parents=True)
    trial.history_file.write_text("epoch,train_loss\n1,0.5\n")
    provenance = NOW | {"corpus": {}} | before
    trial.config_file.write_text(yaml.safe_dump({"provenance": provenance}))
    return trial


def test_what_was_otherwise_in_earlier_epochs_is_kept(tmp_path):
    first = {"device": "CPU, 4 threads", "threads": 4, "versions": {"torch": "2.12"}, "commit": "a"}
    trial = begun(tmp_path, **first)
    assert resumed(NOW, trial)["earlier"] == [first]
    trial.config_file.write_text(yaml.safe_dump({"provenance": {"corpus": {}} | resumed(NOW, trial)}))
    # Once more on the second machine: nothing is added.
    assert resumed(NOW, trial)["earlier"] == [first]


def test_the_same_machine_is_told_once(tmp_path):
    assert "earlier" not in resumed(NOW, begun(tmp_path))


def test_before_the_first_epoch_there_is_nothing_earlier(tmp_path):
    trial = begun(tmp_path, commit="a")
    trial.history_file.unlink()
    assert resumed(NOW, trial) == NOW


def test_a_damaged_description_is_written_anew(tmp_path):
    trial = begun(tmp_path, commit="a")
    trial.config_file.write_text("{")
    assert resumed(NOW, trial) == NOW
