import json

import numpy as np
import pytest
import torch

from sercli.bundle import Bundle, build_network
from sercli.data.statistics import Statistics
from sercli.errors import RunError
from sercli.models import get_architecture
from sercli.runs.config import FeatureChoice

MODEL = {"filters": 8, "blocks": 1}


@pytest.fixture
def bundle():
    inputs = {"x": FeatureChoice.parse({"kind": "logmel3d"})}
    network = build_network("mdcnn", MODEL, inputs, 2).eval()
    statistics = {"x": Statistics(np.ones((3, 1, 1), np.float32), np.full((3, 1, 1), 0.1, np.float32))}
    return Bundle("mdcnn", network, MODEL, ("anger", "sadness"), inputs, statistics, {"corpus": "emodb"})


def test_what_is_saved_is_loaded_again(bundle, tmp_path):
    bundle.save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b")
    example = get_architecture("mdcnn").example(3)
    with torch.no_grad():
        torch.testing.assert_close(again.network(**example), bundle.network(**example))
    assert again.classes == bundle.classes
    assert again.inputs == bundle.inputs
    assert again.facts == {"corpus": "emodb"}
    np.testing.assert_array_equal(again.statistics["x"].std, bundle.statistics["x"].std)
    assert not again.network.training


def test_no_file_of_a_bundle_is_a_pickle(bundle, tmp_path):
    bundle.save(tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["bundle.json", "weights.safetensors"]


def _flip(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _cut(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _no_weights(folder):
    (folder / "weights.safetensors").unlink()


def _no_description(folder):
    (folder / "bundle.json").unlink()


def _half_description(folder):
    path = folder / "bundle.json"
    path.write_text(path.read_text()[:100])


def _edit(**changes):
    def spoil(folder):
        path = folder / "bundle.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_flip, "not the weights that the bundle describes"),
        (_cut, "not the weights that the bundle describes"),
        (_no_weights, "missing"),
        (_no_description, "missing"),
        (_half_description, "damaged"),
        (_edit(format=99), "format 99"),
        (_edit(model={"filters": 16, "blocks": 1}), "does not fit the architecture"),
    ],
)
def test_a_spoilt_bundle_is_refused(bundle, tmp_path, spoil, message):
    bundle.save(tmp_path / "b")
    spoil(tmp_path / "b")
    with pytest.raises(RunError, match=message):
        Bundle.load(tmp_path / "b")
