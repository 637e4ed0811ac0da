import pytest

from sercli.errors import ConfigError, UnknownNameError
from sercli.runs.config import RunConfig, TrainingConfig, resolve

RECIPE = {"training": TrainingConfig(max_epochs=7).to_dict()}
CHOICE = {"arch": "mdcnn", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
DIGEST = "0" * 64


def test_everything_not_said_is_filled_in():
    config = resolve(RECIPE, CHOICE)
    assert config.training.max_epochs == 7
    assert config.protocol == "leave-one-speaker-out@1"
    assert config.features["x"]["kind"] == "logmel3d"
    assert config.features["x"]["window_ms"] == 25.0
    assert config.features["x"]["statistics"] == "per-map"
    assert config.model["filters"] == 128


def test_a_resolved_config_is_its_own_resolution():
    config = resolve(RECIPE, CHOICE, {"features": {"window_ms": 20}, "model": {"filters": 64}})
    assert RunConfig(**config.to_dict()) == config
    assert resolve({}, config.to_dict()) == config


def test_features_of_the_only_input_need_no_name():
    short = resolve(RECIPE, CHOICE, {"features": {"window_ms": 20}})
    assert short == resolve(RECIPE, CHOICE, {"features": {"x": {"window_ms": 20}}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modell": {}}, "unknown setting 'modell'; did you mean model?"),
        ({"model": {"filter": 3}}, "unknown setting 'filter'; did you mean filters"),
        ({"features": {"windw_ms": 3}}, "unknown setting 'windw_ms'; did you mean window_ms"),
        ({"features": {"kind": "logmel4d"}}, "did you mean logmel40, logmel3d"),
        ({"training": {"epochs": 3}}, "training: unknown setting 'epochs'; did you mean max_epochs"),
        ({"training": {"lr": 1e-6}}, None),
        ({"training": {"schedule": "cyclical", "lr": 1e-6}}, "lr_min=1e-05 is above lr=1e-06"),
        ({"scheme": "ravdess-7"}, "scheme 'ravdess-7' is made for corpus 'ravdess', not for 'emodb'"),
        ({"scheme": "emodb-5"}, "did you mean emodb-7"),
        ({"protocol": "leave-one-out"}, "did you mean leave-one-speaker-out"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_nearest(change, message):
    if message is None:
        assert resolve(RECIPE, CHOICE, change).training.lr == 1e-6
        return
    with pytest.raises(ConfigError) as caught:
        resolve(RECIPE, CHOICE, change)
    assert message in str(caught.value)


def test_an_unknown_architecture_is_told():
    with pytest.raises(UnknownNameError, match="did you mean mdcnn"):
        resolve(RECIPE, CHOICE | {"arch": "mdcn"})


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"filters": 64}},
        {"features": {"window_ms": 20}},
        {"features": {"statistics": "per-bin"}},
        {"training": {"max_epochs": 8}},
        {"training": {"precision": "bf16-mixed"}},
        {"scheme": "emodb-7"},
        {"protocol": "speaker-5-fold"},
    ],
)
def test_whatever_changes_a_number_changes_the_identity(change):
    config = resolve(RECIPE, CHOICE)
    assert resolve(RECIPE, CHOICE, change).identity(DIGEST) != config.identity(DIGEST)


def test_the_identity_hangs_on_the_audio_and_labels():
    config = resolve(RECIPE, CHOICE)
    assert config.identity(DIGEST) == resolve(RECIPE, CHOICE).identity(DIGEST)
    assert config.identity(DIGEST) != config.identity("1" * 64)
    assert config.name(DIGEST) == f"mdcnn-emodb-4-leave-one-speaker-out-{config.identity(DIGEST)}"


def test_runs_keep_the_names_that_they_had():
    """A new setting belongs into its Config's `neutral`; a name may change where the numbers do."""
    assert resolve(RECIPE, CHOICE).identity(DIGEST) == "0f98773e"
    stft = {"augment": {"stft-multi": {}}}
    assert resolve(RECIPE, CHOICE | {"arch": "eca"}, stft).identity(DIGEST) == "a94bac58"
