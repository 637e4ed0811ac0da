"""The names that ``import sercli`` offers."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from conftest import SMALL

import sercli
from sercli import audio
from sercli.evaluation.predictions_csv import read_predictions

HEAVY = ("torch", "lightning", "numpy", "pydantic", "typer")


def imported_for_type_checkers():
    """Yield module and name of each import below ``if TYPE_CHECKING``."""
    tree = ast.parse(Path(sercli.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    for node in block.body:
        yield from ((node.module, alias.name) for alias in node.names)


def test_type_checkers_and_python_see_the_same_names():
    assert dict(map(reversed, imported_for_type_checkers())) == sercli._MODULES


def test_every_name_is_the_one_of_its_module():
    for name, module in sercli._MODULES.items():
        assert vars(sercli).get(name, getattr(sercli, name)) is getattr(import_module(module), name)
    assert {"train", "SERModule"} <= set(dir(sercli))


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, sercli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_the_examples_of_the_page_run_one_after_the_other(tmp_path):
    page = (Path(__file__).parent.parent / "docs/python.md").read_text("utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "did you mean emodb?" in done.stdout


def test_every_name_stands_on_the_page():
    page = (Path(__file__).parent.parent / "docs/python.md").read_text("utf-8")
    assert [
        name for name in sercli._MODULES if f"sercli.{name}" not in page and f"`{name}`" not in page
    ] == []


@pytest.mark.slow
def test_paths_may_be_text_and_one_value_stands_for_a_list(build_emodb, tmp_path):
    place = tmp_path / "workspace"
    names = [f"{speaker}a01{letter}a" for speaker in ("03", "08", "09") for letter in "WFNT"]
    sercli.prepare("emodb", str(build_emodb(*names)), str(place), partial=True)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
    run = sercli.train(
        str(place),
        folds=1,
        seeds=3,
        settings="training.max_epochs=1",
        config=str(tmp_path / "small.yaml"),
    )
    assert [(trial.fold, trial.seed) for trial in run.finished()] == [(1, 3)]
    (trial,) = sercli.find_run(str(place), run.path).finished()
    assert trial.metrics()["epochs"] == 1
    assert sercli.Bundle.load(str(trial.bundle)).arch == "mdcnn"
    assert len(read_predictions(str(trial.predictions_file))) == 4
    wav = next(place.rglob("*.wav"))
    assert audio.read(str(wav)).shape == audio.read(wav).shape
