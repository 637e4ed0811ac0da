"""Mean and deviation of the training part, and their use on every part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from sercli.errors import FeatureError, require_choice

Scope = Literal["scalar", "per-map", "per-bin", "max", "per-utterance", "per-speaker", "per-corpus", "none"]
Array = np.ndarray[Any, np.dtype[np.float32]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

# A map or bin that varies less (a mel filter that no FFT bin falls into) is centred, not scaled.
_LEAST_DEVIATION = 1e-5
# Of few utterances of a speaker a value may hardly vary by chance: its deviation counts as this share of the
# deviation in the training part at least.
_LEAST_SHARE = 0.1
_NOTHING = "statistics: the training part holds no features to take them from"


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Mean and standard deviation, broadcastable to (*shape, frames).

    Attributes:
        mean: what is subtracted.
        std: what is divided by.
        own: whether each utterance is standardised by its own mean and deviation instead.
    """

    mean: Array
    std: Array
    own: bool = False

    def apply(self, features: Array) -> Array:
        """Standardise features, (*shape, frames), to new ones of the same shape."""
        if self.own:
            deviation = np.float32(_scale(features.std(dtype=np.float64)))
            own: Array = (features - np.float32(features.mean(dtype=np.float64))) / deviation
            return own
        standard = features - self.mean
        standard /= self.std
        return standard

    def with_floor(self, training: "Statistics") -> "Statistics":
        """Return the same statistics with deviations of at least a tenth of those of the training part."""
        return Statistics(self.mean, np.maximum(self.std, np.float32(_LEAST_SHARE) * training.std))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, ready for JSON."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()} | ({"own": True} if self.own else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Statistics":
        """Read what `to_dict` gave."""
        with np.errstate(over="ignore"):  # beside infinity, which a bundle's reader refuses
            mean, std = (np.asarray(values[name], np.float32) for name in ("mean", "std"))
        return cls(mean, std, bool(values.get("own", False)))


class RunningMoments:
    """Count, mean and squared deviations of the arrays seen so far, in float64."""

    def __init__(self, scope: Scope) -> None:
        """Begin with nothing; ``scope`` as in `fit`."""
        # Of a speaker or corpus, and of the training part for the least deviation, statistics are over bins.
        self.scope = "per-bin" if scope in ("per-speaker", "per-corpus") else scope
        self.count, self.mean, self.squares = np.zeros(()), np.zeros(()), np.zeros(())
        self.largest = 0.0

    def add(self, array: Array, empty: Mask | None = None) -> None:
        """Take in the features of an utterance, (*shape, frames), but for what is ``empty``, (*shape, 1)."""
        if self.scope == "max":
            self.largest = max(self.largest, float(np.abs(array).max()))
            return
        axes = {"scalar": tuple(range(array.ndim)), "per-bin": (array.ndim - 1,)}.get(
            self.scope, tuple(range(1, array.ndim))
        )
        whole = empty is None or self.scope == "per-bin"
        valid = np.ones((*array.shape[:-1], 1), bool) if whole else ~np.asarray(empty)
        if not valid.any():
            raise FeatureError(_NOTHING)
        # Chan's update: stays exact where the mean is large against the deviation.
        size = valid.sum(axis=axes, keepdims=True) * array.shape[-1]
        own_mean = array.mean(axis=axes, keepdims=True, dtype=np.float64, where=valid)
        own_squares = np.square(array - own_mean).sum(axis=axes, keepdims=True, dtype=np.float64, where=valid)
        total = self.count + size
        shift = own_mean - self.mean
        self.mean = self.mean + shift * (size / total)
        self.squares = self.squares + own_squares + np.square(shift) * (self.count * size / total)
        self.count = total

    def statistics(self) -> Statistics:
        """Return mean and deviation.

        Raises:
            FeatureError: nothing was taken in.
        """
        if self.scope == "max":
            return Statistics(np.zeros((), np.float32), _scale(self.largest).astype(np.float32))
        if not self.count.any():
            raise FeatureError(_NOTHING)
        return Statistics(self.mean.astype(np.float32), _scale(self.deviation).astype(np.float32))

    @property
    def deviation(self) -> Any:
        """Standard deviation, dividing by n, float64."""
        return np.sqrt(self.squares / self.count)


def fit(arrays: Iterable[Array], scope: Scope = "per-map", empty: Mask | None = None) -> Statistics:
    """Compute the statistics of the training part in one pass, in float64.

    Args:
        arrays: features of the training utterances, (*shape, frames) each, padding left out.
        scope: ``scalar``, one pair for all; ``per-map``, one for each map (its global mean and
            deviation, as in the MDCNN paper); ``per-bin``, one for each bin of each map; ``max``, zero
            and the largest absolute value; ``per-utterance``, each utterance's own; ``per-speaker`` and
            ``per-corpus``, as ``per-bin``, for the least deviation of their own statistics; ``none``, zero
            and one.
        empty: values that hold nothing whatever the audio, (*shape, 1); they have no part in
            statistics over bins.

    Returns:
        Mean and standard deviation (dividing by n; one where nothing varies), broadcastable to the
        features.

    Raises:
        FeatureError: there are no features, or all of them are empty.
        ConfigError: there is no such scope.
    """
    return fit_all(((array, empty) for array in arrays), scope)


def fit_all(arrays: Iterable[tuple[Array, Mask | None]], scope: Scope) -> Statistics:
    """Compute the statistics of arrays that state their own empty values; otherwise as `fit`."""
    require_choice("scope", scope, get_args(Scope))
    if scope in ("none", "per-utterance"):
        return Statistics(np.zeros((), np.float32), np.ones((), np.float32), scope == "per-utterance")
    moments = RunningMoments(scope)
    for array, empty in arrays:
        moments.add(array, empty)
    return moments.statistics()


def _scale(deviation: Any) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the divisors: one where the deviation is almost zero."""
    return np.where(np.asarray(deviation) < _LEAST_DEVIATION, 1.0, deviation)
