"""A pretrained encoder whose upper layers are trained further, with SUPERB's classifier over all layers.

The layers below ``first_layer`` and the convolutions before them are not trained: their states are the
features, which are computed once.

Source: Yang et al., SUPERB: Speech processing Universal PERformance Benchmark, Interspeech 2021, section 3.2
    (the classifier); Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022 (adapters).
Open in the paper: SUPERB does not train its encoders. Learning rates, warm-up and number of epochs are ours.
Departures: layer dropout and the masking of time and channels that encoders are trained with are off.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from sercli.encoders import EXAMPLE
from sercli.encoders.finding import lasting_name
from sercli.encoders.loading import read_facts
from sercli.encoders.upper import UpperLayers, load_upper_layers
from sercli.errors import ConfigError
from sercli.models import Architecture, Features, Recipe
from sercli.models.probe import ARCHITECTURE as PROBE
from sercli.models.probe import Probe, ProbeConfig


class FinetuneConfig(ProbeConfig):
    """Settings of the encoder and of the classifier."""

    neutral: ClassVar[Mapping[str, Any]] = {"settings": None}

    encoder: str = "whisper-tiny.en"
    """Encoder: a folder, a name on the Hugging Face Hub, or a short name; `sercli features encoders` lists
    the short names."""
    revision: str | None = None
    """Branch, tag or commit of the encoder on the Hub; null takes its main branch."""
    tensors: str | None = Field(None, pattern="[0-9a-f]{16}", repr=False)
    """Digest of the encoder's tensors; filled in when its files are read."""
    settings: str | None = Field(None, pattern="[0-9a-f]{16}", repr=False)
    """Digest of the encoder's settings; filled in when its files are read."""
    first_layer: int = Field(1, ge=1, le=1000)
    """Number of the first transformer layer that is trained; the layers below stay as they are, and are
    computed once."""
    lora_rank: int = Field(0, ge=0, le=1024)
    """Rank of adapters (LoRA) in the feed-forward blocks, which are trained in place of the layers; 0 trains
    the layers."""
    lora_alpha: int = Field(16, ge=1)
    """Strength of the adapters: their product is multiplied by lora_alpha / lora_rank."""
    checkpointing: bool = False
    """Whether the layers are computed a second time for their gradients; this needs less memory and more
    time."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing."""
        return super().idle() | ({} if self.lora_rank else {"lora_alpha": "lora_rank=0"})

    def pinned(self) -> Self:
        """Return the same settings with the digests of the encoder, which is downloaded if it is not here.

        Raises:
            ConfigError: the name is not valid, or a library is missing.
            FeatureError: the encoder can't be found or downloaded, or is not complete.
        """
        if self.tensors is not None:
            return self
        facts = read_facts(self.encoder, self.revision)
        found = {"tensors": facts.tensors, "settings": facts.settings}
        return self.model_copy(update={"encoder": lasting_name(self.encoder)} | found)

    def described(self) -> Self:
        """Return the same settings with the digest of an example, if the encoder is not known yet."""
        return self if self.tensors is not None else self.model_copy(update={"tensors": EXAMPLE.tensors})

    @property
    def fine_tunes(self) -> bool:
        """Whether a part of the network was trained before: always."""
        return True

    def with_encoder(self, model: str) -> Self:
        """Return the same settings with another name or folder of the same encoder."""
        return self.model_copy(update={"encoder": model, "revision": None})

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide digests: the encoder is named by its digests, whatever its name."""
        settings = super().deciding()
        for name in ("encoder", "revision", "checkpointing"):
            settings.pop(name, None)
        return settings


class Finetune(Probe):
    """Train the upper layers of an encoder, and classify the states of all layers."""

    def __init__(
        self, encoder: UpperLayers, given: int, values: int, n_classes: int, config: FinetuneConfig
    ) -> None:
        super().__init__(given + len(encoder.layers), values, n_classes, config)
        self.encoder = encoder

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance.

        Args:
            x: states of the layers that are not trained, (batch, layers, values, frames).
            mask: true on valid frames, (batch, frames).

        Returns:
            (batch, size).
        """
        x = x.masked_fill(~mask[:, None, None, :], 0)
        made = self.encoder(x[:, -1].mT, mask)
        states = torch.stack(made, dim=1).mT.to(x.dtype)  # (batch, layers, values, frames)
        return super().embed(torch.cat([x, states], dim=1), mask)


def _features_of(config: FinetuneConfig) -> Features:
    below = list(range(config.first_layer))
    encoder = {"kind": "pretrained", "model": config.encoder, "revision": config.revision}
    return {"x": encoder | {"layers": below, "pool": "none", "statistics": "none"}}


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: FinetuneConfig) -> nn.Module:
    layers, values = shapes["x"]
    if layers != config.first_layer:
        raise ConfigError(
            f"model.first_layer={config.first_layer} needs the states of {config.first_layer} layers, the "
            f"features have {layers}; leave features.layers out"
        )
    encoder = load_upper_layers(
        config.encoder,
        config.revision,
        config.tensors,
        config.first_layer,
        values,
        settings=config.settings,
        lora_rank=config.lora_rank,
        lora_alpha=config.lora_alpha,
    )
    if config.checkpointing:
        encoder.use_checkpointing()
    return Finetune(encoder, layers, values, n_outputs, config)


ARCHITECTURE = Architecture(
    FinetuneConfig,
    _build,
    inputs={"x": "pretrained"},
    shapes={"x": (1, 384)},
    example_frames=24,
    tasks=("classification",),
    source="Yang et al., SUPERB, Interspeech 2021",
    recipe=Recipe(
        training={
            "lr": 1e-3,
            "encoder_lr": 1e-4,
            "schedule": "cosine",
            "warmup": 0.1,
            "batch_size": 16,
            "max_epochs": 10,
            "patience": None,
            "clip_norm": 1.0,
        },
    ),
    features_of=_features_of,
    attention=PROBE.attention,
    layer_weights=PROBE.layer_weights,
)
