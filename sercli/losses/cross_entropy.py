"""Cross-entropy with class weights that multiply."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Average weight[target] * -log softmax(logits)[target] over the utterances.

    The sum is divided by the number of utterances, as Keras does with ``class_weight`` (the authors
    of equation 15 used TensorFlow). torch's own weighted mean divides by the sum of the weights
    instead: there a common factor such as alpha cancels, and an utterance counts for more or less
    depending on who shares its batch.

    Args:
        logits: (batch, classes), any precision; computed in float32.
        target: class numbers, (batch,).
        weight: weight of each class, (classes,), see `sercli.losses.weights`.

    Returns:
        Scalar, float32.

    Source: Madanian et al., Scientific Reports 15:8254, 2025, equation 15 and section "Model training".
    """
    return F.cross_entropy(logits.float(), target, weight=weight, reduction="sum") / target.numel()
