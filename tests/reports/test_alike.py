"""Which run says what to expect of a model that nothing tested."""

import copy
import json

import pytest
import yaml

from sercli.errors import ConfigError, RunError
from sercli.reports.alike import find_alike
from sercli.runs.folder import Run

MODEL = {
    "arch": "mdcnn",
    "corpus": "emodb",
    "scheme": "emodb-4",
    "protocol": "train-on-all@1",
    "model": {"filters": 8},
    "augment": {},
    "features": {"x": {"kind": "logmel3d", "window_ms": 25.0}},
    "segments": {"size_s": None},
    "training": {"selection": "last", "patience": None, "max_epochs": 60, "precision": "32-true"},
    "init": None,
    "provenance": {"manifest_sha256": "f" * 64, "folds": 1},
}


@pytest.fixture
def on_folds(tmp_path):
    """Lay out a run of two folds: on_folds(dev, {"model.filters": 16}) changes the model's settings."""

    def make(dev=0, changes=None, finished=(1, 2)):
        settings = copy.deepcopy(MODEL) | {"protocol": "random-2-fold@1"}
        settings["provenance"] |= {"corpus": {}, "folds": 2}
        for name, value in (changes or {}).items():
            *above, last = name.split(".")
            place = settings
            for part in above:
                place = place[part]
            place[last] = value
        for fold in (1, 2):
            path = tmp_path / "run" / f"fold-{fold:02d}" / "seed-0"
            path.mkdir(parents=True)
            (path / "config.yaml").write_text(yaml.safe_dump(settings))
            if fold in finished:
                told = {"fold": fold, "fold_name": "f", "epoch": 1, "epochs": 1, "seconds": 1}
                told["utterances"] = {"train": 9, "dev": dev, "test": 9}
                (path / "metrics.json").write_text(json.dumps(told))
        return Run(tmp_path / "run")

    return make


@pytest.mark.parametrize(
    ("dev", "changes"),
    [
        (0, {}),
        (9, {}),
        (9, {"training.patience": 20}),  # waits for nothing where the last epoch counts
        (0, {"training.selection": "best-dev-ua", "training.patience": 20}),  # likewise without a dev part
    ],
)
def test_only_folds_and_seeds_may_differ(on_folds, dev, changes):
    run = on_folds(dev, changes)
    found = find_alike(MODEL, run)
    assert (found.run, len(found.trials), found.settings["protocol"]) == (run, 2, "random-2-fold@1")


@pytest.mark.parametrize("dev", [0, 9])
def test_a_run_that_chose_on_its_test_part_is_refused(on_folds, dev):
    with pytest.raises(ConfigError, match=r'training\.selection is "best-on-test", not "last"'):
        find_alike(MODEL, on_folds(dev, {"training.selection": "best-on-test"}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.max_epochs": 40}, "training.max_epochs is 40, not 60;"),
        ({"training.selection": "best-dev-ua"}, 'training.selection is "best-dev-ua", not "last";'),
        ({"training.precision": "bf16-mixed"}, "training.precision is"),
        ({"model.filters": 16}, "model.filters is 16, not 8;"),
        ({"model": {}}, "model.filters is not set, not 8"),
        ({"features.x.window_ms": 40.0}, r"features.x.window_ms is 40.0, not 25.0;"),
        ({"augment": {"flip": {"p": 0.5}}}, r"augment.flip.p is 0.5, not set;"),
        ({"scheme": "emodb-7", "arch": "eca"}, 'arch is "eca", not "mdcnn"; scheme is "emodb-7", not'),
        ({"provenance.manifest_sha256": "0" * 64}, 'manifest is "0000000000000000", not "ffff'),
        ({"init": "/a/model#0123456789ab"}, 'init is "0123456789ab", not null'),
        ({"training.lr": 1, "training.loss": 2, "model.a": 3, "model.b": 4, "model.c": 5}, "; and 1 more;"),
    ],
)
def test_what_differs_is_named(on_folds, changes, message):
    with pytest.raises(ConfigError, match=f"^--tested-by run: not trained with equal settings: .*{message}"):
        find_alike(MODEL, on_folds(9, changes))


def test_where_the_first_weights_lay_makes_no_difference(on_folds):
    model = MODEL | {"init": "/elsewhere/model#0123456789ab"}
    assert find_alike(model, on_folds(changes={"init": "/here/model#0123456789ab"})).trials


def test_an_unfinished_run_is_refused(on_folds):
    with pytest.raises(
        RunError, match=r"run: not finished \(1 of 2 folds\); run the same `sercli train` again"
    ):
        find_alike(MODEL, on_folds(finished=[1]))


def test_a_model_with_a_test_part_needs_no_other(on_folds):
    with pytest.raises(ConfigError, match="'random-2-fold@1' has a test part of its own; leave it out"):
        find_alike(MODEL | {"protocol": "random-2-fold@1"}, on_folds())


def test_a_run_that_tests_nothing_says_nothing(on_folds):
    with pytest.raises(ConfigError, match="'train-on-all@1' tests nothing either; name a run on folds"):
        find_alike(MODEL, on_folds(changes={"protocol": "train-on-all@1"}))
