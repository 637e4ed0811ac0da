"""Untrained models with the settings of their recipes: they take the same time as trained ones."""

import numpy as np
import torch

from sercli.bundle import Bundle, build_network
from sercli.runs.config import RunConfig
from sercli.statistics import Statistics
from sercli.tasks import Outputs
from sercli.training.settings import complete

_CLASSES = ("anger", "happiness", "neutral", "sadness")


def recipe_of(arch: str) -> RunConfig:
    """Return the settings of an architecture's recipe, on the synthetic corpus."""
    named = {"arch": arch, "corpus": "synth", "scheme": "synth-4", "protocol": "leave-one-speaker-out"}
    return complete(named)


def untrained(arch: str) -> Bundle:
    """Make a bundle with random weights, always the same ones, for four classes."""
    config = recipe_of(arch)
    torch.manual_seed(0)
    network = build_network(arch, config.model, config.features, len(_CLASSES)).eval()
    one = Statistics(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))
    return Bundle(
        arch=arch,
        network=network,
        model=config.model,
        outputs=Outputs(_CLASSES),
        inputs=config.features,
        statistics=dict.fromkeys(config.features, one),
        segments=config.segments,
    )
