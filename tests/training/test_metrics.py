import numpy as np
import torch
from sklearn.metrics import recall_score

from sercli.training.metrics import UtteranceUA


def test_segments_of_one_utterance_are_averaged_by_hand():
    metric = UtteranceUA(2)
    # Utterance 0: class 0, its segments' probabilities of class 0 are 0.9 and 0.4, mean 0.65: right.
    # Utterance 1: class 1, of class 0 0.45 and 0.7, mean 0.575: wrong.
    probabilities = torch.tensor([0.9, 0.4, 0.45, 0.7])
    logits = torch.stack([probabilities, 1 - probabilities], 1).log()
    metric.update(logits[:3], torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]))
    metric.update(logits[3:], torch.tensor([1]), torch.tensor([1]))
    assert metric.compute().item() == 0.5


def test_whole_utterances_give_scikit_learns_mean_recall():
    random = torch.Generator().manual_seed(0)
    logits, target = torch.randn(60, 4, generator=random), torch.randint(3, (60,), generator=random)
    metric = UtteranceUA(4)  # of which one class is absent
    metric.update(logits, target, torch.arange(60))
    expected = recall_score(target, logits.argmax(1), average="macro", labels=np.arange(3))
    assert abs(metric.compute().item() - expected) < 1e-6
