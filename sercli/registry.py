"""Find an entry of a family (a corpus, a feature, an architecture) by its file name.

There is no list to edit and no decorator: the folder of a family is its registry, and listing it imports
nothing. File names use underscores, names on the command line hyphens.

A plug-in adds entries from outside the package. It is a folder with sub-folders named as those of `sercli`
(``models/``, ``features/``, ``corpora/``, ``augmentations/``, ``studies/``), and may hold a trained model in
``starter/``. It is either the folder of an installed package, which an entry point of the group
``sercli.plugins`` names, or any folder that the environment variable ``SERCLI_PLUGINS`` lists.
"""

import hashlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import TypeVar

from sercli.errors import ConfigError, PluginError, SerError, unknown
from sercli.plugin_code import CodeDigest, digest_code

GROUP = "sercli.plugins"
"""Group of the entry points that name installed plug-ins."""

VARIABLE = "SERCLI_PLUGINS"
"""Environment variable that lists the folders of plug-ins, separated as those of ``PATH``."""

_RECORDED = ("models", "features", "corpora", "augmentations")  # by runs and bundles
_FAMILIES = (*_RECORDED, "studies", "starter")
_RARER = ("voice", "manifest")
# Families in the words of a user, for messages.
_WORDS = {
    "sercli.models": "architectures",
    "sercli.features": "kinds of features",
    "sercli.corpora": "corpora",
    "sercli.augmentations": "augmentations",
    "sercli.voice": "speech detectors",
    "sercli.manifest.interop": "formats",
}
_LONGEST = 256

# Digests of the code of entries of plug-ins, by module. Each is computed before the code is imported, because
# a process keeps the code that it has imported, and the file may be edited meanwhile.
_code: dict[str, CodeDigest] = {}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A folder of entries outside the package.

    Attributes:
        title: distribution and version of an installed plug-in; the path of any other folder.
        package: name under which its files are imported.
        folders: the folders that hold ``models/``, ``features/`` and so on; usually one.
    """

    title: str
    package: str
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where an entry is defined; the plug-in's title is none for entries of the package."""

    module: str
    file: Path
    plugin: str | None


def names(package: str) -> list[str]:
    """List the entries of a family, sorted, importing none of them.

    Raises:
        ConfigError: a plug-in can't be found, or defines a name that exists.
    """
    return sorted(_entries(package))


def load(package: str, name: str, constant: str, kind: type[T]) -> T:
    """Import the file of entry ``name`` and return its ``constant``.

    Raises:
        UnknownNameError: no such file; the message lists the closest names.
        ConfigError: a plug-in can't be found, or defines a name that exists.
        PluginError: a plug-in's file can't be imported, or does not define ``constant`` as a ``kind``.
        TypeError: a file of the package does not (a bug in that file).
    """
    entries = _entries(package)
    if name not in entries:
        raise unknown(f"the list of {_WORDS.get(package, package)}", name, sorted(entries))
    entry = entries[name]
    with blaming(package, name, "can't be imported"):
        _code_of(package, name)
        module = importlib.import_module(entry.module)
    defined = vars(module).get(constant)
    if isinstance(defined, kind):
        return defined
    if entry.plugin is None:
        raise TypeError(f"{entry.module} must define {constant} as a {kind.__name__}")
    fact = "missing"
    if constant in vars(module):
        fact = f"of type {type(defined).__name__}"
    if isinstance(defined, type):
        fact = f"the class {defined.__name__}"
    raise PluginError(f"{entry.file}: {constant} is {fact}; define it as a {package}.{kind.__name__}(...)")


def loadable(
    names: Iterable[str],
    load: Callable[[str], T],
    note: Callable[[str, ConfigError], None] = lambda name, error: None,
) -> Iterator[tuple[str, T]]:
    """Yield entries with their names, without those of faulty plug-ins, which no other work depends on.

    Args:
        names: names of entries.
        load: loads one of them.
        note: called with each name that is left out, and the error.
    """
    for name in names:
        try:
            found = load(name)
        except ConfigError as error:  # from a plug-in
            note(name, error)
        else:
            yield name, found


