import hashlib
import json
import pickle

import numpy as np
import pytest
import torch

from sercli.bundle import Bundle, build_network
from sercli.config import digest
from sercli.data.statistics import Statistics
from sercli.errors import RunError
from sercli.models import get_architecture
from sercli.runs.features import FeatureChoice

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
    """Change the description, and its digest with it, as somebody would who means harm."""

    def spoil(folder):
        path = folder / "bundle.json"
        described = json.loads(path.read_text()) | changes
        del described["digest"]
        path.write_text(json.dumps(described | {"digest": digest(described, 64)}))

    return spoil


def _reorder(folder):
    path = folder / "bundle.json"
    path.write_text(path.read_text().replace('"anger"', '"joy"'))


def _statistics(**changes):
    return _edit(statistics={"x": {"mean": 0.0, "std": 1.0} | changes})


def _constant(folder):
    path = folder / "bundle.json"
    path.write_text(path.read_text().replace('"facts": {', '"facts": {"ua": NaN,'))


def _deep(folder):
    (folder / "bundle.json").write_text("[" * 100_000)


def _endless(folder):
    (folder / "bundle.json").write_text(" " * (1 << 25))


def _pickled(folder):
    weights = pickle.dumps(_Harm())
    (folder / "weights.safetensors").write_bytes(weights)
    _edit(weights_sha256=hashlib.sha256(weights).hexdigest())(folder)


class _Harm:
    def __reduce__(self):
        return pytest.fail, ("loading a bundle ran code of it",)


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
        (_reorder, "changed since it was written"),
        (_edit(arch="../../evil"), "has no '../../evil'"),
        (_edit(arch="os"), "has no 'os'"),
        (_edit(arch=["mdcnn"]), "damaged|has no"),
        (_edit(model={"filters": 10**30, "blocks": 1}), "beyond 1048576"),
        (_edit(model={"filters": 1 << 20, "blocks": 1}), "does not fit the architecture"),
        (_edit(model={"filters": 8, "blocks": 1 << 20}), "damaged"),
        (_edit(model={"spp_levels": [1 << 20]}), "damaged|does not fit"),
        (_edit(model={"spp_levels": [1] * 10_000}), "names 10000 values"),
        (_edit(model={"config": "!!python/object"}), "unknown setting 'config'"),
        (_edit(inputs={"x": {"kind": "../../etc/passwd"}}), "damaged"),
        (_edit(segments={"size_s": 1e300}), "beyond 1048576"),
        (_edit(classes=["anger"]), "does not fit the architecture"),
        (_edit(classes=["anger", "anger"]), "names that differ"),
        (_edit(classes=[f"c{i}" for i in range(10_000)]), "names 10000 values"),
        (_edit(facts=[]), "wrong type"),
        (_edit(files={"../outside": "0" * 64}), "no file of the bundle's folder"),
        (_edit(files={"/etc/passwd": "0" * 64}), "no file of the bundle's folder"),
        (_edit(files={"more.md": "0" * 64}), "missing"),
        (_statistics(std=[0.0]), "not positive"),
        (_statistics(mean=[1e999]), "Infinity is no number"),
        (_statistics(mean=[0.0] * 1000), "damaged"),
        (_edit(statistics={}), "damaged"),
        (_constant, "NaN is no number"),
        (_deep, "damaged"),
        (_endless, "more than 16 MiB"),
        (_pickled, "weights.safetensors: damaged"),
    ],
)
def test_a_spoilt_bundle_is_refused(bundle, tmp_path, spoil, message):
    bundle.save(tmp_path / "b")
    spoil(tmp_path / "b")
    with pytest.raises(RunError, match=message):
        Bundle.load(tmp_path / "b")


def test_what_goes_with_a_bundle_is_hashed(bundle, tmp_path):
    bundle.save(tmp_path / "b", lambda folder: (folder / "README.md").write_text("a card"))
    assert Bundle.load(tmp_path / "b").classes == bundle.classes
    (tmp_path / "b" / "README.md").write_text("another")
    with pytest.raises(RunError, match=r"README\.md: changed since the bundle was written"):
        Bundle.load(tmp_path / "b")


def test_a_bundle_without_digest_is_read(bundle, tmp_path):
    bundle.save(tmp_path / "b")
    path = tmp_path / "b" / "bundle.json"
    described = json.loads(path.read_text())
    del described["digest"], described["files"]
    path.write_text(json.dumps(described))
    assert Bundle.load(tmp_path / "b").facts == {"corpus": "emodb"}
