import pytest
import torch

from sercli.models.layers import Dropout


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1, 1 / 3])
def test_a_share_is_zeroed_and_the_rest_raised(p):
    torch.manual_seed(0)
    x = Dropout(p)(torch.ones(1_000_003))
    zero, raised = x.unique().tolist()
    assert zero == 0
    assert raised == pytest.approx(1 / (1 - p), rel=2e-5)
    assert (x == 0).float().mean().item() == pytest.approx(p, abs=0.002)


@pytest.mark.parametrize("p", [0.5, 0.1])
def test_values_fall_independently(p):
    torch.manual_seed(0)
    x = Dropout(p)(torch.ones(1_000_000)) - 1
    for lag in (*range(1, 17), 64):
        correlation = (x[lag:] * x[:-lag]).mean() / x.square().mean()
        assert correlation.abs() < 0.005  # five standard deviations


def test_nothing_is_dropped_in_evaluation_and_all_of_it_by_a_share_of_one():
    x = torch.randn(3, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0)(x), x)
    assert not Dropout(1.0)(x).any()


def test_the_gradient_is_the_factor():
    x = torch.randn(4, 7).requires_grad_()
    y = Dropout(0.5)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)
    assert set(x.grad.unique().tolist()) <= {0.0, 2.0}


def test_the_seed_decides():
    x, drop = torch.ones(1000), Dropout(0.5)
    first, second, third = (drop(x) for _ in map(torch.manual_seed, (1, 1, 2)))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_type_and_memory_layout_stay(dtype):
    x = torch.ones(2, 3, 4, 6, dtype=dtype).contiguous(memory_format=torch.channels_last)
    assert Dropout(0.5)(x).is_contiguous(memory_format=torch.channels_last)
    assert Dropout(0.5)(x).dtype == dtype
    assert Dropout(0.5)(x[..., 1:5]).shape == (2, 3, 4, 4)
    assert Dropout(0.5)(x[..., :0]).numel() == 0
