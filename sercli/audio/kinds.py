"""Recognise kinds of files: recordings by their names, and other files by their first bytes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from sercli.errors import list_some

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64", ".caf"}
    | {".aifc", ".bwf", ".mp2", ".nist", ".oga", ".rf64", ".snd", ".sph", ".wave"}
)
"""Suffixes of audio files that sercli reads."""
FOREIGN_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".mp4", ".aac", ".3gp", ".3g2", ".mov", ".amr", ".awb", ".wma", ".asf", ".wmv", ".webm"}
    | {".weba", ".mka", ".mkv", ".avi", ".ape", ".wv", ".tta", ".mpc", ".ac3", ".dts", ".spx", ".shn", ".ra"}
    | {".rm", ".dss", ".ds2", ".silk", ".raw", ".pcm", ".gsm", ".vox", ".voc", ".8svx", ".svx", ".sf", ".avr"}
    | {".paf", ".pvf", ".sds", ".wve", ".dsf", ".dff", ".flv", ".m4v", ".mpg", ".mpeg", ".vob", ".ogv"}
    | {".mts", ".m2ts"}  # without .ts, which is also the suffix of programs in TypeScript
)
"""Suffixes of recordings that only ffmpeg decodes, or that sercli does not read: they are never left out
silently."""
MEDIA_SUFFIXES = SUFFIXES | FOREIGN_SUFFIXES
"""Suffixes of all recordings."""

_SHOWN = 5  # of the suffixes of other files, and of names

HEAD_BYTES = 1024
"""Bytes at the beginning of a file from which its kind is recognised."""


class Sort(Enum):
    """Use of a file that is neither readable audio nor text."""

    RECORDING = auto()
    POINTER = auto()
    ZIP = auto()
    ARCHIVE = auto()
    TABLE = auto()
    ARRAYS = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: with its article.
        sort: use of such a file.
        remedy: advice for a user who gives such a file in place of a recording; by default that of the sort.
    """

    name: str
    sort: Sort
    remedy: str | None = None


_CONVERT = "convert it, for example with `ffmpeg -i FILE FILE.wav`"
_AGAIN = "download it again"
_REMEDIES = {
    Sort.RECORDING: f"install ffmpeg, with which sercli reads it, or {_CONVERT}",
    Sort.POINTER: "run `git lfs pull`",
    Sort.ZIP: "unpack it first",
    Sort.ARCHIVE: "unpack it first",
    Sort.TABLE: "leave it out",
    Sort.ARRAYS: "write its samples as wav",
    Sort.OTHER: "leave it out",
}
_POINTER = Kind("a git-lfs pointer in place of the file", Sort.POINTER)
_SILK = Kind("SILK, a speech format of messengers", Sort.RECORDING)
_DSS = Kind(
    "DSS, a format of dictation machines", Sort.RECORDING, "convert it with the program of the machine"
)
_MUSEPACK, _DSD = Kind("Musepack", Sort.RECORDING), Kind("DSD audio", Sort.RECORDING)

