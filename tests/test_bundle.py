import hashlib
import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from sercli.acoustics import Usual, measure
from sercli.bundle import Bundle, build_network
from sercli.config import digest
from sercli.errors import ConfigError, RunError
from sercli.models import get_architecture
from sercli.models.mdcnn import MDCNNConfig
from sercli.runs.features import FeatureChoice
from sercli.statistics import Statistics
from sercli.tasks import Outputs

MODEL = MDCNNConfig(filters=8, blocks=1)


@pytest.fixture
def bundle():
    inputs = {"x": FeatureChoice(kind="logmel3d")}
    network = build_network("mdcnn", MODEL, inputs, 2).eval()
    statistics = {"x": Statistics(np.ones((3, 1, 1), np.float32), np.full((3, 1, 1), 0.1, np.float32))}
    return Bundle(
        "mdcnn", network, MODEL, Outputs(("anger", "sadness")), inputs, statistics, {"corpus": "emodb"}
    )


FACTS = {"corpus": "emodb"}


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


def test_weights_that_two_layers_share_are_saved(bundle, tmp_path):
    first, second = (branch.layers.time.conv for branch in bundle.network.blocks[0].branches)
    second.weight = first.weight
    bundle.save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b").network.state_dict()
    torch.testing.assert_close(again, bundle.network.state_dict())


def test_temperature_and_usual_acoustics_are_saved_and_may_be_missing(bundle, tmp_path):
    bundle.save(tmp_path / "plain")
    described = json.loads((tmp_path / "plain" / "bundle.json").read_text())
    assert not {"temperature", "usual_acoustics"} & described.keys()  # as earlier versions wrote them
    plain = Bundle.load(tmp_path / "plain")
    assert (plain.outputs.temperature, plain.usual) == (1.0, None)
    random = np.random.default_rng(0)
    usual = Usual.of([measure(random.normal(0, 0.1, 4000).astype(np.float32)) for _ in range(20)])
    replace(bundle, outputs=replace(bundle.outputs, temperature=1.7), usual=usual).save(tmp_path / "b")
    again = Bundle.load(tmp_path / "b")
    assert again.outputs.temperature == 1.7
    assert again.usual == usual


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


def _infinite_threshold(folder):
    _edit(facts={"threshold": 123.5})(folder)
    path = folder / "bundle.json"
    described = json.loads(path.read_text().replace("123.5", "1e999"))
    del described["digest"]
    path.write_text(json.dumps(described).replace("Infinity", "1e999"))


def _not_finite(value):
    def spoil(folder):
        path = folder / "weights.safetensors"
        state = safetensors.torch.load(path.read_bytes())
        next(iter(state.values())).view(-1)[-1] = value
        path.write_bytes(safetensors.torch.save(state))
        _edit(weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())(folder)

    return spoil


def _integers(folder):
    path = folder / "weights.safetensors"
    state = safetensors.torch.load(path.read_bytes())
    state["head.weight"] = state["head.weight"].to(torch.int32)
    path.write_bytes(safetensors.torch.save(state))
    _edit(weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())(folder)


