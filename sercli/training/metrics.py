"""Metrics of the dev part over utterances, whose segments are averaged first."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from sercli.losses import ccc


class _OfUtterances(Metric):
    """A metric of utterances, whose segments are averaged first."""

    full_state_update = False
    scores: list[Tensor]
    target: list[Tensor]
    utterances: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("scores", "target", "utterances"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, scores: Tensor, target: Tensor, utterances: Tensor) -> None:
        """Add segments: scores, (batch, outputs), and their label and number of the utterance, (batch,)."""
        self.scores.append(scores)
        self.target.append(target)
        self.utterances.append(utterances)

    def collect(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return all scores, labels, and for each segment the place of its utterance, on the CPU."""
        # This runs on the CPU, since Apple's GPUs have no 64-bit floats.
        scores, target, utterances = (
            dim_zero_cat(each).cpu() for each in (self.scores, self.target, self.utterances)
        )
        return scores.double(), target, torch.unique(utterances, return_inverse=True)[1]


class UtteranceUA(_OfUtterances):
    """Mean recall over the classes that are present; the segments of an utterance are averaged first."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes

    def compute(self) -> Tensor:
        """Return the mean recall, a scalar."""
        logits, target, place = self.collect()
        probabilities, count = logits.softmax(1), int(place.max()) + 1
        sums = probabilities.new_zeros(count, self.n_classes).index_add_(0, place, probabilities)
        true = target.new_zeros(count).scatter_(0, place, target)
        counts = torch.bincount(true, minlength=self.n_classes).double()
        hits = torch.bincount(true[sums.argmax(1) == true], minlength=self.n_classes).double()
        recalls = hits[counts > 0] / counts[counts > 0]
        return recalls.mean().float()


class UtteranceCCC(_OfUtterances):
    """CCC of each dimension over utterances; the segments of an utterance are averaged first.

    The moments are divided by n, as in the loss and in the tables of results. torchmetrics divides by n - 1.
    """

    def compute(self) -> Tensor:
        """Return the coefficients, (dimensions,)."""
        values, target, place = self.collect()
        count = int(place.max()) + 1
        segments = torch.bincount(place).double()[:, None]  # (utterances, 1)
        means, true = (
            values.new_zeros(count, values.shape[1]).index_add_(0, place, each.double()) / segments
            for each in (values, target)
        )
        every = torch.ones(1, count, dtype=torch.bool)
        return ccc(means[None], true[None], every)
