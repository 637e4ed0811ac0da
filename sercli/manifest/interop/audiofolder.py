"""Read and write Hugging Face audiofolder: audio files and a ``metadata.csv`` with a column ``file_name``.

JSON Lines and Parquet are also read.

The audio must be below the folder. Therefore it is copied when the folder is written, unless it is already
there. `datasets` guesses the types of a CSV file and reads the speaker "03" as 3. The README.md beside the
file declares the types, and `load_dataset(folder)` uses it. ``emotion`` is the noun. In folders of other
tools, the column ``emotion`` or ``label`` is the label, or the number of a class that the README.md names.
Folders that name classes only by their subfolders have no list and are not read.

Source: huggingface.co/docs/hub/datasets-audio; datasets 5.2, folder_based_builder.py.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.manifest.columnar import classes_of_card
from sercli.manifest.columns import fields_by_name
from sercli.manifest.interop import Format
from sercli.manifest.interop._label_map import LabelMap
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_utterances, new_files, to_csv, to_record
from sercli.manifest.listing import grouped_times
from sercli.manifest.tables import TableRow, column_names, read_json_lines, read_table
from sercli.manifest.text import read_first_records, read_start
from sercli.manifest.values import NUMBERS
from sercli.records import Problem, Utterance

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Names of the list of a folder."""
_FLOATS = NUMBERS | {"source_start", "source_end"}


def recognises(path: Path) -> bool:
    """Recognise it by ``file_name`` in a metadata file, in the folder or one below (``train``, ``test``)."""
    return any(_is_metadata(file) for file in _metadata(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a folder, or of one metadata file; files relative to the folder."""
    folder = path if path.is_dir() else path.parent
    reader = RecordReader()
    for file in _metadata(path):
        classes = classes_of_card(file)
        for entry in read_json_lines(file) if file.suffix == ".jsonl" else _rows(file):
            if isinstance(entry, Problem):
                yield entry
                continue
            record = dict(entry.values)
            name = record.get("file_name")
            part = file.parent.relative_to(folder)
            if isinstance(name, str) and name:
                name = (part / name).as_posix()
            if isinstance(record.get("trace"), str) and record["trace"]:
                record["trace"] = (part / record["trace"]).as_posix()
            usual = (key for key in ("emotion", "label") if record.get(key))
            column = next(usual, fields_by_name(record).get("emotion_raw", ""))
            names = {str(number): each for number, each in enumerate(classes.get(column, ()))}
            label = LabelMap(str(file), "README.md", names).name(record.get(column))
            yield reader.read({**record, "file": name}, entry.place, label=label)


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a folder: copies of audio and traces from ``root``, metadata.csv, and a README.md for it.

    Raises:
        ManifestError: the folder contains other files, or an audio file is missing or not below ``root``.
    """
    records = check_utterances(path, utterances, root)
    for utterance in records:
        if not _stays_below(utterance.file):
            raise ManifestError(f"{utterance.file}: not below {root}, where an audiofolder needs it")
        if not (root / utterance.file).is_file():
            raise ManifestError(f"{root / utterance.file}: no such audio file; prepare the corpus first")
    entries = [{"file_name": utterance.file} | to_record(utterance, ("file",)) for utterance in records]
    texts = {"metadata.csv": to_csv(entries).encode(), "README.md": _card(entries).encode()}
    if path.exists() and path.samefile(root):
        if (path / "README.md").exists():
            del texts["README.md"]
        new_files(path, texts)
        return
    if path.exists() and any(path.iterdir()):
        raise ManifestError(f"{path}: is not empty; remove it or name another folder")
    traces = [utterance.trace for utterance in records if utterance.trace and _stays_below(utterance.trace)]
    copied = [utterance.file for utterance in records] + [name for name in traces if (root / name).is_file()]
    with files.replacing_folder(path) as folder:
        for file in dict.fromkeys(copied):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, folder / file)
        new_files(folder, texts)


def _rows(file: Path) -> Iterator[TableRow | Problem]:
    table = read_table(file)
    faults = grouped_times(table.rows, fields_by_name(table.columns))
    for item in table.items:
        found = Problem(item.place, faults[item.place]) if item.place in faults else item
        yield replace(found, place=str(file.parent / item.place))


def _stays_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _card(entries: list[dict[str, Any]]) -> str:
    """Declare the columns, in the order of the table, as a dataset card does."""
    names = dict.fromkeys(name for entry in entries for name in entry if name != "file_name")
    types = {"audio": "audio"} | {name: "float64" if name in _FLOATS else "string" for name in names}
    if "sample_rate" in names:
        # pandas can't read an empty cell as an integer.
        types["sample_rate"] = "int64" if all("sample_rate" in entry for entry in entries) else "float64"
    features = "".join(f"  - name: {name}\n    dtype: {kind}\n" for name, kind in types.items())
    return f"---\nconfigs:\n- config_name: default\n  features:\n{features}---\n"


def _metadata(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for name in NAMES for file in (*path.glob(name), *path.glob(f"*/{name}"))]
        return sorted(file for file in found if _is_metadata(file))
    return [path] if path.name in NAMES else []


def _is_metadata(file: Path) -> bool:
    if file.suffix == ".csv":
        return "file_name" in column_names(read_start(file))
    if file.suffix == ".jsonl":
        return any("file_name" in record for record in read_first_records(file))
    return "file_name" in read_table(file).columns


FORMAT = Format(recognises, read, write)
