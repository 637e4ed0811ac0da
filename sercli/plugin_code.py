"""Identify the code of an entry of a plug-in, so that numbers of changed code are not taken for its own."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def digest_code(file: Path, package: str, folders: Sequence[str]) -> str:
    """Return a digest of a file of a plug-in and of the files of the plug-in that it imports.

    Comments, docstrings and layout do not count, except in files that can't be parsed.

    Args:
        file: the file.
        package: name under which the files of the plug-in are imported.
        folders: the folders of the plug-in.
    """
    waiting, codes = [file], dict[Path, Any]()
    while waiting:
        path = waiting.pop()
        if path in codes:
            continue
        try:
            tree = ast.parse(path.read_bytes(), path)
        except (OSError, SyntaxError, ValueError):  # compiled, or imported only where it is used
            codes[path] = [each.read_bytes().hex() for each in sorted(path.parent.glob(f"{path.stem}.*"))]
            continue
        codes[path] = _outline(tree)
        waiting += _imported(tree, path, package, folders)
    return hashlib.sha256(repr(list(codes.values())).encode()).hexdigest()[:12]


def _outline(node: Any) -> Any:
    """Return a syntax tree as plain types, in the same form for all versions of Python."""
    if isinstance(node, ast.AST):
        parts = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, *([name, _outline(value)] for name, value in parts)]
    if isinstance(node, list):
        return [_outline(each) for each in node if not _is_text(each)]
    return repr(node)


def _is_text(node: Any) -> bool:
    """Return whether a statement is only a text, for example a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imported(tree: ast.Module, file: Path, package: str, folders: Sequence[str]) -> Iterator[Path]:
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
            yield from _files(module, file, package, folders)


def _files(module: str, file: Path, package: str, folders: Sequence[str]) -> Iterator[Path]:
    """Yield the files that a module of a plug-in may be, by its absolute or relative name."""
    name = module.lstrip(".")
    if level := len(module) - len(name):
        places = [file.parents[level - 1]]
    elif name.startswith(f"{package}."):
        places, name = [Path(each) for each in folders], name.removeprefix(f"{package}.")
    else:
        return
    for folder in places:
        place = folder.joinpath(*name.split(".")) if name else folder
        yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
