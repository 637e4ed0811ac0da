"""A linear classifier of one vector for each utterance, solved to the optimum.

Multinomial logistic regression or a linear support vector machine, by scikit-learn; for values of dimensions,
ridge regression. The vector is the mean over time of the chosen layers of the features, side by side.

Source: Schuller et al., The INTERSPEECH 2009 Emotion Challenge, Interspeech 2009, section 4, for the support
    vector machine over functionals. Logistic regression over a frozen encoder: the usual linear probe.
Open in the paper: the weight of the penalty (``c``), here 0.01 for standardised features.
Departures: the scores of the support vector machine become probabilities by Platt's method, fitted on folds
    of the training part that share no speaker.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from sercli.encoders import Layers
from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, Recipe, TrainingVectors
from sercli.models.layers.vectors import join_moments

_FOLDS = 5
_MOST_STEPS = 10_000


class LinearConfig(NetworkConfig):
    """Settings of the classifier."""

    classifier: Literal["logistic", "svm"] = "logistic"
    """Logistic regression, or a support vector machine whose scores are calibrated."""
    c: float = Field(0.01, gt=0, le=1e6)
    """Weight of the errors against the penalty on large weights; a smaller value shrinks the weights more. Of
    a ridge regression the penalty is 1 / (2 c)."""
    layers: Layers = "all"
    """Layers of the features whose values are joined. They are counted from 0 among those that the features
    have: with features.layers=[2, 3], layer 0 is layer 2 of the encoder."""
    pool: Literal["mean", "mean-std"] = "mean"
    """Moments of features with several frames: their mean, or mean and standard deviation."""


class Linear(nn.Module):
    """Classify the mean of the features."""

    slope: Tensor
    offset: Tensor

    def __init__(self, layers: int, values: int, n_classes: int, config: LinearConfig) -> None:
        super().__init__()
        chosen = tuple(range(layers)) if config.layers == "all" else tuple(sorted(set(config.layers)))
        if chosen[-1] >= layers:
            raise ConfigError(
                f"model.layers={list(chosen)}: the features have layers 0 to {layers - 1}, counted from 0 "
                "whatever their numbers in the encoder are; take some of these, or set features.layers alone"
            )
        self.chosen, self.deviation, self.svm = chosen, config.pool == "mean-std", config.classifier == "svm"
        self.head = nn.Linear(len(chosen) * values * (2 if self.deviation else 1), n_classes)
        if self.svm:
            self.register_buffer("slope", torch.full((n_classes,), -1.0))
            self.register_buffer("offset", torch.zeros(n_classes))

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance.

        Args:
            x: features, (batch, layers, values, frames).
            mask: true on valid frames, (batch, frames).

        Returns:
            (batch, layers * values), or twice as many with the deviation.
        """
        return join_moments(x[:, self.chosen], mask, deviation=self.deviation)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the outputs: logits, (batch, classes), whose softmax are the probabilities; or values."""
        scores: Tensor = self.head(self.embed(x, mask))
        return F.logsigmoid(-(self.slope * scores + self.offset)) if self.svm else scores


def solve(network: Linear, given: TrainingVectors, config: LinearConfig) -> None:
    """Set the weights to the optimum for a training part.

    Source: scikit-learn's `LogisticRegression` (Newton's method, L2), and `LinearSVC` with
        `CalibratedClassifierCV`; for values, `Ridge`.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    values = given.values
    if (values is not None or given.votes is not None) and config.classifier != "logistic":
        raise ConfigError(
            "model.classifier=svm is for classes; leave it out for values of dimensions and for votes"
        )
    given, basis = _in_own_basis(given)
    weight = given.class_weights
    if config.classifier == "svm":
        _solve_svm(network, given, basis, config.c, weight)
        return
    fitted = LogisticRegression(
        C=config.c, class_weight=weight, solver="newton-cg", max_iter=_MOST_STEPS, tol=1e-6
    )
    weights, biases = np.zeros((0, len(basis))), np.zeros(0)
    if values is None or network.head.out_features > values.shape[1]:
        if given.votes is None:
            fitted.fit(given.vectors, given.target)
        else:  # an utterance of each class, weighted by its share of the votes
            rows, classes = np.nonzero(given.votes)
            fitted.fit(given.vectors[rows], classes, given.votes[rows, classes])
        weights, biases = _rows_of_all(fitted.coef_, fitted.intercept_)
    if values is not None:
        ridge = Ridge(alpha=1 / (2 * config.c)).fit(given.vectors, values)
        # scikit-learn returns a vector of weights for a single dimension.
        weights = np.concatenate([weights, np.reshape(ridge.coef_, (-1, len(basis)))])
        biases = np.concatenate([biases, np.atleast_1d(ridge.intercept_)])
    _set_head(network, weights @ basis, biases)


