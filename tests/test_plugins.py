"""Entries from outside the package, in a folder and installed: an architecture, a feature and a study."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sercli import registry
from sercli.augmentations import Augmentation, AugmentationConfig
from sercli.devices import number_format
from sercli.errors import ConfigError, PluginError, UnknownNameError
from sercli.features import get_feature
from sercli.features.shared.spectra import count_frames
from sercli.losses import value_loss
from sercli.models import NetworkConfig, Recipe, architecture_names, get_architecture
from sercli.protocols import get_protocol
from sercli.schemes import Scheme
from sercli.schemes.conditions import Condition
from sercli.segments import windows
from sercli.statistics import fit

OWN = Path(__file__).parent.parent / "examples/own"

NETWORK = '''
"""A packed LSTM that reads both ways.

Source: a test.
Open in the paper: the number of cells (8).
Departures: none.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sercli.models import Architecture, NetworkConfig, Recipe

from ._shared import mean


class PackedConfig(NetworkConfig):
    """Settings."""

    cells: int = 8
    """Cells in each direction."""


class Packed(nn.Module):
    """Mean of the outputs of a packed LSTM."""

    def __init__(self, bands, classes, config):
        super().__init__()
        self.lstm = nn.LSTM(bands, config.cells, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * config.cells, classes)

    def embed(self, speech, mask):
        lengths = mask.sum(1)
        x = speech.flatten(1, 2).mT
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return mean(x, lengths)

    def forward(self, speech, mask):
        return self.head(self.embed(speech, mask))


def module():
    from sercli.training import SERModule

    class PackedModule(SERModule):
        """Train the network."""

    return PackedModule


ARCHITECTURE = Architecture(
    PackedConfig,
    lambda shapes, n, config: Packed(shapes["speech"][0] * shapes["speech"][1], n, config),
    inputs={"speech": "bands"},
    shapes={"speech": (1, 20)},
    example_frames=20,
    tasks=("classification",),
    source="a test",
    recipe=Recipe(training={"max_epochs": 2, "batch_size": 8}),
    module=module,
)
'''
SHARED = """
def mean(x, lengths):
    return x.sum(1) / lengths[:, None]
"""
FEATURE = '''
"""Log-mel of the package with twenty bands."""

from dataclasses import replace

from sercli.features.logmel40 import FEATURE as LOGMEL40
from sercli.features.logmel40 import LogMel40Config


class BandsConfig(LogMel40Config):
    """Settings."""

    n_mels: int = 20
    """Bands."""


