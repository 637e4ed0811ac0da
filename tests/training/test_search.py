"""Settings chosen within the training part."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sercli.devices import choose_device
from sercli.errors import ConfigError, RunError
from sercli.evaluation import read_predictions
from sercli.training.plan import candidates, make_plan
from sercli.training.search import inner_folds
from sercli.training.settings import complete
from sercli.training.trials import train_trials
from sercli.workspace import Workspace

BASE = {"arch": "linear", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}


@pytest.fixture
def place(small_workspace, tmp_path):
    """A workspace with the small corpus whose runs and features are its own."""
    own = Workspace(tmp_path / "w")
    own.root.mkdir()
    (own.root / "corpora").symlink_to(small_workspace.root / "corpora")
    return own


def planned(workspace, folds="1", **changes):
    config = complete(BASE | changes).with_training(precision="32-true")
    return make_plan(config, workspace, folds)


def searching(**values):
    return {"training": {"search": values}}


def test_inner_folds_share_no_speaker_and_test_each_utterance_once(place):
    plan = planned(place)
    fold = plan.folds[0]
    inner = inner_folds(plan, fold, 4)
    assert len(inner) == 2  # of four speakers one is tested and one is the dev part
    tested = [name for each in inner for name in each.test]
    assert sorted(tested) == sorted(fold.train)
    for each in inner:
        speakers = [{plan.utterances[name].speaker for name in part} for part in (each.train, each.test)]
        assert not speakers[0] & speakers[1]
        assert not set(each.train) & set(fold.test)


def test_the_best_candidate_is_chosen_and_recorded(place):
    plan = planned(place, **searching(**{"model.c": [1e-6, 1.0], "features.pool": ["mean", "mean-std"]}))
    lines = []
    (trial,) = train_trials(plan, choose_device("cpu"), lines.append)
    found = json.loads((trial.path / "search.json").read_text())
    values = [each["value"] for each in found["candidates"]]
    assert len(values) == 4
    best = found["candidates"][values.index(max(values))]["settings"]
    assert trial.metrics()["chosen"] == best
    assert any(line.startswith("  search: model.c=") for line in lines)
    assert not (trial.path / "search").exists()
    bundle = json.loads((trial.bundle / "bundle.json").read_text())
    assert bundle["model"]["c"] == best["model.c"]
    assert bundle["inputs"]["x"]["pool"] == best["features.pool"]


def test_a_neural_network_is_searched_too(place):
    plan = planned(
        place,
        arch="mlp",
        training={"search": {"model.hidden": [[2], [4]]}, "max_epochs": 1, "patience": None},
    )
    (trial,) = train_trials(plan, choose_device("cpu"), lambda line: None)
    assert trial.metrics()["chosen"] in ({"model.hidden": [2]}, {"model.hidden": [4]})


def test_a_run_without_a_search_keeps_its_name(place):
    config = complete(BASE)
    assert "search" not in config.training.deciding()
    assert complete(BASE | searching(**{"model.c": [0.1, 1]})).identity("0") != config.identity("0")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model.d": [1]}, "unknown setting 'd'"),
        ({"c": [1]}, "c: not a setting of model"),
        ({"training.search": [{}]}, "can't choose a search"),
        ({"model.c": [1.0 + n for n in range(40)], "features.pool": ["mean"] * 40}, "1600 combinations"),
    ],
)
def test_a_search_that_can_not_be_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        candidates(complete(BASE | searching(**values)))


def test_a_training_part_of_one_speaker_has_no_inner_folds(place):
    plan = planned(place)
    fold = plan.folds[0]
    speaker = plan.utterances[fold.train[0]].speaker
    one = type(fold)(fold.name, tuple(n for n in fold.train if plan.utterances[n].speaker == speaker), (), ())
    with pytest.raises(RunError, match="has 1 speakers; inner folds need two or more"):
        inner_folds(plan, one, 4)


def test_a_class_of_one_speaker_has_no_inner_folds(place):
    plan = planned(place)
    fold, labels = plan.folds[0], plan.selection.labels
    speaker = plan.utterances[fold.train[0]].speaker
    kept = [n for n in fold.train if labels[n] != "sadness" or plan.utterances[n].speaker == speaker]
    told = f"without {speaker}, the training part of fold {fold.name} has no utterance of sadness; leave"
    with pytest.raises(RunError, match=told):
        inner_folds(plan, replace(fold, train=tuple(kept)), 4)


def test_a_linear_run_has_scikit_learns_own_probabilities(place):
    plan = planned(place, folds="2", model={"c": 0.05})
    (trial,) = train_trials(plan, choose_device("cpu"), lambda line: None)
    made = read_predictions(trial.predictions_file)
    (choice,) = plan.config.features.values()
    store = choice.open_store(place.features)
    fold, labels, classes = plan.folds[1], plan.selection.labels, plan.selection.classes

    def vectors(ids):
        return np.array([store[store.key(plan.utterances[name])].ravel() for name in ids], np.float64)

    wanted = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.05, class_weight="balanced", tol=1e-8, max_iter=10_000)
    ).fit(vectors(fold.train), [classes.index(labels[name]) for name in fold.train])
    np.testing.assert_allclose(made.probabilities, wanted.predict_proba(vectors(made.ids)), atol=2e-4)
