"""Containers of chunks: WAV, RF64, W64, AIFF and CAF.

libsndfile reads to the end of a file and reports that as its length, so a file that was cut short seems
complete. These containers state the length in the head of the chunk of samples.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO

from sercli.audio import _mpeg
from sercli.audio._lengths import METADATA, check_complete, check_rest, is_placeholder
from sercli.audio.kinds import describe_joined
from sercli.errors import AudioError

# No file has as many chunks; one of zero bytes would seem to have millions.
_MOST_CHUNKS = 10_000
# Bytes of the usual header of a wav file, without and with its first eight.
_HEADERS = (36, 44)
# A name of Sony Wave64 is a GUID; those of its chunks end with one of two nodes.
_GUID = re.compile(rb".{10}(?:\0\xc0O\x8e\xdb\x8a|\x28\xdb\x04\xc1\0\0)", re.DOTALL)
# Formats of a wav file's samples that are MPEG audio.
_MPEG = {0x50, 0x55}
_NAME = re.compile(rb"[ -~]{4}")  # of a chunk
# Names by which a chunk is recognised that follows one without padding.
_USUAL = METADATA | {b"data", b"fmt ", b"COMM", b"SSND"}
_EXTENSIBLE = 0xFFFE  # the format follows in another field


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """How a container arranges its chunks.

    Attributes:
        first: position of the first one.
        head: its name and length.
        even: chunks are padded to a multiple of this number of bytes.
        inclusive: whether the length includes the head.
        data: name of the chunk of samples.
        settings: name of the chunk that states the sample rate.
        named: pattern of the names of chunks.
    """

    first: int
    head: struct.Struct
    even: int = 2
    inclusive: bool = False
    data: bytes = b"data"
    settings: bytes = b"fmt "
    named: re.Pattern[bytes] = _NAME


_RIFF = ChunkLayout(12, struct.Struct("<4sI"))
_RIFX = ChunkLayout(12, struct.Struct(">4sI"))
_AIFF = ChunkLayout(12, struct.Struct(">4sI"), data=b"SSND", settings=b"COMM")
_W64 = ChunkLayout(40, struct.Struct("<4s12xQ"), even=8, inclusive=True, named=_GUID)
_CAF = ChunkLayout(8, struct.Struct(">4sq"), even=1, settings=b"desc")


@dataclass(frozen=True, slots=True)
class Examined:
    """What the header of a file states, and what to decode.

    Attributes:
        rate: sample rate that it states, hertz; ``None`` if libsndfile has to find it.
        content: bytes to decode instead of the file's own; ``None`` if the file's own can be decoded.
        mpeg: whether they are MPEG audio.
    """

    rate: float | None = None
    content: bytes | None = None
    mpeg: bool = False


def find_layout(head: bytes) -> ChunkLayout | None:
    """Find from its first bytes how a file arranges its chunks; ``None`` if it has none."""
    kind = head[8:12]
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return _W64
    if head[:4] == b"caff":
        return _CAF
    if head[:4] == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return _AIFF
    return {b"RIFF": _RIFF, b"RF64": _RIFF, b"RIFX": _RIFX}.get(head[:4]) if kind == b"WAVE" else None


def examine_chunks(file: BinaryIO, size: int, layout: ChunkLayout) -> Examined:
    """Compare the stated length of the samples with the file.

    Raises:
        AudioError: it is cut short, or its header contradicts it (the message has no place).
    """
    unpadded = _find_unpadded(file, size, layout)
    if unpadded:
        file.seek(0)
        steps = [end - begin for begin, end in pairwise([0, *unpadded])]
        content = b"\0".join([*map(file.read, steps), file.read()])
        found = examine_chunks(BytesIO(content), len(content), layout)
        return replace(found, content=found.content or content)
    settings, wide, data = _find_samples(file, size, layout)
    rate = _rate(settings, layout)
    at, length = data
    present = size - at
    order = layout.head.format[0]
    # Position of the length, in case it has to be corrected.
    field, form = (at - 8, f"{order}q") if layout is _CAF else (at - 4, f"{order}I")
    if wide is not None and length == 0xFFFFFFFF:
        (field, length), form = wide, f"{order}Q"
    is_long = layout is _W64 or not form.endswith("I")
    # Some recorders add their header to the length of the samples, with or without its first eight bytes.
    counts_header = layout in (_RIFF, _RIFX) and length - present in (*_HEADERS, at, at - 8)
    known = length != 0 and not counts_header and not is_placeholder(length, is_long=is_long)
    if known:
        check_complete(length, present)
        _check_single(file, size, at + length + -length % layout.even, layout)
        end = _skip_chunks(file, size, at + length, -length % layout.even, layout)
        check_rest(file, end, size, length, _bytes_per_second(settings, layout))
    code = struct.unpack(f"{order}H", settings[:2].ljust(2, b"\0"))[0]
    if code == _EXTENSIBLE and len(settings) >= 26:
        code = struct.unpack(f"{order}H", settings[24:26])[0]
    if layout in (_RIFF, _RIFX) and code in _MPEG:
        file.seek(at)
        return mpeg_found(file.read(length if known else present))
    if layout is _W64 and known:
        return Examined(rate, bytes_before(file, at + length, size))
    # libsndfile recognises the other placeholders, and those of the other containers.
    unread = layout in (_RIFF, _RIFX, _CAF) and not known and (length == 0 or is_long)
    if unread and present > 0 and not (length == 0 and _holds_chunks(file, size, at, layout)):
        most = 0xFFFFFFFF if form.endswith("I") else present
        return Examined(rate, with_bytes(file, field, struct.pack(form, min(present, most))))
    return Examined(rate)


def _find_samples(
    file: BinaryIO, size: int, layout: ChunkLayout
) -> tuple[bytes, tuple[int, int] | None, tuple[int, int]]:
    """Return the settings, place and value of a length of 64 bits, and place and length of the samples.

    Raises:
        AudioError: there are none, or none that libsndfile can read (the message has no place).
    """
    settings, wide, data = b"", None, None
    for name, at, length in _chunks(file, size, layout, layout.first):
        if name == layout.settings:
            settings = file.read(40)
        elif name == b"ds64":
            wide = (at + 8, *struct.unpack("<Q", file.read(16)[8:].ljust(8, b"\0")))
        elif name == layout.data:
            data = at, length
        elif name == b"LIST" and file.read(4) == b"wavl":
            raise AudioError(
                "its samples are a list of pieces ('LIST wavl'); write it again with one 'data' chunk"
            )
        if data is not None and (settings or layout is not _AIFF):
            break
    if data is None and _holds_chunks(file, size, layout.first, layout):
        wanted = layout.data.decode()
        raise AudioError(f"holds no samples: no chunk of it is named '{wanted}'; record or copy it again")
    if data is None:
        raise AudioError("cut short before its audio begins; copy it again")
    if not settings:
        wanted = layout.settings.decode()
        raise AudioError(
            f"its sample rate and format are unknown, because no '{wanted}' chunk precedes its samples; "
            "write it again with a complete header"
        )
    return settings, wide, data


def _find_unpadded(file: BinaryIO, size: int, layout: ChunkLayout) -> list[int]:
    """Return the ends of those chunks before the samples that have an odd length and no byte of padding."""
    found = []
    for name, at, length in _chunks(file, size, layout, layout.first):
        if name == layout.data:
            break
        if _lacks_padding(file, at + length, length, layout):
            found.append(at + length)
    return found


def _lacks_padding(file: BinaryIO, end: int, length: int, layout: ChunkLayout) -> bool:
    if layout.even != 2 or length % 2 == 0:
        return False
    file.seek(end)
    return file.read(4) in _USUAL


def _check_single(file: BinaryIO, size: int, end: int, layout: ChunkLayout) -> None:
    """Refuse other samples after the samples: they would be lost.

    Raises:
        AudioError: there are some (the message has no place).
    """
    for name, at, _ in _chunks(file, size, layout, end):
        file.seek(at - layout.head.size - 1)
        near = file.read(64)
        # Programs differ on whether the last chunk of a file is padded.
        if any(find_layout(near[begin:]) for begin in range(3)):
            raise AudioError(describe_joined("recordings"))
        if name == layout.data:
            one = f"'{name.decode()}' chunk"
            raise AudioError(f"its samples are in more than one {one}; write it again with one {one}")
        if not _NAME.fullmatch(name):
            break


def _chunks(
    file: BinaryIO, size: int, layout: ChunkLayout, position: int
) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, place and length of each chunk from a position on; the file is at that place then."""
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(layout.head.size)
        if len(head) < layout.head.size:
            return
        name, length = layout.head.unpack(head)
        if layout.inclusive:
            # It stays zero if the length was never written.
            length = max(0, length - layout.head.size)
        at = position + layout.head.size
        yield name, at, length
        position = at + max(0, length)
        position += 0 if _lacks_padding(file, position, length, layout) else -length % layout.even
        if position >= size:
            return


