"""The training of DiCCOSER.

On classes: cross-entropy, RMSprop at 1e-4, batches of ten, early stopping on the dev part; three seconds
of each utterance, its last ones, padded at the front; in training half of them run backwards. On
continuous labels: one minus the concordance correlation, arousal's and valence's averaged, batches of
five windows of twenty seconds, one every four; tested on windows one after the other.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 3.3, 4.2.3
and 4.2.4.
Open in the paper: patience (here 20 epochs of at most 200), what the l2 penalty of 1e-4 is of (here of
every parameter, as RMSprop's weight decay), the decay of RMSprop's average (0.99, torch's own; the lecture
that the paper cites has 0.9), which end is trimmed (the front), what is monitored (UA, or the CCC of all
dev frames joined), of what the loss's CCC is (of a batch's frames joined).
Departures: none.
"""

from collections.abc import Mapping
from typing import Any

from sercli.data.segments import DICCOSER_RECOLA
from sercli.models.diccoser import DiCCOSERConfig
from sercli.records import TRACE_RATE
from sercli.runs.training import TrainingConfig
from sercli.training import Features, Recipe, Setting
from sercli.training._module import SERModule


class DiCCOSERModule(SERModule):
    """Train DiCCOSER on three seconds of each utterance, or on twenty seconds of a recording."""


def _features(model: DiCCOSERConfig) -> Features:
    """Say how the inputs are made: log-mel standardised, the waveform as it is."""
    length = {"duration_s": model.frames / TRACE_RATE if model.task == "classification" else None}
    if model.input == "raw":
        return {"x": {"statistics": "none"} | length}
    inputs: dict[str, Mapping[str, Any]] = {"x": {"statistics": "per-map"} | length}
    if model.stacked:
        inputs["wave"] = {"statistics": "none", "aggregate": model.aggregate} | length
    return inputs


RECIPE = Recipe(
    DiCCOSERModule,
    TrainingConfig(
        class_weights=False,
        optimizer="rmsprop",
        lr=1e-4,
        weight_decay=1e-4,
        batch_size=10,
        max_epochs=200,
        patience=20,
        selection="best-dev-ua",
    ),
    settings=(
        Setting("iemocap", "iemocap-impro4", "leave-one-session-out"),
        Setting("recola", "arousal-valence", "recola-5-fold"),
    ),
    features=_features,
    augment={"flip": {}},
    regression={
        "model": {"task": "regression", "frames": 500},
        "training": {"loss": "ccc", "batch_size": 5, "selection": "best-dev-ccc"},
        "segments": DICCOSER_RECOLA.to_dict(),
        "augment": {},
    },
)
