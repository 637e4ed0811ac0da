"""Studies: tables and figures of papers as data, one YAML file each, in the package or anywhere else."""

from collections.abc import Mapping
from pathlib import Path

from sercli import registry
from sercli.errors import ConfigError, unknown
from sercli.studies.study import (
    METRICS,
    Assignment,
    Cell,
    Column,
    Display,
    PaperScore,
    PaperScores,
    Study,
    StudyRow,
    base_of,
)

__all__ = [
    "METRICS",
    "Assignment",
    "Cell",
    "Column",
    "Display",
    "PaperScore",
    "PaperScores",
    "Study",
    "StudyRow",
    "base_of",
    "describe",
    "find_study",
    "get_study",
    "study_names",
]


def study_names() -> list[str]:
    """List the studies that are part of sercli or of a plug-in, sorted."""
    return sorted(registry.data_files(__name__, ".yaml"))


def find_study(name: str) -> Path:
    """Return the file of a study: a file that the user names, or one of sercli or a plug-in.

    Raises:
        UnknownNameError: there is no study of that name.
        ConfigError: there is no such file.
    """
    own = Path(name)
    if own.suffix in {".yaml", ".yml"} or own.is_file():
        if not own.is_file():
            raise ConfigError(f"{own}: no such file; `sercli ablate` lists the studies")
        return own
    known = registry.data_files(__name__, ".yaml")
    if name not in known:
        raise unknown("the list of studies", name, known)
    return known[name]


def get_study(name: str) -> Study:
    """Read a study by name or file, and check each of its cells.

    Raises:
        UnknownNameError: there is no study of that name.
        ConfigError: something in the file is wrong; the message begins with file and line.
    """
    from sercli.studies.reading import read_study

    return read_study(find_study(name))


def describe(name: str) -> tuple[str, str]:
    """Return the title and source of a study, without checking the rest.

    Raises:
        ConfigError: the file can't be read, or lacks one of the two.
    """
    from sercli.studies._file import parse

    path = find_study(name)
    value = parse(path.read_text(encoding="utf-8"), str(path)).value
    missing = [key for key in ("title", "source") if not isinstance(value, Mapping) or key not in value]
    if missing:
        raise ConfigError(f"{path}: '{missing[0]}' is missing; a study states {missing[0]}: TEXT")
    return str(value["title"]), str(value["source"])
