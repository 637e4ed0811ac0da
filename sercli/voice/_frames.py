"""Blocks of any length as blocks of complete frames."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from sercli.audio import Samples


def frames(blocks: Iterable[Samples], size: int) -> Iterator[NDArray[np.float32]]:
    """Yield the frames of a recording, (frames, size); zeros complete its last frame."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([rest, block])
        count = len(held) // size
        if count:
            yield held[: count * size].reshape(count, size)
        rest = held[count * size :]
    if len(rest):
        yield np.pad(rest, (0, size - len(rest)))[None]
