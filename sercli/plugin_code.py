"""Identify the code of an entry of a plug-in, so that numbers of changed code are not taken for its own."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sercli import registry
from sercli.config import digest


def code_digests(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a digest of the code of each entry of a plug-in, by ``models/NAME``; none for other entries.

    It covers the file of the entry and the files of the plug-in that it imports. Comments, docstrings and
    layout do not count. A process computes it once, because it also imports the code only once.

    Args:
        entries: families and names, as ``("models", "mdcnn")``.
    """
    found = {f"{family}/{name}": _find_digest(f"sercli.{family}", name) for family, name in entries}
    return {entry: code for entry, code in found.items() if code is not None}


def _find_digest(package: str, name: str) -> str | None:
    title, file = registry.plugin_of(package, name), registry.source_file(package, name)
    if title is None or file is None:
        return None
    return _digest(file, next(plugin for plugin in registry.plugins() if plugin.title == title))


@cache
def _digest(file: Path, plugin: registry.Plugin) -> str:
    waiting, codes = [file], dict[Path, Any]()
    while waiting:
        path = waiting.pop()
        if path not in codes:
            tree = ast.parse(path.read_bytes(), path)
            codes[path] = _outline(tree)
            waiting += _imported(tree, path, plugin)
    return digest(list(codes.values()))


def _outline(node: Any) -> Any:
    """Return a syntax tree as plain types, in the same form for all versions of Python."""
    if isinstance(node, ast.AST):
        parts = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, *([name, _outline(value)] for name, value in parts)]
    if isinstance(node, list):
        return [_outline(each) for each in node if not _is_text(each)]
    return repr(node)


def _is_text(node: Any) -> bool:
    """Whether a statement is only a text, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imported(tree: ast.Module, file: Path, plugin: registry.Plugin) -> Iterator[Path]:
    """Yield the files of a plug-in that a file of it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            separator = "" if module.endswith(".") else "."
            modules = [module, *(f"{module}{separator}{each.name}" for each in node.names)]
        else:
            continue
        for module in modules:
            yield from _files(module, file, plugin)


def _files(module: str, file: Path, plugin: registry.Plugin) -> Iterator[Path]:
    """Yield the files that a module of a plug-in may be, by its absolute or relative name."""
    name = module.lstrip(".")
    if level := len(module) - len(name):
        folders = [file.parents[level - 1]]
    elif name.startswith(f"{plugin.package}."):
        folders, name = [Path(each) for each in plugin.folders], name.removeprefix(f"{plugin.package}.")
    else:
        return
    for folder in folders:
        place = folder.joinpath(*name.split(".")) if name else folder
        yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
