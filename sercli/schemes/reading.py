"""Read a scheme of the user's own: from a YAML file, from ``--classes``, or as a run recorded it.

A file has the keys ``classes`` (labels by class), ``targets`` (dimensions to learn), ``selection``
(conditions by field of the manifest), ``labels`` (source of the labels), ``gendered`` and ``name``, each
optional. The name is only for people: the content identifies a scheme.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from sercli.config import digest, read_yaml, spell
from sercli.errors import ConfigError, unknown
from sercli.labels import to_label
from sercli.schemes import ALL, EVERY_EMOTION, LabelSource, Scheme, get_scheme
from sercli.schemes.conditions import quote_texts, read_selection
from sercli.schemes.targets import read_targets

_KEYS = ("name", "classes", "gendered", "selection", "labels", "targets")
_SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)
_EXAMPLE = "for example anger,happiness+excitement=joy,neutral"
_SUFFIXES = (".yaml", ".yml")
LONGEST_NAME = 64
"""Characters of the name of a scheme."""
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
_LONGEST = 32  # characters of a name that is made of the classes


def is_file(text: str) -> bool:
    """Return whether a text names a file, not a scheme."""
    return text.endswith(_SUFFIXES)


def choose_scheme(
    name: str | None, classes: str | None, targets: str | None = None, folder: Path = Path()
) -> Scheme | None:
    """Return the scheme that a user chooses, ``None`` if the user chooses none.

    Args:
        name: name of a scheme, or a YAML file.
        classes: labels to keep, merge and rename, ``anger,happiness+excitement=joy``.
        targets: dimensions to learn, ``arousal,valence``: beside the classes of the scheme if it has any.
        folder: folder that a file is relative to.

    Raises:
        UnknownNameError: there is no scheme of that name.
        ConfigError: the file or the classes are not valid, or both are given.
    """
    if name is not None and classes is not None:
        raise ConfigError(
            f"--scheme {name} and --classes {classes}: give one of them; a YAML file can hold classes and a "
            "selection"
        )
    if classes is not None:
        scheme = from_plain({"classes": classes}, "--classes")
    elif name is None:
        return None if targets is None else from_plain({"targets": targets}, "--targets")
    else:
        scheme = read_file(folder / name) if is_file(name) else get_scheme(name)
    return scheme if targets is None else _with_targets(scheme, targets)


def _with_targets(scheme: Scheme, targets: str) -> Scheme:
    """Return a scheme that also learns dimensions, as a scheme of the user's own."""
    if scheme.traces:
        raise ConfigError(
            f"--scheme {scheme.name} and --targets {targets}: the scheme learns continuous labels; leave one "
            "of them out"
        )
    plain: dict[str, Any] = {**scheme.content, "targets": targets}
    if scheme.task.has_classes:
        plain = {"classes": ALL, **plain, "name": f"{scheme.title or scheme.name}-dimensions"}
    return from_plain(plain, "--targets")


def read_file(path: Path) -> Scheme:
    """Read the YAML file of a scheme.

    Raises:
        ConfigError: the file is missing or not a scheme.
    """
    try:
        given = read_yaml(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror or error}; --scheme needs a name or a YAML file"
        ) from None
    return from_plain(given, str(path))


def from_plain(given: Mapping[str, Any], place: str = "scheme") -> Scheme:
    """Read a scheme from plain types, as a YAML file or the settings of a run hold it.

    Args:
        given: the keys of a file.
        place: origin of the scheme, for messages.

    Raises:
        ConfigError: a key is unknown, or a value is wrong.
    """
    for key in given:
        if key not in _KEYS:
            raise ConfigError(f"{place}: {unknown('a scheme', str(key), _KEYS)}")
    gendered, title = given.get("gendered", False), given.get("name")
    if not isinstance(gendered, bool):
        raise ConfigError(f"{place}: gendered: expected true or false")
    selection = read_selection(given.get("selection") or {}, place)
    targets = read_targets(given["targets"], place) if given.get("targets") is not None else ()
    merge = _read_classes(given["classes"], place) if given.get("classes") not in (None, ALL) else None
    labels = given.get("labels", "corpus")
    if labels not in _SOURCES:
        raise ConfigError(f"{place}: {unknown('labels', str(labels), _SOURCES)}")
    if merge is None and not selection and not gendered and not targets and "labels" not in given:
        raise ConfigError(f"{place}: a scheme needs classes, targets or a selection, {_EXAMPLE}")
    if targets and given.get("classes") is None:
        merge = {}
        if gendered or labels != "corpus":
            raise ConfigError(f"{place}: {'gendered' if gendered else 'labels'}: needs classes; leave it out")
    if title is None:
        title = _name_of(
            merge,
            [each.field for each in targets],
            [each.field for each in selection],
            labels,
            gendered=gendered,
        )
    if not isinstance(title, str):
        raise ConfigError(f'{place}: name: expected a text; write it in quotes, as "{spell(title)}"')
    if not _NAME.fullmatch(title):
        fact = f"use up to {LONGEST_NAME} letters, digits, hyphens, dots and underscores"
        raise ConfigError(f"{place}: name: {fact}")
    scheme = Scheme(
        *("", None, merge),
        gendered=gendered,
        selection=selection,
        targets=targets,
        title=title,
        labels=labels,
    )
    return replace(scheme, name=f"{title}-{digest(scheme.content, 6)}")


