import typing

import numpy as np
import pytest

from sercli.errors import ConfigError
from sercli.runs.training import TrainingConfig
from sercli.tasks import CLASSIFICATION, REGRESSION, TASKS, Outputs, TaskName, get_task


def test_every_task_is_found_by_its_name():
    assert [get_task(name) for name in typing.get_args(TaskName)] == list(TASKS.values())
    assert get_task("regression") is REGRESSION
    assert f"{REGRESSION}" == "regression"


def test_an_unknown_task_is_a_users_error():
    with pytest.raises(ConfigError, match="no task 'ranking'; use classification or regression"):
        get_task("ranking")


def test_every_loss_is_of_a_task_and_every_selection_exists():
    fields = TrainingConfig.model_fields
    losses = {loss for task in TASKS.values() for loss in task.losses}
    assert losses == set(typing.get_args(fields["loss"].annotation))
    assert {task.selection for task in TASKS.values()} < set(typing.get_args(fields["selection"].annotation))


def test_frames_are_of_recordings():
    assert (REGRESSION.per_frame, REGRESSION.noun, REGRESSION.has_classes) == (True, "recording", False)
    assert (CLASSIFICATION.per_frame, CLASSIFICATION.noun, CLASSIFICATION.has_classes) == (
        *(False, "utterance"),
        True,
    )


def test_a_temperature_changes_probabilities_and_no_values():
    outputs = Outputs(("anger", "sadness"), ("arousal",), temperature=2.0)
    scores = np.array([[0.8, 0.2, 3.5], [np.nan, np.nan, 1.0]])
    found = outputs.calibrate(scores)
    assert found[0].tolist() == pytest.approx([2 / 3, 1 / 3, 3.5])  # square roots of 4 to 1 are 2 to 1
    assert np.isnan(found[1, :2]).all()
    assert Outputs(("anger", "sadness"), ("arousal",)).calibrate(scores) is scores
    values = np.ones((2, 1))
    assert Outputs((), ("arousal",), temperature=2.0).calibrate(values) is values
