"""Distinguish corpora whose file names have the same form but other meanings.

Many names fit several corpora: ``03-01-01-01-01-01-01`` is neutral in RAVDESS, happiness in BanglaSER and
boredom in ASVP-ESD, and ``10a02Na`` is German in EMO-DB and French in Oréau. The folder decides.
"""

import re
from collections.abc import Callable
from pathlib import Path

from sercli.audio import recordings
from sercli.files import walk

# Names that only one corpus of a group has.
_GROUPS = (
    {
        "ravdess": r"(?:\d\d-\d\d-0[678]|\d\d-02-0\d|0[12]-\d\d-0\d)(?:-0[12]){3}-(?:0[1-9]|1\d|2[0-4])",
        "banglaser": r"03-01-0[1-5]-0[12]-(?:03-0[1-3]-\d\d|0[12]-03-\d\d|0[12]-0[12]-(?:2[5-9]|3[0-4]))",
        "asvp-esd": r"\d\d-0[12]-\d\d-\d+(?:-\d+){4,}",
    },
    {"emodb": r"\d\d[ab]\d\d[WLEAF][a-z](?:xx)?", "oreau": r"\d\d[a-z]\d\d[CDJPS][a-z]"},
)


def left_to_others(root: Path, corpus: str) -> Callable[[Path], str | None]:
    """Return a function from a file to the reason why it belongs to another corpus, or ``None``.

    A folder belongs to another corpus if there are names below it that only the other one has, and none that
    only this one has.

    Args:
        root: folder that is read.
        corpus: name of the corpus that is read; it must be in a group above.
    """
    root = root.resolve()
    (group,) = (group for group in _GROUPS if corpus in group)
    patterns = {name: re.compile(pattern, re.ASCII) for name, pattern in group.items()}
    holding: dict[str, set[Path]] = {name: set() for name in group}
    for path in recordings(walk(root)):
        for name, pattern in patterns.items():
            if pattern.fullmatch(path.stem):
                holding[name].update(path.parents)
    foreign = {
        folder: f"of corpus {name}, whose names have another meaning"
        for name in group
        for folder in holding[name] - holding[corpus]
        if folder.is_relative_to(root)
    }
    return lambda path: next((foreign[folder] for folder in path.parents if folder in foreign), None)
