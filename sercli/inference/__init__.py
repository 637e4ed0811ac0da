"""Apply a trained network."""

import numpy as np
import torch
from torch import nn

from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches

Probabilities = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@torch.inference_mode()
def score(
    network: nn.Module,
    dataset: UtteranceDataset,
    n_classes: int,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
) -> Probabilities:
    """Give each utterance's class probabilities, in the data set's order, (utterances, classes).

    Of an utterance that is cut into segments: the mean of theirs.

    Always in 32-bit floats, whatever the network was trained in, so that a figure does not hang on
    the device that evaluates.
    """
    network = network.to(device).eval()
    probabilities = np.zeros((len(dataset), n_classes))
    # A GPU's convolutions else round to 19 bits.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for rows in sorted_batches(dataset.lengths, batch_size):
            batch = dataset[rows].to(device)
            logits = network(**batch.inputs, mask=batch.mask)  # (batch, classes)
            probabilities[rows] = logits.cpu().double().softmax(dim=1).numpy()
    firsts = [row for row, name in enumerate(dataset.ids) if row == 0 or dataset.ids[row - 1] != name]
    counts = np.diff([*firsts, len(dataset)])
    means: Probabilities = np.add.reduceat(probabilities, firsts, axis=0) / counts[:, None]
    return means
