"""Random changes of the training data, one file for each augmentation; dev and test parts never change.

The stage of an augmentation is where it acts:

- ``variants``: each utterance in several variants of its features.
- ``samples``: on the audio at 16 kHz; features are computed again.
- ``features``: on an utterance's features, all inputs of the network at once, before they are
  standardised.
- ``standard``: on each input, standardised, so that zero is the training part's mean.
- ``batch``: on utterances that share a batch.

Random numbers depend only on seed, epoch and utterance, so that a resumed training uses the same ones as
an uninterrupted training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sercli import registry
from sercli.config import Config, require_settings
from sercli.errors import require_choice

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
            ``batch``: (utterances in the batch, random, config) to the partner of each, (batch,), and the
            share that it keeps of itself; an augmentation of the stage ``variants`` has no ``apply``.
        traces: whether continuous labels stay correct.
        warning: a limitation that its users should know.
        about_slopes: whether the warning is about features that hold slopes in time, and about no others.
        level_only: whether it changes only the level, which some features do not show.
        needs_bands: whether it changes only spectrograms, which have more than one band.

    Raises:
        ConfigError: there is no such stage, or the settings are of another kind.
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

    def __post_init__(self) -> None:
        require_settings("config", self.config, AugmentationConfig)
        require_choice("stage", self.stage, get_args(Stage))

    def warning_on(self, *, slopes: bool) -> str:
        """Return the warning if it applies to features with or without slopes in time, else an empty text."""
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
