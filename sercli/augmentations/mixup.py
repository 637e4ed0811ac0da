"""Mixup: utterances of a batch are mixed in pairs, and their labels too.

Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, section 2 and equation 2.
Departures: each utterance keeps the larger part of itself. Partners are drawn at random, so that the
pairs are as likely as in the paper.
"""

from typing import Any

import numpy as np
from pydantic import Field

from sercli.augmentations import Augmentation, AugmentationConfig


class MixupConfig(AugmentationConfig):
    """Settings of mixup."""

    alpha: float = Field(0.2, ge=0.01, le=100)
    """Both parameters of the beta distribution: the larger, the more evenly two utterances are mixed."""


def pair(
    utterances: int, random: np.random.Generator, config: MixupConfig
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], float]:
    """Draw the partner of each utterance, and the share that it keeps of itself.

    Args:
        utterances: how many are in the batch.
        random: draws the share, one for the batch, from Beta(alpha, alpha), and the partners.
        config: settings.

    Returns:
        Partners, a permutation, (utterances,), in which some may be their own; the share, 0.5 to 1.

    Source: Zhang et al., ICLR 2018, section 2.
    """
    share = float(random.beta(config.alpha, config.alpha))
    return random.permutation(utterances), max(share, 1 - share)


AUGMENTATION = Augmentation(
    MixupConfig,
    "batch",
    source="Zhang et al., ICLR 2018",
    apply=pair,
    warning="metrics of the training part are of mixed utterances: do not compare them with others",
)
