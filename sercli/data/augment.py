"""Chance in the training part: the chosen augmentations, each at its stage."""

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
    """The rows of one input: as they are stored, or computed anew."""

    def __getitem__(self, row: int, /) -> Array:
        """Give a row's features, (*shape, frames)."""
        ...

    def compute(self, row: int, samples: Samples) -> Array:
        """Compute a row's features from samples of its own, (samples,)."""
        ...


# Keeps what is drawn for a batch apart from what is drawn for its rows.
_OF_BATCHES = 1


class Augmenter:
    """Varies rows of a training part; equal seeds, epochs and rows give equal draws.

    Attributes:
        epoch: which one it is, from zero.
    """

    def __init__(
        self,
        chosen: Sequence[tuple[Augmentation, Config]],
        seed: int,
        silence: Mapping[str, "float | Array"],
        sources: Sequence[Mapping[str, Source]],
        samples: Callable[[int], Samples],
    ) -> None:
        """Take the augmentations, in the order of their names.

        Args:
            chosen: with their settings.
            seed: of the training.
            silence: by input, the value of digital silence, a number or (*shape, 1).
            sources: the rows by input; where there are several, one is drawn for each row.
            samples: gives the audio of a row, (samples,), 16 kHz.
        """
        self.seed, self.silence = seed, silence
        self.stages: dict[Stage, list[tuple[Callable[..., Any], Config]]] = defaultdict(list)
        for entry, config in chosen:
            if entry.apply is not None:
                self.stages[entry.stage].append((entry.apply, config))
        self.sources, self.samples = tuple(sources), samples
        self.epoch = 0

    def random(self, row: int) -> Random:
        """Return what draws for a row in this epoch."""
        return np.random.default_rng([self.seed, self.epoch, row])

    def vary(self, row: int, random: Random) -> Arrays:
        """Give a row's features by input, (*shape, frames), varied but not yet standardised."""
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
        """Draw partners, (batch,), and the share that each row keeps of itself; none if nothing mixes."""
        for apply, config in self.stages["batch"]:
            random = np.random.default_rng([self.seed, self.epoch, _OF_BATCHES, *rows])
            partners, share = apply(len(rows), random, config)
            return np.asarray(partners, np.int64), float(share)
        return None