FEATURE = replace(LOGMEL40, config=BandsConfig, source="a test")
'''
STUDY = """
title: a packed LSTM beside a network of the package
source: a test
on: [emodb-4]
set: {training.max_epochs: 1}
rows:
  - {name: own, arch: packed-lstm}
  - {name: shipped, arch: cnnlstm, set: {model.filters: [2, 2, 2], model.hidden_size: 2}}
"""


def write_plugin(root):
    """Write a plug-in with one of each, below a folder."""
    files = {
        "models/packed_lstm.py": NETWORK,
        "models/_shared.py": SHARED,
        "features/bands.py": FEATURE,
        "studies/packed.yaml": STUDY,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of plug-ins, as ``--plugins`` names it."""
    found = write_plugin(tmp_path / "own")
    monkeypatch.setenv(registry.VARIABLE, "")
    registry.add_folder(found)
    return found


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The same as an installed distribution of the package ``packed_ser``."""
    site = tmp_path / "site-packages"
    write_plugin(site / "packed_ser")
    info = site / "packed_ser-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packed-ser\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[sercli.plugins]\npacked = packed_ser\n")
    monkeypatch.syspath_prepend(site)
    _forget()
    yield "packed-ser 0.1"
    for name in [name for name in sys.modules if name.startswith("packed_ser")]:
        sys.modules.pop(name)
    monkeypatch.undo()
    _forget()


def _forget():
    for cached in (registry._entry_points, registry._installed, registry._plugins, registry._list_entries):
        cached.cache_clear()


def test_entries_of_a_folder_are_found(folder):
    assert "packed-lstm" in architecture_names()
    assert get_architecture("packed-lstm").recipe.training["max_epochs"] == 2
    assert get_feature("bands").config().n_mels == 20
    assert registry.plugin_of("sercli.models", "packed-lstm") == str(folder)
    assert registry.plugin_of("sercli.models", "mdcnn") is None
    assert registry.data_files("sercli.studies", ".yaml")["packed"] == folder / "studies/packed.yaml"


def test_entries_of_an_installed_package_are_found(installed):
    assert get_architecture("packed-lstm").source == "a test"
    assert get_architecture("packed-lstm").config.__module__ == "packed_ser.models.packed_lstm"
    assert registry.plugin_of("sercli.features", "bands") == installed


def test_without_the_plugin_the_name_is_unknown():
    with pytest.raises(UnknownNameError, match=r"sercli\.models has no 'packed-lstm'"):
        get_architecture("packed-lstm")


def test_a_name_that_exists_is_refused(folder):
    (folder / "models/mdcnn.py").write_text("")
    _forget()
    with pytest.raises(ConfigError, match=r"own/models/mdcnn\.py: 'mdcnn' is already defined by .*rename"):
        architecture_names()
    (folder / "models/mdcnn.py").unlink()
    _forget()


def test_a_file_without_its_constant_says_what_is_missing(folder):
    (folder / "models/empty.py").write_text("")
    _forget()
    with pytest.raises(ConfigError, match=r"empty\.py: ARCHITECTURE is missing; define it as a sercli"):
        get_architecture("empty")


def test_a_folder_that_is_missing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="absent: no such folder of plug-ins"):
        architecture_names()


def test_an_entry_point_without_its_package_is_reported_and_stops_nothing(tmp_path, monkeypatch):
    info = tmp_path / "gone-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gone\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[sercli.plugins]\ngone = gone_ser\n")
    monkeypatch.syspath_prepend(tmp_path)
    _forget()
    assert "mdcnn" in architecture_names()
    (reason,) = registry.missing_packages()
    assert reason.startswith("plug-in 'gone 2.0': there is no package 'gone_ser'; install")
    monkeypatch.undo()
    _forget()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "x = 1\ndef (",
            r"broken\.py:2: the plug-in can't be imported \(SyntaxError: .*\); correct",
        ),
        ("import no_such_module", r"broken\.py:1: .*ModuleNotFoundError.*; install the module in the same"),
        ("\n\n1 / 0", r"broken\.py:3: .*ZeroDivisionError: division by zero\)"),
    ],
)
def test_a_plugin_whose_code_fails_names_the_line_and_the_others_are_listed(
    folder, code, message, command_line
):
    (folder / "models/broken.py").write_text(code)
    _forget()
    with pytest.raises(PluginError, match=message):
        get_architecture("broken")
    status, out, err = command_line("models")
    assert (status, "packed-lstm" in out, "mdcnn" in out) == (0, True, True)
    assert err.count("\n") == 1
    assert "note: 'broken' is left out" in err
    (folder / "models/broken.py").unlink()
    _forget()


def test_one_folder_may_be_spelled_in_two_ways(folder, monkeypatch):
    monkeypatch.chdir(folder)
    registry.add_folder(f"../{folder.name}")
    assert "packed-lstm" in architecture_names()


def test_a_run_that_needs_a_plugin_names_it(tmp_path, command_line):
    settings = tmp_path / "config.yaml"
    settings.write_text("arch: packed-lstm\nprovenance: {plugins: {arch packed-lstm: packed 1.0}}\n")
    status, _, err = command_line("train", "--config", settings, "--workspace", tmp_path)
    assert status == 1
    assert "it needs the plug-in packed 1.0: install it, or name its folder with --plugins" in err


@pytest.fixture
def place(small_workspace, tmp_path):
    """A workspace of its own with the corpora of the shared one."""
    found = tmp_path / "workspace"
    found.mkdir()
    (found / "corpora").symlink_to(small_workspace.root / "corpora")
    return found


@pytest.mark.slow
def test_a_packed_lstm_from_a_folder_goes_through_every_command(
    folder, place, small_workspace, tmp_path, command_line, monkeypatch
):
    at = ("--workspace", place)
    wav = next(small_workspace.root.parent.rglob("emodb/wav/*.wav"))

    def do(*arguments, status=0):
        found = command_line(*arguments)
        assert found[0] == status, found
        assert "Traceback" not in found[2]
        return found[1] + found[2]

    chosen = ("--arch", "packed-lstm", "--corpus", "emodb", "--scheme", "emodb-4")
    do("train", *chosen, "--folds", "1-2", "--jobs", "2", *at)
    (config,) = place.glob("runs/*/fold-01/seed-0/config.yaml")
    assert "models/packed-lstm" in config.read_text()
    assert "UA" in do("eval", "latest", *at)
    assert "no picture 'channels'" in do("eval", "latest", "--insights", *at)
    assert "MACs and layers are not counted" in do("models", "show", "packed-lstm")
    assert "packed-lstm" in do("models")
    exported = do("export", "latest", tmp_path / "bundle", "--fold", "1", "--torch", *at)
    assert "note: no network.pt2: torch can't export 'packed-lstm'" in exported
    assert not (tmp_path / "bundle" / "network.pt2").exists()
    assert "anger" in do("predict", tmp_path / "bundle", wav)
    monkeypatch.setenv(registry.VARIABLE, "")
    refused = do("predict", tmp_path / "bundle", wav, status=1)
    assert f"needs the plug-in {folder}" in refused
    assert "UA" in do("eval", "latest", *at)  # a report is made from the run's folder alone


@pytest.mark.slow
def test_a_study_of_a_plugin_is_reported(installed, place, command_line):
    do = ("ablate", "packed", "--fold", "1", "--workspace", place)
    status, _, error = command_line(*do, "--set", "model.cells=4")
    assert status == 1
    assert "row 'shipped', on emodb-4" in error
    assert "unknown setting 'cells'" in error
    status, printed, error = command_line(*do)
    assert (status, error.count("Traceback")) == (0, 0)
    assert "own" in printed
    assert "shipped" in printed
    status, _, error = command_line("report", "packed", "--workspace", place)
    assert (status, error.count("Traceback")) == (0, 0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: Augmentation(AugmentationConfig, "sample", "a test"),
            "stage='sample': use variants, samples, features, standard or batch",
        ),
        (
            lambda: Augmentation(NetworkConfig, "samples", "a test"),
            "config=NetworkConfig: use a class that extends sercli.augmentations.AugmentationConfig",
        ),
        (
            lambda: replace(get_architecture("mlp"), config=dict),
            "config=dict: use a class that extends sercli.models.NetworkConfig",
        ),
        (
            lambda: replace(get_architecture("mlp"), tasks=("classifier",)),
            "tasks='classifier': use classification or regression",
        ),
        (lambda: replace(get_architecture("mlp"), tasks=()), "tasks=None: use classification or regression"),
        (
            lambda: Recipe(by_task={"dimension": {}}),
            "by_task='dimension': use classification, regression, dimensions or classes-and-dimensions",
        ),
        (
            lambda: replace(get_feature("logmel"), config=NetworkConfig),
            "config=NetworkConfig: use a class that extends sercli.features.FeatureConfig",
        ),
        (
            lambda: Scheme("mine", None, None, labels="vote"),
            "labels='vote': use corpus, majority, plurality or votes",
        ),
        (lambda: Condition("stile", ("improvised",)), "field='stile': use id, corpus, "),
        (
            lambda: replace(get_protocol("leave-one-speaker-out"), unknown_speakers="ignore"),
            "unknown_speakers='ignore': use error, train or drop",
        ),
        (lambda: fit([], "per-frame"), "scope='per-frame': use scalar, per-map, "),
        (lambda: number_format("fp16"), "precision='fp16': use 32-true, bf16-mixed or 16-mixed"),
        (
            lambda: value_loss(torch.zeros(1, 1), torch.zeros(1, 1), "rmse"),
            "kind='rmse': use ccc, mse or mae",
        ),
        (lambda: windows(9, 4, 2, "keep"), "tail='keep': use drop, align or pad"),
        (lambda: count_frames(9, 4, 2, "all"), "framing='all': use whole, filled, every or centred"),
    ],
)
def test_a_misspelled_choice_is_refused_where_it_is_made(make, told):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(told)
