"""How long a file says that its audio is, container by container, against how long it is.

libsndfile reads to the end of a file and reports that as the length, so a file that was cut passes for
complete. Every container states the length in its own place; it is read here, once, before the file is
decoded.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sercli.audio import _flac, _mpeg
from sercli.errors import AudioError

# A program that writes to a pipe can't know the length, and most write the largest that they dare to:
# arecord 2^31, SoX 2^31 less a page, ffmpeg 2^32 - 1, each rounded to whole samples or less the header.
_MARGIN = 1 << 16
# No file has as many chunks; one of zero bytes would seem to have millions.
_MOST_CHUNKS = 10_000
# Formats of a wav file's samples that are MPEG audio.
_MPEG = {0x50, 0x55}
_EXTENSIBLE = 0xFFFE  # the format is stated further on
# Other audio that an ID3 tag is sometimes put before.
_TAGGED = {b"fLaC", b"RIFF", b"FORM", b"OggS"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the chunks of a container follow one another.

    Attributes:
        first: where the first one begins.
        head: its name and length.
        even: to a multiple of how many bytes chunks are padded.
        inclusive: whether the length counts the name and itself.
        data: name of the chunk of samples.
        settings: name of the chunk that states the sample rate.
    """

    first: int
    head: struct.Struct
    even: int = 2
    inclusive: bool = False
    data: bytes = b"data"
    settings: bytes = b"fmt "


_RIFF = _Layout(12, struct.Struct("<4sI"))
_RIFX = _Layout(12, struct.Struct(">4sI"))
_AIFF = _Layout(12, struct.Struct(">4sI"), data=b"SSND", settings=b"COMM")
_W64 = _Layout(40, struct.Struct("<4s12xQ"), even=8, inclusive=True)
_CAF = _Layout(8, struct.Struct(">4sq"), even=1, settings=b"desc")


@dataclass(frozen=True, slots=True)
class Found:
    """What a file's header says of its audio.

    Attributes:
        rate: sample rate that it claims, hertz; none where only libsndfile knows.
        content: bytes to decode instead of the file's own; none where these will do.
        mpeg: whether they are MPEG audio.
    """

    rate: float | None = None
    content: bytes | None = None
    mpeg: bool = False


def examine(file: BinaryIO, size: int, suffix: str) -> Found:
    """Read what a file's header says.

    Args:
        file: the file.
        size: its bytes.
        suffix: how its name ends, in small letters.

    Raises:
        AudioError: it is cut short, or its header contradicts it (the message has no place).
    """
    file.seek(0)
    head = file.read(64)
    layout = _layout(head)
    found = Found()
    if layout is not None:
        found = _chunked(file, size, layout)
    elif head[:4] in (b".snd", b"dns."):
        found = _au(file, size, head)
    elif head[:7] == b"NIST_1A":
        found = _nist(file, size)
    elif head[:4] == b"OggS":
        _check_ogg(file, size)
    elif head[:4] == b"fLaC":
        found = _unstated_flac(file, head)
    elif head[:3] == b"ID3" or _mpeg.may_begin(head) or suffix == ".mp3":
        file.seek(0)
        content = file.read()
        begin = _mpeg.skip_id3(content)
        if content[begin : begin + 4] not in _TAGGED:
            found = _mpeg_found(content)
    return found


def _layout(head: bytes) -> _Layout | None:
    """Tell by its first bytes how a file's chunks follow one another, if it consists of chunks."""
    kind = head[8:12]
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return _W64
    if head[:4] == b"caff":
        return _CAF
    if head[:4] == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return _AIFF
    return {b"RIFF": _RIFF, b"RF64": _RIFF, b"RIFX": _RIFX}.get(head[:4]) if kind == b"WAVE" else None


def _chunked(file: BinaryIO, size: int, layout: _Layout) -> Found:
    rate, settings, wide = None, b"", None
    data: tuple[int, int] | None = None
    for name, at, length in _chunks(file, size, layout):
        if name == layout.settings:
            settings = file.read(40)
            rate = _rate(settings, layout)
        elif name == b"ds64":
            wide = (at + 8, *struct.unpack("<Q", file.read(16)[8:].ljust(8, b"\0")))
        elif name == layout.data:
            data = at, length
        if data is not None and rate is not None:
            break
    if data is None:
        raise AudioError("cut short before its audio begins; copy it again")
    at, length = data
    present = size - at
    order = layout.head.format[0]
    # Where the length is, should it have to be written anew.
    field, form = (at - 8, f"{order}q") if layout is _CAF else (at - 4, f"{order}I")
    if wide is not None and length == 0xFFFFFFFF:
        (field, length), form = wide, f"{order}Q"
    is_long = layout is _W64 or not form.endswith("I")
    known = length != 0 and not _is_placeholder(length, is_long=is_long)
    if known:
        _refuse_cut(length, present)
        after = length + -length % layout.even
        if 10 * length < present - after and not _holds_chunks(file, size, at + after, layout):
            raise AudioError(
                f"its header states {length} bytes of samples, and {present - after} bytes follow that are "
                "no chunk: header and file contradict each other; record or write it again"
            )
    code = struct.unpack(f"{order}H", settings[:2].ljust(2, b"\0"))[0]
    if code == _EXTENSIBLE and len(settings) >= 26:
        code = struct.unpack(f"{order}H", settings[24:26])[0]
    if layout in (_RIFF, _RIFX) and code in _MPEG:
        file.seek(at)
        return _mpeg_found(file.read(length if known else present))
    # libsndfile takes the other placeholders, and those of the other containers, for what they are.
    unread = layout in (_RIFF, _RIFX, _CAF) and not known and (length == 0 or is_long)
    if unread and present > 0 and not (length == 0 and _holds_chunks(file, size, at, layout)):
        most = 0xFFFFFFFF if form.endswith("I") else present
        return Found(rate, _with(file, field, struct.pack(form, min(present, most))))
    return Found(rate)


