"""An encoder: from samples to what enters its first transformer layer, and to the output of each layer.

The states have one meaning for all families: state 0 is what enters the first transformer layer, state n is
the output of layer n, without the normalisation after the last layer. In ``hidden_states`` of `transformers`
these are the same entries, but for the last one: there, Whisper, w2v-BERT and the models with
``do_stable_layer_norm`` have already been normalised.
"""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE

WINDOW, HOP = 400, 320
"""Samples of a frame and from one to the next, of all encoders that take waveforms."""
FRAME_RATE = SAMPLE_RATE / HOP
"""Frames a second of all encoders."""
WHISPER_FRAMES = 1500
"""Frames of a window of Whisper, which is 30 s long."""

_FILTERBANK = 560  # samples of two windows every 10 ms, which make one frame


class _Recorded(threading.local):
    """The states that layers record; of each thread its own, since several threads share a model."""

    states: list[Tensor] | None = None


_RECORDED = _Recorded()


@dataclass(frozen=True, slots=True)
class Family:
    """Encoders that are computed in the same way.

    Attributes:
        model_types: names of the architectures in ``config.json``.
        front: from the model, its extractor, and samples, (samples,), to what its convolutions or filters
            give, (1, frames, size).
        enter: the part of `front` after the extractor: from the model and what the extractor gives, with a
            batch, to the same.
        transform: from the model, what `front` gave, padded, (batch, frames, size), and a mask that is true
            on valid frames, (batch, frames), or None where all are, to the states of the transformer layers,
            (batch, frames, size) each.
        count_frames: from a number of samples to the number of frames that hold a part of them.
        window_s: length in seconds beyond which a recording is encoded in several windows.
        batched: whether padding changes no valid frame in `transform`.
    """

    model_types: tuple[str, ...]
    front: Callable[[Any, Any, Tensor], Tensor]
    enter: Callable[[Any, Tensor], Tensor]
    transform: Callable[[Any, Tensor, Tensor | None], list[Tensor]]
    count_frames: Callable[[int], int]
    window_s: float
    batched: bool = True


