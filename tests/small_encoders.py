"""Small encoders with random weights, one for each family, in the folders that users have."""

import atexit
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import torch

from sercli.encoders.loading import importing_transformers

FAMILIES = ("whisper", "wav2vec2", "wav2vec2-layer", "hubert", "wavlm", "data2vec", "w2v-bert")
_CONVOLUTIONS = {
    "conv_dim": [8] * 7,
    "num_feat_extract_layers": 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
}
_TRANSFORMER = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


@cache
def encoder_folder(family: str) -> Path:
    """Make the folder of a family's encoder, once for each process."""
    folder = Path(mkdtemp(prefix=f"{family}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with importing_transformers(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model, extractor = _make(family)
    model.eval().save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def _make(family):
    import transformers as t

    waveform = t.Wav2Vec2FeatureExtractor(do_normalize=family != "wav2vec2")
    match family:
        case "whisper":
            config = t.WhisperConfig(
                d_model=32, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2,
                decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, vocab_size=8,
                pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
                suppress_tokens=[], begin_suppress_tokens=[],
            )  # fmt: skip
            return t.WhisperForConditionalGeneration(config), t.WhisperFeatureExtractor()
        case "wav2vec2":
            return t.Wav2Vec2Model(t.Wav2Vec2Config(**_CONVOLUTIONS, **_TRANSFORMER)), waveform
        case "wav2vec2-layer":
            config = t.Wav2Vec2Config(
                **_CONVOLUTIONS, **_TRANSFORMER, feat_extract_norm="layer", do_stable_layer_norm=True
            )
            return t.Wav2Vec2ForCTC(config), waveform
        case "hubert":
            return t.HubertModel(t.HubertConfig(**_CONVOLUTIONS, **_TRANSFORMER)), waveform
        case "hubert-batch-norm":
            config = t.HubertConfig(**_CONVOLUTIONS, **_TRANSFORMER, conv_pos_batch_norm=True)
            model = t.HubertModel(config)
            torch.nn.init.normal_(model.encoder.pos_conv_embed.batch_norm.bias)
            return model, waveform
        case "wavlm":
            return t.WavLMModel(t.WavLMConfig(**_CONVOLUTIONS, **_TRANSFORMER)), waveform
        case "data2vec":
            config = t.Data2VecAudioConfig(**_CONVOLUTIONS, **_TRANSFORMER, conv_pos_kernel_size=5)
            return t.Data2VecAudioModel(config), waveform
        case "w2v-bert":
            config = t.Wav2Vec2BertConfig(**_TRANSFORMER, feature_projection_input_dim=160)
            return t.Wav2Vec2BertModel(config), t.SeamlessM4TFeatureExtractor()
    raise ValueError(family)


def change_config(folder: Path, **changes) -> None:
    """Change values of an encoder's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
