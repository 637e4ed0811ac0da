"""Read a file as text, or report the kind of the file."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

from sercli.audio.kinds import Sort, recognise
from sercli.errors import ManifestError
from sercli.manifest.columnar import parquet_kind
from sercli.plain.json import from_json
from sercli.records import Problem

_CSV = "save the table as CSV in UTF-8"
_REMEDIES = {
    Sort.RECORDING: "give a list of recordings; `sercli prepare folder` reads folders of recordings",
    Sort.POINTER: "fetch the file with `git lfs pull`",
    Sort.ZIP: f"unpack the archive; if it is a spreadsheet (.xlsx, .ods), {_CSV}",
    Sort.ARCHIVE: "unpack it",
    Sort.TABLE: _CSV,
    Sort.ARRAYS: _CSV,
    Sort.OTHER: "fetch the file again",
}
# Texts with times that are not read, by their beginning without the zeros of UTF-16.
_TIMED = {
    rb"WEBVTT\b": "WebVTT subtitles",
    rb"\d+\s+\d\d:\d\d:\d\d[,.]\d+ -->": "SubRip subtitles",
    rb'File type = "ooTextFile': "a Praat TextGrid",
    rb"<\?xml.*<ANNOTATION_DOCUMENT": "an ELAN document",
}
_TIMES = (
    "which sercli does not read; write its times as a table (columns start, end, speaker), as RTTM or as "
    "labels of Audacity"
)
_RECORDINGS = (b"RIFF", b"fLaC")
_GZIP = b"\x1f\x8b"
_START = 1 << 16


def decode_text(content: bytes, name: str) -> tuple[str | None, Problem | None]:
    """Return the text of a file, or a problem; with text the problem is a harmless one.

    UTF-8, UTF-16 and UTF-32 are read, and gzip is unpacked; other text of one byte a character
    is read as Windows-1252 or Latin-1, which the problem reports.
    """
    if content[:2] == _GZIP:
        try:
            content = gzip.decompress(content)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            return None, Problem(name, "the gzip file is incomplete; fetch or write it again")
    encoding = _wide_encoding(content)
    if encoding is not None:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), None
        except UnicodeDecodeError:
            return None, Problem(name, f"incomplete {encoding[:6].upper()} text; {_CSV}")
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        return None, Problem(f"{name}:{line}", f"not plain text (a spreadsheet, or damaged); {_CSV}")
    try:
        return content.decode("utf-8-sig").removeprefix("\ufeff"), None
    except UnicodeDecodeError:
        pass
    return _decode_bytes(content, name)


def _decode_bytes(content: bytes, name: str) -> tuple[str | None, Problem | None]:
    """Decode text of one byte a character, as `decode_text`."""
    try:
        # Where the two differ, Latin-1 has control characters, which are never meant.
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None, Problem(name, "neither UTF-8 nor Windows-1252 text; save it as UTF-8")
    called = "Latin-1" if text == content.decode("latin-1") else "Windows-1252"
    fact = f"not UTF-8, read as {called}; if names or labels look wrong, save it as UTF-8"
    return text, Problem(name, fact, harmless=True)


def binary_kind(path: Path) -> str | None:
    """Describe a file that is not a list, with a remedy; ``None`` if it may be text, or is a Parquet file.

    Only its beginning and its end are read, because an archive can be as large as a corpus.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if start[:4] == b"PAR1":
        return parquet_kind(path)
    if start.startswith(_GZIP):
        return None
    if start.startswith(_RECORDINGS):
        return f"a recording; {_REMEDIES[Sort.RECORDING]}"
    text = start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n")
    if timed := next((name for form, name in _TIMED.items() if re.match(form, text, re.DOTALL)), None):
        return f"{timed}, {_TIMES}"
    kind = recognise(start)
    # A text may begin with the letters that identify a recording.
    if kind is None or (kind.sort is Sort.RECORDING and b"\0" not in start):
        return None
    return f"{kind.name}; {_REMEDIES[kind.sort]}"


def _wide_encoding(content: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 by their mark, UTF-16 also by the zeros beside letters of Latin script."""
    if content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = content[:1000]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = start[first::2], start[1 - first :: 2]
        if len(start) >= 8 and zeros.count(0) > 0.9 * len(zeros) and 0 not in others:
            return encoding
    return None


def read_text(path: Path) -> tuple[str, list[Problem]]:
    """Read a text file, which may be gzip, and report an encoding other than Unicode.

    Raises:
        ManifestError: the file is missing, cut off or not text.
    """
    try:
        if kind := binary_kind(path):
            raise ManifestError(f"{path}: {kind}")
        text, problem = decode_text(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file") from None
    if text is None:
        raise ManifestError(f"{path}: {problem.fact if problem else 'no text'}")
    return text, [problem] if problem else []


def read_unicode(path: Path) -> str:
    """Read a text file that must be Unicode.

    Raises:
        ManifestError: the file is missing, cut off or not Unicode.
    """
    text, problems = read_text(path)
    if problems:
        raise ManifestError(f"{path}: not UTF-8 text; save it as UTF-8")
    return text


def read_start(path: Path) -> str:
    """Return the first 64 KiB of a text file; other files give an empty text."""
    try:
        with path.open("rb") as file:
            data = file.read(_START)
        if data[:2] == _GZIP:
            data = zlib.decompressobj(wbits=31).decompress(data, _START)  # 31: gzip, which may be cut off
        return data.decode(_wide_encoding(data) or "utf-8-sig", errors="replace").removeprefix("\ufeff")
    except (OSError, zlib.error):
        return ""


def read_first_records(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects among the first lines, from which formats recognise their lists."""
    records = []
    for line in [line for line in read_start(path).split("\n") if line.strip()][:5]:
        try:
            records.append(from_json(line, strict=False))
        except ValueError:
            continue
    return [record for record in records if isinstance(record, dict)]
