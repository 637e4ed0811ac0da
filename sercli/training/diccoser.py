"""The training of DiCCOSER on classes.

Cross-entropy, RMSprop at 1e-4, early stopping on the dev part; three seconds of each utterance, its
last ones, padded at the front.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 4.
Open in the paper: patience (here 20 epochs of at most 200), what the l2 penalty of 1e-4 is of (here of
every parameter, as RMSprop's weight decay), which end is trimmed (the front), what is monitored (UA).
Departures: none.
"""

from collections.abc import Mapping
from typing import Any

from sercli.runs.config import TrainingConfig
from sercli.training import Features, Recipe, Setting
from sercli.training._module import SERModule


class DiCCOSERModule(SERModule):
    """Train DiCCOSER on three seconds of each utterance."""


def _features(model: Mapping[str, Any]) -> Features:
    """Say how the inputs are made: three seconds, log-mel standardised, the waveform as it is."""
    if model.get("input", "raw") == "raw":
        return {"x": {"statistics": "none", "duration_s": 3.0}}
    inputs: dict[str, Mapping[str, Any]] = {"x": {"statistics": "per-map", "duration_s": 3.0}}
    if model.get("variant", "d") != "a":
        aggregate = "rms" if model.get("variant", "d") == "d" else "max"
        inputs["wave"] = {"statistics": "none", "duration_s": 3.0, "aggregate": aggregate}
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
    settings=(Setting("iemocap", "iemocap-impro4", "leave-one-session-out"),),
    features=_features,
)
