"""Predict speech while it arrives: frame by frame, from blocks of any size.

A window is as long as those that the network was trained on, and the next one begins where it ends:
beyond that length the last layer has weights that no training ever changed. Within a window each
convolution carries its state, so nothing is computed twice, and the frames are those of the whole
signal's same consecutive windows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sercli import registry
from sercli.audio import SAMPLE_RATE, Samples, check_samples
from sercli.bundle import Bundle
from sercli.config import Config
from sercli.errors import ConfigError, RunError
from sercli.features import feature_names, get_feature
from sercli.inference import NO_SCORES, read_outputs
from sercli.inference.recordings import looked_at
from sercli.models import get_architecture
from sercli.records import TRACE_RATE

FRAME = SAMPLE_RATE // TRACE_RATE
"""Samples of a frame: 40 ms."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The prediction for 40 ms.

    Attributes:
        start: where they begin, seconds.
        end: where they end.
        values: class probabilities, or arousal and valence, in the order of `Stream.names`.
        last: whether the frame ends a window: a classifier was trained to predict this frame; the
            other frames have a shorter past.
    """

    start: float
    end: float
    values: tuple[float, ...]
    last: bool


class Stream:
    """Applies a causal network to mono samples at 16 kHz as they arrive.

    Attributes:
        names: what the values of a frame are.
        window_s: length of a window.
        latency_s: delay from a sample to the prediction of its frame, without computing time: the rest of
            the frame, and the look-ahead of the features.
    """

    def __init__(self, bundle: Bundle | Path | str) -> None:
        """Begin.

        Raises:
            RunError: the bundle can't be read.
            ConfigError: the network or its features need future samples.
        """
        bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(Path(bundle))
        network = get_architecture(bundle.arch).stream(bundle.network)
        if isinstance(network, str):
            raise ConfigError(f"'{bundle.arch}' can't follow a stream: {network}")
        self.bundle = bundle
        self.names = bundle.outputs.names
        self._network = network
        self._window = _window(bundle)
        self._inputs = {name: _Input(bundle, name) for name in bundle.inputs}
        # Segments are cut from what is known of the whole signal; a recording of its own ends in silence.
        self._beyond = bundle.segments.size_s is not None
        self._ahead = max(each.ahead for each in self._inputs.values())
        self.window_s = self._window / SAMPLE_RATE
        self.latency_s = (FRAME + self._ahead) / SAMPLE_RATE
        self._held: Samples = np.zeros(0, np.float32)
        self._done = 0  # samples judged

    def feed(self, samples: Samples) -> list[Frame]:
        """Take the next block, (samples,), full scale 1.0; return the frames that it completes.

        Raises:
            ConfigError: the block has channels, or other values than finite floats.
            RunError: the network gives no finite scores.
        """
        check_samples(samples)
        self._held = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        frames: list[Frame] = []
        while count := self._ready():
            frames += self._take(count)
        return frames

    def finish(self) -> list[Frame]:
        """End the stream: pad the rest to a frame with silence; then begin a new stream."""
        end = self._done + len(self._held)
        missing = -end % FRAME + self._ahead
        frames = [] if not len(self._held) else self.feed(np.zeros(missing, np.float32))
        self._held, self._done = np.zeros(0, np.float32), 0
        return [frame for frame in frames if frame.start * SAMPLE_RATE < end]

    def _ready(self) -> int:
        """Return how many frames within the window can be predicted."""
        left = (self._window - self._done % self._window) // FRAME
        held = len(self._held)
        if not self._beyond and held >= left * FRAME:
            return left
        return max(0, min(left, (held - self._ahead) // FRAME))

    @torch.inference_mode()
    def _take(self, count: int) -> list[Frame]:
        first, size = self._done, count * FRAME
        if first % self._window == 0:
            self._network.reset()
        last = (first + size) % self._window == 0
        seen = self._held[: size if last and not self._beyond else size + self._ahead]
        scores = self._network({name: each(seen, count) for name, each in self._inputs.items()})[0].double()
        outputs = self.bundle.outputs
        values: NDArray[np.float64] = (
            scores.numpy() if outputs.per_frame else outputs.calibrate(read_outputs(scores, outputs))
        )
        if not bool(scores.isfinite().all()):
            raise RunError(f"at {first / SAMPLE_RATE:.2f} s: {NO_SCORES}")
        self._held, self._done = self._held[size:], first + size
        return [
            Frame(
                (first + i * FRAME) / SAMPLE_RATE,
                (first + (i + 1) * FRAME) / SAMPLE_RATE,
                tuple(row),
                last and i == count - 1,
            )
            for i, row in enumerate(values.tolist())
        ]


class _Input:
    """Features of some frames from their samples, standardised."""

    def __init__(self, bundle: Bundle, name: str) -> None:
        choice = bundle.inputs[name]
        if not choice.feature.local or FRAME * choice.frame_rate % SAMPLE_RATE:
            known = registry.loadable(feature_names(), get_feature)
            able = " and ".join(name for name, feature in known if feature.local)
            raise ConfigError(
                f"the features '{choice.kind}' with these settings can't follow a stream; those of {able} "
                "whose frames divide 40 ms can"
            )
        if choice.own_scope:
            raise ConfigError(
                f"features with statistics={choice.statistics} need the mean of complete utterances, which a "
                "stream does not know"
            )
        self.config = choice.config.uncropped()
        self.extract: Callable[[Samples, Config], NDArray[np.float32]] = choice.feature.extract
        self.number = np.dtype(choice.number)
        self.statistics = bundle.statistics[name]
        self.frames = round(FRAME * choice.frame_rate / SAMPLE_RATE)  # of 40 ms
        self.ahead = self.config.look_ahead

    def __call__(self, samples: Samples, count: int) -> Tensor:
        features = self.extract(samples, self.config)[..., : count * self.frames]
        features = features.astype(self.number).astype(np.float32, copy=False)
        return torch.from_numpy(self.statistics.apply(features))[None]


def _window(bundle: Bundle) -> int:
    """Return the samples of the windows that the network was trained on."""
    size = looked_at(bundle)
    if size is None:
        frames = bundle.model.window_frames
        if frames is None:
            raise ConfigError(f"'{bundle.arch}' can't follow a stream: its windows have no length")
        size = frames / TRACE_RATE
    samples = round(size * SAMPLE_RATE)
    if samples % FRAME:
        raise ConfigError(f"windows of {size:g} s are not an integer number of frames of 40 ms")
    return samples
