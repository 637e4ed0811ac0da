"""Try equation 10 of the attention pooling paper as written: four steps on eight recordings of EMO-DB.

Usage: python equation_10.py EMODB OUT.csv, with EMODB the folder of the corpus as distributed.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
import torch.nn.functional as F

from sercli.features import get_feature
from sercli.models.attpool import AttPool, AttPoolConfig

CLASSES = {"W": 0, "N": 1, "T": 2, "F": 3}  # anger, neutral, sadness, happiness
EACH = 2  # recordings of a class, of speaker 03
STEPS = 4
TRIED = (("softmax-sum", 0.05), ("mean", 0.05), *(("sum", rate) for rate in (0.05, 1e-3, 1e-5, 1e-6)))


def load(root: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the spectrograms of the first two seconds, (recordings, 1, bins, frames), and the classes."""
    feature = get_feature("spectrogram")
    config = feature.config()
    spectrograms, target = [], []
    for path in sorted(root.rglob("03*.wav")):
        label = CLASSES.get(path.stem[5])
        if label is None or target.count(label) == EACH:
            continue
        samples, _ = soundfile.read(path, dtype="float32")
        x = feature.extract(np.pad(samples, (0, 32_000))[:32_000], config)
        x = np.pad(x, ((0, 0), (0, 0), (0, 200 - x.shape[-1])))
        spectrograms.append(x if feature.finish is None else feature.finish(x, config))
        target.append(label)
    return torch.from_numpy(np.stack(spectrograms)), torch.tensor(target)


def main() -> None:
    """Write the loss and the spread of the logits before each step."""
    x, target = load(Path(sys.argv[1]))
    mask = torch.ones(len(x), x.shape[-1], dtype=torch.bool)
    rows = []
    for reduction, rate in TRIED:
        torch.manual_seed(0)
        network = AttPool(1, 4, AttPoolConfig(attention_reduction=reduction))
        optimizer = torch.optim.SGD(
            network.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        for step in range(STEPS):
            logits = network(x, mask)
            loss = F.cross_entropy(logits, target)
            rows.append((reduction, rate, step, f"{loss.item():.4g}", f"{logits.std().item():.4g}"))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with Path(sys.argv[2]).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("reduction", "rate", "step", "loss", "deviation_of_logits"))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
