"""Networks learn values of utterances: standardised, by each loss, beside classes."""

import numpy as np
import pytest
import torch

from sercli.data import UtteranceDataset
from sercli.errors import RunError
from sercli.evaluation import evaluate
from sercli.inference import score
from sercli.models import get_architecture
from sercli.records import ValuePredictions
from sercli.runs.training import TrainingConfig
from sercli.statistics import fit
from sercli.tasks import VALUE_LOSSES, Outputs
from sercli.training.metrics import UtteranceCCC
from sercli.training.module import SERModule

CLASSES = (0, 0, 0, 0, 1, 1, 1, 1)
VALUES = [[1.0 + 0.4 * i, 4.0 - 0.3 * i] for i in range(8)]


def eight(votes=()):
    """Eight utterances whose loudness grows with their values."""
    random = np.random.default_rng(0)
    arrays = [
        (i / 4 + random.normal(0, 0.3, (1, 8, 12)) + np.arange(8)[None, :, None] / 8).astype(np.float32)
        for i in range(8)
    ]
    names = [str(i) for i in range(8)]
    return UtteranceDataset({"x": arrays}, {"x": fit(arrays)}, CLASSES, names, values=VALUES, votes=votes)


class Small(torch.nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.encoder = torch.nn.Linear(8, 16)
        self.head = torch.nn.Linear(16, len(outputs))

    def forward(self, x, mask):
        return self.head(self.encoder(x[:, 0].mean(2)).tanh())


def learn(outputs, training, dataset, steps=400):
    torch.manual_seed(0)
    module = SERModule(Small(outputs), outputs, TrainingConfig(lr=0.02, batch_size=8, **training), [4, 4])
    optimizer, batch = module.make_optimizer(), dataset[list(range(8))]
    for _ in range(steps):
        optimizer.zero_grad()
        module.batch_loss(module(batch), batch).backward()
        optimizer.step()
    return module, np.concatenate(score(module.network, dataset, outputs))


@pytest.mark.parametrize("loss", VALUE_LOSSES)
def test_each_loss_learns_eight_utterances_by_heart(loss):
    outputs = Outputs(dimensions=("arousal", "valence")).fit(np.array(VALUES))
    _, values = learn(outputs, {"loss": loss}, eight())
    assert np.abs(values - VALUES).max() < 0.1  # on the scale of the ratings


def test_classes_and_values_are_learned_by_heart_together():
    outputs = Outputs(("a", "b"), ("arousal", "valence")).fit(np.array(VALUES))
    _, found = learn(outputs, {"value_weight": 0.7}, eight())
    assert found[:, :2].argmax(1).tolist() == list(CLASSES)
    np.testing.assert_allclose(found[:, :2].sum(1), 1)
    assert np.abs(found[:, 2:] - VALUES).max() < 0.1


def test_the_distribution_of_votes_is_learned():
    votes = [[0.75, 0.25]] * 4 + [[0.25, 0.75]] * 4
    _, found = learn(Outputs(("a", "b")), {"class_weights": False}, eight(votes))
    np.testing.assert_allclose(found, votes, atol=0.06)


def test_the_joint_loss_is_the_weighted_sum():
    outputs = Outputs(("a", "b"), ("arousal", "valence")).fit(np.array(VALUES))
    batch = eight()[list(range(8))]
    losses = {}
    for weight in (0.0, 0.3, 1.0):
        torch.manual_seed(0)
        module = SERModule(Small(outputs), outputs, TrainingConfig(value_weight=weight), [4, 4])
        losses[weight] = module.batch_loss(module(batch), batch).item()
    assert losses[0.3] == pytest.approx(0.7 * losses[0.0] + 0.3 * losses[1.0], rel=1e-5)


def test_values_are_standardised_by_the_training_part():
    outputs = Outputs(dimensions=("a", "b")).fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert (outputs.means, outputs.deviations) == ((2.0, 5.0), (1.0, 1.0))  # a constant has no deviation
    values = np.array([[4.0, 6.0]])
    np.testing.assert_allclose(outputs.standardise(values), [[2.0, 1.0]])
    np.testing.assert_allclose(outputs.restore(outputs.standardise(values)), values)


def test_the_dev_metric_is_the_ccc_of_the_evaluation():
    random = np.random.default_rng(1)
    target = random.normal(size=(6, 2))
    segments = random.normal(size=(6, 3, 2)) + target[:, None]
    metric = UtteranceCCC()
    for first in (0, 3):  # two batches; utterances have three segments
        rows = slice(first, first + 3)
        metric.update(
            torch.tensor(segments[rows].reshape(-1, 2)).float(),
            torch.tensor(np.repeat(target[rows], 3, axis=0)).float(),
            torch.arange(first, first + 3).repeat_interleave(3),
        )
    predictions = ValuePredictions(
        ids=tuple("abcdef"),
        speakers=tuple("aabbcc"),
        genders=(None,) * 6,
        folds=("1",) * 6,
        seeds=(0,) * 6,
        dimensions=("arousal", "valence"),
        target=tuple(target[:, None]),
        predicted=tuple(segments.mean(1)[:, None]),
        per_frame=False,
    )
    table = evaluate(predictions, draws=10).table
    expected = [table.row(f"ccc_{name}").value for name in predictions.dimensions]
    np.testing.assert_allclose(metric.compute(), expected, atol=1e-5)


def test_a_cosine_head_is_replaced_for_values():
    from sercli.tasks import DIMENSIONS

    assert get_architecture("mdcnn").config_for({}, DIMENSIONS).head == "softmax"
    assert get_architecture("mdcnn").defaults(None, DIMENSIONS)["training"]["loss"] == "ccc"


@pytest.mark.parametrize(
    ("given", "outputs", "wanted"),
    [
        (
            torch.zeros(8, 7),
            Outputs(("a", "b")),
            r"is \(8, 7\); with 2 classes it must be a tensor \(batch, 2\)",
        ),
        (torch.zeros(8, 9, 2), Outputs(("a", "b")), r"is \(8, 9, 2\); with 2 classes"),
        (torch.zeros(8), Outputs(("a",)), r"is \(8,\); with 1 classes"),
        ((torch.zeros(8, 2),), Outputs(("a", "b")), "is of type tuple; with 2 classes"),
        (
            torch.zeros(8, 2),
            Outputs(("a", "b"), ("v",)),
            r"is .* 2 classes and 1 dimension\(s\) it .* \(batch, 3\)",
        ),
        (
            torch.zeros(8, 2),
            Outputs((), ("v", "w"), per_frame=True),
            r"is .* 2 dimension\(s\) it .* \(batch, frames, 2\)",
        ),
    ],
)
def test_an_output_of_another_shape_is_refused_before_the_loss(given, outputs, wanted):
    module = SERModule(Small(outputs), outputs, TrainingConfig())
    module.network.forward = lambda x, mask: given
    with pytest.raises(RunError, match=f"^network Small: its output {wanted}"):
        module(eight()[list(range(8))])
