import typing

import pytest

from sercli.errors import ConfigError
from sercli.runs.training import TrainingConfig
from sercli.tasks import CLASSIFICATION, REGRESSION, TASKS, TaskName, get_task


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
