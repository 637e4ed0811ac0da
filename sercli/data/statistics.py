"""Mean and deviation of the training part, and their use on every part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sercli.features import Array

Scope = Literal["per-map", "per-bin", "none"]

# A map or bin that never varies (a mel filter that no FFT bin falls into) is centred, not scaled up.
_LEAST_DEVIATION = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Mean and standard deviation, broadcastable to (*shape, frames)."""

    mean: Array
    std: Array

    def apply(self, features: Array) -> Array:
        """Standardise features, (*shape, frames), to new ones of the same shape."""
        standard = features - self.mean
        standard /= self.std
        return standard

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, ready for JSON."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Statistics":
        """Read what `to_dict` gave."""
        return cls(np.asarray(values["mean"], np.float32), np.asarray(values["std"], np.float32))


def fit(arrays: Iterable[Array], scope: Scope = "per-map") -> Statistics:
    """Compute the statistics of the training part in one pass, in float64.

    Args:
        arrays: features of the training utterances, (maps, bins, frames) each, unpadded.
        scope: ``per-map``, one pair for each map (its global mean and deviation, as in the MDCNN
            paper); ``per-bin``, one for each bin of each map; ``none``, zero and one.

    Returns:
        Mean and standard deviation (dividing by n), (maps, 1, 1), (maps, bins, 1) or (1, 1, 1).
    """
    if scope == "none":
        return Statistics(np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32))
    axes = (1, 2) if scope == "per-map" else (2,)
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for array in arrays:
        # Chan's update: stays exact where the mean is large against the deviation.
        size = int(np.prod([array.shape[axis] for axis in axes]))
        own_mean = array.mean(axis=axes, keepdims=True, dtype=np.float64)
        own_squares = np.square(array - own_mean).sum(axis=axes, keepdims=True, dtype=np.float64)
        total = count + size
        shift = own_mean - mean
        mean = mean + shift * (size / total)
        squares = squares + own_squares + np.square(shift) * (count * size / total)
        count += size
    std = np.maximum(np.sqrt(squares / count), _LEAST_DEVIATION)
    return Statistics(mean.astype(np.float32), std.astype(np.float32))