_BY_FIRST_BYTES: tuple[tuple[bytes, Kind], ...] = (
    (b"version https://git-lfs", _POINTER),
    (b"version https://hawser.github.com/", _POINTER),
    (b"\x1aE\xdf\xa3", Kind("WebM or Matroska", Sort.RECORDING)),
    (b"0&\xb2u\x8ef\xcf\x11", Kind("Windows Media (wma, asf)", Sort.RECORDING)),
    (b"#!AMR", Kind("AMR, a speech format of phones", Sort.RECORDING)),
    (b"#!SILK", _SILK),
    (b"\x02#!SILK", _SILK),
    (b"ADIF", Kind("AAC", Sort.RECORDING)),
    (b"MAC ", Kind("Monkey's Audio (ape)", Sort.RECORDING)),
    (b"wvpk", Kind("WavPack", Sort.RECORDING)),
    (b"TTA1", Kind("True Audio", Sort.RECORDING)),
    (b"MPCK", _MUSEPACK),
    (b"MP+", _MUSEPACK),
    (b"DSD ", _DSD),
    (b"FRM8", _DSD),
    (b"\x0bw", Kind("Dolby AC-3", Sort.RECORDING)),
    (b"\x7f\xfe\x80\x01", Kind("DTS", Sort.RECORDING)),
    (b".RMF", Kind("RealMedia", Sort.RECORDING)),
    (b".ra\xfd", Kind("RealAudio", Sort.RECORDING)),
    (b"ajkg", Kind("Shorten", Sort.RECORDING)),
    (b"BW64", Kind("Broadcast Wave of 64 bits (BW64)", Sort.RECORDING)),
    (b"FLV", Kind("Flash video", Sort.RECORDING)),
    (b"\x00\x00\x01\xba", Kind("MPEG video", Sort.RECORDING)),
    (b"\x03dss", _DSS),
    (b"\x02dss", _DSS),
    (b"MThd", Kind("MIDI (notes, not a recording)", Sort.OTHER)),
    (b"PK\x03\x04", Kind("a zip archive", Sort.ZIP)),
    (b"PK\x05\x06", Kind("an empty zip archive", Sort.ARCHIVE, _AGAIN)),
    (b"\x1f\x8b", Kind("a gzip archive", Sort.ARCHIVE)),
    (b"7z\xbc\xaf", Kind("a 7z archive", Sort.ARCHIVE)),
    (b"Rar!", Kind("a RAR archive", Sort.ARCHIVE)),
    (b"\xfd7zXZ", Kind("an xz archive", Sort.ARCHIVE)),
    (b"BZh", Kind("a bzip2 archive", Sort.ARCHIVE)),
    (b"\x28\xb5\x2f\xfd", Kind("a Zstandard archive", Sort.ARCHIVE)),
    (b"%PDF", Kind("a PDF document", Sort.TABLE)),
    (b"\xd0\xcf\x11\xe0", Kind("an old Excel file (.xls)", Sort.TABLE)),
    (b"ARROW1", Kind("an Arrow file", Sort.TABLE)),
    (b"SQLite format", Kind("an SQLite database", Sort.TABLE)),
    (b"\x89PNG", Kind("a picture (PNG)", Sort.OTHER)),
    (b"\xff\xd8\xff", Kind("a picture (JPEG)", Sort.OTHER)),
    (b"GIF8", Kind("a picture (GIF)", Sort.OTHER)),
    (b"\x93NUMPY", Kind("a NumPy array", Sort.ARRAYS)),
    (b"\x89HDF", Kind("an HDF5 file", Sort.ARRAYS)),
    (b"PAR1", Kind("a Parquet file", Sort.ARRAYS)),
    (b"MATLAB 5", Kind("a MATLAB file", Sort.ARRAYS)),
    (b"\x00\x05\x16\x07", Kind("a file of macOS's notes (AppleDouble)", Sort.OTHER)),
    (b"\x00\x05\x16\x00", Kind("a file of macOS's notes (AppleSingle)", Sort.OTHER)),
)
# Formats of a wav file's samples: those that are read, and names of others.
_READ = {1, 2, 3, 6, 7, 0x11, 0x14, 0x31, 0x40, 0x50, 0x55}
_CODECS = (
    ("AAC", {0xFF, 0x1600, 0x1602, 0x1610, 0xA106}),
    ("Windows Media (wma)", {0x160, 0x161, 0x162, 0x163}),
    ("Vorbis", {0x674F, 0x6750, 0x6751, 0x676F, 0x6770, 0x6771}),
    ("G.729", {0x83}),
    ("Dolby AC-3", {0x2000}),
)
_BEGINNING = re.compile(rb"(?:RIFF|RIFX|RF64)....WAVE|FORM....AIF[FC]|OggS\0\x02|fLaC[\0\x80]\0\0\x22", re.S)
_SAMPLES = (
    "samples without a header, so its sample rate is unknown; state the rate and convert it, for example "
    "with `ffmpeg -f s16le -ar 16000 -ac 1 -i FILE FILE.wav`"
)
_HEADERLESS = {
    ".raw": _SAMPLES,
    ".pcm": _SAMPLES,
    ".gsm": f"probably GSM 6.10, compressed speech of phones without a header; {_CONVERT}",
    ".vox": (
        "probably OKI ADPCM, compressed samples without a header, so its sample rate is unknown; convert it "
        "with the rate of its source, often 8000 or 6000 Hz, for example with `sox -t vox -r 8000 FILE "
        "FILE.wav`"
    ),
}
_PAGE = Kind("a web page (HTML) in place of the file", Sort.OTHER, f"{_AGAIN}, and log in first if necessary")
_HTML = re.compile(
    rb"(?:<!--.*?-->|<\?xml[^>]*>|\s)*<(?:!doctype\s+html|html|head|body|title|script|meta)\b", re.I | re.S
)


