"""The training of MelCNN.

Cross-entropy, Adam at 1e-3 falling to zero along half a cosine, 125 epochs, the last of which counts.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties (Adam, cross-entropy, 125 epochs).
Open in the paper: learning rate (here 1e-3), its course (a constant rate bounces by five points and more
from epoch to epoch, so that the last one is a lottery; a cosine calms it), batch size (32), where the
utterance lies within 3 s (silence trimmed at 30 dB, then centred; anywhere in training, by chance).
Departures: the plain setting is a constant rate, nothing trimmed or moved: ``--augment none --set
training.schedule=constant --set features.trim_db=null --set features.placement=start``.
"""

from sercli.runs.training import TrainingConfig
from sercli.training import Recipe, Setting
from sercli.training._module import SERModule


class MelCNNModule(SERModule):
    """Train MelCNN on mel spectrograms in decibels of three seconds."""


RECIPE = Recipe(
    MelCNNModule,
    TrainingConfig(
        class_weights=False,
        optimizer="adam",
        schedule="cosine",
        lr=1e-3,
        batch_size=32,
        max_epochs=125,
        patience=None,
        selection="last",
    ),
    settings=(Setting("ravdess", "ravdess-14", "ravdess-blind-22-24"),),
    features={"x": {"trim_db": 30.0, "placement": "centre"}},
    augment={"shift": {}},
)
