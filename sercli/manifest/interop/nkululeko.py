"""Read and write nkululeko: a CSV table with the columns ``file, speaker, gender, emotion`` and any others.

``emotion`` is the noun, or empty if there is none (nkululeko drops such rows). The corpus's own spelling is
in ``emotion_raw``. A table with ``start`` and ``end`` names segments of its files, in seconds or in the
format of pandas.

Source: github.com/felixbur/nkululeko, ``data/*/*.csv``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sercli import files
from sercli.manifest.interop import Format
from sercli.manifest.interop._tables import read_any_table
from sercli.manifest.interop._writing import check_utterances, refuse_folder, to_csv, to_record
from sercli.manifest.tables import column_names
from sercli.manifest.text import read_start
from sercli.records import Problem, Utterance

_FIRST = ("file", "speaker", "gender", "emotion")


def recognises(path: Path) -> bool:
    """Recognise it by a column ``file``."""
    return path.suffix.lower() == ".csv" and path.is_file() and "file" in column_names(read_start(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a table, after a note on the field of each column."""
    yield from read_any_table(path)


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a table, ``file`` relative to ``root`` (nkululeko's ``audio_path``).

    Raises:
        ManifestError: ``path`` is a folder.
    """
    refuse_folder(path)
    records = [to_record(utterance) for utterance in check_utterances(path, utterances, root)]
    files.write_text(path, to_csv([dict.fromkeys(_FIRST) | record for record in records]))


FORMAT = Format(recognises, read, write)
