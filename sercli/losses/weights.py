"""Class weights for corpora whose classes differ in size."""

from collections.abc import Sequence

import torch
from torch import Tensor


def class_weights(counts: Sequence[int], alpha: float | None = None) -> Tensor:
    """Weigh each class by r_c = alpha * N / N_c.

    The paper does not give alpha. One over the number of classes, our default, makes the mean
    weight of an utterance one, so that learning rates mean what they mean without weights.

    Args:
        counts: utterances per class in the training part, in class order.
        alpha: scale of all weights; one over the number of classes by default.

    Returns:
        Weights, (classes,), float32; zero for a class without utterances.

    Source: Madanian et al., Scientific Reports 15:8254, 2025, equation 15.
    """
    per_class = torch.tensor(counts, dtype=torch.float64)  # (classes,)
    if alpha is None:
        alpha = 1 / len(counts)
    weights = alpha * per_class.sum() / per_class
    return weights.where(per_class > 0, 0).float()
