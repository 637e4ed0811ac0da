"""Read and write audformat: a database with a header ``db.yaml`` and tables, here as CSV.

One filewise table, ``utterances``, is written, with a column and a scheme for each field. From other
databases every table with a column ``emotion`` is read, in the order of the header. If several tables name
a file or segment, the first one counts. Speaker, transcript and similar fields come from the same row,
otherwise from any other table's row of that segment or file. The gender may also come from the scheme of
the speakers, a transcript from the scheme of its ids, and the names of numbered emotions from their scheme.

audformat reads the words NA, nan and null in a CSV file as absent values, so such text is lost.

Source: audeering.github.io/audformat, 1.4.
"""

import importlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sercli.errors import ConfigError, ManifestError
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_utterances, new_files, to_record
from sercli.manifest.values import NUMBERS
from sercli.plain.json import to_json
from sercli.plain.yaml import from_yaml
from sercli.records import Problem, Utterance

_TABLE = "utterances"
_TRANSCRIPTS = ("transcript", "transcription", "text")
# A file and the seconds of a segment in it, or the complete file.
_Index = tuple[str, float | None, float | None]


def recognises(path: Path) -> bool:
    """Recognise it by ``db.yaml``."""
    return (path / "db.yaml").is_file()


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a database.

    Raises:
        ConfigError: audformat is not installed.
        ManifestError: audformat can't load the folder, or no table has a column ``emotion``.
    """
    database = _load(path)
    chosen = {name: table for name, table in database.tables.items() if "emotion" in table.columns}
    if not chosen:
        raise ManifestError(f"{path}: no table has a column 'emotion', only {', '.join(database.tables)}")
    about: dict[_Index, dict[str, Any]] = {}
    for name, table in database.tables.items():
        if name not in chosen:
            for index, values in _rows(table):
                about[index] = values | about.get(index, {})
    reader = RecordReader()
    seen: set[_Index] = set()
    for name, table in chosen.items():
        for index, values in _rows(table):
            if index in seen:
                continue
            seen.add(index)
            file, start, end = index
            times = {} if start is None else {"start": start, "end": end}
            record = about.get((file, None, None), {}) | about.get(index, {}) | values | times
            place = f"{path / 'db.yaml'}, table '{name}', {file}"
            yield reader.read(record | {"file": file}, place, label=values.get("emotion"))


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a database into a folder, which may be ``root``, where audformat looks for the files.

    Raises:
        ConfigError: audformat is not installed.
        ManifestError: two utterances share a file, or the folder holds a database already.
    """
    audformat = _library()
    records = check_utterances(path, utterances, root)
    entries = {utterance.file: to_record(utterance, ("file",)) for utterance in records}
    if len(entries) < len(records):
        raise ManifestError(
            f"{path}: two utterances share a file, which audformat can't hold; prepare the corpus"
        )
    names = dict.fromkeys(["emotion", *(name for entry in entries.values() for name in entry)])
    database = audformat.Database(name=records[0].corpus, usage=audformat.define.Usage.OTHER)
    database[_TABLE] = audformat.Table(audformat.filewise_index(list(entries)))
    for name in names:
        values = [entry.get(name) for entry in entries.values()]
        database.schemes[name] = _scheme(audformat, name, values)
        database[_TABLE][name] = audformat.Column(scheme_id=name)
        database[_TABLE][name].set(
            [to_json(value, escaped=False) if isinstance(value, list | dict) else value for value in values]
        )
    with tempfile.TemporaryDirectory() as folder:
        database.save(folder, storage_format=audformat.define.TableStorageFormat.CSV)
        new_files(path, {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())})


def _library() -> Any:
    try:
        return importlib.import_module("audformat")
    except ImportError:
        raise ConfigError("audformat is not installed; pip install 'sercli[audformat]'") from None


def _scheme(audformat: Any, name: str, values: list[Any]) -> Any:
    if name in NUMBERS or name in ("source_start", "source_end"):
        return audformat.Scheme("float")
    if name == "sample_rate":
        return audformat.Scheme("int")
    labels = sorted({value for value in values if value is not None}) if name in ("emotion", "gender") else []
    return audformat.Scheme("str", labels=labels or None)


def _load(path: Path) -> Any:
    """Load a database's header and tables, but no pickle and no YAML that could run code."""
    audformat = _library()
    try:
        from_yaml((path / "db.yaml").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            for file in path.glob("db.*"):
                if file.suffix in {".yaml", ".csv", ".parquet"}:
                    (Path(folder) / file.name).symlink_to(file.resolve())
            return audformat.Database.load(folder, load_data=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        fact = " ".join(str(error).split())[:200]
        raise ManifestError(f"{path}: audformat can't load it ({fact}); fetch or write it again") from None


def _rows(table: Any) -> Iterator[tuple[_Index, dict[str, Any]]]:
    """Yield the index and the values of each row of a table, absent ones left out."""
    frame = table.df.copy()
    for name, column in table.columns.items():
        labels = column.scheme.labels if column.scheme_id is not None else None
        if name == "speaker" and labels is not None and "gender" in _fields(table.db, labels):
            frame["gender"] = column.get(map="gender")
        if not isinstance(labels, dict):
            continue
        if name in _TRANSCRIPTS:
            frame["text_id"] = frame[name]
        if name in _TRANSCRIPTS or (name == "emotion" and _are_names(labels)):
            frame[name] = frame[name].astype(object).map(lambda key, labels=labels: labels.get(key, key))
    frame = frame.astype(object).where(frame.notna(), None)
    for index, values in zip(frame.index, frame.to_dict("records"), strict=True):
        present = {str(name): _plain(value) for name, value in values.items() if value is not None}
        yield _index(index), present


def _are_names(labels: dict[Any, Any]) -> bool:
    """Return whether a scheme names its numbers; the text of another label may be a description of it."""
    return all(isinstance(key, int) and isinstance(name, str) for key, name in labels.items())


def _plain(value: Any) -> Any:
    """Convert a time to seconds, and a scalar of NumPy to a Python number."""
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    return value.item() if hasattr(value, "item") else value


def _fields(database: Any, labels: Any) -> set[str]:
    """Return the fields that a scheme has for its labels, in the header or in a miscellaneous table."""
    if isinstance(labels, str):
        return set(database.misc_tables[labels].columns)
    described = labels.values() if isinstance(labels, dict) else []
    return {field for value in described if isinstance(value, dict) for field in value}


def _index(index: Any) -> _Index:
    if isinstance(index, str):
        return index, None, None
    file, start, end = index
    # NaT, the end of a segment that reaches the end of its file, is not equal to itself.
    until = end.total_seconds() if end == end else None  # noqa: PLR0124
    since = start.total_seconds()
    return (file, None, None) if since == 0 and until is None else (file, since, until)


FORMAT = Format(recognises, read, write)
