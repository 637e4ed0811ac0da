"""Figures of the dev part during training."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class UtteranceUA(Metric):
    """Mean recall over the classes present, of utterances whose segments' probabilities are averaged."""

    full_state_update = False
    logits: list[Tensor]
    target: list[Tensor]
    utterances: list[Tensor]

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        for name in ("logits", "target", "utterances"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, logits: Tensor, target: Tensor, utterances: Tensor) -> None:
        """Take in segments: logits, (batch, classes), class and number of the utterance of each, (batch,)."""
        self.logits.append(logits)
        self.target.append(target)
        self.utterances.append(utterances)

    def compute(self) -> Tensor:
        """Return the mean recall, a scalar."""
        # On the CPU, since Apple's GPUs have no 64-bit floats.
        logits, target, utterances = (
            dim_zero_cat(each).cpu() for each in (self.logits, self.target, self.utterances)
        )
        probabilities = logits.double().softmax(1)
        found, place = torch.unique(utterances, return_inverse=True)
        sums = probabilities.new_zeros(len(found), self.n_classes).index_add_(0, place, probabilities)
        true = target.new_zeros(len(found)).scatter_(0, place, target)
        counts = torch.bincount(true, minlength=self.n_classes).double()
        hits = torch.bincount(true[sums.argmax(1) == true], minlength=self.n_classes).double()
        recalls = hits[counts > 0] / counts[counts > 0]
        return recalls.mean().float()
