"""Entries from outside the package, in a folder and installed: an architecture, a feature and a study."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sercli import registry
from sercli.augmentations import Augmentation, AugmentationConfig
from sercli.bundle import Bundle, build_network
from sercli.corpora import get_corpus
from sercli.devices import number_format
from sercli.errors import ConfigError, PluginError, RunError, UnknownNameError
from sercli.features import get_feature
from sercli.features.shared.spectra import count_frames
from sercli.losses import value_loss
from sercli.models import NetworkConfig, Recipe, architecture_names, get_architecture
from sercli.plugin_code import CodeDigest, digest_code
from sercli.protocols import get_protocol
from sercli.runs.features import FeatureChoice
from sercli.schemes import Scheme, get_scheme, scheme_names
from sercli.schemes.conditions import Condition
from sercli.segments import windows
from sercli.statistics import Statistics, fit
from sercli.tasks import Outputs
from sercli.training.settings import complete

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
    registry._code.clear()


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
    with pytest.raises(UnknownNameError, match=r"the list of architectures has no 'packed-lstm'"):
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


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        ("ARCHITECTURE = {}", "of type dict"),
        ("from sercli.models import Architecture as ARCHITECTURE", "the class Architecture"),
        ("ARCHITECTURE = None", "of type NoneType"),
    ],
)
def test_a_constant_of_another_type_is_not_called_missing(folder, code, fact):
    (folder / "models/other.py").write_text(code)
    _forget()
    with pytest.raises(
        PluginError, match=rf"other\.py: ARCHITECTURE is {fact}; define it as a sercli\.models"
    ):
        get_architecture("other")


@pytest.mark.parametrize(
    ("code", "file"),
    [
        ("from ._absent import x", "models/_absent.py"),
        ("from ..absent.deep import x", "absent.py"),
        ("from ..features.absent import x", "features/absent.py"),
    ],
)
def test_a_file_that_a_plugin_lacks_is_named(folder, code, file):
    (folder / "models/lacking.py").write_text(code)
    _forget()
    with pytest.raises(
        PluginError, match=rf"lacking\.py:1: .*: there is no {folder / file}; add the file, or"
    ):
        get_architecture("lacking")


def test_a_folder_inside_that_of_a_plugin_is_refused(folder, command_line):
    status, _, err = command_line("--plugins", folder / "models", "corpora")
    assert status == 1
    assert "models: holds none of models/, features/, corpora/" in err


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


CORPUS = """
from sercli.corpora import Corpus
from sercli.schemes import Scheme, keep

CORPUS = Corpus(
    lambda root: 1 / 0, "t", "s", "l", "a.wav", hours=HOURS, schemes=(Scheme(NAME, "faulty", keep("anger")),)
)
"""


def write_corpus(folder, *, scheme="faulty-1", hours=1.0):
    """Write a plug-in's corpus whose reader fails."""
    path = folder / "corpora/faulty.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(CORPUS.replace("NAME", repr(scheme)).replace("HOURS", repr(hours)))
    _forget()
    return path


@pytest.mark.parametrize(
    ("scheme", "hours", "lacking"),
    [("four", 1.0, ["corpora", "protocols"]), ("faulty-1", "many", ["corpora"])],
)
def test_a_faulty_corpus_is_left_out_of_lists_and_stops_nothing_else(
    folder, command_line, scheme, hours, lacking
):
    write_corpus(folder, scheme=scheme, hours=hours)
    for command in lacking:
        status, out, err = command_line(command)
        assert (status, "ravdess" in out) == (0, True)
        assert re.fullmatch(r"note: 'faulty' is left out: .*/corpora/faulty\.py.*; correct the .*\n", err)
    assert "emodb-7" in scheme_names()
    with pytest.raises(UnknownNameError, match=r"no 'emodb-77'; did you mean emodb-7"):
        get_scheme("emodb-77")


def test_a_faulty_corpus_that_is_named_leads_to_its_file(folder):
    write_corpus(folder, scheme="four")
    with pytest.raises(
        PluginError, match=r"faulty\.py: the plug-in can't be used \(TypeError: 'four' must be"
    ):
        get_corpus("faulty")
    with pytest.raises(PluginError, match=r"faulty\.py"):
        get_scheme("faulty-1")


def test_the_reader_of_a_plugin_that_fails_does_not_stop_the_search_for_another_corpus(
    folder, command_line, tmp_path, build_emodb
):
    write_corpus(folder)
    wrong = build_emodb("03a01Fa")
    status, _, err = command_line("prepare", "savee", wrong, "--workspace", tmp_path / "w")
    assert status == 1
    assert "not corpus 'savee' but 'emodb'" in err


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('{"speech": "bands"}', '{"speech": "no-bands"}', r"the list of kinds of features has no 'no-bands'"),
        ("lambda shapes, n, config:", "lambda shapes, n:", r"the plug-in can't be used \(TypeError: "),
        ("NetworkConfig)", "object)", r"config=PackedConfig: use a class that extends sercli\.models\.Netw"),
        ("import torch\n", "import sys; sys.exit(3)\n", r"the plug-in can't be imported \(SystemExit: 3"),
    ],
)
def test_an_architecture_that_can_not_be_described_is_left_out_of_the_list(
    folder, command_line, old, new, fact
):
    assert old in NETWORK
    (folder / "models/faulty.py").write_text(NETWORK.replace(old, new))
    _forget()
    status, out, err = command_line("models")
    assert (status, "packed-lstm" in out, "faulty" in out) == (0, True, False)
    assert re.fullmatch(rf"note: 'faulty' is left out: .*/models/faulty\.py(:\d+)?: {fact}.*\n", err)


