"""Compare the features of pretrained encoders with `transformers`, called file by file.

The encoders have the sizes of the released ones and random weights, which take the same time. The recordings
are every twentieth of RAVDESS (or the synthetic corpus). Both contestants decode with our decoder and keep
the mean of all layers. The peer is written as in the documentation of `transformers`: feature extractor,
model, ``output_hidden_states``, with all threads on one recording. Whisper's feature extractor fills each
recording up to 30 s.
"""

import importlib
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from sercli import audio
from sercli.audio import SAMPLE_RATE
from sercli.encoders.loading import importing_transformers
from sercli.features import get_feature
from sercli.preparation import prepare
from sercli.records import Utterance
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.workspace import Workspace

_PARTS = ("whisper-tiny", "wavlm-base")
_PEER = "transformers, file by file"


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for part in _PARTS for row in _run_part(corpora, quick, part)]


def _run_part(corpora: Path | None, quick: bool, part: str) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "w")
        name = "ravdess" if corpora and (corpora / "ravdess").is_dir() else "synth"
        root = corpora / name if corpora and name != "synth" else None
        utterances = list(prepare(name, root, workspace, partial=True).utterances)[::20]
        utterances = utterances[:2] if quick else utterances
        model, extractor = _make(part, quick=quick)
        encoder = Path(folder) / part
        model.save_pretrained(encoder)
        extractor.save_pretrained(encoder)
        settings = {"model": str(encoder), "pool": "mean"}
        config = get_feature("pretrained").config(**settings).pinned()
        fresh = iter(Path(folder) / f"features-{number}" for number in range(100))
        contestants: dict[str, Callable[[], object]] = {
            "sercli": lambda: compute(
                [FeatureStore(next(fresh), "pretrained", config)], utterances, workspace.corpus(name)
            ),
            _PEER: lambda: [
                _plainly(model, extractor, utterance, workspace.corpus(name)) for utterance in utterances
            ],
        }
        taken = interleaved(contestants, rounds=1 if quick else 3)
    seconds = sum(utterance.duration for utterance in utterances)
    ratio = taken[_PEER] / taken["sercli"]
    return [
        Row(f"{part}: sercli", seconds / taken["sercli"], "x real time", "", ratio, _PEER),
        Row(f"{part}: {_PEER}", seconds / taken[_PEER], "x real time"),
    ]


def _make(part: str, *, quick: bool) -> tuple[Any, Any]:
    """Make an encoder of a released size, with random weights, and its feature extractor."""
    with importing_transformers(), torch.random.fork_rng(devices=[]):
        t: Any = importlib.import_module("transformers")
        t.utils.logging.disable_progress_bar()
        torch.manual_seed(0)
        if part == "whisper-tiny":
            layers = 1 if quick else 4
            whisper = t.WhisperConfig(encoder_layers=layers, decoder_layers=1)
            return t.WhisperModel(whisper).eval(), t.WhisperFeatureExtractor()
        wavlm = t.WavLMConfig(num_hidden_layers=1 if quick else 12)
        return t.WavLMModel(wavlm).eval(), t.Wav2Vec2FeatureExtractor()


@torch.inference_mode()
def _plainly(model: Any, extractor: Any, utterance: Utterance, folder: Path) -> Any:
    samples = audio.read(folder / utterance.file)
    inputs = extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
    if "input_features" not in inputs:
        states = model(**inputs, output_hidden_states=True).hidden_states
        return np.stack([each[0].mean(dim=0).numpy() for each in states])
    states = model.get_encoder()(inputs.input_features, output_hidden_states=True).hidden_states
    frames = -(-len(samples) // (SAMPLE_RATE // 50))  # those of the recording, without the silence after it
    return np.stack([each[0, :frames].mean(dim=0).numpy() for each in states])


def _lacks() -> str:
    return "" if importlib.util.find_spec("transformers") else "transformers"


BENCH = Bench(
    _run, "features of pretrained encoders, against transformers file by file", _run_part, _PARTS, _lacks
)
