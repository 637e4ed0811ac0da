"""STFT data augmentation: each utterance in features of several window lengths.

All variants of an utterance belong to the same part. The training part has several variants, the test part
only one.

Source: the ECA-CNN paper, arXiv 2409.04007, figures 10 and 11.
Open in the paper: whether an epoch holds every variant of every utterance (here it does).
Departures: none.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from sercli.augmentations import Augmentation, AugmentationConfig

VARIANTS = ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8")
"""Variants of `logmel`: windows of 15 to 50 ms."""

Name = Annotated[str, Field(min_length=1)]


class StftMultiConfig(AugmentationConfig):
    """Settings of training on several variants of a feature."""

    train: tuple[Name, ...] = VARIANTS
    """Variants of the feature that are trained on."""
    test: Name = "v8"
    """Variant of the dev and test parts, and of all recordings that the network is applied to."""
    each: Literal["all", "random"] = "all"
    """Whether an epoch holds each utterance in all variants, or in one that is drawn for the epoch."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: with one variant there is nothing to draw."""
        return {"each": "one variant in train"} if len(self.train) == 1 else {}

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants of a feature that utterances are trained in."""
        return self.train

    @property
    def tested_variant(self) -> str:
        """Variant of the dev and test parts."""
        return self.test

    @property
    def draws_variant(self) -> bool:
        """Whether an epoch holds each utterance in one variant, drawn by chance, and not in all of them."""
        return self.each == "random"

    @field_validator("train")
    @classmethod
    def _check(cls, train: tuple[str, ...]) -> tuple[str, ...]:
        if not train:
            raise ValueError("name at least one variant, such as v8")
        twice = sorted({name for name in train if train.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice; leave one out")
        return train


def _grow(variants: tuple[str, ...]) -> dict[str, StftMultiConfig]:
    """Test on the first variant; train on it alone, then with the second one, and so on."""
    first = variants[0]
    return {
        first if name == first else f"{first}-{name}": StftMultiConfig(train=variants[:count], test=first)
        for count, name in enumerate(variants, start=1)
    }


ASCENDING = _grow(VARIANTS)
"""The paper's figure 10: v1, v1-v2, ..., v1-v8, tested on v1."""
DESCENDING = _grow(VARIANTS[::-1])
"""The paper's figure 11: v8, v8-v7, ..., v8-v1, tested on v8."""

AUGMENTATION = Augmentation(
    StftMultiConfig,
    "variants",
    source="ECA-CNN, arXiv 2409.04007",
    warning="for features with variants (logmel); with each=all an epoch is as many times longer as there "
    "are variants",
)