def test_a_feature_that_can_not_be_described_is_left_out_of_the_list(folder, command_line):
    (folder / "features/faulty.py").write_text(FEATURE.replace("config=BandsConfig", "shape=None"))
    _forget()
    status, out, err = command_line("features", "kinds")
    assert (status, "bands: " in out, "faulty" in out) == (0, True, False)
    assert re.fullmatch(r"note: 'faulty' is left out: .*/features/faulty\.py: .*TypeError.*\n", err)


@pytest.mark.parametrize(
    "fault", ["not named", "x = (", "FEATURE = 1", "def shape(config): return config.no"]
)
def test_the_features_of_a_plugin_that_is_not_found_are_kept(folder, place, command_line, monkeypatch, fault):
    monkeypatch.delitem(sys.modules, get_feature("bands").config.__module__)
    store = place / "features/bands-v1-0123456789ab"
    store.mkdir(parents=True)
    (store / "feature.json").write_text('{"kind": "bands", "version": 1, "config": {}}')
    if fault == "not named":
        monkeypatch.setenv(registry.VARIABLE, "")
    else:
        broken = f"{FEATURE}\n{fault}\nFEATURE = FEATURE and replace(FEATURE, shape=shape)\n"
        (folder / "features/bands.py").write_text(broken)
    for command in ("ls", "verify", "prune"):
        status, out, _ = command_line("features", command, "--workspace", place)
        (line,) = (line for line in out.splitlines() if "unknown here" in line)
        assert (status, "no prepared corpus" in out, line.count("prune --unknown` removes")) == (0, False, 1)
        assert ("bands.py" in line) == (fault != "not named")
    assert line.startswith("kept bands-v1-0123456789ab: kind 'bands' is unknown here")
    assert store.exists()
    status, out, _ = command_line("features", "prune", "--unknown", "--workspace", place)
    assert (status, "removed bands-v1" in out, store.exists()) == (0, True, False)


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


def test_a_change_of_the_code_is_a_change_of_the_digest(folder, monkeypatch):
    def digests():
        registry._code.clear()
        return registry.code_digests([("models", "packed-lstm"), ("features", "bands"), ("models", "mdcnn")])

    def replace(file, old, new):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))

    before = digests()
    assert before.keys() == {"models/packed-lstm", "features/bands"}
    replace("models/packed_lstm.py", "A packed LSTM that", "An LSTM, packed, that")  # a docstring
    replace("models/packed_lstm.py", "cells: int = 8", "cells: int  =  8  # cells")
    assert digests() == before
    replace("models/_shared.py", "x.sum(1)", "x.amax(1)")  # imported by the network
    imported = digests()
    assert imported["models/packed-lstm"] != before["models/packed-lstm"]
    assert imported["features/bands"] == before["features/bands"]
    replace("models/packed_lstm.py", "cells: int", "cells: float")
    assert digests()["models/packed-lstm"] not in {each["models/packed-lstm"] for each in (before, imported)}


def test_the_digest_is_that_of_the_code_that_was_imported(folder):
    registry._code.clear()
    get_feature("bands")
    (folder / "features/bands.py").write_text(FEATURE.replace("= 20", "= 30"))  # edited in a running notebook
    imported = registry.code_digests([("features", "bands")])
    with pytest.raises(
        PluginError, match=r"features/bands\.py: its code.* has changed since.*; restart Python"
    ):
        registry.check_unchanged([("models", "mdcnn"), ("features", "bands")])
    registry._code.clear()
    registry.check_unchanged([("features", "bands")])
    assert registry.code_digests([("features", "bands")]) != imported


def test_code_that_can_not_be_parsed_has_a_digest(folder):
    (folder / "models/_shared.py").write_text("def (")
    registry._code.clear()
    before = registry.code_digests([("models", "packed-lstm")])
    (folder / "models/_shared.py").write_text("def ((")
    registry._code.clear()
    assert registry.code_digests([("models", "packed-lstm")]) != before


def test_the_digest_covers_what_an_installed_plugin_imports_by_its_full_name(installed, tmp_path):
    models = tmp_path / "site-packages/packed_ser/models"
    network = models / "packed_lstm.py"
    network.write_text(network.read_text().replace("from ._shared", "from packed_ser.models._shared"))
    registry._code.clear()
    before = registry.code_digests([("models", "packed-lstm")])
    (models / "_shared.py").write_text(SHARED.replace("sum", "amax"))
    registry._code.clear()
    assert registry.code_digests([("models", "packed-lstm")]) != before


