"""States of a pretrained encoder as a torch module, from samples on, that can be exported with a network.

What the extractors of `transformers` compute with NumPy is written in torch here: Whisper's log-mel spectrum,
and the normalisation of waveforms.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.encoders.encoder import Encoder
from sercli.errors import ConfigError
from sercli.features.shared.graph import MelPower


class EncoderGraph(nn.Module):
    """Encode recordings of one length, within one window of the encoder."""

    def __init__(self, encoder: Encoder, family: str, pad_to: int | None) -> None:
        """Put the parts of an encoder together.

        Args:
            encoder: the encoder.
            family: name of its family.
            pad_to: samples to which a recording is padded; None for its own length.

        Raises:
            ConfigError: the extractor of this family is not written in torch.
        """
        super().__init__()
        if family not in _FRONTS:
            raise ConfigError(
                f"the filterbank of the family '{family}' is not written in torch operations that can be "
                "exported"
            )
        self.front = _FRONTS[family](encoder.extractor, pad_to)
        self.model = encoder.model
        self.family = encoder.family

    def forward(self, samples: Tensor) -> list[Tensor]:
        """Return the states of all layers, (batch, frames, size) each, of recordings, (batch, samples)."""
        return self.family.transform(self.model, self.family.enter(self.model, self.front(samples)), None)


class _WhisperMel(nn.Module):
    """Whisper's log-mel spectrum, (batch, mels, frames), frames without the padding that ends it."""

    def __init__(self, extractor: Any, pad_to: int | None) -> None:
        super().__init__()
        self.n_fft, self.hop_length, self.pad_to = extractor.n_fft, extractor.hop_length, pad_to
        self.power = MelPower(
            "periodic-hann",
            self.n_fft,
            self.hop_length,
            self.n_fft,
            extractor.mel_filters.T,
            "whole",
        )

    def forward(self, x: Tensor) -> Tensor:
        reach, more = self.n_fft // 2, 0
        if self.pad_to is None:
            # Three frames more, all that hold samples: the loudest one decides the floor. The number of
            # frames is then a sum that an exporter can follow.
            more = 3
            frames = (x.shape[1] + self.hop_length - 1) // self.hop_length
            x = F.pad(x, (0, (frames + more) * self.hop_length - x.shape[1]))
        else:
            x = F.pad(x, (0, self.pad_to - x.shape[1]))
        x = F.pad(x.unsqueeze(1), (reach, reach), mode="reflect").squeeze(1)
        x = self.power(x)[..., :-1].clamp(min=1e-10).log10()  # (batch, mels, frames)
        x = torch.maximum(x, x.amax(dim=(1, 2), keepdim=True) - 8)
        return (x[..., :-more] if more else x).add(4) / 4


class _Waveform(nn.Module):
    """Samples, with zero mean and unit variance where the extractor makes them so."""

    def __init__(self, extractor: Any, pad_to: int | None) -> None:  # noqa: ARG002
        super().__init__()
        self.normalise = bool(extractor.do_normalize)

    def forward(self, x: Tensor) -> Tensor:
        if not self.normalise:
            return x
        mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-7)


_FRONTS: Mapping[str, Callable[[Any, int | None], nn.Module]] = {
    "whisper": _WhisperMel,
    "waveform": _Waveform,
    "data2vec": _Waveform,
}
