import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from torchmetrics.functional import concordance_corrcoef

from sercli.evaluation.values import Moments, ccc, mae, pcc, rmse
from sercli.losses import ccc as loss_ccc


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def random_pair(frames=400, seed=0):
    random = np.random.default_rng(seed)
    target = np.cumsum(random.normal(size=(frames, 2)), axis=0) / 20
    return target, 0.6 * target + random.normal(size=target.shape) / 10 + 0.1


def test_three_frames_by_hand():
    # s_xy = 4/3, s_x^2 = 2/3, s_y^2 = 8/3, (2 - 4)^2 = 4: CCC = (8/3) / (22/3); squares 1 + 4 + 9.
    found = Moments.of(column(1, 2, 3), column(2, 4, 6))
    assert ccc(found)[0] == pytest.approx(4 / 11, abs=1e-15)
    assert pcc(found)[0] == pytest.approx(1, abs=1e-15)
    assert rmse(found)[0] == pytest.approx(np.sqrt(14 / 3), abs=1e-15)
    assert mae(found)[0] == 2


def test_against_scipy_torchmetrics_and_the_loss():
    x, y = random_pair()
    found = Moments.of(x, y)
    for i in range(2):
        assert pcc(found)[i] == pytest.approx(pearsonr(x[:, i], y[:, i]).statistic, abs=1e-12)
        assert rmse(found)[i] == pytest.approx(np.sqrt(np.mean((x[:, i] - y[:, i]) ** 2)), abs=1e-12)
        # torchmetrics divides moments by n - 1; with the distance of the means scaled alike, it agrees.
        n = len(x)
        theirs = concordance_corrcoef(torch.tensor(y[:, i]), torch.tensor(x[:, i])).item()
        apart = (x[:, i].mean() - y[:, i].mean()) ** 2
        both = x[:, i].var(ddof=1) + y[:, i].var(ddof=1)
        assert ccc(found)[i] == pytest.approx(
            theirs * (both + apart) / (both + apart * n / (n - 1)), abs=1e-6
        )
    tensors = (torch.tensor(each, dtype=torch.float32)[None] for each in (y, x))
    ours = loss_ccc(*tensors, torch.ones(1, len(x), dtype=torch.bool))
    assert ccc(found) == pytest.approx(ours.numpy(), abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_a_constant_has_ccc_zero_and_no_pcc(value):
    x = random_pair()[0]
    found = Moments.of(x, np.full_like(x, value))
    assert ccc(found).tolist() == [0, 0]
    assert np.isnan(pcc(found)).all()
    both = Moments.of(np.full_like(x, value), np.full_like(x, value))
    assert (ccc(both).tolist(), rmse(both).tolist()) == ([0, 0], [0, 0])


def test_an_offset_costs_no_digits():
    x, y = random_pair()
    near, far = Moments.of(x, y), Moments.of(x + 2**20, y + 2**20)
    assert ccc(far) == pytest.approx(ccc(near), rel=1e-9)
    assert pcc(far) == pytest.approx(pcc(near), rel=1e-9)


def test_moments_of_groups_put_together_are_those_of_their_frames():
    groups = [random_pair(frames, seed) for seed, frames in enumerate((30, 1, 200))]
    times = np.array([[1, 1, 1], [0, 3, 2], [3, 0, 0]])
    drawn = Moments.stack([Moments.of(*group) for group in groups]).combine(times)
    for i, counts in enumerate(times):
        rows = [g for g, count in zip(groups, counts, strict=True) for _ in range(count)]
        whole = Moments.of(*(np.concatenate(each) for each in zip(*rows, strict=True)))
        for metric in (ccc, pcc, rmse, mae):
            assert metric(drawn)[i] == pytest.approx(metric(whole), rel=1e-10)
        assert drawn.count[i].tolist() == whole.count.tolist()


def test_groups_of_one_constant_stay_a_constant():
    x = random_pair()[0]
    groups = Moments.stack([Moments.of(part, np.full_like(part, 0.1)) for part in np.split(x, [7, 100])])
    drawn = groups.combine(np.array([[1, 1, 1], [2, 1, 0]]))
    assert ccc(drawn).tolist() == [[0, 0], [0, 0]]
    assert np.isnan(pcc(drawn)).all()
