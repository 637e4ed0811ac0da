import numpy as np
import pytest
import torch

from sercli.losses import cross_entropy, focal_loss


def random_logits(utterances=12, classes=4, scale=3.0, seed=0):
    random = torch.Generator().manual_seed(seed)
    return scale * torch.randn(utterances, classes, generator=random), torch.arange(utterances) % classes


def reference(logits, target, gamma, weight):
    """The loss as its formula is written, in NumPy and float64."""
    e = np.exp(logits.double().numpy())
    p = (e / e.sum(1, keepdims=True))[np.arange(len(target)), target]
    return np.mean(weight.numpy()[target] * -((1 - p) ** gamma) * np.log(p))


def test_by_hand():
    # Odds of 3 to 1, right and wrong: p = 3/4 and 1/4; (1/16 ln 4/3 + 9/16 ln 4) / 2.
    logits = torch.tensor([[np.log(3), 0.0], [np.log(3), 0.0]])
    loss = focal_loss(logits, torch.tensor([0, 1]), gamma=2.0)
    assert loss.item() == pytest.approx((np.log(4 / 3) / 16 + 9 * np.log(4) / 16) / 2, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_it_equals_the_formula(gamma):
    logits, target = random_logits()
    weight = torch.tensor([0.5, 1.0, 2.0, 0.25])
    expected = reference(logits, target, gamma, weight)
    assert focal_loss(logits, target, gamma, weight).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weight", [None, torch.tensor([0.5, 1.0, 2.0, 0.25])])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_gamma_of_zero_is_cross_entropy(weight, scale):
    logits, target = random_logits(scale=scale)
    focal, plain = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss, expected = focal_loss(focal, target, 0.0, weight), cross_entropy(plain, target, weight)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)  # the order of the sum is torch's
    loss.backward()
    expected.backward()
    torch.testing.assert_close(focal.grad, plain.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_gradient_is_the_formulas(gamma):
    logits, target = random_logits(utterances=4)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.25])
    focal_loss(logits.requires_grad_(), target, gamma, weight).backward()
    steps = 1e-5 * torch.eye(16, dtype=torch.float64).view(16, 4, 4)
    x = logits.detach().double()
    slopes = [
        reference(x + s, target, gamma, weight) - reference(x - s, target, gamma, weight) for s in steps
    ]
    np.testing.assert_allclose(logits.grad.flatten(), np.divide(slopes, 2e-5), rtol=1e-4, atol=1e-6)


def test_it_is_exact_where_one_minus_p_is_not():
    # p = 1 / (1 + e^-12): 1 - p is 6.144e-06, of which float32 subtraction keeps two digits.
    loss = focal_loss(torch.tensor([[12.0, 0.0]]), torch.tensor([0]), gamma=1.0)
    q = 1 / (1 + np.exp(12.0))
    assert loss.item() == pytest.approx(q * -np.log1p(-q), rel=0.02)  # -log p rounds to 2^-24


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_loss_and_gradient_are_finite_at_the_ends(precision, gamma):
    logits = torch.tensor([[3e4, -3e4, 0.0], [-3e4, 3e4, 0.0], [20.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    logits = logits.to(precision).requires_grad_()
    loss = focal_loss(logits, torch.zeros(4, dtype=torch.long), gamma)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    assert logits.grad[1, 0] == -0.25  # as wrong as can be: drawn to its class with full strength


def test_what_is_right_already_counts_less():
    logits = torch.tensor([[2.0, 0.0]])
    losses = [focal_loss(logits, torch.tensor([0]), gamma).item() for gamma in (0.0, 1.0, 2.0)]
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(np.divide(losses[1:], losses[:-1]), 1 - p, rtol=1e-5)