class Encoder(nn.Module):
    """A pretrained encoder and its extractor of features.

    Attributes:
        family: how it is computed.
        model: the network, of a class of `transformers`.
        extractor: the extractor of features that belongs to it.
        size: values of a state.
        records: whether its layers record their states when they run.
        takes_samples: whether it takes samples, and not a spectrum.
    """

    def __init__(self, family: Family, model: Any, extractor: Any) -> None:
        super().__init__()
        self.family, self.model, self.extractor = family, model, extractor
        self.size = int(model.config.hidden_size)
        self.records = family.transform is _transform
        self.takes_samples = family.front is _waveform_front
        if self.records:
            _record_states(model)

    def forward(self, samples: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Encode recordings, each within one window.

        Args:
            samples: of each recording, (samples,), mono at 16 kHz, full scale 1.0; at least 25 ms.

        Returns:
            States, (batch, frames, size) each, and a mask that is true on valid frames, (batch, frames).
            The states of a recording do not depend on the recordings beside it, but for rounding.
        """
        fronts = [self.family.front(self.model, self.extractor, each)[0] for each in samples]
        lengths = torch.tensor([len(each) for each in fronts], device=fronts[0].device)
        mask = torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]  # (batch, frames)
        if mask.all():
            return self.family.transform(self.model, torch.stack(fronts), None), mask
        if self.family.batched:
            padded = nn.utils.rnn.pad_sequence(fronts, batch_first=True)  # (batch, frames, size)
            return self.family.transform(self.model, padded, mask), mask
        each = [self.family.transform(self.model, front[None], None) for front in fronts]
        layers = zip(*each, strict=True)
        return [
            nn.utils.rnn.pad_sequence([x[0] for x in states], batch_first=True) for states in layers
        ], mask


def _fill_up(samples: Tensor, least: int = WINDOW) -> Tensor:
    """Fill a recording that is shorter than an encoder needs up with silence."""
    return F.pad(samples, (0, max(0, least - len(samples))))


def _whisper_front(model: Any, extractor: Any, samples: Tensor) -> Tensor:
    # The extractor pads to 30 s; padding by one window gives the same frames of the recording itself.
    frames = -(-len(samples) // extractor.hop_length)
    x = _extract(extractor, F.pad(samples, (0, extractor.n_fft)), padding="do_not_pad").input_features
    return _convolve(model, torch.as_tensor(x)[..., :frames].to(samples.device))


def _whisper_padded_front(model: Any, extractor: Any, samples: Tensor) -> Tensor:
    return _convolve(model, torch.as_tensor(_extract(extractor, samples).input_features).to(samples.device))


def _convolve(model: Any, x: Tensor) -> Tensor:
    """Apply Whisper's convolutions to (batch, mels, frames), add positions, (batch, frames / 2, size)."""
    x = F.gelu(model.conv2(F.gelu(model.conv1(x)))).transpose(1, 2)
    x = x.contiguous()  # an exporter can't compare the strides of a view of any length
    positions: Tensor = model.embed_positions.weight
    return x + positions[: x.shape[1]]


def _whisper_transform(model: Any, x: Tensor, mask: Tensor | None) -> list[Tensor]:
    attention = None
    if mask is not None:
        least = torch.finfo(x.dtype).min
        attention = torch.zeros_like(mask, dtype=x.dtype).masked_fill(~mask, least)[:, None, None, :]
        attention = attention.expand(-1, -1, x.shape[1], -1)
    states = [x]
    for layer in model.layers:
        x = layer(x, attention)
        states.append(x)
    return states


def _count_whisper_frames(samples: int) -> int:
    # The last window includes a rest below 25 ms after 30 s, which the extractor then drops.
    return min(WHISPER_FRAMES, math.ceil(math.ceil(samples / 160) / 2))


def _waveform_front(model: Any, extractor: Any, samples: Tensor) -> Tensor:
    x = _extract(extractor, _fill_up(samples)).input_values
    return _enter(model, torch.as_tensor(x).to(samples.device))


def _enter(model: Any, x: Tensor) -> Tensor:
    """Apply the convolutions to waveforms, (batch, samples), and project, (batch, frames, size)."""
    return _project(model, model.feature_extractor(x).transpose(1, 2))


def _project(model: Any, x: Tensor) -> Tensor:
    return _first(model.feature_projection(x))


def _count_waveform_frames(samples: int) -> int:
    return max(0, samples - WINDOW) // HOP + 1


def _filterbank_front(model: Any, extractor: Any, samples: Tensor) -> Tensor:
    x = _extract(extractor, _fill_up(samples, _FILTERBANK), padding=False).input_features
    return _project(model, torch.as_tensor(x).to(samples.device))


def _count_filterbank_frames(samples: int) -> int:
    return (1 + (max(samples, _FILTERBANK) - WINDOW) // 160) // 2


def holder_of(model: Any) -> Any:
    """Return the part of a model whose ``layers`` are the transformer layers."""
    return model if hasattr(model, "layers") else model.encoder


def _record_states(model: Any) -> None:
    """Make the layers of a model record their states for `_transform`; called once for each model."""
    layers = model.encoder.layers
    keep_state(layers[0])
    for layer in layers:
        layer.register_forward_hook(lambda _, __, given: _keep(_first(given)))


def keep_state(layer: nn.Module) -> None:
    """Make a layer record what enters it, as the first layer of an encoder does."""
    layer.register_forward_pre_hook(
        lambda _, given, named: _keep(given[0] if given else named["hidden_states"]), with_kwargs=True
    )


def _keep(state: Tensor) -> None:
    # Layers run again without `_transform` when gradients are computed with checkpointing.
    if _RECORDED.states is not None:
        _RECORDED.states.append(state)


def _transform(model: Any, x: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Run the transformer, and return what enters its first layer and what each layer gives."""
    states: list[Tensor] = []
    _RECORDED.states = states
    try:
        model.encoder(x, attention_mask=mask)
    finally:
        _RECORDED.states = None
    return states


def _first(given: Any) -> Tensor:
    state: Tensor = given[0] if isinstance(given, tuple | list) else given
    return state


def _extract(extractor: Any, samples: Tensor, **choices: Any) -> Any:
    return extractor(samples.cpu().numpy(), sampling_rate=SAMPLE_RATE, return_tensors="pt", **choices)


_WHISPER = Family(
    ("whisper",), _whisper_front, _convolve, _whisper_transform, _count_whisper_frames, window_s=30.0
)
WHISPER_PADDED = Family(
    ("whisper",), _whisper_padded_front, _convolve, _whisper_transform, _count_whisper_frames, window_s=30.0
)
"""Whisper as its authors call it: each window is padded to 30 s, and the padding is encoded as well."""

FAMILIES = {
    "whisper": _WHISPER,
    "waveform": Family(
        ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat"),
        _waveform_front,
        _enter,
        _transform,
        _count_waveform_frames,
        window_s=60.0,
    ),
    # Its positions come from several convolutions with normalisation between them: padding would leak back.
    "data2vec": Family(
        ("data2vec-audio",),
        _waveform_front,
        _enter,
        _transform,
        _count_waveform_frames,
        window_s=60.0,
        batched=False,
    ),
    "w2v-bert": Family(
        ("wav2vec2-bert",), _filterbank_front, _project, _transform, _count_filterbank_frames, window_s=60.0
    ),
}
"""The families by name."""