@pytest.mark.parametrize(
    ("code", "file"),
    [
        ("import layers_of_mine", "elsewhere/layers_of_mine.py"),
        ("from labser.layers import K", "labser/layers.py"),
        ("from neighbour import K", "labser/plugins/models/neighbour.py"),
        ("open(Path(__file__).with_name('book.txt'))", "labser/plugins/models/book.txt"),
        ("open(Path(__file__).parents[1] / 'data' / 'book.txt')", "labser/plugins/data/book.txt"),
    ],
)
def test_the_digest_covers_modules_and_data_of_ones_own(tmp_path, monkeypatch, code, file):
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    network = tmp_path / "labser/plugins/models/net.py"

    def digest(text, written):
        for path in (network, tmp_path / file):
            path.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(written)
        network.write_text(text)
        return digest_code(network, "labser.plugins", [str(tmp_path / "labser/plugins")]).all

    assert digest(code, "K = 1") != digest(code, "K = 2")
    others = "import torch, json, sercli.models  # installed, of Python, of sercli\n'\\0', 'a' * 5000"
    assert digest(others, "K = 1") == digest(others, "K = 2")


def test_packages_installed_to_a_folder_of_their_own_do_not_count(tmp_path, monkeypatch):
    for name, at in (("their", "target"), ("own", "modules")):
        (tmp_path / at).mkdir()
        (tmp_path / at / f"{name}.py").write_text("K = 1")
        monkeypatch.syspath_prepend(tmp_path / at)
    (tmp_path / "target/their-1.0.dist-info").mkdir()
    network = tmp_path / "net.py"
    network.write_text("import own, their")
    before = digest_code(network, "labser", [])
    (tmp_path / "target/their.py").write_text("K = 2")
    assert digest_code(network, "labser", []) == before
    (tmp_path / "modules/own.py").write_text("K = 2")
    assert digest_code(network, "labser", []).code != before.code


def test_data_that_a_plugin_writes_is_no_other_code(tmp_path):
    network = tmp_path / "net.py"
    network.write_text("open('net.cache', 'w')")
    before = digest_code(network, "labser", [])
    (tmp_path / "net.cache").write_text("1")
    after = digest_code(network, "labser", [])
    assert (after.all != before.all, after.code) == (True, before.code)


def test_kinds_that_a_search_tries_belong_to_the_code_of_a_run(folder):
    settings = {
        "arch": "cnnlstm",
        "corpus": "emodb",
        "scheme": "emodb-4",
        "protocol": "leave-one-speaker-out",
    }
    search = {"features.kind": ["logmel40", "bands"], "model.dropout": [0.1]}
    assert complete(settings | {"training": {"search": search}}).code.keys() == {"features/bands"}


def test_changed_code_has_features_and_runs_of_its_own_and_no_use_for_old_models(
    folder, tmp_path, monkeypatch
):
    def name():
        settings = {"arch": "packed-lstm", "corpus": "emodb", "scheme": "emodb-4"}
        return complete(settings | {"protocol": "leave-one-speaker-out"}).name("0" * 64)

    inputs = {"speech": FeatureChoice(kind="bands")}
    entry = get_architecture("packed-lstm")
    bundle = Bundle(
        arch="packed-lstm",
        network=build_network("packed-lstm", entry.config(), inputs, 2),
        model=entry.config(),
        outputs=Outputs(("anger", "sadness")),
        inputs=inputs,
        statistics={"speech": Statistics(np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32))},
        facts={"code": registry.code_digests([("models", "packed-lstm"), ("features", "bands")])},
    )
    bundle.save(tmp_path / "bundle")
    Bundle.load(tmp_path / "bundle")
    runs, stores = [name()], [inputs["speech"].open_store(tmp_path).path]
    monkeypatch.setattr(registry, "_code_of", lambda package, name: CodeDigest("changed", "changed"))
    runs, stores = [*runs, name()], [*stores, inputs["speech"].open_store(tmp_path).path]
    assert len({*runs}) == len({*stores}) == 2
    with pytest.raises(RunError, match=r"models/packed_lstm\.py: its code.* has changed since the training"):
        Bundle.load(tmp_path / "bundle")


def test_a_plugin_that_was_moved_is_not_missing(folder):
    recorded = {"models/packed-lstm": "/elsewhere", "features/bands": "/elsewhere", "models/mdcnn": "old"}
    assert registry.needed_plugins(recorded) == ""
    absent = {"corpora/own": "/c", "starter/own": "/s", "packed-lstm": "/p", "../x": 3}
    found = registry.needed_plugins(recorded | absent)
    assert found.startswith("; it needs the plug-in /c, /p, /s, 3: install it")


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
    moved = folder.rename(tmp_path / "moved")
    monkeypatch.setenv(registry.VARIABLE, str(moved))
    assert "statistics" in do("audit", "latest", *at)
    monkeypatch.setenv(registry.VARIABLE, "")
    refused = do("predict", tmp_path / "bundle", wav, status=1)
    assert f"needs the plug-in {folder.name}" in refused
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