def _folder_for(name):
    def spoil(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def _pipe(folder):
    os.mkfifo(folder / "more")
    _edit(files={"more": "0" * 64})(folder)


class _Harm:
    def __reduce__(self):
        return pytest.fail, ("loading a bundle ran code of it",)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_flip, "not the weights that the bundle describes"),
        (_cut, "not the weights that the bundle describes"),
        (
            lambda folder: (folder / "weights.safetensors").write_text("version https://git-lfs.github.com"),
            "a git-lfs pointer in place of the weights; run `git lfs pull`",
        ),
        (_no_weights, "missing"),
        (_no_description, "missing"),
        (_half_description, "damaged"),
        (_edit(format=99), "format 99.*upgrade sercli"),
        (_edit(format=1), "format 1.*get the bundle again"),
        (_edit(format="2"), 'format must be a whole number, not "2"'),
        (_edit(format=True), "format must be a whole number, not true"),
        (
            lambda folder: (folder / "bundle.json").write_text("[]"),
            r"the content must be a mapping, not \[\]",
        ),
        (lambda folder: (folder / "bundle.json").write_text("{}"), "format is missing, it must be a whole"),
        (_edit(model={"filters": 16, "blocks": 1}), "does not fit the architecture"),
        (_reorder, "changed since it was written"),
        (_edit(arch="../../evil"), "has no '../../evil'"),
        (_edit(arch="os"), "has no 'os'"),
        (_edit(arch=["mdcnn"]), "damaged|has no"),
        (_edit(model={"filters": 10**30, "blocks": 1}), "31 digits has more than 64 bits"),
        (_edit(model={"filters": 10**15, "blocks": 1}), "beyond 1048576"),
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
        (_edit(segments={"size_s": 3601.0}), "size_s"),
        (_edit(segments={"size_s": 1.0, "hop_s": 0.001}), "hop_s"),
        (_edit(segments={"size_s": 1.0, "test_hop_s": 1e-9}), "test_hop_s"),
        (_edit(segments={"size_s": 1.0, "frames": 1 << 19}), "frames"),
        (_edit(inputs={"x": {"kind": "logmel3d", "delta_frames": 1 << 20}}), "delta_frames: "),
        (_edit(inputs={"x": {"kind": "logmel3d", "delta_frames": 1 << 40}}), "inputs.x.delta_frames names"),
        (_edit(inputs={"x": {"kind": "logmel3d", "n_fft": 1 << 20}}), "n_fft: "),
        (_edit(segments={"size_s": 1.0, "frames": 5000}), "segments.frames=5000"),
        (_edit(classes=["anger", "sad\x1b[2Jness"]), "a class's name can't be printed"),
        (_edit(classes=["anger", "sad\nness"]), "a class's name can't be printed"),
        (_edit(classes=["anger", "\u202ejoy"]), "a class's name can't be printed"),
        (_edit(classes=["anger", " "]), "a class's name can't be printed"),
        *(
            (_edit(facts={"threshold": bad}), "the threshold is not a number")
            for bad in (2, -0.1, True, "0.5")
        ),
        (_infinite_threshold, "1e999 is beyond the largest number"),
        *((_edit(files={name: "0" * 64}), "not a file of the bundle's folder") for name in ("", ".", "..")),
        (_not_finite(float("nan")), "hold values that are not finite"),
        (_not_finite(float("inf")), "hold values that are not finite"),
        (_integers, r"'head\.weight' holds torch\.int32, described as torch\.float32"),
        (_edit(classes=[]), "task classification, but arousal, valence need task regression"),
        (
            _edit(arch="cnnlstm", model={"task": "regression"}),
            "task regression, but anger, sadness need task",
        ),
        (_folder_for("weights.safetensors"), "not a plain file"),
        (_folder_for("bundle.json"), "not a plain file"),
        (_pipe, "not a plain file"),
        *(
            (
                _edit(**{key: None}),
                rf"damaged \({key} must be (a mapping|a list|text), not null\); get the bundle",
            )
            for key in ("arch", "model", "classes", "inputs", "statistics", "segments", "facts", "files")
        ),
        (_edit(facts={"code": []}), r"facts\.code must be a mapping, not \[\]"),
        (_edit(inputs={}), r'the inputs are \[\], but mdcnn needs \["x"\]'),
        (_edit(inputs={"x": []}), r"inputs\.x must be a mapping, not \[\]"),
        (_edit(inputs={"x": {}}), r"inputs\.x\.kind is missing, it must be text"),
        (_edit(arch="melcnn", model={}, inputs={}), "the inputs are"),
        (_edit(dimensions={"arousal": {"mean": 0.0}}), r"dimensions\.arousal\.deviation is missing"),
        (_edit(usual_acoustics={"count": 20}), r"usual_acoustics\.limits is missing, it must be a mapping"),
        (_edit(files={"../outside": "0" * 64}), "not a file of the bundle's folder"),
        (_edit(files={"/etc/passwd": "0" * 64}), "not a file of the bundle's folder"),
        (_edit(files={"more.md": "0" * 64}), "missing"),
        (_statistics(std=[0.0]), "not positive"),
        (_statistics(mean=[1e999]), "Infinity is not a number"),
        (
            _statistics(mean=[0.0] * 1000),
            r"statistics\.x: mean and std must be numbers of shape \(3, 40, 1\)",
        ),
        (_statistics(mean="a"), r"statistics\.x: mean and std must be numbers of shape"),
        (_statistics(std=None), r"statistics\.x\.std must be a number or a list of numbers, not null"),
        (_statistics(mean=1e300), "not finite"),
        (_edit(temperature=0), "the temperature is not a positive number"),
        (_edit(temperature="1"), "the temperature is not a positive number"),
        (_edit(usual_acoustics={"count": 20, "limits": {"level": [0, 1]}}), "are not complete"),
        (
            _edit(usual_acoustics={"count": 20, "limits": {"level": 1}}),
            "two finite numbers for each of level",
        ),
        (_edit(usual_acoustics=["level"]), "usual_acoustics must be a mapping"),
        (_edit(statistics={}), r"statistics\.x is missing"),
        (_constant, "NaN is not a number"),
        (_deep, "damaged"),
        (_endless, "more than 16 MiB"),
        (_pickled, "weights.safetensors: damaged"),
    ],
)
def test_a_spoilt_bundle_is_refused(bundle, tmp_path, spoil, message):
    bundle.save(tmp_path / "b")
    spoil(tmp_path / "b")
    with pytest.raises(RunError, match=message) as caught:
        Bundle.load(tmp_path / "b")
    assert str(caught.value).count("\n") == 0


def test_a_bundle_of_too_short_inputs_is_refused(tmp_path):
    model, inputs = (
        get_architecture("cnnlstm").config(),
        {"x": FeatureChoice(kind="waveform", duration_s=0.04)},
    )
    network = build_network("cnnlstm", model, inputs, 2)
    statistics = {"x": Statistics(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))}
    outputs = Outputs(("anger", "sadness"))
    Bundle("cnnlstm", network, model, outputs, inputs, statistics, FACTS).save(tmp_path / "b")
    assert Bundle.load(tmp_path / "b").inputs == inputs
    _edit(inputs={"x": inputs["x"].to_dict() | {"duration_s": 0.02}})(tmp_path / "b")
    with pytest.raises(
        RunError, match=r"features\.x\.duration_s=0\.02 gives 320 frames, .* needs 640 or more"
    ):
        Bundle.load(tmp_path / "b")


def test_a_file_that_may_not_be_read_is_one_line(bundle, tmp_path, monkeypatch):
    bundle.save(tmp_path / "b")

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
    with pytest.raises(RunError, match=r"bundle\.json: Permission denied"):
        Bundle.load(tmp_path / "b")


def test_words_of_any_language_are_classes(bundle, tmp_path):
    classes = ("très bien", "عصبانی\u200cتر")
    replace(bundle, outputs=Outputs(classes)).save(tmp_path / "b")
    assert Bundle.load(tmp_path / "b").classes == classes


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


def test_a_network_beyond_all_memory_is_one_error():
    with pytest.raises(ConfigError, match="mdcnn: a network of these settings does not fit into memory"):
        build_network("mdcnn", MDCNNConfig(filters=10**9), {"x": FeatureChoice(kind="logmel3d")}, 4)
