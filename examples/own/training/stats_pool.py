"""The training of the example network.

Cross-entropy weighted by class, Adam, the epoch with the best dev UA.

Source: made up for the documentation.
Open in the paper: nothing.
Departures: none.
"""

from sercli.runs.training import TrainingConfig
from sercli.training import Recipe, Setting
from sercli.training._module import SERModule


class StatsPoolModule(SERModule):
    """Train the example network; a loss of one's own would be a method `loss` here."""


RECIPE = Recipe(
    StatsPoolModule,
    TrainingConfig(lr=2e-3, batch_size=16, max_epochs=60, patience=15),
    settings=(Setting("emodb", "emodb-7", "leave-one-speaker-out"),),
)
