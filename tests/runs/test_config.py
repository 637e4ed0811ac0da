import pytest

from sercli.config import merge
from sercli.errors import ConfigError
from sercli.runs.config import RunConfig

CHOICE = {"arch": "mdcnn", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
DIGEST = "0" * 64


def make(**change):
    return RunConfig(**merge(CHOICE | {"training": {"max_epochs": 7}}, change))


def test_everything_not_said_is_filled_in():
    config = make()
    assert config.training.max_epochs == 7
    assert config.protocol.name == "leave-one-speaker-out@1"
    assert config.features["x"].kind == "logmel3d"
    assert config.features["x"].config.window_ms == 25.0
    assert config.features["x"].statistics == "per-map"
    assert config.model.filters == 128


def test_what_is_written_is_read_again():
    config = make(features={"x": {"window_ms": 20}}, model={"filters": 64}, augment={"flip": {"p": 0.25}})
    assert RunConfig(**config.to_dict()) == config
    assert config.to_dict()["features"]["x"]["window_ms"] == 20
    assert config.to_dict()["scheme"] == "emodb-4"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modell": {}}, "unknown setting 'modell'; did you mean model?"),
        ({"model": {"filter": 3}}, "unknown setting 'filter'; did you mean filters"),
        ({"features": {"x": {"windw_ms": 3}}}, "unknown setting 'windw_ms'; did you mean window_ms"),
        ({"features": {"x": {"kindd": "logmel"}}}, "features.x: unknown setting 'kindd'; did you mean kind?"),
        ({"features": {"x": {"kind": "logmel4d"}}}, "did you mean logmel40, logmel3d"),
        ({"training": {"epochs": 3}}, "training: unknown setting 'epochs'; did you mean max_epochs"),
        ({"training": {"lr": 1e-6}}, None),
        ({"training": {"schedule": "cyclical", "lr": 1e-6}}, "lr_min=1e-05 is above lr=1e-06"),
        ({"scheme": "ravdess-7"}, "'ravdess-7' is made for corpus 'ravdess', not for 'emodb'"),
        ({"scheme": "emodb-5"}, "emodb-7, emodb-4?"),
        ({"protocol": "leave-one-out"}, "leave-one-speaker-out"),
        ({"model": 3}, "model: expected settings of its own, got 3"),
        ({"features": {"x": 3}}, "features: x: expected settings of its own, got 3"),
        ({"augment": ["flip"]}, "augment: expected settings of its own"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_nearest(change, message):
    if message is None:
        assert make(**change).training.lr == 1e-6
        return
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arch", "model", "features", "segments"),
    [
        ("cnnlstm", {}, {"duration_s": 0.0399}, {}),
        ("cnnlstm", {"input": "logmel"}, {"duration_s": 0.02}, {}),
        ("diccoser", {}, {"duration_s": 0.02}, {}),
        ("attpool", {}, {"duration_s": 0.02}, {}),
        ("attpool", {}, {"hop_ms": 100, "window_ms": 100}, {"size_s": 0.3}),
    ],
)
def test_fewer_frames_than_the_network_pools_to_one_are_refused(arch, model, features, segments):
    setting = r"segments\.size_s" if segments else r"features\.x\.duration_s"
    settings = {"model": model, "features": {"x": features}, "segments": segments}
    with pytest.raises(
        ConfigError, match=rf"{setting}=.* gives \d+ frames?, and the network needs \d+ or more"
    ):
        make(arch=arch, **settings)


def test_an_unknown_architecture_is_told():
    with pytest.raises(ConfigError, match=r"arch: .* did you mean mdcnn"):
        make(arch="mdcn")


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"filters": 64}},
        {"features": {"x": {"window_ms": 20}}},
        {"features": {"x": {"statistics": "per-bin"}}},
        {"training": {"max_epochs": 8}},
        {"training": {"precision": "bf16-mixed"}},
        {"scheme": "emodb-7"},
        {"protocol": "speaker-5-fold"},
    ],
)
def test_whatever_changes_a_number_changes_the_identity(change):
    config = make()
    assert make(**change).identity(DIGEST) != config.identity(DIGEST)


def test_the_identity_hangs_on_the_audio_and_labels():
    config = make()
    assert config.identity(DIGEST) == make().identity(DIGEST)
    assert config.identity(DIGEST) != config.identity("1" * 64)
    assert config.name(DIGEST) == f"mdcnn-emodb-4-leave-one-speaker-out-{config.identity(DIGEST)}"


def test_runs_keep_the_names_that_they_had():
    """A new setting belongs into its Config's `neutral`; a name may change where the numbers do."""
    assert make().identity(DIGEST) == "0f98773e"
    assert make(arch="eca", augment={"stft-multi": {}}).identity(DIGEST) == "a94bac58"
