"""Settings are parsed once, into the objects that the code uses."""

from collections import Counter

import pytest

from sercli.config import Config
from sercli.devices import Device
from sercli.errors import ConfigError, UnknownNameError
from sercli.plain.yaml import to_yaml
from sercli.runs.config import RunConfig
from sercli.training.settings import changes_since, complete, configure, gather

CHOICE = {"arch": "mdcnn", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}


@pytest.fixture
def built(monkeypatch):
    """Count the settings objects that are built, by class."""
    complete(CHOICE)  # importing an architecture builds objects too
    counts = Counter()
    build = Config.__init__

    def count(self, **settings):
        counts[type(self).__name__] += 1
        build(self, **settings)

    monkeypatch.setattr(Config, "__init__", count)
    return counts


def test_each_settings_object_is_built_once(built):
    config = complete(CHOICE | {"model": {"filters": 16}})
    config.with_training(precision="32-true").name("0" * 64)
    assert built == {
        "MDCNNConfig": 1,
        "LogMel3DConfig": 1,
        "FeatureChoice": 1,
        "SegmentConfig": 1,
        "TrainingConfig": 1,
        "RunConfig": 1,
    }


def test_a_setting_that_may_be_idle_costs_one_more_build(built):
    # Whether the value differs from the default is known once the default is built.
    complete(CHOICE | {"model": {"head": "softmax", "arcface_scale": 2.0}})
    assert built["MDCNNConfig"] == built["RunConfig"] == 2


def test_features_of_the_only_input_need_no_name():
    short = complete(CHOICE | {"features": {"window_ms": 20}})
    assert short == complete(CHOICE | {"features": {"x": {"window_ms": 20}}})
    assert short == complete(CHOICE | {"features": {"x": {"statistics": "per-map"}, "window_ms": 20}})


def test_settings_with_and_without_the_name_of_the_input_replace_each_other(tmp_path):
    file = tmp_path / "config.yaml"
    long, short = {"x": {"window_ms": 24}}, {"window_ms": 24}
    for features, change in ((short, "features.x.window_ms=20"), (long, "features.window_ms=20")):
        file.write_text(to_yaml(CHOICE | {"features": features}))
        assert complete(gather(file, [change])).features["x"].config.window_ms == 20
    with pytest.raises(ConfigError, match=r"^features.window_ms is set to 40 and to 30; give it one value$"):
        gather(None, ["features.x.window_ms=40", "features.window_ms=30"], arch="mdcnn")
    with pytest.raises(ConfigError, match=r"^features.window_ms is set to 40 and to 30; give it one value$"):
        complete(CHOICE | {"features": {"x": {"window_ms": 40}, "window_ms": 30}})
    file.write_text("arch: diccoser\nmodel: {stacked: true}\nfeatures: {x: {n_mels: 32}}\n")
    assert gather(file, ["features.wave.duration_s=4"])["features"] == {
        "x": {"n_mels": 32},
        "wave": {"duration_s": 4},
    }


def test_complete_settings_are_their_own_completion():
    config = complete(CHOICE | {"features": {"window_ms": 20}, "model": {"filters": 64}})
    assert complete(config.to_dict()) == config


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_the_precision_that_a_run_recorded_is_accepted_where_it_changes_nothing(precision):
    solved = CHOICE | {"arch": "linear", "training": {"precision": precision}}
    assert complete(complete(solved).to_dict()) == complete(solved)


def test_an_unknown_architecture_is_told():
    with pytest.raises(UnknownNameError, match="did you mean mdcnn"):
        complete(CHOICE | {"arch": "mdcn"})


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"corpus": ["synth", "synth"]}, 'corpus: expected a name, got ["synth", "synth"]; write several'),
        ({"corpus": None}, "corpus: expected a name, got null; write a name"),
        ({"arch": False}, "arch: expected a name, got false; write a name"),
        ({"arch": {"mdcnn": 1}}, 'arch: expected a name, got {"mdcnn": 1}; write a name'),
        ({"protocol": 5}, "protocol: expected a name, got 5; write a name"),
        ({"arch": "mdcn"}, "the list of architectures has no 'mdcn'; did you mean"),
    ],
)
def test_a_name_that_is_wrong_is_refused_with_the_file(change, fact, workspace, tmp_path):
    with pytest.raises((ConfigError, UnknownNameError)) as caught:
        configure(CHOICE | change, workspace, Device("cpu"), tmp_path / "my.yaml")
    assert str(caught.value).startswith(fact)
    assert "my.yaml" in str(caught.value)


def test_the_settings_of_a_run_show_what_has_changed_since(tmp_path):
    file, config = tmp_path / "config.yaml", RunConfig(**CHOICE | {"corpus": "emodb"})
    file.write_text("corpus: emodb\nprovenance: {manifest_sha256: abc}\n")
    assert changes_since(file, config, "def") == ["corpus 'emodb' was prepared again"]
    assert changes_since(file, config, "abc") == []
    file.write_text("corpus: ravdess\nprovenance: {manifest_sha256: abc}\n")
    assert changes_since(file, config, "def") == []  # another corpus was asked for
    file.write_text("corpus: emodb\n")
    assert changes_since(file, config, "def") == []
