"""Identify the code of an entry of a plug-in, so that numbers of changed code are not taken for its own."""

import ast
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

# Folders of installed packages, whose code a plug-in may use but does not own.
_INSTALLED = {"site-packages", "dist-packages"}


class CodeDigest(NamedTuple):
    """Digests of a file of a plug-in.

    Attributes:
        all: of the file, the files of one's own that it imports, and the data files that they name.
        code: of these files without the data.
    """

    all: str
    code: str


def digest_code(file: Path, package: str, folders: Sequence[str]) -> CodeDigest:
    """Return the digests of a file of a plug-in, with the files that it needs.

    Comments, docstrings and layout do not count, except in files that can't be parsed. Installed packages do
    not count, except that of the plug-in.

    Args:
        file: the file.
        package: name under which the files of the plug-in are imported.
        folders: the folders of the plug-in.
    """
    waiting, codes, data = [file], dict[Path, Any](), dict[Path, str]()
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
        named = list(_named(tree, path, folders))
        waiting += [each for each in named if each.suffix == ".py"]
        data |= {each: _hash(each) for each in named if each.suffix != ".py" and each not in data}
    code = list(codes.values())
    return CodeDigest(_digest([*code, *data.values()]), _digest(code))


def _digest(values: Sequence[Any]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:12]


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


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(tree: ast.Module, file: Path, folders: Sequence[str]) -> Iterator[Path]:
    """Yield the files that texts in the code name, in the plug-in, in a named folder of it, or elsewhere."""
    texts = {node.value: None for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    names = [text for text in texts if isinstance(text, str) and text and "\n" not in text]
    places = [file.parent, *map(Path, folders)]
    # os.path, because Path raises errors for texts that can't be a name.
    places += [place / name for place in places for name in names if os.path.isdir(place / name)]  # noqa: PTH112
    yield from (place / name for place in places for name in names if os.path.isfile(place / name))  # noqa: PTH113


def _imported(tree: ast.Module, file: Path, package: str, folders: Sequence[str]) -> Iterator[Path]:
    """Yield the files of one's own that a file of a plug-in imports."""
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
    """Yield the files that a module of one's own may be, by its absolute or relative name."""
    name = module.lstrip(".")
    if level := len(module) - len(name):
        places = [file.parents[level - 1]]
    elif name.startswith(f"{package}."):
        places, name = [Path(each) for each in folders], name.removeprefix(f"{package}.")
    else:
        places = _places(name.split(".")[0], file, package, folders)
    for folder in places:
        place = folder.joinpath(*name.split(".")) if name else folder
        yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())


def _places(top: str, file: Path, package: str, folders: Sequence[str]) -> list[Path]:
    """Return the folders that may hold a top-level module of one's own: not of Python, sercli and others."""
    first, *others = package.split(".")
    if top == first:
        return [Path(each).parents[len(others)] for each in folders]
    if top == "sercli" or top in sys.stdlib_module_names:
        return []
    # A plug-in may put its own folder into the path of modules. Resolved, a folder counts only once.
    found = dict.fromkeys([file.parent, *(Path(each).resolve() for each in [*folders, *sys.path])])
    return [place for place in found if not _holds_installed(place)]


@cache
def _holds_installed(folder: Path) -> bool:
    """Return whether a folder of modules is one of installed packages, also of ``pip install --target``."""
    return not _INSTALLED.isdisjoint(folder.parts) or any(folder.glob("*.dist-info"))
