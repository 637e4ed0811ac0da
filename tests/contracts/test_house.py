"""The rules of the house that a linter does not know: what is private, how long a function may be."""

import ast
from functools import cache
from pathlib import Path

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
