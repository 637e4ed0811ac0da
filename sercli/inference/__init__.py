"""Apply a trained network."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches
from sercli.errors import RunError, list_some
from sercli.models import check_scores
from sercli.tasks import Outputs

Scores = NDArray[np.float64]
"""Numbers of an utterance: class probabilities and then values of dimensions, (1, outputs), or values per
frame, (frames, dimensions)."""

NO_SCORES = "the network gives no finite scores: samples far beyond full scale, or weights that are too large"
"""Reason given if scores are NaN or infinite."""

_SHOWN = 5


def score(
    network: nn.Module,
    dataset: UtteranceDataset,
    outputs: Outputs,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
) -> list[Scores]:
    """Move a network to a device, in eval mode, and apply it there; see `score_there`."""
    return score_there(network.to(device).eval(), dataset, outputs, batch_size, device)


@torch.inference_mode()
def score_there(
    network: nn.Module,
    dataset: UtteranceDataset,
    outputs: Outputs,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    number: torch.dtype | None = None,
) -> list[Scores]:
    """Apply a network to a data set; return the scores of each utterance, in the order of the data set.

    The network is on the device and in eval mode. It is not changed, so on a CPU several threads may apply it
    at once.

    Scores are class probabilities and values of dimensions, (1, outputs), averaged over the segments of an
    utterance and calibrated; or values per frame, (frames, dimensions), averaged where segments overlap.
    Values are on the scale of the corpus. Scores may be NaN or infinite and must then not be used: see
    `refuse_unscored`. If a class has such a score, all probabilities of the utterance are NaN.

    The network runs in 32-bit floats, whatever the precision of its training, so that scores do not depend on
    the device; unless ``number`` names a shorter format for the operations that torch allows it for.

    Raises:
        RunError: the network does not give one number for each output.
    """
    scores: list[Scores] = [np.zeros((0, 0))] * len(dataset)
    # A GPU's convolutions otherwise round to 19 bits. On a CPU the setting, which all threads share, is not
    # touched, because several threads may be here at once.
    kind = torch.device(device).type
    exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False) if kind == "cuda" else nullcontext()
    with exact, torch.autocast(kind, number, enabled=number is not None):
        for rows in sorted_batches(dataset.lengths, batch_size):
            batch = dataset[rows].to(device)
            scored = network(**batch.inputs, mask=batch.mask)
            check_scores(network, scored, len(rows), outputs)
            given = scored.cpu().double()
            found = given.numpy() if outputs.per_frame else read_outputs(given, outputs)[:, None]
            for row, each in zip(rows, found, strict=True):
                scores[row] = each
    if outputs.per_frame:
        return _join_frames(dataset, scores)
    # Calibrated after the mean over segments, as the temperature was fitted: so no class changes.
    return list(outputs.calibrate(average_segments(dataset, np.concatenate(scores)))[:, None])


def read_outputs(given: Tensor, outputs: Outputs) -> Scores:
    """Turn what a network gives for utterances into probabilities and values, (batch, outputs).

    Args:
        given: logits of the classes, then standardised values of the dimensions, (batch, outputs), 64 bits.
        outputs: what the numbers mean.
    """
    count = len(outputs.classes)
    logits = given[:, :count]
    # Softmax would turn minus infinity into a probability.
    logits = logits.masked_fill(~logits.isfinite().all(dim=1, keepdim=True), torch.nan)
    probabilities = logits.softmax(dim=1).numpy()
    return np.concatenate([probabilities, outputs.restore(given[:, count:].numpy())], axis=1)


def average_segments(dataset: UtteranceDataset, rows: Scores) -> Scores:
    """Average the rows, (rows, size), of each utterance's segments, (utterances, size)."""
    firsts = np.flatnonzero(np.diff(dataset.utterances.numpy(), prepend=-1))
    counts = np.diff([*firsts.tolist(), len(dataset)])
    means: Scores = np.add.reduceat(rows, firsts, axis=0) / counts[:, None]
    return means


def _join_frames(dataset: UtteranceDataset, outputs: Sequence[Scores]) -> list[Scores]:
    """Join the values of each utterance's segments."""
    numbers = dataset.utterances.tolist()
    frames: dict[int, int] = {}
    for number, cut in zip(numbers, dataset.traces, strict=True):
        frames[number] = max(frames.get(number, 0), cut.first + cut.valid)
    sums = [np.zeros((count, outputs[0].shape[1])) for count in frames.values()]
    counts = [np.zeros((count, 1)) for count in frames.values()]
    for number, cut, values in zip(numbers, dataset.traces, outputs, strict=True):
        own = slice(cut.first, cut.first + min(cut.valid, len(values)))
        sums[number][own] += values[: own.stop - own.start]
        counts[number][own] += 1
    return [_held(total / np.maximum(count, 1), count) for total, count in zip(sums, counts, strict=True)]


def refuse_unscored(scores: Sequence[Scores], names: Sequence[str], place: str) -> None:
    """Check that all scores are finite.

    Args:
        scores: of each utterance.
        names: of the utterances.
        place: the model or run, for the message.

    Raises:
        RunError: some scores are not finite; the message names the utterances.
    """
    bad = [name for name, values in zip(names, scores, strict=True) if not np.isfinite(values).all()]
    if bad:
        raise RunError(f"{place}: {NO_SCORES} ({list_some(bad, _SHOWN)})")


def _held(trace: Scores, count: Scores) -> Scores:
    """Repeat the last value over frames without one: the network's frames may end sooner than the labels."""
    scored = np.flatnonzero(count[:, 0])
    held: Scores = trace[scored[np.maximum(np.searchsorted(scored, np.arange(len(trace)), "right") - 1, 0)]]
    return held
