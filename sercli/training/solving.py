"""Set the weights of classifiers that need no epochs to their optimum."""

import numpy as np
import torch
from torch import nn

from sercli.data.batches import sorted_batches
from sercli.errors import RunError
from sercli.losses import class_weights
from sercli.models import Embedder, TrainingVectors
from sercli.training.folds import Parts
from sercli.training.initial_weights import untrained_network
from sercli.training.plan import Plan

_BATCH = 256


def solve(plan: Plan, parts: Parts, seed: int) -> nn.Module:
    """Build a network and set its weights to the optimum for a training part.

    Args:
        plan: the run; its architecture is one that is solved.
        parts: data sets of the fold.
        seed: seed of the trial.

    Raises:
        RunError: features are not finite.
    """
    network, config, dataset = untrained_network(plan, seed).eval(), plan.config, parts.train
    if config.architecture.solve is None or not isinstance(network, Embedder):
        raise TypeError(f"{config.arch} must define solve, and its network a method embed")
    states: list[tuple[list[int], torch.Tensor]] = []
    with torch.inference_mode():
        for rows in sorted_batches(dataset.lengths, _BATCH):
            batch = dataset[rows]
            states.append((rows, network.embed(**batch.inputs, mask=batch.mask).double()))
    vectors = np.zeros((len(dataset), states[0][1].shape[1]))
    for rows, state in states:
        vectors[rows] = state.numpy()
    if not np.isfinite(vectors).all():
        raise RunError(f"fold {parts.fold.name}: the features of the training part are not finite")
    weights = None
    if config.training.class_weights and parts.class_counts:
        given = class_weights(parts.class_counts, config.training.class_weight_alpha)
        weights = dict(enumerate(given.tolist()))
    speakers = tuple(plan.utterances[name].speaker for name in dataset.ids)
    target = dataset.classes.numpy().astype(np.int64)
    values = None
    if config.task.has_values:
        values = parts.outputs.standardise(np.asarray(dataset.values, np.float64))
    votes = None if dataset.votes is None else dataset.votes.numpy().astype(np.float64)
    training = TrainingVectors(vectors, target, speakers, weights, values, votes)
    config.architecture.solve(network, training, config.model)
    return network