def recordings(paths: Iterable[Path]) -> list[Path]:
    """Choose the recordings among files by their names, sorted, without hidden files such as ``._a.wav``.

    A recording in a format that needs ffmpeg or is not read is included, so that it is decoded or reported,
    unless the same recording also exists in a format that sercli reads itself (see `left_out_beside`).
    """
    visible = _visible(paths)
    return sorted(visible.keys() - left_out_beside(visible).keys())


def left_out_beside(paths: Iterable[Path]) -> dict[Path, Path]:
    """Find the recordings that `recordings` leaves out, each with the file of the same name beside it."""
    visible = _visible(paths)
    readable = {path.with_suffix(""): path for path, suffix in visible.items() if suffix in SUFFIXES}
    foreign = (path for path, suffix in visible.items() if suffix in FOREIGN_SUFFIXES)
    return {path: readable[stem] for path in sorted(foreign) if (stem := path.with_suffix("")) in readable}


def describe_left_out(beside: Mapping[Path, Path], root: Path) -> str:
    """Name recordings that `left_out_beside` found below a folder, and what is beside them."""
    names = [path.relative_to(root).as_posix() for path in beside]
    first = next(iter(beside.values())).name
    if len(names) == 1:
        return f"left out: {names[0]}, because {first} is beside it; rename it if it is another recording"
    return (
        f"left out: {list_some(names, _SHOWN)}, because recordings of the same names are beside them "
        f"(such as {first}); rename those that are other recordings"
    )


def count_others(paths: Sequence[Path]) -> str:
    """Count files that are not named as audio: ``2 files without an audio suffix (no suffix, .txt)``."""
    suffixes = [suffix or "no suffix" for suffix in sorted({path.suffix for path in paths})]
    noun = "file" if len(paths) == 1 else "files"
    return f"{len(paths)} {noun} without an audio suffix ({list_some(suffixes, _SHOWN)})"