def write_classes(classes: Mapping[str, Sequence[str]]) -> str | None:
    """Write labels by class as ``--classes`` takes them, ``None`` if a label has one of its signs."""
    if any(set(",+=") & set(text) for name, labels in classes.items() for text in (name, *labels)):
        return None
    return ",".join(
        name if list(labels) == [name] else f"{'+'.join(labels)}={name}" for name, labels in classes.items()
    )


def _name_of(
    merge: Mapping[str, str] | None,
    targets: Sequence[str],
    fields: Sequence[str],
    labels: LabelSource,
    *,
    gendered: bool,
) -> str:
    """Make a name from the content, so that a file and a command line with the same content have the same."""
    name = EVERY_EMOTION
    if merge is not None:
        name = _join_names(sorted(set(merge.values())), "classes")
    parts = [name, *(["gendered"] if gendered else []), _join_names(targets, "dimensions")]
    source = [] if labels == "corpus" else [labels]
    return "-".join(filter(None, [*parts, *(["by", *fields] if fields else []), *source]))


def _join_names(names: Sequence[str], noun: str) -> str:
    """Join names by hyphens, or count them if they are too long or have no letter of a file's name."""
    joined = "-".join(filter(None, (re.sub(r"[^A-Za-z0-9]+", "-", each).strip("-") for each in names)))
    return f"{len(names)}-{noun}" if len(joined) > _LONGEST or (names and not joined) else joined


def _read_classes(given: Any, place: str) -> dict[str, str]:
    """Return the class by label."""
    if isinstance(given, str):
        pairs = list(_parse_classes(given, place))
    elif given == {}:
        raise ConfigError(f"{place}: classes: expected classes with their labels, for example anger: [anger]")
    elif isinstance(given, Mapping):
        pairs = [(str(name), _labels(labels, f"{place}: classes.{name}")) for name, labels in given.items()]
    else:
        pairs = [(label, [label]) for label in map(to_label, _labels(given, f"{place}: classes"))]
    merge: dict[str, str] = {}
    names: set[str] = set()
    for name, labels in pairs:
        if name in names:
            raise ConfigError(f"{place}: class '{name}' occurs twice; merge labels as a+b={name}")
        if not name.strip() or not name.isprintable():
            raise ConfigError(f"{place}: a class has no name; write labels and classes, {_EXAMPLE}")
        names.add(name)
        for label in map(to_label, labels):
            if merge.setdefault(label, name) != name:
                raise ConfigError(f"{place}: label '{label}' is in classes '{merge[label]}' and '{name}'")
    return merge


def _labels(given: Any, place: str) -> list[str]:
    listed = given if isinstance(given, list | tuple) else [given]
    if not listed or not all(_is_label(each) for each in listed):
        raise ConfigError(f"{place}: expected a label or a list of labels{quote_texts(listed)}")
    return [str(each) for each in listed]


def _is_label(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


def _parse_classes(text: str, place: str) -> Iterable[tuple[str, list[str]]]:
    """Yield the classes of ``anger,happiness+excitement=joy``, each with its labels."""
    for part in text.split(","):
        joined, equals, name = (each.strip() for each in part.partition("="))
        labels = [label.strip() for label in joined.split("+")]
        if not all(labels) or (equals and not name):
            raise ConfigError(f"{place} '{text}': '{part.strip()}' is no class; write labels, {_EXAMPLE}")
        if len(labels) > 1 and not name:
            raise ConfigError(f"{place} '{text}': name the class of {joined}, as in {joined}=NAME")
        yield name or to_label(labels[0]), labels