def _chunks(file: BinaryIO, size: int, layout: _Layout) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name, where its content begins and its length; the file is then there."""
    position = layout.first
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(layout.head.size)
        if len(head) < layout.head.size:
            return
        name, length = layout.head.unpack(head)
        if layout.inclusive:
            # Zero is left where the length was never written.
            length = max(0, length - layout.head.size)
        at = position + layout.head.size
        yield name, at, length
        position = at + max(0, length) + -length % layout.even
        if position >= size:
            return


def _holds_chunks(file: BinaryIO, size: int, at: int, layout: _Layout) -> bool:
    """Tell whether what follows an empty chunk is chunks up to the end, and no samples."""
    end = at
    while end < size:
        file.seek(end)
        head = file.read(layout.head.size)
        if len(head) < layout.head.size or not re.fullmatch(rb"[ -~]{4}", head[:4]):
            return False
        length = layout.head.unpack(head)[1]
        end += layout.head.size + length + -length % layout.even
        if length < 0:
            return False
    return end - size < layout.even


def _is_placeholder(length: int, *, is_long: bool) -> bool:
    """Tell whether a length, of 64 bits or of 32, is what programs write that do not know it."""
    if is_long:
        return not 0 <= length < 1 << 62
    return abs(length - (1 << 31)) <= _MARGIN or length >= (1 << 32) - _MARGIN


def _rate(settings: bytes, layout: _Layout) -> float | None:
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


def _mpeg_found(stream: bytes) -> Found:
    content = _mpeg.clean(stream)
    return Found(content=b"\0" if content is None else content, mpeg=True)


def _au(file: BinaryIO, size: int, head: bytes) -> Found:
    order = ">" if head[:4] == b".snd" else "<"
    if len(head) < 24:
        raise AudioError("cut short before its audio begins; copy it again")
    at, length, _, rate = struct.unpack(f"{order}4I", head[4:20])
    if length == 0 and size > at:
        return Found(rate, _with(file, 8, b"\xff" * 4))
    if not _is_placeholder(length, is_long=False):
        _refuse_cut(length, size - at)
    return Found(rate)


def _nist(file: BinaryIO, size: int) -> Found:
    file.seek(0)
    text = file.read(1 << 14)
    stated = dict(re.findall(rb"^(\w+) -[ir]\w* (\d+)", text, re.MULTILINE))
    begin = re.match(rb"NIST_1A\s+(\d+)", text)
    counts = [stated.get(name) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    if begin and None not in counts and b"-v" not in (re.findall(rb"sample_coding[^\n]*", text) or [b""])[0]:
        _refuse_cut(math.prod(int(count or 0) for count in counts), size - int(begin[1]))
    return Found(float(stated[b"sample_rate"]) if b"sample_rate" in stated else None)


def _check_ogg(file: BinaryIO, size: int) -> None:
    """Follow the pages of an Ogg file; the last one of each stream is marked as such."""
    position, open_streams = 0, set()
    while position + 27 <= size:
        file.seek(position)
        head = file.read(27 + 255)
        if head[:4] != b"OggS":
            position = _next_page(file, position + 1)
            continue
        if head[5] & 2:
            open_streams.add(head[14:18])
        length = 27 + head[26] + sum(head[27 : 27 + head[26]])
        if position + length > size:
            break
        if head[5] & 4:
            open_streams.discard(head[14:18])
        position += length
    if open_streams:
        raise AudioError("cut short, the page that ends it is missing; copy it again")


def _next_page(file: BinaryIO, position: int) -> int:
    """Return where the next page begins; beyond the end if there is none."""
    while True:
        file.seek(position)
        block = file.read(1 << 16)
        found = block.find(b"OggS")
        if found >= 0:
            return position + found
        if len(block) < 1 << 16:
            return position + len(block) + 27
        position += len(block) - 3


def _unstated_flac(file: BinaryIO, head: bytes) -> Found:
    """Count the samples of a FLAC file that was written to a pipe, and so does not state them."""
    if len(head) < 42 or int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF:
        return Found()
    file.seek(0)
    content = bytearray(file.read())
    content[21:26] = (int.from_bytes(head[21:26], "big") | _flac.count_samples(bytes(content))).to_bytes(
        5, "big"
    )
    return Found(content=bytes(content))


def _with(file: BinaryIO, position: int, value: bytes) -> bytes:
    """Return the file's bytes with some of them replaced."""
    file.seek(0)
    content = bytearray(file.read())
    content[position : position + len(value)] = value
    return bytes(content)


def _refuse_cut(length: int, present: int) -> None:
    if present < length:
        missing = length - max(0, present)
        raise AudioError(f"cut short, {missing} of {length} bytes missing; copy it again")
