"""Pretrained encoders of speech: find one, know its facts, load it.

An encoder is any that `transformers` loads as Whisper, wav2vec 2.0, HuBERT, WavLM, data2vec-audio, UniSpeech
or w2v-BERT. It is named by a folder, by a name on the Hugging Face Hub, or by a short name of `SHORT_NAMES`.

`sercli.encoders.finding` finds or downloads its files, `sercli.encoders.loading` reads them, and an
`sercli.encoders.encoder.Encoder` computes the states of its layers. `sercli.encoders.upper` trains the upper
layers further, and `sercli.encoders.copying` copies an encoder into the folder of a model. This module needs
none of their libraries.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from sercli.config import Config, spell

SHORT_NAMES: Mapping[str, str] = {
    "whisper-tiny": "openai/whisper-tiny",
    "whisper-tiny.en": "openai/whisper-tiny.en",
    "whisper-base": "openai/whisper-base",
    "whisper-small": "openai/whisper-small",
    "wavlm-base-plus": "microsoft/wavlm-base-plus",
    "wavlm-large": "microsoft/wavlm-large",
    "hubert-base": "facebook/hubert-base-ls960",
    "wav2vec2-base": "facebook/wav2vec2-base",
    "xls-r-300m": "facebook/wav2vec2-xls-r-300m",
    "data2vec-base": "facebook/data2vec-audio-base",
    "w2v-bert-2.0": "facebook/w2v-bert-2.0",
}
"""Names on the Hub of encoders that are used often, by short name."""


def _read_layers(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise ValueError(
            f"write all, or a list of layers from 0 such as [2, 3]; got {spell(value)}"
        ) from None


Layers = Annotated[
    Literal["all"] | tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1), WrapValidator(_read_layers)
]
"""Setting that chooses layers: all, or a list."""


class EncoderFacts(Config):
    """What is known of an encoder once its files were read.

    A run and a bundle record it, so that they can be read without the encoder, and never with another one.
    """

    tensors: str = Field(pattern="[0-9a-f]{16}")
    """Digest of the tensors by name, in half precision: a float32 file and a float16 file of the same weights
    have the same digest."""
    family: str
    """Family of the encoder, for example ``whisper``."""
    layers: int = Field(ge=1, le=1000)
    """Number of transformer layers."""
    size: int = Field(ge=1, le=100_000)
    """Values of a state."""
    licence: str | None = None
    """Licence of the weights, as their card states it; null if there is no card."""
    normalises: bool | None = None
    """Whether samples are brought to zero mean and unit variance before they are encoded; null for families
    that take spectra."""
    settings: str | None = Field(None, pattern="[0-9a-f]{16}")
    """Digest of the settings that decide what the tensors compute, such as the number of heads; null in
    records of earlier releases, and then not compared."""


EXAMPLE = EncoderFacts(tensors="0" * 16, family="whisper", layers=4, size=384)
"""Facts of an encoder of the size of Whisper tiny, for checks and lists before an encoder is read."""

EXTRACTORS = ("preprocessor_config.json", "processor_config.json")
"""Files that may hold the settings of the extractor of features; transformers prefers the second one."""

COPIED_BESIDE = (*EXTRACTORS, "README.md", "LICENSE")
"""Files that are copied with settings and weights of an encoder, if they exist."""


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """An encoder that a model needs, and the place where it is found.

    Attributes:
        model: a folder, a name on the Hugging Face Hub, or a short name.
        revision: branch, tag or commit on the Hub.
        facts: its facts.
    """

    model: str
    revision: str | None
    facts: EncoderFacts

    @property
    def is_folder(self) -> bool:
        """Whether the name of the encoder is a folder of this machine."""
        return Path(SHORT_NAMES.get(self.model, self.model)).expanduser().is_absolute() or (
            self.model.startswith(("./", "../"))
        )

    @property
    def name(self) -> str:
        """Name without the folders of this machine."""
        return Path(self.model).name if self.is_folder else self.model

    @property
    def licence(self) -> str:
        """Licence of the weights, in words where it is not stated."""
        return self.facts.licence or "not stated, see where you got the encoder"

    @property
    def folder(self) -> str:
        """Folder of the encoder below that of a model that holds it."""
        return f"encoders/{self.facts.tensors}"


_FILES = ("config.json", "model.safetensors", *COPIED_BESIDE)
_COPIED = re.compile(f"encoders/[0-9a-f]{{16}}/({'|'.join(map(re.escape, _FILES))})")


def is_file_of_encoder(name: str) -> bool:
    """Return whether a file of a model's folder, by its relative name, is one of an encoder inside it."""
    return _COPIED.fullmatch(name) is not None
