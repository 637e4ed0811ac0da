from math import cos, exp, log, pi, sin

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sercli.losses import arcface_loss

MARGIN, SCALE = 0.5, 2.0


def random_cosines(utterances, classes, seed=0):
    random = torch.Generator().manual_seed(seed)
    embedding = F.normalize(torch.randn(utterances, 8, generator=random), dim=1)
    weight = F.normalize(torch.randn(classes, 8, generator=random), dim=1)
    return embedding @ weight.T, torch.arange(utterances) % classes


def loss_of_angle(theta, **settings):
    """Loss of one utterance at an angle from its class, at a right angle to the other."""
    return arcface_loss(SCALE * torch.tensor([[cos(theta), 0.0]]), torch.tensor([0]), **settings).item()


def test_by_hand():
    # theta = pi/3 to the true class, pi/2 to the other: only the first gets the margin.
    true, other = SCALE * cos(pi / 3 + MARGIN), SCALE * cos(pi / 2)
    expected = -log(exp(true) / (exp(true) + exp(other)))
    assert loss_of_angle(pi / 3) == pytest.approx(expected, rel=1e-6)


def test_past_pi_by_hand():
    # theta = 3 > pi - 1/2: the score is cos 3 - sin(1/2) / 2.
    true = SCALE * (cos(3) - MARGIN * sin(MARGIN))
    assert loss_of_angle(3) == pytest.approx(-log(exp(true) / (exp(true) + 1)), rel=1e-6)


def test_easy_margin_by_hand():
    near, far = SCALE * cos(1.2 + MARGIN), SCALE * cos(2.0)
    assert loss_of_angle(1.2, easy_margin=True) == pytest.approx(log(1 + exp(-near)), rel=1e-6)
    assert loss_of_angle(2.0, easy_margin=True) == pytest.approx(log(1 + exp(-far)), rel=1e-6)


def test_a_margin_of_zero_is_a_scaled_cosine_softmax():
    cosine, target = random_cosines(12, 4)
    loss = arcface_loss(SCALE * cosine, target, margin=0.0)
    torch.testing.assert_close(loss, F.cross_entropy(SCALE * cosine, target))


@pytest.mark.parametrize("margin", [0.3, 0.5, 0.7])
def test_the_loss_rises_with_the_angle_all_the_way_to_pi(margin):
    losses = [loss_of_angle(theta, margin=margin) for theta in np.linspace(0.001, pi - 0.001, 400)]
    assert (np.diff(losses) > 0).all()


@pytest.mark.parametrize(("margin", "scale"), [(0.5, 2.0), (0.3, 60.0), (0.7, 1.5)])
def test_it_equals_pytorch_metric_learning(margin, scale):
    metric_learning = pytest.importorskip("pytorch_metric_learning.losses")
    random = torch.Generator().manual_seed(3)
    embedding = torch.randn(64, 8, generator=random)
    target = torch.arange(64) % 5
    theirs = metric_learning.ArcFaceLoss(5, 8, margin=float(np.degrees(margin)), scale=scale)
    weight = theirs.W.detach().T  # (classes, size)
    # Some utterances opposite their class, so that theta + margin exceeds pi.
    embedding[:8] = -weight[target[:8]] + 0.1 * embedding[:8]
    ours, reference = embedding.clone().requires_grad_(), embedding.clone().requires_grad_()
    logits = scale * F.cosine_similarity(ours.unsqueeze(1), weight, dim=2)
    loss, expected = arcface_loss(logits, target, margin, scale), theirs(reference, target)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, reference.grad, rtol=1e-4, atol=1e-6)


def test_a_class_weight_multiplies_its_utterances():
    cosine, target = random_cosines(4, 2)
    single = [arcface_loss(SCALE * cosine[i : i + 1], target[i : i + 1]).item() for i in range(4)]
    loss = arcface_loss(SCALE * cosine, target, weight=torch.tensor([3.0, 0.5]))
    assert loss.item() == pytest.approx(
        (3 * single[0] + 0.5 * single[1] + 3 * single[2] + 0.5 * single[3]) / 4
    )


@pytest.mark.parametrize("easy_margin", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_loss_and_gradient_are_finite_at_the_ends(precision, easy_margin):
    logits = SCALE * torch.tensor([[1.0, -1.0], [-1.0, 1.0], [0.0, 1.0]])
    logits = logits.to(precision).requires_grad_()
    loss = arcface_loss(logits, torch.tensor([0, 0, 0]), easy_margin=easy_margin)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_an_utterance_opposite_its_class_is_still_drawn_to_it():
    logits = torch.tensor([[-SCALE, SCALE]], requires_grad=True)
    arcface_loss(logits, torch.tensor([0])).backward()
    assert logits.grad[0, 0] < -0.4


@pytest.mark.parametrize(("classes", "best"), [(4, 0.948), (7, 0.901)])
def test_a_scale_of_two_caps_the_probability(classes, best):
    cosine = -torch.ones(1, classes)
    cosine[0, 0] = 1
    loss = arcface_loss(SCALE * cosine, torch.tensor([0]), margin=0.0)
    assert exp(-loss.item()) == pytest.approx(best, abs=5e-4)
