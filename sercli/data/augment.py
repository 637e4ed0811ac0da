"""Vary the training part at random: the chosen augmentations, each at its stage."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sercli.audio import Samples
from sercli.augmentations import Augmentation, Stage
from sercli.config import Config
from sercli.errors import RunError
from sercli.features import Array

Random = np.random.Generator
Arrays = dict[str, Array]


class Rows(Protocol):
    """The rows of one input, from a store or computed again."""

    def __getitem__(self, row: int, /) -> Array:
        """Return a row's features, (*shape, frames)."""
        ...

    def compute(self, row: int, samples: Samples) -> Array:
        """Compute a row's features from given samples, (samples,)."""
        ...


# Makes the draws for a batch independent of the draws for its rows.
_OF_BATCHES = 1


class Augmenter:
    """Vary rows of a training part; equal seeds, epochs and rows give equal draws.

    Attributes:
        epoch: number of the epoch, from zero.
    """

    def __init__(
        self,
        chosen: Mapping[str, tuple[Augmentation, Config]],
        seed: int,
        silence: Mapping[str, "float | Array"],
        sources: Sequence[Mapping[str, Rows]],
        samples: Callable[[int], Samples],
    ) -> None:
        """Keep the augmentations, in the order of their names.

        Args:
            chosen: augmentations with their settings, by name.
            seed: seed of the training.
            silence: by input, the value of digital silence, a number or (*shape, 1).
            sources: rows by input; if an input has several sources, one is drawn for each row.
            samples: function that returns the audio of a row, (samples,), 16 kHz.
        """
        self.seed, self.silence = seed, silence
        self.stages: dict[Stage, list[tuple[str, Callable[..., Any], Config]]] = defaultdict(list)
        for name, (entry, config) in chosen.items():
            if entry.apply is not None:
                self.stages[entry.stage].append((name, entry.apply, config))
        self.sources, self.samples = tuple(sources), samples
        self.epoch = 0

    def random(self, row: int) -> Random:
        """Return the random generator of a row in this epoch."""
        return np.random.default_rng([self.seed, self.epoch, row])

    def vary(self, row: int, random: Random) -> Arrays:
        """Return a row's features by input, (*shape, frames), augmented but not yet standardised.

        Raises:
            RunError: an augmentation returns no samples, another shape, or values that are not finite.
        """
        source = self.sources[int(random.integers(len(self.sources))) if len(self.sources) > 1 else 0]
        changes = self.stages["samples"]
        if changes:
            samples = self.samples(row)
            for name, apply, config in changes:
                samples = _checked(name, apply(samples, random, config))
            arrays = {name: found.compute(row, samples) for name, found in source.items()}
        else:
            arrays = {name: found[row] for name, found in source.items()}
        for name, apply, config in self.stages["features"]:
            changed = apply(arrays, self.silence, random, config)
            arrays = {key: _checked(name, changed[key], array.shape) for key, array in arrays.items()}
        return arrays

    def hide(self, arrays: Arrays, random: Random) -> Arrays:
        """Hide parts of a row's standardised features; errors are those of `vary`."""
        for name, apply, config in self.stages["standard"]:
            arrays = {
                key: _checked(name, apply(array, array.shape[-1], random, config), array.shape)
                for key, array in arrays.items()
            }
        return arrays

    def mix(self, rows: Sequence[int]) -> tuple["np.ndarray[Any, np.dtype[np.int64]]", float] | None:
        """Draw partners, (batch,), and the proportion that each row keeps of itself; None without mixing.

        Raises:
            RunError: an augmentation returns something else.
        """
        for name, apply, config in self.stages["batch"]:
            random = np.random.default_rng([self.seed, self.epoch, _OF_BATCHES, *rows])
            partners, share = apply(len(rows), random, config)
            if not 0 <= share <= 1:
                raise RunError(f"augmentation '{name}': it keeps a share of {share}; return one from 0 to 1")
            return _checked(name, np.asarray(partners, np.int64), (len(rows),)), float(share)
        return None


def _checked(name: str, array: Any, shape: tuple[int, ...] | None = None) -> Any:
    """Return what an augmentation made, if it is an array of that shape, or samples of any length."""
    given: tuple[int, ...] = array.shape if isinstance(array, np.ndarray) else ()
    fits = len(given) == 1 and given[0] > 0 if shape is None else given == shape
    if not fits:
        shown = given if isinstance(array, np.ndarray) else f"of type {type(array).__name__}"
        needed = shape or "(samples,) with one sample or more"
        raise RunError(f"augmentation '{name}': its result is {shown}; let 'apply' return an array {needed}")
    if not np.isfinite(array).all():
        raise RunError(f"augmentation '{name}': its result has NaN or infinity; let 'apply' return numbers")
    return array