def _visible(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the suffix of each recording that is not hidden, in lower case."""
    suffixes = {path: path.suffix.lower() for path in paths if not path.name.startswith(".")}
    return {path: suffix for path, suffix in suffixes.items() if suffix in MEDIA_SUFFIXES}


def recognise(head: bytes) -> Kind | None:
    """Return what a file is, from its first `HEAD_BYTES`; ``None`` for unknown kinds and readable audio."""
    by_first_bytes = (kind for first, kind in _BY_FIRST_BYTES if head.startswith(first))
    kind = next(by_first_bytes, None) or _container(head)
    return kind or (_PAGE if _HTML.match(_text(head) or head) else None)


def is_foreign(head: bytes) -> bool:
    """Return whether a file that libsndfile does not read is a recording for ffmpeg, from its first bytes."""
    kind = recognise(head)
    return kind is not None and kind.sort is Sort.RECORDING and kind.remedy is None


def describe(head: bytes, suffix: str) -> str | None:
    """Describe a file in place of a recording and name the remedy; ``None`` if its kind is not known.

    Args:
        head: its first `HEAD_BYTES`, or all.
        suffix: its suffix in lower case.
    """
    kind = recognise(head)
    if kind is not None:
        return f"it is {kind.name}; {kind.remedy or _REMEDIES[kind.sort]}"
    late = _BEGINNING.search(head)
    if late is not None and late.start():
        at = late.start()
        return (
            f"{at} other bytes precede its header; copy it again, or remove them, for example with `tail -c "
            f"+{at + 1} FILE > NEW`"
        )
    found = _describe_text(head) or _describe_samples(head, suffix)
    return f"it is {found}" if found else None


def describe_joined(streams: str) -> str:
    """Explain that a file is several files, byte by byte one after the other; decoders read the first."""
    return (
        f"several {streams} are joined in it, one after the other, and only the first would be read; give "
        "each a file of its own, or join them with a program that decodes them, such as ffmpeg"
    )


def _container(head: bytes) -> Kind | None:
    """Recognise audio and archives that more than their first bytes identify."""
    name = None
    boxes = (b"ftyp", b"moov", b"mdat", b"wide")
    if (head[4:8] in boxes and _text(head) is None) or head[4:12] == b"free\0\0\0\0":
        brand = head[8:11] if head[4:8] == b"ftyp" else b""
        name = {b"3gp": "3GPP (3gp)", b"qt ": "QuickTime (mov)"}.get(brand, "MPEG-4 (m4a, mp4)")
    elif len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        name = "AAC"
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        name = "AVI video"
    elif head[:4] == b"OggS":
        name = "Speex in Ogg" if head[28:33] == b"Speex" else "Ogg without Vorbis, Opus or FLAC"
    elif head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        name = _codec(head)
    elif _is_transport(head):
        name = "MPEG transport stream (ts, mts)"  # a packet is of 188 bytes, on cameras four more
    elif head[:7] == b"NIST_1A":
        return Kind("NIST SPHERE, compressed", Sort.RECORDING, f"unpack it with `sph2pipe`, or {_CONVERT}")
    elif head[257:262] == b"ustar":
        return Kind("a tar archive", Sort.ARCHIVE)
    return Kind(name, Sort.RECORDING) if name else None


def _is_transport(head: bytes) -> bool:
    """Return whether there is the mark of each packet of MPEG; a repeated sample has it everywhere."""
    marks = any(len(each) > 2 and set(each) == {0x47} for each in (head[::188], head[4::192]))
    return marks and head[:64] != 32 * head[:2]


def _codec(head: bytes) -> str | None:
    """Return the format of the samples of a wav file; ``None`` if it is read, or not found."""
    at = head.find(b"fmt ", 12)
    code = int.from_bytes(head[at + 8 : at + 10], "little")
    if code == 0xFFFE:  # the format follows in another field
        code = int.from_bytes(head[at + 32 : at + 34], "little")
    if at < 0 or code == 0 or code in _READ:
        return None
    name = next((name for name, codes in _CODECS if code in codes), f"sound of the format 0x{code:X}")
    return f"{name} in a wav file"


def _describe_text(head: bytes) -> str | None:
    text = _text(head)
    if text is None:
        return None
    if b"/annex/objects/" in text:
        return "a git-annex pointer in place of the recording; run `git annex get`"
    kind = "XML" if text.startswith(b"<?xml") else "JSON" if text[:1] in (b"{", b"[") else "text"
    return f"{kind}, not a recording ('{_excerpt(text)}'); {_AGAIN}, or leave it out"


def _describe_samples(head: bytes, suffix: str) -> str | None:
    """Describe a file without a header."""
    if suffix in _HEADERLESS:
        return _HEADERLESS[suffix]
    if head and not any(head):
        return f"zero bytes, probably from an interrupted download; {_AGAIN}"
    return None


def _text(head: bytes) -> bytes | None:
    """Return text as UTF-8; ``None`` for other content."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = head[: len(head) - len(head) % 2].decode(encoding) if encoding == "utf-16" else _utf8(head)
    except UnicodeDecodeError:
        return None
    if not text or re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
        return None
    return text.lstrip("\ufeff").encode()


def _utf8(head: bytes) -> str:
    # The excerpt may end within a letter.
    for end in range(len(head), max(0, len(head) - 4), -1):
        try:
            return head[:end].decode()
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                raise
    return ""


def _excerpt(text: bytes) -> str:
    line = " ".join(text.decode(errors="replace").split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
