"""The training of CNN-LSTM.

Everything is as the network trains that it is compared with, DiCCOSER: on classes three seconds of each
utterance, on continuous labels windows of twenty.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 4.2.4 and
5.2.
Open in the paper: patience (here 20 epochs of at most 200), what the l2 penalty of 1e-4 is of (here of
every parameter, as RMSprop's weight decay), the decay of RMSprop's average (0.99, torch's own; the lecture
that the paper cites has 0.9), which end is trimmed (the front), what is monitored (UA, or the CCC of all
dev frames joined), of what the loss's CCC is (of a batch's frames joined).
Departures: none.
"""

from dataclasses import replace

from sercli.models.cnnlstm import CNNLSTMConfig
from sercli.training import Features, diccoser
from sercli.training._module import SERModule


class CNNLSTMModule(SERModule):
    """Train CNN-LSTM on three seconds of each utterance, or on twenty seconds of a recording."""


def _features(model: CNNLSTMConfig) -> Features:
    """Say how the input is made: log-mel standardised, the waveform as it is."""
    statistics = "none" if model.input == "raw" else "per-map"
    return {"x": {"statistics": statistics, "duration_s": 3.0 if model.task == "classification" else None}}


RECIPE = replace(
    diccoser.RECIPE,
    module=CNNLSTMModule,
    features=_features,
    regression={**diccoser.RECIPE.regression, "model": {"task": "regression"}},  # any number of frames
)
