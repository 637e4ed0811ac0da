"""The training of MDCNN.

ArcFace loss where the network has a cosine head, else cross-entropy, weighted by class
(r_c = alpha N / N_c); a triangular cyclical learning rate whose half-cycle is an epoch; the epoch
with the best dev UA is kept.

Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Experiments".
Open in the paper: optimiser (here Adam), batch size (32), limits of the learning rate (1e-5 and
1e-3), alpha (one over the number of classes), number of epochs (at most 100, 20 without a better
dev UA).
Departures: none.
"""

from torch import Tensor

from sercli.config import Config
from sercli.losses.arcface import arcface_loss
from sercli.models._heads import CosineHead
from sercli.runs.training import TrainingConfig
from sercli.training import Recipe, Setting
from sercli.training._module import SERModule


class MDCNNModule(SERModule):
    """Train MDCNN on 3D log-mel spectrograms of whole utterances."""

    @classmethod
    def loss_settings(cls, network: Config) -> frozenset[str]:
        """Name the settings that `loss` reads: ArcFace's for a cosine head."""
        if getattr(network, "head", None) == "arcface":
            return frozenset({"arcface_margin", "arcface_easy_margin"})
        return frozenset({"loss", "focal_gamma"})

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the ArcFace loss for a cosine head, cross-entropy for any other, a scalar."""
        head = self.network.head
        if not isinstance(head, CosineHead):
            return super().loss(logits, target)
        return arcface_loss(
            logits,
            target,
            margin=self.training_config.arcface_margin,
            scale=head.scale,
            easy_margin=self.training_config.arcface_easy_margin,
            weight=self.class_weights,
        )


RECIPE = Recipe(
    MDCNNModule,
    TrainingConfig(
        class_weights=True,
        optimizer="adam",
        schedule="cyclical",
        lr=1e-3,
        lr_min=1e-5,
        batch_size=32,
        max_epochs=100,
        patience=20,
        selection="best-dev-ua",
    ),
    settings=(
        Setting("iemocap", "iemocap-impro4", "iemocap-impro4-speaker10"),
        Setting("emodb", "emodb-7", "leave-one-speaker-out"),
    ),
)
