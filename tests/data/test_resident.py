import numpy as np
import torch

from sercli.data import Resident, UtteranceDataset
from sercli.data.segments import TraceCut
from sercli.statistics import fit


def arrays(*shape, lengths=(5, 2, 7)):
    random = np.random.default_rng(0)
    return [random.normal(size=(*shape, frames)).astype(np.float32) for frames in lengths]


def same(first, second):
    assert first.inputs.keys() == second.inputs.keys()
    assert all(torch.equal(x, second.inputs[name]) for name, x in first.inputs.items())
    for name in ("mask", "target", "rows", "utterances"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name


def test_its_batches_are_those_of_the_data_set():
    inputs = {"x": arrays(3, 4), "wave": arrays(1, lengths=(2, 1, 3))}
    statistics = {name: fit(found) for name, found in inputs.items()}
    dataset = UtteranceDataset(inputs, statistics, [0, 1, 2], ["a", "b", "b"], {"x": lambda x: 2 * x})
    resident = Resident(dataset, "cpu")
    assert len(resident) == 3
    for rows in ([0], [2, 1], [0, 1, 2]):
        same(resident[rows], dataset[rows])


def test_so_are_those_of_continuous_labels():
    cuts = [TraceCut(np.full((n, 2), n, np.float32), 0, n) for n in (2, 1, 3)]
    found = arrays(1)
    dataset = UtteranceDataset({"x": found}, {"x": fit(found)}, cuts, ["a", "b", "c"])
    batch, expected = Resident(dataset, "cpu")[[2, 0]], dataset[[2, 0]]
    same(batch, expected)
    assert torch.equal(batch.target_mask, expected.target_mask)
