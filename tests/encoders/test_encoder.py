"""States of encoders, compared with what their own classes give."""

import numpy as np
import pytest
import torch
from conftest import tone
from small_encoders import FAMILIES, encoder_folder

from sercli.encoders.loading import importing_transformers, load_encoder, read_facts

every = pytest.mark.parametrize("family", FAMILIES)


def load(family):
    folder = str(encoder_folder(family))
    return load_encoder(folder, None, read_facts(folder).tensors)


@every
@torch.inference_mode()
def test_states_are_the_hidden_states_of_the_model_itself(family):
    folder = encoder_folder(family)
    encoder, samples = load(family), tone(1.3)
    states, mask = encoder([torch.from_numpy(samples)])
    with importing_transformers():
        from transformers import AutoFeatureExtractor, AutoModel, WhisperModel

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    given = extractor(samples, sampling_rate=16_000, return_tensors="pt")
    given.pop("attention_mask", None)
    if family == "whisper":  # padded to 30 s there: all frames up to the last ones see the padding
        pytest.skip("compared in its own test")
    model = AutoModel.from_pretrained(folder).eval()
    wanted = model(**given, output_hidden_states=True).hidden_states
    assert len(states) == len(wanted) == 4
    assert mask.shape == (1, states[0].shape[1])
    for state, other in list(zip(states, wanted, strict=True))[:-1]:
        torch.testing.assert_close(state, other, rtol=1e-4, atol=1e-5)
    del WhisperModel


@torch.inference_mode()
def test_whisper_padded_to_30_seconds_gives_the_states_of_the_model_itself():
    from sercli.encoders.encoder import WHISPER_PADDED

    folder, samples = encoder_folder("whisper"), tone(1.3)
    encoder = load_encoder(str(folder), None, read_facts(str(folder)).tensors, "cpu", WHISPER_PADDED)
    states, _ = encoder([torch.from_numpy(samples)])
    with importing_transformers():
        from transformers import AutoFeatureExtractor, WhisperModel

    given = AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=16_000, return_tensors="pt")
    model = WhisperModel.from_pretrained(folder).eval()
    wanted = model.encoder(given.input_features, output_hidden_states=True).hidden_states
    for state, other in list(zip(states, wanted, strict=True))[:-1]:
        torch.testing.assert_close(state, other, rtol=1e-4, atol=1e-5)
    last = model.encoder.layer_norm(states[-1])
    torch.testing.assert_close(last, wanted[-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", [*FAMILIES, "hubert-batch-norm"])
@torch.inference_mode()
def test_an_utterance_in_a_batch_has_the_states_that_it_has_alone(family):
    encoder = load(family)
    samples = [torch.from_numpy(tone(seconds, seed=seed)) for seed, seconds in enumerate((0.9, 0.3, 1.7))]
    together, mask = encoder(samples)
    for row, each in enumerate(samples):
        alone, _ = encoder([each])
        frames = alone[0].shape[1]
        assert mask[row].sum() == frames
        for one, other in zip(alone, together, strict=True):
            error = (one[0] - other[row, :frames]).abs().max() / one.abs().max()
            assert error < 1e-4


@every
def test_frames_are_counted_as_they_come(family):
    encoder = load(family)
    for samples in (400, 401, 719, 720, 1600, 16_000, 16_161, 40_000):
        with torch.inference_mode():
            states, _ = encoder([torch.from_numpy(tone(samples / 16_000))])
        assert states[0].shape[1] == encoder.family.count_frames(samples), samples


def test_recordings_are_encoded_at_once_in_several_threads():
    from concurrent.futures import ThreadPoolExecutor

    encoder, samples = load("wav2vec2"), [tone(0.2 + 0.01 * n, seed=n) for n in range(16)]

    def encode(each):
        with torch.inference_mode():
            return [state.numpy() for state in encoder([torch.from_numpy(each)])[0]]

    alone = [encode(each) for each in samples]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(encode, samples))
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(other) == 4
        for state, same in zip(one, other, strict=True):
            np.testing.assert_allclose(state, same, rtol=1e-5, atol=1e-6)
