"""States of a pretrained encoder: of each frame of 20 ms, or their mean over the recording.

Layer 0 is what enters the first transformer layer (of Whisper, the convolutions' output with positions
added), layer n the output of transformer layer n, without the normalisation after the last one. See
`sercli.encoders.encoder` for how this maps to ``hidden_states`` of `transformers`.

Source: Yang et al., SUPERB: Speech processing Universal PERformance Benchmark, Interspeech 2021.
Open in the paper: Whisper, which is not among its encoders, encodes a recording of its own length here
    (``pad_s=null``), not padded to 30 s as its authors do (``pad_s=30``).
Departures: a recording longer than 30 s (Whisper) or 60 s (others) is encoded in windows of that length.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.encoders import EXAMPLE, EncoderFacts, EncoderSource, Layers
from sercli.encoders.encoder import FAMILIES, FRAME_RATE, HOP, WHISPER_PADDED, WINDOW, Encoder
from sercli.encoders.finding import is_here, lasting_name
from sercli.encoders.loading import load_encoder, read_facts
from sercli.features import Array, Feature, FeatureConfig
from sercli.features.shared.encoder_graph import EncoderGraph
from sercli.statistics import RunningMoments

# Seconds of audio in a batch, padding included: a large encoder keeps about 2 GB of states for them.
_BATCH_S = 240.0


class PretrainedConfig(FeatureConfig):
    """Settings of the states of an encoder."""

    model: str = "whisper-tiny.en"
    """Encoder: a folder, a name on the Hugging Face Hub, or a short name; `sercli features encoders` lists
    the short names."""
    revision: str | None = None
    """Branch, tag or commit of the encoder on the Hub; null takes its main branch."""
    layers: Layers = "all"
    """Layers whose states are kept, as all or [0, 2]: 0 is what enters the first transformer layer, n is the
    output of transformer layer n."""
    pool: Literal["none", "mean", "mean-std"] = "mean"
    """Part of the frames that is kept: all frames (none), their mean, or mean and standard deviation."""
    pad_s: Literal[30] | None = None
    """Length in seconds to which a recording is padded before it is encoded, for Whisper: 30 as its authors
    do, or null for the recording's own length, which is faster."""
    encoder: EncoderFacts | None = Field(None, repr=False)
    """Facts of the encoder that the features are made with; filled in when its files are read."""

    @cached_property
    def facts(self) -> EncoderFacts:
        """Facts of the encoder, from the settings or from its files.

        Raises:
            ConfigError: the name is not valid, or a library is missing.
            FeatureError: the encoder is not on this machine, or not complete.
        """
        if self.encoder is not None:
            return self.encoder
        return read_facts(self.model, self.revision)

    def pinned(self) -> Self:
        """Return the same settings with the facts of the encoder, which is downloaded if it is not here.

        Raises:
            ConfigError: a setting does not fit the encoder.
            FeatureError: the encoder can't be found or downloaded, or is not complete.
        """
        if self.encoder is not None:
            return self
        found = {"model": lasting_name(self.model), "encoder": self.facts.to_dict()}
        return type(self)(**self.model_dump(exclude={"encoder"}) | found)

    def require(self) -> None:
        """Load the encoder, which is downloaded if it is not here; its facts must be those of the settings.

        Raises:
            ConfigError: a library is missing.
            FeatureError: the encoder can't be found or downloaded, or is another one.
        """
        _load(self, "cpu")

    def described(self) -> Self:
        """Return the same settings with facts of a Whisper tiny encoder, if the encoder is not known yet."""
        if self.encoder is not None:
            return self
        most = EXAMPLE.layers if self.layers == "all" else max(EXAMPLE.layers, *self.layers)
        facts = EXAMPLE.model_copy(update={"layers": most})
        return type(self)(**self.model_dump(exclude={"encoder"}) | {"encoder": facts.to_dict()})

    @property
    def ready(self) -> bool:
        """Whether the encoder is on this machine, if the libraries that find it are installed."""
        return is_here(self.model, self.revision)

    def model_post_init(self, _: Any) -> None:
        """Check the settings against the encoder, if its facts are known."""
        if self.encoder is None:
            return
        if self.layers != "all" and max(self.layers) > self.encoder.layers:
            raise ValueError(
                f"layers={list(self.layers)}: {self.model} has layers 0 to {self.encoder.layers}; "
                "take some of these"
            )
        if self.pad_s is not None and self.encoder.family != "whisper":
            raise ValueError(f"pad_s is for Whisper; {self.model} takes recordings as they are: leave it out")

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide digests: the encoder is named by its facts, whatever its name."""
        settings = super().deciding()
        for name in ("model", "revision", "encoder"):
            settings.pop(name, None)
        settings |= {"encoder": self.facts.tensors, "layers": list(self.layer_numbers)}
        if self.facts.normalises is not None:
            settings["normalises"] = self.facts.normalises
        if self.facts.settings is not None:
            settings["settings"] = self.facts.settings
        return settings

    @property
    def terms(self) -> str:
        """Licence of the encoder, for a card."""
        name, licence = self.source.name, self.source.licence
        return f"The features need the encoder {name} (digest {self.facts.tensors}), licence: {licence}"

    @property
    def source(self) -> EncoderSource:
        """The encoder, with its facts."""
        return EncoderSource(self.model, self.revision, self.facts)

    def with_encoder(self, model: str) -> Self:
        """Return the same settings with another name or folder of the same encoder."""
        return self.pinned().model_copy(update={"model": model, "revision": None})

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """Layers whose states are kept, in ascending order."""
        if self.layers == "all":
            return tuple(range(self.facts.layers + 1))
        return tuple(sorted(set(self.layers)))

    @property
    def pooled(self) -> bool:
        """Whether there is one frame for a complete recording."""
        return self.pool != "none"

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes: one window."""
        return WINDOW

    @property
    def most_samples(self) -> int | None:
        """Length in samples of the longest recording that is encoded at once."""
        return round(FAMILIES[self.facts.family].window_s * SAMPLE_RATE)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and values of each."""
        return len(self.layer_numbers), self.facts.size * (2 if self.pool == "mean-std" else 1)


def count_frames(samples: int, config: PretrainedConfig) -> int:
    """Return how many frames a recording has: one if they are pooled, else 50 a second."""
    if config.pooled:
        return 1
    family = FAMILIES[config.facts.family]
    size = round(family.window_s * SAMPLE_RATE)
    return sum(family.count_frames(stop - start) for start, stop in _windows(samples, size))


def extract(samples: Samples, config: PretrainedConfig, device: str = "cpu") -> Array:
    """Encode a recording.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: device that computes.

    Returns:
        (layers, values, frames), float32; one frame if they are pooled.

    Raises:
        FeatureError: the encoder is not on this machine, or not the one that the settings name.
    """
    (features,) = _encode([samples], config, device, 0.0)
    return features


def extract_several(
    recordings: Sequence[Samples], config: PretrainedConfig, device: str = "cpu"
) -> list[Array]:
    """Encode several recordings, in batches of limited size; arguments and values as for `extract`."""
    return _encode(recordings, config, device, _BATCH_S)


def _encode(
    recordings: Sequence[Samples], config: PretrainedConfig, device: str, most_s: float
) -> list[Array]:
    """Encode recordings, at most so many seconds at once, padding included, but at least one window."""
    encoder = _load(config, device)
    size = round(encoder.family.window_s * SAMPLE_RATE)
    pieces = [
        (number, torch.from_numpy(np.ascontiguousarray(samples[start:stop])))
        for number, samples in enumerate(recordings)
        for start, stop in _windows(len(samples), size)
    ]
    found: list[list[Array]] = [[] for _ in recordings]
    moments = [RunningMoments("per-bin") for _ in recordings]
    for batch in _batches(pieces, most_s * SAMPLE_RATE):
        with torch.inference_mode():
            states, _ = encoder([wave.to(device) for _, wave in batch])
            chosen = torch.stack([states[layer] for layer in config.layer_numbers], dim=1)
        for row, (number, wave) in enumerate(batch):
            frames = encoder.family.count_frames(len(wave))  # without padding
            own = chosen[row, :, :frames].transpose(1, 2).cpu().numpy()  # (layers, size, frames)
            if config.pooled:
                moments[number].add(own)
            else:
                found[number].append(own)
    if not config.pooled:
        return [np.concatenate(each, axis=-1) for each in found]
    with_deviation = config.pool == "mean-std"
    return [
        np.concatenate([each.mean, each.deviation] if with_deviation else [each.mean], axis=1).astype(
            np.float32
        )
        for each in moments  # (layers, size or 2 * size, 1)
    ]


def _batches(pieces: Sequence[tuple[int, Tensor]], most: float) -> Iterator[list[tuple[int, Tensor]]]:
    """Divide pieces, in their order, into batches of at most so many samples with padding."""
    batch: list[tuple[int, Tensor]] = []
    for piece in pieces:
        longest = max(len(wave) for _, wave in [*batch, piece])
        if batch and longest * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _load(config: PretrainedConfig, device: str) -> Encoder:
    family = WHISPER_PADDED if config.pad_s is not None else None
    facts = config.facts
    return load_encoder(
        config.model,
        config.revision,
        facts.tensors,
        device,
        family,
        settings=facts.settings,
        normalises=facts.normalises,
    )


class _Graph(nn.Module):
    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        encoder = _load(config, "cpu")
        self.encoder = EncoderGraph(encoder, config.facts.family, config.pad_s and config.pad_s * SAMPLE_RATE)
        self.config = config

    def forward(self, x: Tensor) -> Tensor:
        states = self.encoder(x)
        chosen = torch.stack([states[layer] for layer in self.config.layer_numbers], dim=1)
        chosen = chosen.transpose(2, 3)  # (batch, layers, size, frames)
        if self.config.pad_s is not None:
            chosen = chosen[..., : (x.shape[1] + HOP - 1) // HOP]
        if not self.config.pooled:
            return chosen
        mean = chosen.mean(dim=3, keepdim=True)
        if self.config.pool == "mean":
            return mean
        return torch.cat([mean, chosen.std(dim=3, correction=0, keepdim=True)], dim=2)


def _windows(samples: int, size: int) -> list[tuple[int, int]]:
    """Divide a recording into windows of equal size, the last one shorter but not below 25 ms."""
    starts = list(range(0, samples, size))
    if len(starts) > 1 and samples - starts[-1] < WINDOW:
        starts.pop()
    stops = [*starts[1:], samples]
    return list(zip(starts, stops, strict=True))


FEATURE = Feature(
    PretrainedConfig,
    version=1,
    extract=extract,
    extract_several=extract_several,
    shape=lambda config: config.shape,
    axes=("layers", "values", "frames"),
    source="Yang et al., SUPERB, Interspeech 2021",
    count_frames=count_frames,
    frame_rate=lambda config: FRAME_RATE if config.pool == "none" else 1.0,
    silence=lambda config: 0.0,
    graph=_Graph,
    extra="pretrained",
)
