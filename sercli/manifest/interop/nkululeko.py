"""nkululeko: a CSV table with the columns ``file, speaker, gender, emotion`` and any others.

``emotion`` is the noun, empty where there is none (nkululeko drops such rows); the corpus's own
spelling stands in ``emotion_raw``. A table with ``start`` and ``end`` names segments of its files, in
seconds or as pandas writes times.

Source: github.com/felixbur/nkululeko, ``data/*/*.csv``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sercli import files
from sercli.manifest.interop import Format, _columns
from sercli.manifest.interop._reading import head, refusal
from sercli.manifest.interop._table import table
from sercli.manifest.interop._writing import EVERYTHING, checked, refuse_folder, to_record
from sercli.manifest.tables import column_names
from sercli.records import Problem, Utterance

_FIRST = ("file", "speaker", "gender", "emotion")


def recognises(path: Path) -> bool:
    """Tell it by a column ``file``."""
    return path.suffix.lower() == ".csv" and path.is_file() and "file" in column_names(head(path))


def read(path: Path, corpus: str | None = "imported") -> Iterator[Utterance | Problem]:
    """Yield the utterances of a table, after a note of which column was read as which field.

    Raises:
        ManifestError: the file is no table with a column ``file``.
    """
    if not recognises(path):
        raise refusal(path, "an nkululeko table (CSV with a column 'file')")
    yield from _columns.read(path, corpus)


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a table, ``file`` relative to ``root`` (nkululeko's ``audio_path``).

    Raises:
        ManifestError: ``path`` is a folder.
    """
    refuse_folder(path)
    records = [to_record(utterance) for utterance in checked(path, utterances, root)]
    files.write_text(path, table([dict.fromkeys(_FIRST) | record for record in records]))


FORMAT = Format("nkululeko table (.csv)", read, write, EVERYTHING, recognises)
