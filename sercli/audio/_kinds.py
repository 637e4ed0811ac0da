"""Name the kind of a file that is no audio, or is audio that libsndfile does not read."""

import re

_CONVERT = "convert it, as with `ffmpeg -i FILE FILE.wav`"
_UNPACK = "unpack it first"
_AGAIN = "download it again"

# By its first bytes: what it is, and what to do.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs.github.com/",
        "a git-lfs pointer in place of the recording",
        "run `git lfs pull`",
    ),
    (
        b"version https://hawser.github.com/",
        "a git-lfs pointer in place of the recording",
        "run `git lfs pull`",
    ),
    (b"\x1aE\xdf\xa3", "WebM or Matroska", _CONVERT),
    (b"0&\xb2u\x8ef\xcf\x11", "Windows Media (wma, asf)", _CONVERT),
    (b"#!AMR", "AMR, the speech format of phones", _CONVERT),
    (b"#!SILK", "SILK, the speech format of messengers", _CONVERT),
    (b"\x02#!SILK", "SILK, the speech format of messengers", _CONVERT),
    (b"ADIF", "AAC", _CONVERT),
    (b"MAC ", "Monkey's Audio (ape)", _CONVERT),
    (b"wvpk", "WavPack", _CONVERT),
    (b"TTA1", "True Audio", _CONVERT),
    (b"MPCK", "Musepack", _CONVERT),
    (b"MP+", "Musepack", _CONVERT),
    (b"DSD ", "DSD audio", _CONVERT),
    (b"FRM8", "DSD audio", _CONVERT),
    (b"\x0bw", "Dolby AC-3", _CONVERT),
    (b".RMF", "RealMedia", _CONVERT),
    (b".ra\xfd", "RealAudio", _CONVERT),
    (b"ajkg", "Shorten", _CONVERT),
    (b"BW64", "Broadcast Wave of 64 bits (BW64)", _CONVERT),
    (b"FLV", "Flash video", _CONVERT),
    (b"\x00\x00\x01\xba", "MPEG video", _CONVERT),
    (b"\x03dss", "DSS, the format of dictation machines", "convert it with the program of the machine"),
    (b"\x02dss", "DSS, the format of dictation machines", "convert it with the program of the machine"),
    (b"MThd", "MIDI, notes and no recording", "leave it out"),
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _AGAIN),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a rar archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"%PDF", "a PDF document", "leave it out"),
    (b"\x89PNG", "a picture (PNG)", "leave it out"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "leave it out"),
    (b"GIF8", "a picture (GIF)", "leave it out"),
    (b"\x93NUMPY", "a NumPy array", "write its samples as wav"),
    (b"\x89HDF", "an HDF5 file", "write its samples as wav"),
    (b"PAR1", "a Parquet table", "write its samples as wav"),
    (b"MATLAB 5", "a MATLAB file", "write its samples as wav"),
    (b"SQLite format 3", "an SQLite database", "leave it out"),
    (b"\x00\x05\x16\x07", "macOS's notes on a file (AppleDouble)", "leave it out"),
    (b"\x00\x05\x16\x00", "macOS's notes on a file (AppleSingle)", "leave it out"),
)
_HTML = re.compile(
    rb"(?:<!--.*?-->|<\?xml[^>]*>|\s)*<(?:!doctype\s+html|html|head|body|title|script|meta)\b", re.I | re.S
)


def describe(head: bytes, suffix: str) -> str | None:
    """Say what a file is and what to do; nothing where that is not known.

    Args:
        head: its first 1024 bytes, or all.
        suffix: how its name ends, in small letters.
    """
    by_magic = (f"{what}; {remedy}" for magic, what, remedy in _MAGIC if head.startswith(magic))
    said = next(by_magic, None) or _container(head) or _writing(head) or _samples(head, suffix)
    return f"it is {said}" if said else None


def _container(head: bytes) -> str | None:
    """Name audio and archives that are known by more than their first bytes."""
    what = None
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") or head[4:12] == b"free\0\0\0\0":
        brand = head[8:11] if head[4:8] == b"ftyp" else b""
        what = {b"3gp": "3GPP (3gp)", b"qt ": "QuickTime (mov)"}.get(brand, "MPEG-4 (m4a, mp4)")
    elif len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        what = "AAC"
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        what = "AVI video"
    elif head[:4] == b"OggS":
        what = "Speex in Ogg" if head[28:33] == b"Speex" else "Ogg without Vorbis, Opus or FLAC"
    elif head[:7] == b"NIST_1A":
        return f"NIST SPHERE, compressed; unpack it with `sph2pipe`, or {_CONVERT}"
    elif head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    return f"{what}; {_CONVERT}" if what else None


def _writing(head: bytes) -> str | None:
    """Name what is text."""
    text = _text(head)
    if _HTML.match(text or head):
        return f"a web page (HTML) in place of the recording; {_AGAIN}, signed in where that is needed"
    if text is None:
        return None
    if b"/annex/objects/" in text:
        return "a git-annex pointer in place of the recording; run `git annex get`"
    kind = "XML" if text.startswith(b"<?xml") else "JSON" if text[:1] in (b"{", b"[") else "text"
    return f"{kind} and no recording ('{_excerpt(text)}'); {_AGAIN}, or leave it out"


def _samples(head: bytes, suffix: str) -> str | None:
    """Name what has no header."""
    if suffix in (".raw", ".pcm", ".gsm", ".vox"):
        return (
            "samples without a header, whose sample rate can't be known; state it to convert them, as with "
            "`ffmpeg -f s16le -ar 16000 -ac 1 -i FILE FILE.wav`"
        )
    if head and not any(head):
        return f"zero bytes, as an interrupted download leaves them; {_AGAIN}"
    return None


def _text(head: bytes) -> bytes | None:
    """Return text as UTF-8; none if it is none."""
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
