"""Exported programs say what the network says, from features on and from samples on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tone
from untrained import ALL, diccoser, make

from sercli import audio
from sercli.errors import ConfigError, RunError
from sercli.inference import export, score
from sercli.inference.export import export_programs
from sercli.inference.graph import SpeechNetwork
from sercli.inference.recordings import Piece, dataset_of, extract
from sercli.tasks import Outputs

onnxruntime = pytest.importorskip("onnxruntime")

REAL = {"emodb": "emodb/wav/*.wav", "ravdess": "ravdess_original_wav/**/*.wav"}


def expect(bundle, samples):
    """What `sercli predict` says of one recording: the path of eval, features from NumPy and FFT."""
    dataset = dataset_of(bundle, [extract(bundle, Piece(0.0, {0: samples}))])
    (scores,) = score(bundle.network, dataset, bundle.outputs)
    return scores[0] if bundle.classes else scores


def fitting(module, samples):
    """The recording as the module takes it: whole, or its first segment."""
    if module.samples is None:
        return samples
    return np.pad(samples, (0, max(0, module.samples - len(samples))))[: module.samples]


QUICK = ("attpool", "classes and values")
SCALES = {"means": (3.0, 2.0), "deviations": (0.5, 1.0)}


def classes_and_values():
    """A bundle that gives two classes and two dimensions."""
    return replace(ALL["attpool"](), outputs=Outputs(("anger", "joy"), ("arousal", "valence"), **SCALES))


MADE = {**ALL, "classes and values": classes_and_values}


@pytest.fixture(
    scope="module",
    params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MADE],
)
def exported(request, tmp_path_factory):
    """Bundle, module and ONNX programs of each architecture."""
    bundle = MADE[request.param]()
    folder = tmp_path_factory.mktemp("onnx")
    done = export_programs(bundle, folder, "onnx")
    assert [(each.name, each.why_not) for each in done] == [("network.onnx", None), ("speech.onnx", None)]
    assert all(each.difference < 1e-4 for each in done)
    return bundle, SpeechNetwork(bundle), folder


def run(path, **inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def test_from_samples_on_it_says_what_predict_says(exported):
    bundle, module, folder = exported
    recordings = [tone(seconds, pitch=pitch) for seconds, pitch in ((1.3, 150), (2.7, 240), (0.4, 320))]
    said = []
    for samples in recordings:
        own = fitting(module, samples)
        found = run(folder / "speech.onnx", samples=own[None])[0]
        np.testing.assert_allclose(found, expect(bundle, own), rtol=0, atol=1e-4)
        said.append(found.ravel())
    assert np.ptp(said, axis=0).max() > 1e-3  # the recordings are told apart


def test_several_recordings_go_at_once(exported):
    _, module, folder = exported
    samples = np.stack([fitting(module, tone(1.5, pitch=pitch)) for pitch in (120, 180, 260)])
    together = run(folder / "speech.onnx", samples=samples)
    one_by_one = np.concatenate([run(folder / "speech.onnx", samples=each[None]) for each in samples])
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


@pytest.mark.parametrize("corpus", REAL)
def test_real_recordings_are_judged_alike(exported, recordings_folder, corpus):
    bundle, module, folder = exported
    files = sorted(recordings_folder.glob(REAL[corpus]))[::97][:6]
    if not files:
        pytest.skip(f"no recordings of {corpus}")
    network = bundle.network
    for path in files:
        own = fitting(module, audio.read(path))
        found = run(folder / "speech.onnx", samples=own[None])[0]
        np.testing.assert_allclose(found, expect(bundle, own), rtol=0, atol=1e-4)
        dataset = dataset_of(bundle, [extract(bundle, Piece(0.0, {0: own}))])
        batch = dataset[[0]]
        with torch.no_grad():
            scores = network(**batch.inputs, mask=batch.mask)
        inputs = {name: x.numpy() for name, x in batch.inputs.items()}
        if bundle.arch == "mdcnn":
            inputs["mask"] = batch.mask.numpy()
        np.testing.assert_allclose(run(folder / "network.onnx", **inputs), scores, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    ["attpool", *(pytest.param(each, marks=pytest.mark.slow) for each in ("mdcnn", "diccoser-traces"))],
)
def test_torchs_own_programs_say_the_same(name, tmp_path):
    bundle = ALL[name]()
    export_programs(bundle, tmp_path, "pt2")
    module = SpeechNetwork(bundle)
    own = fitting(module, tone(1.9, pitch=210))
    program = torch.export.load(tmp_path / "speech.pt2").module()
    found = program(samples=torch.from_numpy(own[None]))[0].detach().numpy()
    np.testing.assert_allclose(found, expect(bundle, own), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("bundle", "why"),
    [
        (lambda: make("melcnn", {"x": {"kind": "melspec-db"}}), "soxr"),
        pytest.param(lambda: diccoser("a", "logmel"), "depend on later samples", marks=pytest.mark.slow),
        pytest.param(
            lambda: make("mdcnn", {"x": {"kind": "logmel3d", "statistics": "per-utterance"}}, {"filters": 8}),
            "the mean and deviation of complete utterances",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_has_no_front_end_says_why_and_the_network_goes_all_the_same(bundle, why, tmp_path):
    network, speech = export_programs(bundle(), tmp_path, "onnx")
    assert network.why_not is None
    assert why in speech.why_not
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx"]


def test_a_program_that_says_something_else_is_not_written_as_done(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_run_onnx", lambda path, inputs: torch.full((2, 4), 9.0))
    with pytest.raises(RunError, match=r"network\.onnx: .* from the network, 0\.0001 is allowed"):
        export_programs(ALL["attpool"](), tmp_path, "onnx")


def test_without_the_extra_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'sercli\[onnx\]'"):
        export_programs(ALL["cnnlstm"](), tmp_path, "onnx")
