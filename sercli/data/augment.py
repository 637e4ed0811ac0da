"""Vary the training part at random: the chosen augmentations, each at its stage."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sercli.audio import Samples
from sercli.augmentations import Augmentation, Stage
from sercli.config import Config
from sercli.features import Array

Random = np.random.Generator
Arrays = dict[str, Array]


class Source(Protocol):
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
        chosen: Sequence[tuple[Augmentation, Config]],
        seed: int,
        silence: Mapping[str, "float | Array"],
        sources: Sequence[Mapping[str, Source]],
        samples: Callable[[int], Samples],
    ) -> None:
        """Keep the augmentations, in the order of their names.

        Args:
            chosen: augmentations with their settings.
            seed: seed of the training.
            silence: by input, the value of digital silence, a number or (*shape, 1).
            sources: rows by input; if an input has several sources, one is drawn for each row.
            samples: function that returns the audio of a row, (samples,), 16 kHz.
        """
        self.seed, self.silence = seed, silence
        self.stages: dict[Stage, list[tuple[Callable[..., Any], Config]]] = defaultdict(list)
        for entry, config in chosen:
            if entry.apply is not None:
                self.stages[entry.stage].append((entry.apply, config))
        self.sources, self.samples = tuple(sources), samples
        self.epoch = 0

    def random(self, row: int) -> Random:
        """Return the random generator of a row in this epoch."""
        return np.random.default_rng([self.seed, self.epoch, row])

    def vary(self, row: int, random: Random) -> Arrays:
        """Return a row's features by input, (*shape, frames), augmented but not yet standardised."""
        source = self.sources[int(random.integers(len(self.sources))) if len(self.sources) > 1 else 0]
        changes = self.stages["samples"]
        if changes:
            samples = self.samples(row)
            for apply, config in changes:
                samples = apply(samples, random, config)
            arrays = {name: found.compute(row, samples) for name, found in source.items()}
        else:
            arrays = {name: found[row] for name, found in source.items()}
        for apply, config in self.stages["features"]:
            arrays = apply(arrays, self.silence, random, config)
        return arrays

    def hide(self, arrays: Arrays, random: Random) -> Arrays:
        """Hide parts of a row's standardised features."""
        for apply, config in self.stages["standard"]:
            arrays = {name: apply(array, array.shape[-1], random, config) for name, array in arrays.items()}
        return arrays

    def mix(self, rows: Sequence[int]) -> tuple["np.ndarray[Any, np.dtype[np.int64]]", float] | None:
        """Draw partners, (batch,), and the proportion that each row keeps of itself; None without mixing."""
        for apply, config in self.stages["batch"]:
            random = np.random.default_rng([self.seed, self.epoch, _OF_BATCHES, *rows])
            partners, share = apply(len(rows), random, config)
            return np.asarray(partners, np.int64), float(share)
        return None