def _holds_chunks(file: BinaryIO, size: int, at: int, layout: ChunkLayout) -> bool:
    """Return whether chunks, not samples, follow an empty chunk up to the end of the file."""
    end = _skip_chunks(file, size, at, 0, layout)
    file.seek(end)
    return size - end < layout.even and not file.read().strip(b"\0")


def _skip_chunks(file: BinaryIO, size: int, end: int, padding: int, layout: ChunkLayout) -> int:
    """Return the end of the last of the well-formed chunks that follow the end of a chunk."""
    # Some programs write no padding behind samples of an odd length.
    for start in {end, end + padding}:
        for _, at, length in _chunks(file, size, layout, start):
            file.seek(at - layout.head.size)
            if at + length > size or not layout.named.match(file.read(layout.head.size)):
                break
            end = at + length
    return end


def _bytes_per_second(settings: bytes, layout: ChunkLayout) -> float:
    """Return how many bytes are a second of sound, at most those of one channel of 16 bits."""
    own = int.from_bytes(settings[8:12], "little") if layout in (_RIFF, _W64) else 0  # fewer if compressed
    usual = 2 * (_rate(settings, layout) or 0.0)
    return min(own or usual, usual)


def _rate(settings: bytes, layout: ChunkLayout) -> float | None:
    if layout is _CAF:
        return float(struct.unpack(">d", settings[:8])[0]) if len(settings) >= 8 else None
    if layout is not _AIFF:
        return (
            float(struct.unpack(layout.head.format[0] + "I", settings[4:8])[0])
            if len(settings) >= 8
            else None
        )
    if len(settings) < 18:
        return None
    exponent, mantissa = struct.unpack(">HQ", settings[8:18])  # of 80 bits
    if exponent & 0x7FFF > 16383 + 64:
        return math.inf
    return math.ldexp(mantissa, (exponent & 0x7FFF) - 16383 - 63)


def mpeg_found(stream: bytes) -> Examined:
    """Return MPEG audio as the frames that a decoder reads at their true length."""
    content = _mpeg.clean(stream)
    return Examined(content=b"\0" if content is None else content, mpeg=True)


def with_bytes(file: BinaryIO, position: int, value: bytes) -> bytes:
    """Return the file's bytes with those at a position replaced."""
    file.seek(0)
    content = bytearray(file.read())
    content[position : position + len(value)] = value
    return bytes(content)


def bytes_before(file: BinaryIO, end: int, size: int) -> bytes | None:
    """Return a file up to the end of its samples; ``None`` if nothing follows them.

    In some containers libsndfile reads what follows as samples.
    """
    if end >= size:
        return None
    file.seek(0)
    return file.read(end)