def _in_own_basis(given: TrainingVectors) -> tuple[TrainingVectors, NDArray[np.float64]]:
    """Rotate vectors that have more values than there are vectors into the space that they span.

    The optimum lies in this space, because the penalty is the same in all directions. So the result does not
    change. A step costs less: the ratio is that of the number of vectors to the number of values.

    Returns:
        The vectors, (utterances, rank), and the basis of the space, (rank, values).
    """
    count, values = given.vectors.shape
    if values <= count:
        return given, np.eye(values)
    basis, rotated = np.linalg.qr(given.vectors.T)  # (values, utterances), (utterances, utterances)
    return replace(given, vectors=np.ascontiguousarray(rotated.T)), basis.T


def _solve_svm(
    network: Linear,
    given: TrainingVectors,
    basis: NDArray[np.float64],
    c: float,
    weight: Mapping[int, float] | None,
) -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import GroupKFold, StratifiedKFold
    from sklearn.svm import LinearSVC

    machine = LinearSVC(
        C=c,
        class_weight=weight,
        dual=len(given.vectors) <= given.vectors.shape[1],
        max_iter=_MOST_STEPS,
        random_state=0,
    )
    groups = len(set(given.speakers)) if None not in given.speakers else 0
    least = int(np.bincount(given.target).min())
    cut = []
    if groups >= 2:
        cut = list(GroupKFold(min(_FOLDS, groups)).split(given.vectors, given.target, given.speakers))
    if not cut or any(len(set(given.target[train])) < network.head.out_features for train, _ in cut):
        if least < 2:
            raise ConfigError(
                "model.classifier=svm: a class has one utterance in the training part, and calibrated scores "
                "need two; set model.classifier=logistic"
            )
        cut = list(StratifiedKFold(min(_FOLDS, least)).split(given.vectors, given.target))
    fitted = CalibratedClassifierCV(machine, method="sigmoid", cv=cut, ensemble=False)
    fitted.fit(given.vectors, given.target)
    (whole,) = fitted.calibrated_classifiers_
    weights, biases = _rows_of_all(whole.estimator.coef_, whole.estimator.intercept_, share=1.0)
    _set_head(network, weights @ basis, biases)
    slopes = np.array([each.a_ for each in whole.calibrators])
    offsets = np.array([each.b_ for each in whole.calibrators])
    if len(slopes) == 1:  # of two classes: the probability of the other one is the rest
        slopes, offsets = np.repeat(slopes, 2), np.array([-offsets[0], offsets[0]])
    network.slope.copy_(torch.from_numpy(slopes))
    network.offset.copy_(torch.from_numpy(offsets))


def _rows_of_all(
    weights: NDArray[np.float64], biases: NDArray[np.float64], share: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a row of weights for each class; scikit-learn keeps one row of two classes, of the second.

    Args:
        weights: (classes, values), or (1, values) of two classes.
        biases: likewise.
        share: factor of the two rows; one half for logits, of which only the difference counts.
    """
    if len(weights) > 1:
        return weights, biases
    return share * np.concatenate([-weights, weights]), share * np.concatenate([-biases, biases])


def _set_head(network: Linear, weights: NDArray[np.float64], biases: NDArray[np.float64]) -> None:
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(weights))
        network.head.bias.copy_(torch.from_numpy(biases))


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: LinearConfig) -> nn.Module:
    layers, values = shapes["x"]
    return Linear(layers, values, n_outputs, config)


ARCHITECTURE = Architecture(
    LinearConfig,
    _build,
    inputs={"x": "pretrained"},
    shapes={"x": (5, 384)},
    example_frames=24,
    tasks=("classification",),
    source="scikit-learn's LogisticRegression and LinearSVC",
    recipe=Recipe(
        training={"selection": "last", "patience": None},
        features={"x": {"statistics": "per-bin"}},
    ),
    solve=solve,
)
