"""The example of an architecture outside of the package keeps what architectures promise."""

import sys
from pathlib import Path

import pytest
import torch

import sercli.models
import sercli.training
from sercli.models import architecture_names, get_architecture
from sercli.training import get_recipe

OWN = Path(__file__).parent.parent / "examples/own"


@pytest.fixture
def entry(monkeypatch):
    for package, folder in ((sercli.models, "models"), (sercli.training, "training")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(OWN / folder)])
    assert "stats-pool" in architecture_names()
    return get_architecture("stats-pool")


def test_its_recipe_is_found(entry):
    assert get_recipe("stats-pool").training.selection == "best-dev-ua"


def test_padding_leaves_it_alone_and_every_weight_learns(entry):
    torch.manual_seed(0)
    network = entry.build(entry.shapes, 3, entry.config())
    example = entry.example(4)
    with torch.no_grad():
        together = network(**example)
        for row, frames in enumerate(example["mask"].sum(1).tolist()):
            alone = network(
                x=example["x"][row : row + 1, ..., :frames], mask=example["mask"][row : row + 1, :frames]
            )
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-5)
    network(**example).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_mean_and_deviation_by_hand(entry):
    network = entry.build(entry.shapes, 2, entry.config(channels=1))
    with torch.no_grad():
        for conv in (network.first, network.second):  # each passes the first channel's middle frame on
            conv.weight.zero_()
            conv.weight[0, 0, 2] = 1
            conv.bias.zero_()
    x = torch.zeros(1, 1, 40, 4)
    x[0, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 99.0])
    found = network.embed(x, torch.tensor([[True, True, True, False]]))
    torch.testing.assert_close(found, torch.tensor([[2.0, (2 / 3) ** 0.5]]), rtol=1e-5, atol=0)


NETWORK = '''
"""A packed LSTM that reads both ways."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sercli.config import Config
from sercli.models import Architecture


class PackedConfig(Config):
    """Settings."""

    cells: int = 8
    """Cells in each direction."""


class Packed(nn.Module):
    """Mean of the outputs of a packed LSTM."""

    def __init__(self, bands, classes, config):
        super().__init__()
        self.register_buffer("scale", torch.from_numpy(np.ones(bands, np.float32)))
        self.lstm = nn.LSTM(bands, config.cells, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * config.cells, classes)

    def embed(self, x, mask):
        lengths = mask.sum(1)
        x = x.flatten(1, 2).mT * self.scale
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return x.sum(1) / lengths[:, None]

    def forward(self, x, mask):
        return self.head(self.embed(x, mask))


ARCHITECTURE = Architecture(
    PackedConfig,
    lambda shapes, n, config: Packed(shapes["x"][0] * shapes["x"][1], n, config),
    inputs={"x": "logmel40"},
    shapes={"x": (1, 40)},
    example_frames=20,
    tasks=("classification",),
    source="a test",
)
'''
TRAINING = '''
"""Its training."""

from sercli.runs.training import TrainingConfig
from sercli.training import Recipe
from sercli.training._module import SERModule

RECIPE = Recipe(SERModule, TrainingConfig(max_epochs=2, batch_size=8), settings=())
'''


@pytest.fixture
def packed(monkeypatch, tmp_path):
    """A packed LSTM in a folder of its own."""
    for package, text in ((sercli.models, NETWORK), (sercli.training, TRAINING)):
        folder = tmp_path / "own" / package.__name__.rpartition(".")[2]
        folder.mkdir(parents=True)
        (folder / "packed_lstm.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    yield "packed-lstm"
    for name in ("sercli.models.packed_lstm", "sercli.training.packed_lstm"):
        sys.modules.pop(name, None)


def test_a_packed_lstm_from_elsewhere_goes_through_every_command(
    packed, small_workspace, tmp_path, command_line
):
    place = tmp_path / "workspace"
    place.mkdir()
    (place / "corpora").symlink_to(small_workspace.root / "corpora")
    at = ("--workspace", place)
    wav = next(small_workspace.root.parent.rglob("emodb/wav/*.wav"))

    def do(*arguments, status=0):
        found = command_line(*arguments)
        assert found[0] == status, found
        assert "Traceback" not in found[2]
        return found[1] + found[2]

    do("train", "--arch", packed, "--corpus", "emodb", "--scheme", "emodb-4", "--folds", "1-2", *at)
    assert "UA" in do("eval", "latest", *at)
    do("eval", "latest", "--insights", *at)
    assert "MACs and layers are not counted" in do("models", "show", packed)
    assert "uncounted" in do("models")
    told = do("export", "latest", tmp_path / "bundle", "--fold", "1", "--torch", *at)
    assert "note: no network.pt2: torch can't export 'packed-lstm'" in told
    assert not (tmp_path / "bundle" / "network.pt2").exists()
    assert "anger" in do("predict", tmp_path / "bundle", wav)


def test_a_study_that_holds_it_tells_every_row(packed, small_workspace, tmp_path, command_line):
    place = tmp_path / "workspace"
    place.mkdir()
    (place / "corpora").symlink_to(small_workspace.root / "corpora")
    study = tmp_path / "both.yaml"
    study.write_text(
        "title: both\non: [emodb-4]\nset: {training.max_epochs: 1}\nrows:\n"
        f"  - {{name: own, arch: {packed}}}\n"
        "  - {name: shipped, arch: cnnlstm, set: {model.filters: [2, 2, 2], model.hidden_size: 2}}\n"
    )
    do = ("ablate", study, "--fold", "1", "--workspace", place)
    status, _, error = command_line(*do, "--set", "model.cells=4")
    assert status == 1
    assert "row 'shipped', on emodb-4" in error
    assert "unknown setting 'cells'" in error
    assert not (place / "runs").exists()
    status, told, error = command_line(*do)
    assert (status, error.count("Traceback")) == (0, 0)
    assert "own" in told
    assert "shipped" in told
    status, _, error = command_line("report", study, "--workspace", place)
    assert (status, error.count("Traceback")) == (0, 0)
