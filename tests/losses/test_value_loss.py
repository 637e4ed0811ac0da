"""Losses of values of utterances, and of soft labels."""

import math

import pytest
import torch
import torch.nn.functional as F
from torchmetrics.functional import concordance_corrcoef

from sercli.losses import cross_entropy, focal_loss, value_loss

TARGET = torch.tensor([[1.0], [2.0], [3.0]])
PREDS = torch.tensor([[1.0], [3.0], [3.0]])


def test_three_values_by_hand():
    # Means 2 and 7/3, variances 2/3 and 8/9, covariance 2/3: 2 * 2/3 / (2/3 + 8/9 + 1/9) = 4/5.
    assert value_loss(PREDS, TARGET, "ccc").item() == pytest.approx(1 - 4 / 5, abs=1e-6)
    assert value_loss(PREDS, TARGET, "mse").item() == pytest.approx(1 / 3)
    assert value_loss(PREDS, TARGET, "mae").item() == pytest.approx(1 / 3)


def test_dimensions_are_averaged():
    both = value_loss(torch.cat([PREDS, TARGET], 1), torch.cat([TARGET, TARGET], 1), "ccc")
    assert both.item() == pytest.approx((1 / 5 + 0) / 2, abs=1e-6)


def test_torchmetrics_divides_by_n_minus_one():
    random = torch.Generator().manual_seed(0)
    x, y = torch.randn(40, generator=random), torch.randn(40, generator=random)
    y = x + y + 0.5
    ours = 1 - value_loss(x[:, None], y[:, None], "ccc")
    n = len(x)
    # Its variances and covariance are larger by n / (n - 1), the distance of the means is not.
    factor, apart = n / (n - 1), (x.mean() - y.mean()).square()
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    spread = x.var(correction=0) + y.var(correction=0)
    theirs = 2 * factor * covariance / (factor * spread + apart)
    assert concordance_corrcoef(x, y).item() == pytest.approx(theirs.item(), abs=1e-5)
    assert ours.item() == pytest.approx((2 * covariance / (spread + apart)).item(), abs=1e-5)
    assert abs(ours.item() - theirs.item()) > 1e-4


@pytest.mark.parametrize("count", [1, 4])
def test_ratings_that_are_constant_in_a_batch_give_one_and_no_gradient(count):
    preds = torch.randn(count, 1, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = value_loss(preds, torch.full((count, 1), 2.5), "ccc")
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-6)
    assert preds.grad.abs().max() < 1e-6


def test_soft_labels_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]])  # probabilities 1/4 and 3/4
    votes = torch.tensor([[0.5, 0.5]])
    expected = -(math.log(1 / 4) + math.log(3 / 4)) / 2
    assert cross_entropy(logits, votes).item() == pytest.approx(expected)
    weight = torch.tensor([2.0, 1.0])
    weighted = -(2 * math.log(1 / 4) + math.log(3 / 4)) / 2
    assert cross_entropy(logits, votes, weight).item() == pytest.approx(weighted)
    focal = -((3 / 4) ** 2 * math.log(1 / 4) + (1 / 4) ** 2 * math.log(3 / 4)) / 2
    assert focal_loss(logits, votes, 2.0).item() == pytest.approx(focal)


def test_votes_for_one_class_are_that_class():
    random = torch.Generator().manual_seed(0)
    logits, target = torch.randn(5, 3, generator=random), torch.tensor([0, 2, 1, 1, 0])
    votes, weight = F.one_hot(target, 3).float(), torch.tensor([1.0, 2.0, 0.5])
    torch.testing.assert_close(cross_entropy(logits, votes, weight), cross_entropy(logits, target, weight))
    torch.testing.assert_close(
        focal_loss(logits, votes, 1.5, weight), focal_loss(logits, target, 1.5, weight)
    )
