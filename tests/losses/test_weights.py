import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sercli.losses import class_weights, cross_entropy


def test_weights_by_hand():
    # N = 8; alpha = 1/2: 8 / 2 / 2 = 2 and 8 / 6 / 2 = 2/3.
    torch.testing.assert_close(class_weights([2, 6]), torch.tensor([2.0, 2 / 3]))
    torch.testing.assert_close(class_weights([2, 6], alpha=0.1), torch.tensor([0.4, 0.8 / 6]))


def test_an_utterance_weighs_one_on_average():
    counts = [1099, 608, 289, 284]  # improvised IEMOCAP
    mean = (class_weights(counts) * torch.tensor(counts)).sum() / sum(counts)
    torch.testing.assert_close(mean, torch.tensor(1.0))


def test_the_default_is_what_scikit_learn_calls_balanced():
    counts = [5, 1, 9]
    balanced = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight(
        "balanced", classes=np.arange(3), y=np.repeat(np.arange(3), counts)
    )
    torch.testing.assert_close(class_weights(counts), torch.tensor(balanced, dtype=torch.float32))


def test_a_class_without_utterances_weighs_nothing():
    torch.testing.assert_close(class_weights([4, 0]), torch.tensor([0.5, 0.0]))


def test_weighted_cross_entropy_by_hand():
    # Two classes scored alike, so each utterance costs ln 2: (3 ln 2 + 0.5 ln 2) / 2.
    loss = cross_entropy(torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([3.0, 0.5]))
    torch.testing.assert_close(loss, torch.tensor(1.75 * np.log(2), dtype=torch.float32))


def test_alpha_scales_the_loss():
    # torch's weighted mean divides by the weights, so that alpha would have no effect.
    random = torch.Generator().manual_seed(0)
    logits, target = torch.randn(9, 3, generator=random), torch.arange(9) % 3
    full, half = (cross_entropy(logits, target, class_weights([1, 2, 6], a)) for a in (1.0, 0.5))
    torch.testing.assert_close(half, full / 2)


def test_without_weights_it_is_the_ordinary_cross_entropy():
    random = torch.Generator().manual_seed(0)
    logits, target = torch.randn(9, 3, generator=random), torch.arange(9) % 3
    torch.testing.assert_close(cross_entropy(logits, target), F.cross_entropy(logits, target))


def test_low_precision_logits_give_a_float32_loss():
    logits, target = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), torch.arange(4) % 3
    loss = cross_entropy(logits.bfloat16(), target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, cross_entropy(logits.bfloat16().float(), target))
