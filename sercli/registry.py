"""An entry of a family (a corpus, a feature, an architecture) is found by its file name.

There is no list to edit and no decorator: the folder is the registry, and listing it imports
nothing. File names use underscores, names on the command line hyphens.
"""

import importlib
import pkgutil
from typing import TypeVar

from sercli.errors import unknown

T = TypeVar("T")


def names(package: str) -> list[str]:
    """List the entries of a family, sorted, importing none of them."""
    path = importlib.import_module(package).__path__
    found = (module.name for module in pkgutil.iter_modules(path) if not module.ispkg)
    return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))


def load(package: str, name: str, constant: str, kind: type[T]) -> T:
    """Import the file of entry ``name`` and return its ``constant``.

    Raises:
        UnknownNameError: no such file; the message lists the closest names.
        TypeError: the file does not define ``constant`` as a ``kind`` (a bug in that file).
    """
    if name not in names(package):
        raise unknown(package, name, names(package))
    module = f"{package}.{name.replace('-', '_')}"
    entry = getattr(importlib.import_module(module), constant, None)
    if not isinstance(entry, kind):
        raise TypeError(f"{module} must define {constant} as a {kind.__name__}")
    return entry
