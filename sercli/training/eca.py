"""The training of ECA-CNN.

Weighted focal loss, Adam at 1e-3 falling to zero along half a cosine, 150 epochs, the last of which
counts: the paper's random folds have no dev part.

Source: the ECA-CNN paper (arXiv 2409.04007), sections IV-D and V-C.
Open in the paper: gamma (here 2, the focal loss's default), learning rate and weight decay (1e-3 and
1e-6, as in the code of a CNN that it cites), the course of the rate ("initial learning rates and decay
rates", whose values are lost: a falling rate, here a cosine; a constant rate makes the last epoch a
lottery, ``training.schedule=constant``), the weights' scale (mean one), normalisation (one mean and
deviation of the training part), which epoch counts (the last).
Departures: none.
"""

from sercli.runs.training import TrainingConfig
from sercli.training import Recipe, Setting
from sercli.training._module import SERModule


class ECAModule(SERModule):
    """Train ECA-CNN on log-mel spectrograms of six seconds."""


RECIPE = Recipe(
    ECAModule,
    TrainingConfig(
        loss="focal",
        focal_gamma=2.0,
        class_weights=True,
        optimizer="adam",
        schedule="cosine",
        lr=1e-3,
        weight_decay=1e-6,
        batch_size=32,
        max_epochs=150,
        patience=None,
        selection="last",
    ),
    settings=(Setting("iemocap", "iemocap-impro4-merged", "iemocap-impro4-merged-random5"),),
    features={"x": {"statistics": "scalar"}},
)
