"""The upper transformer layers of an encoder, from one layer to the last, to be trained further.

The layers below are not trained. Their states are features, which are computed once (kind ``pretrained``).
"""

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn

from sercli.encoders.encoder import Encoder, holder_of, keep_state
from sercli.encoders.loading import importing_transformers, load_encoder, untrained_encoder
from sercli.errors import ConfigError

INSTALL_LORA = "adapters need 'peft': pip install 'sercli[lora]'"

# The linear layers of the feed-forward blocks, in all families. WavLM's attention reads the weights of its
# linear layers without calling them, so that adapters there would get no gradient.
_ADAPTED = ("fc1", "fc2", "intermediate_dense", "output_dense")


class UpperLayers(nn.Module):
    """The transformer layers of an encoder from layer ``first`` to the last.

    Layer dropout is off. Only parameters that are trained are part of its ``state_dict``; the others are
    those of the encoder.
    """

    def __init__(self, encoder: Encoder, first: int) -> None:
        """Copy the layers.

        Args:
            encoder: the complete encoder, which does not change.
            first: number of the first layer, from one.

        Raises:
            ConfigError: the encoder has no such layer.
        """
        super().__init__()
        holder = holder_of(encoder.model)
        count = len(holder.layers)
        if first > count:
            raise ConfigError(f"model.first_layer={first}: the encoder has layers 1 to {count}")
        self.family = encoder.family
        self.encoder: Any = _copy_upper(holder, first)
        if encoder.records and first > 1:
            keep_state(self.encoder.layers[0])
        self.register_state_dict_post_hook(_drop_frozen)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_add_frozen)  # type: ignore[no-untyped-call]

    @property
    def layers(self) -> nn.ModuleList:
        """The layers."""
        layers: nn.ModuleList = self.encoder.layers
        return layers

    def forward(self, x: Tensor, mask: Tensor) -> list[Tensor]:
        """Compute the states of the layers.

        Args:
            x: state of the layer below, (batch, frames, size), finite on padding too.
            mask: true on valid frames, (batch, frames).

        Returns:
            The output of each layer, (batch, frames, size).
        """
        return self.family.transform(self, x.clone(), mask)[1:]  # some encoders change their input

    def use_checkpointing(self) -> None:
        """Keep the input of each layer only, and compute the layer again for its gradient: less memory."""
        again = functools.partial(torch.utils.checkpoint.checkpoint, use_reentrant=False)
        for layer in self.layers:  # two attributes, as transformers sets them
            layer.gradient_checkpointing = True  # type: ignore[assignment]
            layer._gradient_checkpointing_func = again  # type: ignore[assignment]

    def add_adapters(self, rank: int, alpha: int) -> None:
        """Freeze the layers, and add adapters of low rank to their feed-forward blocks.

        Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.

        Args:
            rank: rank of the matrices.
            alpha: their product is multiplied by ``alpha / rank``.

        Raises:
            ConfigError: `peft` is not installed.
        """
        try:
            with importing_transformers():
                from peft import LoraConfig, inject_adapter_in_model
        except ImportError:
            raise ConfigError(INSTALL_LORA) from None
        inject_adapter_in_model(
            LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(_ADAPTED)), self.encoder
        )


def load_upper_layers(
    model: str,
    revision: str | None,
    tensors: str | None,
    first: int,
    size: int,
    *,
    settings: str | None = None,
    lora_rank: int = 0,
    lora_alpha: int = 1,
) -> UpperLayers:
    """Load the upper layers of an encoder, on torch's default device.

    Args:
        model: a folder, a name on the Hugging Face Hub, or a short name.
        revision: branch, tag or commit on the Hub.
        tensors: digest that the encoder's tensors must have. Without it, the layers are those of a Whisper
            tiny encoder without training, which lists and checks show before an encoder is chosen.
        first: number of the first layer, from one.
        size: values of a state.
        settings: digest that the encoder's settings must have; None if they are not known.
        lora_rank: rank of adapters that are trained in place of the layers; zero trains the layers.
        lora_alpha: see `UpperLayers.add_adapters`.

    Raises:
        ConfigError: a name or number is not valid, or a library is missing.
        FeatureError: the encoder is not on this machine, or not the one of these digests.
    """
    if tensors is None:
        encoder = untrained_encoder(size)
    else:
        encoder = load_encoder(model, revision, tensors, settings=settings)
    with torch.device("cpu"):
        layers = UpperLayers(encoder, first)
        if lora_rank:
            layers.add_adapters(lora_rank, lora_alpha)
    return layers.to(torch.get_default_device())


class _Zeros(nn.Module):
    """In the place of positions that the state below already holds."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def _copy_upper(holder: Any, first: int) -> Any:
    """Copy a transformer without the layers below ``first`` and without what surrounds the layers."""
    copied = copy.deepcopy(holder).train()  # as a network that was just built
    dropped, copied.layers = copied.layers[: first - 1], copied.layers[first - 1 :]
    copied.config.layerdrop = 0.0
    for name, child in list(copied.named_children()):
        if name == "pos_conv_embed":
            setattr(copied, name, _Zeros())
        elif name != "layers" and any(True for _ in child.parameters()):
            setattr(copied, name, nn.Identity())
    for each in dropped:
        if hasattr(each, "attention") and hasattr(each.attention, "rel_attn_embed"):
            # WavLM's first layer computes the relative positions for all layers.
            copied.layers[0].attention.rel_attn_embed = each.attention.rel_attn_embed.requires_grad_(False)
    return copied


def _frozen(module: nn.Module) -> dict[str, Tensor]:
    return {name: each for name, each in module.named_parameters() if not each.requires_grad}


def _drop_frozen(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name in _frozen(module):
        state.pop(prefix + name, None)


def _add_frozen(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, each in _frozen(module).items():
        state.setdefault(prefix + name, each.detach())
