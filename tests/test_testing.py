"""The check of an architecture finds what is wrong and says what to do about it."""

import pytest

from sercli import registry
from sercli.testing import check_architecture

NETWORK = """
import torch
from torch import nn

from sercli.models import Architecture, NetworkConfig, Recipe
from sercli.models.layers import CosineHead


class Small(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.unused = nn.Linear(2, 2)
        self.score = CosineHead(40, n, 2.0)

    def forward(self, x, mask):
        return self.score(x.flatten(1, 2).mean(2))


ARCHITECTURE = Architecture(
    NetworkConfig,
    lambda shapes, n, config: Small(n),
    inputs={"x": "logmel40"},
    shapes={"x": (1, 64)},
    example_frames=20,
    tasks=("classification",),
    source="a test",
    recipe=Recipe(training={"learning_rate": 1}),
)
"""


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Write the file of a network, with parts of it replaced; return the network's name."""
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    (tmp_path / "models").mkdir()

    def write(**replaced):
        text = NETWORK
        for old, new in replaced.items():
            text = text.replace(old, new)
        name = f"broken{len(list((tmp_path / 'models').iterdir()))}"
        (tmp_path / "models" / f"{name}.py").write_text(text)
        registry._list_entries.cache_clear()
        return name

    return write


def test_each_fault_is_named_with_its_remedy(broken):
    found = "\n".join(check_architecture(broken()))
    assert "lacks 'Source:'; write Source:, Open in the paper:, Departures:" in found
    assert "the recipe for classification can't be read: unknown setting 'learning_rate'" in found
    assert "the network does not run on entry.example(4) (RuntimeError" in found


def test_faults_of_a_network_that_runs(broken):
    name = broken(learning_rate="lr", **{"(1, 64)": "(1, 40)"})
    found = "\n".join(check_architecture(name))
    assert "padding of 1000 changes the scores; apply the mask" in found
    assert "cosine_head of the settings is False; let it be True" in found
    assert "no gradient reaches unused.weight, unused.bias; use these parameters or remove them" in found
    assert "recipe" not in found


def test_shapes_that_the_features_do_not_have(broken):
    found = check_architecture(broken(learning_rate="lr", logmel40="logmel"))
    assert not any("can't be read" in each for each in found)
    name = broken(learning_rate="lr", **{"(1, 64)": "(1, 41)"})
    assert any(
        "shapes is {'x': (1, 41)}, the features of the recipe have {'x': (1, 40)}" in each
        for each in check_architecture(name)
    )


@pytest.mark.parametrize(
    ("returned", "reported"),
    [
        ("(self.score(x.flatten(1, 2).mean(2)), x)", "of type tuple"),
        ("self.score(x.flatten(1, 2).mean(2))[:, None]", "(4, 1, 5)"),
        ("self.score(x.flatten(1, 2).mean(2))[:, 0]", "(4,)"),
        ("self.score(x.flatten(1, 2).mean(2))[:, :3]", "(4, 3)"),
    ],
)
def test_outputs_of_another_shape(broken, returned, reported):
    name = broken(**{"(1, 64)": "(1, 40)", "self.score(x.flatten(1, 2).mean(2))": returned})
    found = check_architecture(name)
    assert f"its output is {reported}; with 5 classes it must be a tensor (batch, 5)" in found[-1]


def test_a_network_without_parameters_and_with_an_unknown_feature(broken):
    name = broken(
        **{
            "(1, 64)": "(1, 40)",
            "logmel40": "logmel41",
            "learning_rate": "lr",
            "self.score(x.flatten(1, 2).mean(2))": "x.flatten(1, 2).mean(2)[:, :5]",
            "self.unused = nn.Linear(2, 2)": "",
            "self.score = CosineHead(40, n, 2.0)": "",
        }
    )
    found = "\n".join(check_architecture(name))
    assert (
        "the recipe for classification can't be read: the list of kinds of features has no 'logmel41'"
        in found
    )
    assert "the network has no parameters that a training changes" in found


def test_a_network_that_fails_on_one_utterance(broken):
    name = broken(**{"(1, 64)": "(1, 40)", "return": "assert len(x) > 1, 'too few'\n        return"})
    found = "\n".join(check_architecture(name))
    assert "the network fails on other batches (AssertionError: too few)" in found


def test_a_layer_without_a_size(broken):
    fault = check_architecture(broken(**{"CosineHead(40, n, 2.0)": "nn.LazyLinear(n)"}))[-1]
    assert fault.startswith("network Small: score.weight has no size before the first batch; in place of a")


def test_a_file_that_can_not_be_imported(broken):
    (fault,) = check_architecture(broken(NetworkConfig="NetworkSettings"))
    assert "the plug-in can't be imported (ImportError: cannot import name 'NetworkSettings'" in fault
