"""Training data varied by chance, one file per augmentation; dev and test parts never are.

Where an augmentation acts is its stage:

- ``variants``: each utterance in several variants of its features.
- ``samples``: on the audio at 16 kHz; features are computed again.
- ``features``: on an utterance's features, all inputs of the network at once, before they are
  standardised.
- ``standard``: on each input, standardised, so that zero is the training part's mean.
- ``batch``: on utterances that share a batch.

Chance is drawn from seed, epoch and utterance alone, so that a training that is resumed sees what it
would have seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sercli import registry
from sercli.config import Config

Stage = Literal["variants", "samples", "features", "standard", "batch"]


class AugmentationConfig(Config):
    """Settings of an augmentation, and the answers that the rest of the package needs from them."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants of a feature that utterances are trained in; none for most augmentations."""
        return ()

    @property
    def tested_variant(self) -> str | None:
        """Variant of the dev and test parts, where there are variants."""
        return None

    @property
    def draws_variant(self) -> bool:
        """Whether an epoch holds each utterance in one variant, drawn by chance, and not in all of them."""
        return False


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A way to vary the training data.

    Attributes:
        config: its settings.
        stage: where it acts.
        source: who proposed it.
        apply: what it does, by stage:
            ``samples``: (samples (n,) float32, random, config) to samples of any length;
            ``features``: (features by input, (*shape, frames); value of silence by input, a number or
            (*shape, 1); random, config) to features by input, of the same shapes;
            ``standard``: (features (*shape, frames), frames that are valid, random, config) to the same
            shape;
            ``batch``: (utterances in the batch, random, config) to each one's partner, (batch,), and the
            share that it keeps of itself; ``variants`` has none.
        traces: whether it leaves continuous labels true.
        warning: what whoever uses it should know.
        about_slopes: whether the warning is about features that hold slopes in time, and about no others.
        level_only: whether it changes only the level, which some features do not show.
        needs_bands: whether it changes only spectrograms, which have more than one band.
    """

    config: type[AugmentationConfig]
    stage: Stage
    source: str
    apply: Callable[..., Any] | None = None
    traces: bool = False
    warning: str = ""
    about_slopes: bool = False
    level_only: bool = False
    needs_bands: bool = False

    def warning_on(self, *, slopes: bool) -> str:
        """Return the warning if it is about a network's features, which hold slopes in time or do not."""
        return self.warning if slopes or not self.about_slopes else ""


def augmentation_names() -> list[str]:
    """List the augmentations."""
    return registry.names(__name__)


def get_augmentation(name: str) -> Augmentation:
    """Return an augmentation by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "AUGMENTATION", Augmentation)
