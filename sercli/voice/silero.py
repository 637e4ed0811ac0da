"""Find speech with Silero VAD, a network of 310 000 weights that was trained on more than 6 000 languages.

The weights are in the package ``silero-vad``. Neither that package nor torchaudio is imported: importing it
would change the number of threads of torch, and its program scores one frame after the other. Here all frames
of a block pass the convolutions together, which gives the same scores.

Source: Silero Team, Silero VAD, github.com/snakers4/silero-vad (weights under the MIT licence).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sercli.audio import Samples
from sercli.errors import ConfigError
from sercli.voice import Detector
from sercli.voice._frames import frames

if TYPE_CHECKING:
    from torch import Tensor

_HOP, _CONTEXT = 512, 64  # samples of a frame, and of the frame before it that it is seen with
_BINS, _STRIDE, _STATE = 129, 128, 128
_STRIDES = (1, 2, 2, 1)  # of the convolutions
_STFT, _CONV = "_model.stft.forward_basis_buffer", "_model.encoder.{}.reparam_conv"
_RNN, _LAST = "_model.decoder.rnn", "_model.decoder.decoder.2"
# Frames that pass the network at once: half a minute.
_AT_ONCE = 1024
_NEEDS = "the detector silero needs 'silero-vad': pip install 'sercli[vad]'"


def find_weights() -> Path:
    """Return the file of the weights.

    Raises:
        ConfigError: the package is not installed, or too old.
    """
    found = find_spec("silero_vad")  # imports nothing
    if found is None or not found.submodule_search_locations:
        raise ConfigError(_NEEDS)
    path = Path(found.submodule_search_locations[0]) / "data" / "silero_vad.jit"
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; {_NEEDS}")
    return path


def score(blocks: Iterable[Samples]) -> NDArray[np.float32]:
    """Return the probability of speech in each frame of 32 ms, (frames,).

    Raises:
        ConfigError: the weights are not installed.
    """
    import torch

    network = _Network(find_weights())
    with torch.inference_mode(), _one_thread():
        found = [
            network.score(torch.from_numpy(each[first : first + _AT_ONCE].copy())).numpy()
            for each in frames(blocks, _HOP)
            for first in range(0, len(each), _AT_ONCE)
        ]
    return np.concatenate([np.zeros(0, np.float32), *found])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread for a while: more are slower for so small a network."""
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


class _Network:
    """The network; it keeps its state and the last samples from one block to the next one."""

    def __init__(self, path: Path) -> None:
        import torch

        self._weights = torch.jit.load(str(path), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
        own = [f"{kind}_{of}" for kind in ("weight", "bias") for of in ("ih", "hh")]
        self._lstm = torch.nn.LSTM(_STATE, _STATE)
        try:
            self._lstm.load_state_dict({f"{name}_l0": self._weights[f"{_RNN}.{name}"] for name in own})
        except (KeyError, RuntimeError):
            raise ConfigError(
                f"{path}: not the network of version 6; pip install 'silero-vad>=6,<7'"
            ) from None
        self._state: tuple[Tensor, Tensor] | None = None
        self._before = torch.zeros(_CONTEXT)

    def score(self, signal: "Tensor") -> "Tensor":
        """Return the probability of speech of the next frames, (frames,), of (frames, 512) samples."""
        import torch
        from torch.nn import functional as F

        ends = torch.cat([self._before[None], signal[:, -_CONTEXT:]])  # (frames + 1, 64)
        self._before = ends[-1]
        x = torch.cat([ends[:-1], signal], dim=1)  # (frames, 576)
        x = F.pad(x[:, None], (0, _CONTEXT), mode="reflect")  # (frames, 1, 640)
        x = F.conv1d(x, self._weights[_STFT], stride=_STRIDE)  # (frames, 258, 4)
        x = torch.hypot(x[:, :_BINS], x[:, _BINS:])  # (frames, 129, 4)
        for number, stride in enumerate(_STRIDES):
            x = F.conv1d(x, *self._layer(_CONV.format(number)), stride=stride, padding=1).relu()
        x, self._state = self._lstm(x.transpose(1, 2), self._state)  # (frames, 1, 128)
        weight, bias = self._layer(_LAST)
        return F.linear(x[:, 0].relu(), weight[..., 0], bias).sigmoid()[:, 0]

    def _layer(self, name: str) -> "tuple[Tensor, Tensor]":
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]


DETECTOR = Detector(hop=_HOP, score=score, require=find_weights)
