"""The linear classifiers, compared with scikit-learn's own pipeline."""

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from sercli.errors import ConfigError
from sercli.models import TrainingVectors
from sercli.models.linear import Linear, LinearConfig, solve


def material(classes, size=6, count=90, seed=0):
    random = np.random.default_rng(seed)
    target = random.integers(0, classes, count)
    vectors = random.normal(size=(count, size)) + 0.7 * np.eye(classes, size)[target]
    return vectors, target, tuple(f"{number % 6}" for number in range(count))


def probabilities(network, vectors):
    x = torch.from_numpy(vectors).float().reshape(len(vectors), 1, -1, 1)
    return network(x, torch.ones(len(vectors), 1, dtype=torch.bool)).softmax(1).detach().numpy()


def solved(config, classes, weights=None):
    vectors, target, speakers = material(classes)
    network = Linear(1, vectors.shape[1], classes, config)
    solve(network, TrainingVectors(vectors, target, speakers, weights), config)
    return network, vectors, target, speakers


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("weights", [None, {0: 2.0, 1: 0.5, 2: 1.0, 3: 1.0}])
def test_logistic_regression_has_scikit_learns_probabilities(classes, weights):
    weights = weights and {name: weights[name] for name in range(classes)}
    network, vectors, target, _ = solved(LinearConfig(c=0.3), classes, weights)
    wanted = LogisticRegression(C=0.3, class_weight=weights, max_iter=10_000, tol=1e-9).fit(vectors, target)
    np.testing.assert_allclose(probabilities(network, vectors), wanted.predict_proba(vectors), atol=1e-4)


def test_vectors_with_more_values_than_there_are_vectors_have_the_same_optimum():
    vectors, target, speakers = material(3, size=200)
    network = Linear(1, 200, 3, LinearConfig(c=0.05))
    solve(network, TrainingVectors(vectors, target, speakers, None), LinearConfig(c=0.05))
    wanted = LogisticRegression(C=0.05, max_iter=10_000, tol=1e-9).fit(vectors, target)
    np.testing.assert_allclose(network.head.weight.detach(), wanted.coef_, atol=1e-4)
    np.testing.assert_allclose(network.head.bias.detach(), wanted.intercept_, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_support_vector_machine_has_scikit_learns_calibrated_probabilities(classes):
    network, vectors, target, speakers = solved(LinearConfig(classifier="svm", c=0.1), classes)
    machine = LinearSVC(C=0.1, dual=False, max_iter=10_000, random_state=0)
    folds = list(GroupKFold(5).split(vectors, target, speakers))
    wanted = CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False).fit(vectors, target)
    np.testing.assert_allclose(probabilities(network, vectors), wanted.predict_proba(vectors), atol=1e-4)


def test_frames_count_by_their_mean_and_deviation_without_padding():
    config = LinearConfig(layers=[1], pool="mean-std")
    network = Linear(2, 3, 2, config)
    x = torch.randn(2, 2, 3, 5)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    vectors = network.embed(x, mask)
    for row, frames in enumerate((5, 3)):
        own = x[row, 1, :, :frames]
        wanted = torch.cat([own.mean(1), own.std(1, correction=0)])
        torch.testing.assert_close(vectors[row], wanted)


def test_a_layer_that_the_features_lack_is_refused():
    with pytest.raises(ConfigError, match="have layers 0 to 1, counted from 0 whatever"):
        Linear(2, 3, 2, LinearConfig(layers=[2]))


def test_a_support_vector_machine_is_calibrated_where_speakers_have_one_class_each():
    vectors, target, _ = material(2, count=20)
    speakers = tuple("ab"[each] for each in target)
    config = LinearConfig(classifier="svm")
    network = Linear(1, vectors.shape[1], 2, config)
    solve(network, TrainingVectors(vectors, target, speakers, None), config)
    assert np.isfinite(probabilities(network, vectors)).all()
    single = np.where(np.arange(20) == 0, 1, 0)
    with pytest.raises(ConfigError, match="a class has one utterance"):
        solve(network, TrainingVectors(vectors, single, (None,) * 20, None), config)
