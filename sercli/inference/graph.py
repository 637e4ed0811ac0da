"""A bundle as one torch module, from samples to probabilities, that can be exported."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.audio import LEAST_S, SAMPLE_RATE
from sercli.bundle import Bundle
from sercli.data.segments import Segmenter
from sercli.errors import ConfigError
from sercli.models import get_architecture
from sercli.runs.features import FeatureChoice

_ROUNDED = {"float32": torch.float32, "float16": torch.float16}


class SpeechNetwork(nn.Module):
    """Features, standardisation and network: from samples to the output of the network.

    Takes recordings of one length, (batch, samples), mono at 16 kHz, full scale 1.0: complete
    recordings, or one segment each if the network takes segments. It gives class probabilities,
    (batch, classes), and values of dimensions after them, on the scale of the corpus, (batch, outputs); or
    continuous labels, (batch, frames, dimensions).

    Attributes:
        samples: number of samples of a recording; ``None`` if any number from ``least`` on is accepted.
        least: the fewest that a recording may have.
        most: the most that a recording may have; ``None`` if there is no limit.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Put a bundle's parts together.

        Raises:
            ConfigError: its features can't be expressed in torch, or depend on samples beyond a segment.
        """
        super().__init__()
        self.network = bundle.network
        self.outputs = bundle.outputs
        for name, values in (("means", bundle.outputs.means), ("deviations", bundle.outputs.deviations)):
            self.register_buffer(name, torch.tensor(values), persistent=False)
        self.means: Tensor
        self.deviations: Tensor
        self.inputs = nn.ModuleDict({name: _Input(bundle, name) for name in bundle.inputs})
        size = bundle.segments.size_s
        self.samples = None if size is None else round(size * SAMPLE_RATE)
        self.least = self.samples or _least(bundle)
        limits = [choice.config.most_samples for choice in bundle.inputs.values()]
        self.most = min((limit for limit in limits if limit is not None), default=None)

    def forward(self, samples: Tensor) -> Tensor:
        """Predict recordings, (batch, samples)."""
        inputs = {name: features(samples) for name, features in self.inputs.items()}
        first = next(iter(inputs.values()))
        mask = torch.ones(first.shape[0], first.shape[-1], dtype=torch.bool, device=first.device)
        scores: Tensor = self.network(**inputs, mask=mask)
        if self.outputs.per_frame:
            return scores
        count = len(self.outputs.classes)
        values = scores[:, count:]
        if self.outputs.means:
            values = values * self.deviations + self.means
        if not count:
            return values
        return torch.cat([(scores[:, :count] / self.outputs.temperature).softmax(dim=1), values], dim=1)


class _Input(nn.Module):
    """One input of a network: features, cut and standardised as in the test part of a fold."""

    def __init__(self, bundle: Bundle, name: str) -> None:
        super().__init__()
        choice, statistics = bundle.inputs[name], bundle.statistics[name]
        if choice.feature.graph is None:
            raise ConfigError(f"'{choice.kind}' is not written in torch operations that can be exported")
        if choice.own_scope:
            raise ConfigError(
                f"statistics={choice.statistics} need the mean and deviation of complete utterances; a "
                "network that was trained with statistics=per-map or per-bin can be exported"
            )
        self.features = choice.feature.graph(choice.config)
        self.choice = choice
        self.frames = self.filled = None
        if bundle.segments.size_s is not None:
            self.frames, self.filled = _frames_of(bundle, choice)
        self.register_buffer("mean", torch.from_numpy(statistics.mean.copy()), persistent=False)
        self.register_buffer("std", torch.from_numpy(statistics.std.copy()), persistent=False)
        silence = np.asarray(choice.feature.silence(choice.config), np.float32)
        self.register_buffer("silence", torch.from_numpy(silence), persistent=False)
        self.mean: Tensor
        self.std: Tensor
        self.silence: Tensor

    def forward(self, samples: Tensor) -> Tensor:
        x: Tensor = self.features(samples)
        x = x.to(_ROUNDED[self.choice.number]).float()
        if self.frames is not None and self.filled is not None:
            x = x[..., : self.frames] - self.silence
            x = F.pad(x, (0, self.filled - self.frames)) + self.silence
        x = (x - self.mean) / self.std
        finish = self.choice.feature.finish_graph
        return x if finish is None else finish(x, self.choice.config)


def network_example(bundle: Bundle, batch: int = 2) -> tuple[dict[str, Tensor], bool]:
    """Make inputs of the network of a bundle, mask included; return whether other lengths are possible."""
    architecture = get_architecture(bundle.arch)
    random = torch.Generator().manual_seed(0)
    inputs: dict[str, Tensor] = {}
    fixed = True
    for name, choice in bundle.inputs.items():
        if bundle.segments.size_s is not None:
            _, frames = _segment(bundle, choice)
        elif choice.config.crop_s is not None:
            frames = choice.feature.count_frames(SAMPLE_RATE, choice.config)
        elif choice.config.pooled:
            frames = 1
        else:
            fixed, frames = False, architecture.example_frames
        inputs[name] = torch.randn(batch, *choice.shape, frames, generator=random)
    if not fixed and not architecture.lengths_vary:
        raise ConfigError(
            f"'{bundle.arch}' was trained on complete utterances of any length; "
            "one trained with duration_s or segments can be exported"
        )
    frames = next(iter(inputs.values())).shape[-1]
    return inputs | {"mask": torch.ones(batch, frames, dtype=torch.bool)}, not fixed


def least_frames(bundle: Bundle) -> int:
    """Return the fewest frames that a network takes as they are."""
    return max(2, bundle.model.least_frames)


def _least(bundle: Bundle) -> int:
    """Return the smallest number of samples that gives the network its smallest number of frames."""
    least = round(LEAST_S * SAMPLE_RATE)
    for choice in bundle.inputs.values():
        config: Any = choice.config
        if config.crop_s is not None:
            continue
        least = max(least, config.least_samples)
        if config.pooled:
            continue
        while choice.feature.count_frames(least, config) < least_frames(bundle):
            least += 1
    return least


def _segment(bundle: Bundle, choice: FeatureChoice) -> tuple[int, int]:
    """Return the frames of a segment, before and after it is filled up."""
    segmenter = Segmenter(bundle.segments, choice.feature, choice.config)
    size = round((bundle.segments.size_s or 0) * SAMPLE_RATE)
    frames = choice.feature.count_frames(size, choice.config)
    (span,) = (each.span for each in segmenter.cut("", size, frames, training=False))
    return span.stop - span.start, span.length


def _frames_of(bundle: Bundle, choice: FeatureChoice) -> tuple[int, int]:
    """Return the frames of a segment; refuse features that depend on samples after it."""
    frames, filled = _segment(bundle, choice)
    size = round((bundle.segments.size_s or 0) * SAMPLE_RATE)
    # The signal becomes louder, so that a maximum is at the end.
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * size) * np.linspace(0.1, 1, 2 * size)
    extract, samples = choice.feature.extract, noise.astype(np.float32)
    own = extract(samples[:size], choice.config)[..., :frames]
    if not np.allclose(own, extract(samples, choice.config)[..., :frames], atol=1e-5):
        raise ConfigError(
            f"segments of '{choice.kind}' are cut from whole utterances, and its frames at a segment's "
            "end depend on later samples"
        )
    return frames, filled


def example_samples(module: SpeechNetwork, batch: int = 2) -> Mapping[str, Tensor]:
    """Make recordings of a length that a module takes: noise."""
    length = module.samples or max(module.least, 2 * SAMPLE_RATE)
    return {"samples": 0.1 * torch.randn(batch, length, generator=torch.Generator().manual_seed(0))}
