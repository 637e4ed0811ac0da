import numpy as np
import pytest
import torch
from torchmetrics.functional.regression import concordance_corrcoef

from sercli.losses import ccc, ccc_loss

SCOPES = ["batch", "sequence"]


def everything(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def traces(batch=3, frames=40, dimensions=2, seed=0):
    """Gold standard, predictions that follow it with an offset, and a mask of differing lengths."""
    random = torch.Generator().manual_seed(seed)
    target = torch.randn(batch, frames, dimensions, generator=random) / 3
    preds = 0.5 * target + 0.1 + torch.randn(batch, frames, dimensions, generator=random) / 5
    mask = torch.arange(frames) < frames - 7 * torch.arange(batch)[:, None]
    return preds, target, mask


def by_moments(x, y):
    """The coefficient of two traces, NumPy, float64."""
    x, y = x.double().numpy(), y.double().numpy()
    return 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def test_by_hand():
    # x = 1 2 3, y = 2 4 6: s_xy = 4/3, s_x^2 = 2/3, s_y^2 = 8/3, (2 - 4)^2 = 4, so rho_c = 4/11.
    x, y = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 4.0, 6.0]])
    torch.testing.assert_close(ccc(x, y, everything(x)), torch.tensor(4 / 11))
    torch.testing.assert_close(ccc_loss(x, y, everything(x)), torch.tensor(1 - 4 / 11))


def test_dimensions_are_averaged_at_the_end():
    # Arousal as above, 4/11; valence -1: the loss is 1 - (4/11 - 1) / 2.
    x = torch.tensor([[[1.0, -1.0], [2.0, 0.0], [3.0, 1.0]]])
    y = torch.tensor([[[2.0, 1.0], [4.0, 0.0], [6.0, -1.0]]])
    torch.testing.assert_close(ccc(x, y, everything(x)), torch.tensor([4 / 11, -1.0]))
    torch.testing.assert_close(ccc_loss(x, y, everything(x)), torch.tensor(1 - (4 / 11 - 1) / 2))


def test_scopes_by_hand():
    # Each sequence is its own mirror image, but joined, 0 2 10 12 and 2 0 12 10, they agree:
    # s_xy = 24, s_x^2 = s_y^2 = 26, so 24/26.
    x, y = torch.tensor([[0.0, 2.0], [10.0, 12.0]]), torch.tensor([[2.0, 0.0], [12.0, 10.0]])
    torch.testing.assert_close(ccc(x, y, everything(x), "sequence"), torch.tensor([-1.0, -1.0]))
    torch.testing.assert_close(ccc_loss(x, y, everything(x), "batch"), torch.tensor(1 - 24 / 26))
    torch.testing.assert_close(ccc_loss(x, y, everything(x), "sequence"), torch.tensor(2.0))


def test_it_equals_numpy_on_the_valid_frames():
    preds, target, mask = traces()
    joined = [by_moments(preds[mask][:, d], target[mask][:, d]) for d in range(2)]
    each = [[by_moments(preds[b, mask[b], d], target[b, mask[b], d]) for d in range(2)] for b in range(3)]
    torch.testing.assert_close(ccc(preds, target, mask), torch.tensor(joined).float())
    torch.testing.assert_close(ccc(preds, target, mask, "sequence"), torch.tensor(each).float())
    assert ccc_loss(preds, target, mask, "sequence").item() == pytest.approx(1 - np.mean(each), rel=1e-5)


def test_torchmetrics_divides_by_one_less():
    # Its variances and covariance are n / (n - 1) times ours, the squared difference of the means is
    # not: 1/ours - 1/theirs = (mean x - mean y)^2 / (2 n s_xy).
    preds, target, mask = traces()
    ours, theirs = ccc(preds, target, mask), concordance_corrcoef(preds[mask], target[mask])
    x, y = preds[mask].double(), target[mask].double()
    covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    gap = (x.mean(0) - y.mean(0)).square() / (2 * len(x) * covariance)
    torch.testing.assert_close(1 / ours - 1 / theirs, gap.float(), rtol=1e-2, atol=1e-6)
    assert (ours - theirs).abs().max() > 1e-5
    centred = preds - (x.mean(0) - y.mean(0)).float()  # without the difference they agree
    torch.testing.assert_close(ccc(centred, target, mask), concordance_corrcoef(centred[mask], target[mask]))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("garbage", [1e6, float("nan"), float("inf")])
def test_padding_counts_for_nothing(scope, garbage):
    preds, target, mask = traces()
    expected = ccc(preds, target, mask, scope)
    preds, target = (t.masked_fill(~mask[..., None], garbage).requires_grad_() for t in (preds, target))
    torch.testing.assert_close(ccc(preds, target, mask, scope), expected)
    ccc_loss(preds, target, mask, scope).backward()
    assert preds.grad.isfinite().all()
    assert not preds.grad[~mask].any()
    assert preds.grad[mask].all()


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("value", [0.0, 0.1, -0.7])
def test_constant_and_equal_traces_cost_one_and_pull_nowhere(scope, value):
    # 0.1 and 0.7 are no float32 numbers, so their means differ from them by rounding.
    preds = torch.full((2, 501, 2), value, requires_grad=True)
    loss = ccc_loss(preds, preds.detach(), everything(preds), scope)
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-3)
    assert preds.grad.abs().max() < 1e-3


@pytest.mark.parametrize("scope", SCOPES)
def test_constant_predictions_give_a_finite_gradient(scope):
    # What a network gives first; its offset is already a slope.
    _, target, mask = traces()
    preds = torch.zeros_like(target).requires_grad_()
    loss = ccc_loss(preds, target, mask, scope)
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-6)
    assert preds.grad.isfinite().all()
    assert (preds.grad[mask] * target[mask]).sum() < 0  # towards the gold standard


@pytest.mark.parametrize("scope", SCOPES)
def test_a_sequence_without_frames_is_not_a_nan(scope):
    preds, target, mask = traces()
    mask[1] = False
    preds.requires_grad_()
    ccc_loss(preds, target, mask, scope).backward()
    assert preds.grad.isfinite().all()
    assert ccc(preds, target, mask, "sequence")[1].tolist() == [0, 0]


def test_equal_traces_cost_nothing_and_mirrored_ones_two():
    _, target, mask = traces()
    target = target - target[mask].mean(0)
    assert ccc_loss(target, target, mask).item() == pytest.approx(0, abs=1e-6)
    assert ccc_loss(-target, target, mask).item() == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_low_precision_predictions_give_a_float32_loss(precision):
    preds, target, mask = traces()
    low = preds.to(precision)
    loss = ccc_loss(low, target, mask)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, ccc_loss(low.float(), target, mask))
