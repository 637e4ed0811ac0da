"""Train MDCNN in a plain Lightning script, with your own data module.

Networks, losses and batches are those of sercli; corpus, features and trainer are your own. Here the
recordings are made by `sercli prepare synth`, which needs no download:

    python examples/plain_lightning.py
"""

import tempfile
from pathlib import Path

import lightning as L
import numpy as np
from torch.utils.data import DataLoader

from sercli import audio
from sercli.data import UtteranceDataset
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.features import logmel3d
from sercli.manifest import read
from sercli.models.mdcnn import ARCHITECTURE, MDCNN, MDCNNConfig
from sercli.preparation import prepare
from sercli.runs.training import TrainingConfig
from sercli.statistics import fit
from sercli.training import SERModule
from sercli.workspace import Workspace

CLASSES = ["anger", "happiness", "neutral", "sadness"]


class MyData(L.LightningDataModule):
    """Two speakers to train on, another one for development."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.folder = workspace.corpus("synth")

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Compute the features, and mean and deviation of the training part."""
        utterances = [u for u in read(self.folder / "manifest.jsonl") if u.emotion in CLASSES]
        arrays = {u.id: self.features(u.file) for u in utterances}
        train = [u for u in utterances if u.speaker in {"F01", "M01"}]
        dev = [u for u in utterances if u.speaker == "F02"]
        statistics = {"x": fit([arrays[u.id] for u in train])}
        self.train, self.dev = (
            UtteranceDataset(
                {"x": [arrays[u.id] for u in part]},
                statistics,
                [CLASSES.index(str(u.emotion)) for u in part],
                [u.id for u in part],
            )
            for part in (train, dev)
        )

    def features(self, file: str) -> np.ndarray:
        """Compute (3, mels, frames): log-mel, its slope and its curvature."""
        return logmel3d.extract(audio.read(self.folder / file), logmel3d.LogMel3DConfig())

    def train_dataloader(self) -> DataLoader:
        """Batches of similar length."""
        sampler = BucketSampler(self.train.lengths, batch_size=16, seed=0)
        return DataLoader(self.train, batch_size=None, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        """Batches of the development part."""
        return DataLoader(self.dev, batch_size=None, sampler=sorted_batches(self.dev.lengths, 16))


def main() -> None:
    """Train a small MDCNN for a few epochs."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        prepare("synth", None, workspace)
        L.seed_everything(0, verbose=False)
        network = MDCNN(3, len(CLASSES), MDCNNConfig(filters=16, blocks=2, attention=False))
        module = SERModule(network, len(CLASSES), TrainingConfig(**ARCHITECTURE.recipe.training))
        trainer = L.Trainer(
            accelerator="cpu",
            max_epochs=3,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        trainer.fit(module, MyData(workspace))
        print(f"dev UA {100 * float(trainer.callback_metrics['dev_ua']):.1f} %")


if __name__ == "__main__":
    main()
