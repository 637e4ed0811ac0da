"""Apply a trained network."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches
from sercli.errors import RunError

Probabilities = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Traces = np.ndarray[tuple[int, int], np.dtype[np.float64]]

NO_SCORES = "the network gives no finite scores: samples far beyond full scale, or weights that are too large"
"""Why there is no answer where scores are NaN or infinite."""

_SHOWN = 5


@torch.inference_mode()
def score(
    network: nn.Module,
    dataset: UtteranceDataset,
    n_classes: int,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
) -> Probabilities:
    """Give each utterance's class probabilities, in the data set's order, (utterances, classes).

    Of an utterance that is cut into segments: the mean of theirs. Where a score is NaN or infinite the row is
    NaN, which no answer may be made of: see `refuse_unscored`.

    Always in 32-bit floats, whatever the network was trained in, so that a figure does not hang on
    the device that evaluates.
    """
    network = network.to(device).eval()
    probabilities = np.zeros((len(dataset), n_classes))
    # A GPU's convolutions else round to 19 bits.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for rows in sorted_batches(dataset.lengths, batch_size):
            batch = dataset[rows].to(device)
            logits = network(**batch.inputs, mask=batch.mask).cpu().double()  # (batch, classes)
            # Softmax would turn minus infinity into a probability.
            logits[~logits.isfinite().all(dim=1)] = torch.nan
            probabilities[rows] = logits.softmax(dim=1).numpy()
    firsts = [row for row, name in enumerate(dataset.ids) if row == 0 or dataset.ids[row - 1] != name]
    counts = np.diff([*firsts, len(dataset)])
    means: Probabilities = np.add.reduceat(probabilities, firsts, axis=0) / counts[:, None]
    return means


@torch.inference_mode()
def score_traces(
    network: nn.Module, dataset: UtteranceDataset, batch_size: int = 32, device: torch.device | str = "cpu"
) -> list[Traces]:
    """Give each utterance's values by frame, in the data set's order, each (frames, dimensions).

    A frame that lies in several segments gets the mean of theirs. In 32-bit floats, as in `score`. Values may
    be NaN or infinite, which no answer may be made of: see `refuse_unscored`.
    """
    network = network.to(device).eval()
    numbers = dataset.utterances.tolist()
    frames: dict[int, int] = {}
    for number, cut in zip(numbers, dataset.traces, strict=True):
        frames[number] = max(frames.get(number, 0), cut.first + cut.valid)
    dimensions = dataset.traces[0].values.shape[1]
    sums = [np.zeros((count, dimensions)) for count in frames.values()]
    counts = [np.zeros((count, 1)) for count in frames.values()]
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for rows in sorted_batches(dataset.lengths, batch_size):
            batch = dataset[rows].to(device)
            values = network(**batch.inputs, mask=batch.mask).cpu().double().numpy()
            for row, found in zip(rows, values, strict=True):  # (frames, dimensions)
                cut, number = dataset.traces[row], numbers[row]
                own = slice(cut.first, cut.first + min(cut.valid, len(found)))
                sums[number][own] += found[: own.stop - own.start]
                counts[number][own] += 1
    return [_held(total / np.maximum(count, 1), count) for total, count in zip(sums, counts, strict=True)]


def refuse_unscored(scores: Sequence[Traces] | Probabilities, names: Sequence[str], place: str) -> None:
    """Make sure that all scores are finite.

    Args:
        scores: of each utterance.
        names: of the utterances.
        place: what was applied or tested, for the message.

    Raises:
        RunError: some are not; the message names the utterances.
    """
    bad = [name for name, values in zip(names, scores, strict=True) if not np.isfinite(values).all()]
    if bad:
        more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise RunError(f"{place}: {NO_SCORES} ({', '.join(bad[:_SHOWN])}{more})")


def _held(trace: Traces, count: Traces) -> Traces:
    """Repeat the last value over frames that the network, whose frames may end sooner, says nothing of."""
    said = np.flatnonzero(count[:, 0])
    held: Traces = trace[said[np.maximum(np.searchsorted(said, np.arange(len(trace)), "right") - 1, 0)]]
    return held