@contextmanager
def blaming(package: str, name: str, fact: str = "can't be used") -> Iterator[None]:
    """Name the file of an entry in what its code raises, if it is from a plug-in.

    An exception of an entry of the package is a bug, and stays as it is.

    Raises:
        PluginError: the code of a plug-in fails; the message names the line, if it is in the plug-in's file.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # code of others may raise anything
        entry = _entries(package).get(name)
        if entry is None or entry.plugin is None or isinstance(error, PluginError):
            raise
        raise PluginError(_explain(entry, error, fact)) from None


def _explain(entry: _Entry, raised: BaseException, fact: str) -> str:
    """Describe what the code of a plug-in raised: the place, the exception, the remedy."""
    file = str(entry.file)
    lines = [frame.lineno for frame in extract_tb(raised.__traceback__) if frame.filename == file]
    message = str(raised)
    if isinstance(raised, SyntaxError) and raised.filename == file:
        lines, message = [raised.lineno], raised.msg
    place = f"{file}:{lines[-1]}" if lines else file
    first = next(iter(message.splitlines()), "")
    if isinstance(raised, SerError):  # it states a remedy
        return f"{place}: {first}"
    remedy = "correct the plug-in, or leave its folder out"
    if isinstance(raised, ModuleNotFoundError):
        own = _own_file(entry, raised.name or "")
        if own is not None:
            return f"{place}: the plug-in {fact}: there is no {own}; add the file, or correct the import"
        remedy = "install the module in the same environment"
    return f"{place}: the plug-in {fact} ({type(raised).__name__}: {first}); {remedy}"


def _own_file(entry: _Entry, module: str) -> Path | None:
    """Return where the file of a module would be that belongs to the plug-in of an entry; None for others."""
    own, parts = entry.module.split("."), module.split(".")
    if own[0] != parts[0]:
        return None
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(own[:-1], parts, strict=False)))
    return entry.file.parents[len(own) - 1 - shared].joinpath(*parts[shared:]).with_suffix(".py")


def source_file(package: str, name: str) -> Path | None:
    """Return the file that defines an entry; none where there is no such entry."""
    entry = _entries(package).get(name)
    return None if entry is None else entry.file


def plugin_of(package: str, name: str) -> str | None:
    """Return the title of the plug-in that defines an entry; none for entries of the package."""
    entry = _entries(package).get(name)
    return None if entry is None else entry.plugin


def code_digests(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a digest of the code of each entry of a plug-in, by ``models/NAME``; none for other entries.

    It is that of the code that this process has imported, or is going to import.

    Args:
        entries: families and names, as ``("models", "mdcnn")``.
    """
    found = {f"{family}/{name}": _code_of(f"sercli.{family}", name) for family, name in entries}
    return {entry: code.all for entry, code in found.items() if code is not None}


def check_unchanged(entries: Iterable[tuple[str, str]]) -> None:
    """Refuse entries of plug-ins whose code was edited since this process imported it, as in a notebook.

    Args:
        entries: families and names, as ``("models", "mdcnn")``.

    Raises:
        PluginError: one was edited; its run would have the name of the old code.
    """
    for family, name in entries:
        entry, imported = _entries(f"sercli.{family}").get(name), _code_of(f"sercli.{family}", name)
        # Data may have been written by the plug-in itself.
        if entry is not None and imported is not None and imported.code != _digest_now(entry).code:
            raise PluginError(
                f"{entry.file}: its code, or that of a file it imports, has changed since this process "
                "imported it; restart Python (in a notebook: the kernel)"
            )


def _code_of(package: str, name: str) -> CodeDigest | None:
    entry = _entries(package).get(name)
    if entry is None or entry.plugin is None:
        return None
    if entry.module not in _code:
        _code[entry.module] = _digest_now(entry)
    return _code[entry.module]


def _digest_now(entry: _Entry) -> CodeDigest:
    """Return the digests of the code of a plug-in's entry, as its files are now."""
    plugin = next(each for each in plugins() if each.title == entry.plugin)
    return digest_code(entry.file, plugin.package, plugin.folders)


def data_files(package: str, suffix: str) -> dict[str, Path]:
    """List the files with a suffix of a family that is data, in the package and in plug-ins, by name.

    Raises:
        ConfigError: a plug-in can't be found, or defines a name that exists.
    """
    folders = [Path(folder) for folder in importlib.import_module(package).__path__]
    inside = package.removeprefix("sercli.").split(".")
    folders += [Path(root, *inside) for plugin in plugins() for root in plugin.folders]
    found: dict[str, Path] = {}
    for path in (path for folder in folders for path in sorted(folder.glob(f"*{suffix}"))):
        name = path.stem.replace("_", "-")
        if name in found:
            raise _clash(name, found[name], path)
        found[name] = path
    return found


def data_folders(family: str, file: str) -> dict[str, Path]:
    """List the folders of a family of plug-ins that is data and holds a certain file, by the plug-in's title.

    Raises:
        ConfigError: a plug-in can't be found.
    """
    places = ((plugin.title, Path(root, family)) for plugin in plugins() for root in plugin.folders)
    return {title: place for title, place in places if (place / file).is_file()}


def add_folder(path: Path | str) -> None:
    """Add a folder of plug-ins, for this process and for those that it starts.

    Raises:
        ConfigError: there is no such folder, or it holds no family.
    """
    folder = _existing(str(path))
    listed = os.environ.get(VARIABLE, "").split(os.pathsep)
    if folder not in listed:
        os.environ[VARIABLE] = os.pathsep.join([*filter(None, listed), folder])


