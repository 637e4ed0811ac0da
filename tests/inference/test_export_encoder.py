"""Exported programs that contain an encoder give what the network gives from the features on."""

import numpy as np
import pytest
import torch
from conftest import tone
from small_encoders import encoder_folder
from untrained import make

from sercli.errors import ConfigError
from sercli.features.pretrained import FEATURE, PretrainedConfig, extract
from sercli.inference import score
from sercli.inference.export import export_programs
from sercli.inference.graph import SpeechNetwork
from sercli.inference.recordings import Piece, dataset_of
from sercli.inference.recordings import extract as extract_piece

FAMILIES = ("whisper", "wav2vec2", "wav2vec2-layer", "hubert", "wavlm", "data2vec")


def features(family, **settings):
    return {"kind": "pretrained", "model": str(encoder_folder(family)), "statistics": "none"} | settings


def expect(bundle, samples):
    dataset = dataset_of(bundle, [extract_piece(bundle, Piece(0.0, {0: samples}))])
    return score(bundle.network, dataset, bundle.outputs)[0][0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pool", ["none", "mean-std"])
def test_the_module_gives_what_extract_gives(family, pool):
    config = PretrainedConfig(model=str(encoder_folder(family)), pool=pool, layers=[0, 3]).pinned()
    module = FEATURE.graph(config)
    for length in (4_000, 16_000, 17_601):
        both = np.stack([tone(2.0, pitch=pitch)[:length] for pitch in (150, 320)])
        with torch.no_grad():
            found = module(torch.from_numpy(both)).numpy()
        expected = np.stack([extract(samples, config) for samples in both])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_whisper_padded_to_30_seconds_is_computed_alike():
    config = PretrainedConfig(model=str(encoder_folder("whisper")), pad_s=30, pool="none").pinned()
    samples = tone(1.3)
    with torch.no_grad():
        found = FEATURE.graph(config)(torch.from_numpy(samples[None]))[0].numpy()
    np.testing.assert_allclose(found, extract(samples, config), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_takes_samples_of_any_length(family, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    bundle = make("linear", {"x": features(family)})
    done = export_programs(bundle, tmp_path, "onnx")
    assert [(each.name, each.why_not) for each in done] == [("network.onnx", None), ("speech.onnx", None)]
    session = onnxruntime.InferenceSession(tmp_path / "speech.onnx", providers=["CPUExecutionProvider"])
    for seconds in (0.4, 1.3, 2.01):
        samples = tone(seconds, pitch=200 * seconds)
        (found,) = session.run(None, {"samples": samples[None]})
        np.testing.assert_allclose(found[0], expect(bundle, samples), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_torch_program_takes_the_frames_of_whisper(tmp_path):
    bundle = make("probe", {"x": features("whisper", pool="none")})
    done = export_programs(bundle, tmp_path, "pt2")
    assert [each.why_not for each in done] == [None, None]
    program = torch.export.load(tmp_path / "speech.pt2").module()
    samples = tone(1.7)
    with torch.no_grad():
        found = program(samples=torch.from_numpy(samples[None]))[0].numpy()
    np.testing.assert_allclose(found, expect(bundle, samples), rtol=0, atol=1e-4)


def test_a_filterbank_that_is_not_torch_is_the_reason_in_one_line():
    bundle = make("linear", {"x": features("w2v-bert")})
    with pytest.raises(ConfigError, match="the filterbank of the family 'w2v-bert' is not written in torch"):
        SpeechNetwork(bundle)


def test_a_model_that_standardises_per_speaker_says_why_it_has_no_program():
    bundle = make("linear", {"x": features("whisper")})
    (choice,) = bundle.inputs.values()
    object.__setattr__(choice, "statistics", "per-speaker")
    with pytest.raises(ConfigError, match="statistics=per-speaker need the mean and deviation"):
        SpeechNetwork(bundle)
