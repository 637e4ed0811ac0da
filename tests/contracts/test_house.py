"""The rules of the house that a linter does not know: what is private, how long a function may be."""

import ast
from functools import cache
from pathlib import Path

from sercli.corpora import corpus_names
from sercli.features import feature_names
from sercli.models import architecture_names
from sercli.protocols import protocol_names
from sercli.schemes import EVERY_DIMENSION, scheme_names
from sercli.tasks import TASKS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "sercli").rglob("*.py"))
OUTSIDE = sorted([*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])
LONGEST = 60


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _folder(path: Path) -> tuple[str, ...]:
    """Return the package that a file belongs to; a module beside the packages is one of its own."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:2]


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sercli"):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names if alias.name.startswith("sercli")]
        else:
            continue
        for module in modules:
            parts = tuple(module.split("."))
            if any(map(_is_private, parts)) and parts[:2] != _folder(path):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {module}")
    return found


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its signature and its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_nothing_private_is_imported_from_another_folder():
    assert [each for path in [*SOURCES, *OUTSIDE] for each in _private_imports(path)] == []


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {_body_lines(node)} lines"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > LONGEST
    ]
    assert long == []


def test_every_setting_is_read_as_an_attribute():
    # A setting that is asked for by its name is one that no type checker sees.
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr"
        if ast.unparse(node.args[0]).rpartition(".")[2]
        in {"config", "settings", "network", "model", "training"}
    ]
    assert asked == []


def _texts(value: ast.expr) -> set[str]:
    """Return the text that an expression is, or the texts of a tuple, list or set."""
    parts = value.elts if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def _decided_by(node: ast.AST) -> set[str]:
    """Return the texts that a comparison compares with, or that a call looks an entry up by."""
    if isinstance(node, ast.Compare):
        return set().union(*map(_texts, [node.left, *node.comparators]))
    if isinstance(node, ast.MatchValue):
        return _texts(node.value)
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _LOOKS_AT_NAME:
        return set().union(*map(_texts, node.args))
    return set()


_LOOKS_AT_NAME = {
    "startswith",
    "endswith",
    "get_architecture",
    "get_corpus",
    "get_feature",
    "get_protocol",
    "get_scheme",
}


@cache
def _names() -> frozenset[str]:
    """List what a name must not decide outside its family, and the beginnings of such names."""
    beginnings = {"ccc", "ccc_", "CCC", "CCC of ", "lists:", "lists#"}
    families = (architecture_names, corpus_names, feature_names, protocol_names, scheme_names)
    return frozenset(beginnings.union(TASKS, *(names() for names in families)))


_OWN_NAMES = {
    "sercli/evaluation/values.py": {"ccc"},  # the file that defines this metric
    "sercli/models/diccoser.py": {"waveform"},  # one of its own inputs
    "sercli/runs/training.py": {"ccc"},  # a value of the setting training.loss in its own file
    "sercli/training/trainer.py": {"csv"},  # a logger
}


def test_nothing_is_decided_by_a_name():
    # An entry that comes from outside has another name; a property of the object is true of it too.
    decided = [
        f"{path.relative_to(ROOT)}:{node.lineno} asks for {name!r}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        for name in sorted(_decided_by(node) & _names())
        if name not in _OWN_NAMES.get(path.relative_to(ROOT).as_posix(), ())
    ]
    assert decided == []


def test_only_definitions_and_recipes_name_a_scheme():
    schemes = set(scheme_names()) - {EVERY_DIMENSION}  # which is an ordinary word too
    own = ("sercli/schemes/__init__.py", "sercli/corpora/", "sercli/models/")
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} names the scheme {node.value!r}"
        for path in SOURCES
        if not path.relative_to(ROOT).as_posix().startswith(own)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and node.value in schemes
    ]
    assert named == []