def plugins() -> tuple[Plugin, ...]:
    """List the plug-ins: the folders that are named, then the installed ones.

    Raises:
        ConfigError: one can't be found.
    """
    return _plugins(os.environ.get(VARIABLE, ""))


def _entries(package: str) -> dict[str, _Entry]:
    return _list_entries(package, os.environ.get(VARIABLE, ""))


@lru_cache
def _list_entries(package: str, variable: str) -> dict[str, _Entry]:
    family = package.removeprefix("sercli.")
    spec = find_spec(package)  # which, unlike an import, does not load what the family uses
    found = dict(_modules(package, (spec and spec.submodule_search_locations) or (), None))
    for plugin in _plugins(variable):
        folders = [str(Path(root, *family.split("."))) for root in plugin.folders]
        for name, entry in _modules(f"{plugin.package}.{family}", folders, plugin.title):
            if name in found:
                raise _clash(name, found[name].file, entry.file)
            found[name] = entry
    return found


def _modules(package: str, folders: Iterable[str], plugin: str | None) -> Iterator[tuple[str, _Entry]]:
    """Yield the entries of folders: their files whose names do not begin with an underscore."""
    for folder in folders:
        for module in pkgutil.iter_modules([folder]):
            if not module.ispkg and not module.name.startswith("_"):
                file = Path(folder, f"{module.name}.py")
                yield module.name.replace("_", "-"), _Entry(f"{package}.{module.name}", file, plugin)


@lru_cache
def _plugins(variable: str) -> tuple[Plugin, ...]:
    named = (_folder_plugin(path) for path in variable.split(os.pathsep) if path)
    return (*{plugin.package: plugin for plugin in named}.values(), *_installed())


def _folder_plugin(path: str) -> Plugin:
    """Make a folder importable as a package of its own, so that its files may import each other."""
    folder = _existing(path)
    package = f"sercli_plugin_{hashlib.sha256(folder.encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        module = ModuleType(package, f"Files of {folder}.")
        module.__path__ = [folder]
        module.__spec__ = ModuleSpec(package, None, is_package=True)
        module.__spec__.submodule_search_locations = module.__path__
        sys.modules[package] = module
    return Plugin(folder, package, (folder,))


def _existing(path: str) -> str:
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise ConfigError(f"{path}: no such folder of plug-ins; correct --plugins or {VARIABLE}")
    if not any((folder / family).is_dir() for family in (*_FAMILIES, *_RARER)):
        *others, last = (f"{family}/" for family in _FAMILIES)
        raise ConfigError(
            f"{path}: holds none of {', '.join(others)} and {last}; name the folder that holds them, with "
            f"--plugins or {VARIABLE}"
        )
    return str(folder)


@lru_cache
def _installed() -> tuple[Plugin, ...]:
    """List the installed plug-ins, but for those whose package is missing: see `missing_packages`."""
    return tuple(plugin for plugin, _ in _entry_points() if plugin is not None)


def missing_packages() -> list[str]:
    """List entry points of installed plug-ins whose package can't be found, each with the reason."""
    return [reason for _, reason in _entry_points() if reason]


@lru_cache
def _entry_points() -> tuple[tuple[Plugin | None, str], ...]:
    from importlib.metadata import entry_points  # reads every installed package: only where names are needed

    found: list[tuple[Plugin | None, str]] = []
    for point in entry_points(group=GROUP):
        title = f"{point.dist.name} {point.dist.version}" if point.dist else point.name
        try:
            spec = find_spec(point.value)
        except ImportError as error:
            spec, reason = None, str(error)
        else:
            reason = f"there is no package '{point.value}'"
        if spec is None or spec.submodule_search_locations is None:
            found.append((None, f"plug-in '{title}': {reason}; install the plug-in again or remove it"))
        else:
            found.append((Plugin(title, point.value, tuple(spec.submodule_search_locations)), ""))
    return tuple(found)


def needed_plugins(recorded: object) -> str:
    """Name the plug-ins that a run or a bundle was made with and whose entries are not found here.

    A folder may have been moved, or be another one on another machine, so only the entries matter.

    Args:
        recorded: titles of plug-ins by entry, ``models/NAME``, as runs and bundles record them.

    Returns:
        The end of a message; empty if no plug-in is missing.
    """
    named = recorded.items() if isinstance(recorded, Mapping) else ()
    missing = sorted({str(title) for entry, title in named if not _is_found(str(entry))})
    if not missing:
        return ""
    titles = "".join(each if each.isprintable() else "?" for each in ", ".join(missing))[:_LONGEST]
    return f"; it needs the plug-in {titles}: install it, or name its folder with --plugins"


def _is_found(entry: str) -> bool:
    family, _, name = entry.partition("/")
    return family in _RECORDED and name in _entries(f"sercli.{family}")


def _clash(name: str, first: Path, second: Path) -> ConfigError:
    return ConfigError(f"{second}: '{name}' is already defined by {first}; rename the file of the plug-in")
