"""Compare the length in the header of a file with the length of the file, for each container.

libsndfile reads to the end of a file and reports that as its length, so a file that was cut short seems
complete. Every container states the length in its own place; it is read here, once, before the file is
decoded. A FLAC file that was written to a pipe does not state it; its last frame does.

Source: RFC 9639, section 9 (FLAC).
"""

import math
import re
import struct
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

from sercli.audio import _mpeg
from sercli.audio._chunks import (
    Examined,
    bytes_before,
    examine_chunks,
    find_layout,
    mpeg_found,
    with_bytes,
)
from sercli.audio._lengths import check_complete, check_rest, is_placeholder
from sercli.audio._ogg import check_ogg, find
from sercli.audio.kinds import HEAD_BYTES, describe_joined, recognise
from sercli.errors import AudioError

# Other audio that an ID3 tag is sometimes put before.
_TAGGED = {b"fLaC", b"RIFF", b"FORM", b"OggS"}
# First bytes of the kinds that `examine` reads, besides those of chunks.
_READ = (*_TAGGED, b"ID3", b".snd", b"dns.", b"NIST_1A")
# Bytes of a frame: 65 535 samples of 32 bits in eight channels, uncompressed.
_LONGEST = 65_535 * 4 * 8 + 64
_TAG = 128  # bytes of an ID3v1 tag at the end
_SIZES = {1: 192, **{code: 144 << code for code in range(2, 6)}, **{code: 1 << code for code in range(8, 16)}}


def _table(polynomial: int, bits: int) -> list[int]:
    table = []
    for value in range(256):
        rest = value << (bits - 8)
        for _ in range(8):
            rest = rest << 1 ^ (polynomial if rest >> (bits - 1) else 0)
            rest &= (1 << bits) - 1
        table.append(rest)
    return table


_CRC8, _CRC16 = _table(0x107, 8), _table(0x18005, 16)


def examine(file: BinaryIO, size: int, suffix: str) -> Examined:
    """Read the header of a file and compare it with the file.

    Args:
        file: the file.
        size: its number of bytes.
        suffix: suffix of its name, in lower case.

    Raises:
        AudioError: it is cut short, or its header contradicts it (the message has no place).
    """
    file.seek(0)
    head = file.read(64)
    layout = find_layout(head)
    found = Examined()
    if layout is not None:
        found = examine_chunks(file, size, layout)
    elif head[:4] in (b".snd", b"dns."):
        found = _au(file, size, head)
    elif head[:7] == b"NIST_1A":
        found = _nist(file, size)
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        _check_avi(file, size)
    elif head[:3] == b"FLV":
        _check_flash(file, size)
    elif head[:4] == b"OggS":
        check_ogg(file, size)
    elif head[:4] == b"fLaC":
        _check_single_flac(file, size)
        found = _examine_flac(file, size, head)
    elif head[:3] == b"ID3" or _mpeg.may_begin(head) or suffix == ".mp3":
        file.seek(0)
        content = file.read()
        begin = _mpeg.skip_id3(content)
        if begin and content[begin : begin + 4] in _TAGGED:
            content = content[begin:]
            found = examine(BytesIO(content), len(content), suffix)
            found = replace(found, content=found.content or content)
        elif content[:4] not in _TAGGED:
            found = mpeg_found(content)
    return found


def is_encoded(head: bytes) -> bool:
    """Return whether bytes are the beginning of a file of a known kind, and not samples without a header."""
    if head[:1] == b"\xff":  # one frame of MPEG audio or AAC has too few fixed bits
        step = int.from_bytes(head[3:6], "big") >> 5 & 0x1FFF  # bytes of a frame of AAC
        is_aac = len(head) > 1 and head[1] & 0xF6 == 0xF0
        return _mpeg.begins(head) or (is_aac and step > 6 and head[step:][:3] == head[:3])
    return head.startswith(_READ) or find_layout(head) is not None or recognise(head) is not None


def _au(file: BinaryIO, size: int, head: bytes) -> Examined:
    order = ">" if head[:4] == b".snd" else "<"
    if len(head) < 24:
        raise AudioError("cut short before its audio begins; copy it again")
    at, length, _, rate = struct.unpack(f"{order}4I", head[4:20])
    if length == 0 and size > at:
        return Examined(rate, with_bytes(file, 8, b"\xff" * 4))
    if not is_placeholder(length, is_long=False):
        check_complete(length, size - at)
        _check_end(file, size, at + length, length, head[:4], rate)
    return Examined(rate)


def _nist(file: BinaryIO, size: int) -> Examined:
    file.seek(0)
    text = file.read(1 << 14)
    stated = dict(re.findall(rb"^(\w+) -[ir]\w* (\d+)", text, re.MULTILINE))
    begin = re.match(rb"NIST_1A\s+(\d+)", text)
    rate = float(stated[b"sample_rate"]) if b"sample_rate" in stated else None
    counts = [stated.get(name) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    if begin and None not in counts and b"-v" not in (re.findall(rb"sample_coding[^\n]*", text) or [b""])[0]:
        length = math.prod(int(count or 0) for count in counts)
        check_complete(length, size - int(begin[1]))
        end = int(begin[1]) + length
        if rate is not None:
            _check_end(file, size, end, length, b"NIST_1A", rate)
        return Examined(rate, bytes_before(file, end, size))
    return Examined(rate)


def _check_avi(file: BinaryIO, size: int) -> None:
    """Refuse a cut film, of which ffmpeg would decode what is left: a long one is several RIFF chunks.

    Raises:
        AudioError: a chunk states more bytes than the file has (the message has no place).
    """
    at = 0
    while at < size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
        if name != b"RIFF" or is_placeholder(length, is_long=False):
            break
        if length > size - at:  # some programs count the head of the chunk too
            check_complete(length, size - at - 8)
        at += 8 + length + length % 2


def _check_flash(file: BinaryIO, size: int) -> None:
    """Refuse a cut film, of which ffmpeg would decode what is left.

    Raises:
        AudioError: its metadata state more bytes than the file has (the message has no place).
    """
    file.seek(0)
    stated = re.search(rb"\0\x08filesize\0(.{8})", file.read(HEAD_BYTES), re.DOTALL)
    length = struct.unpack(">d", stated[1])[0] if stated else 0
    check_complete(int(length) if 0 < length < 1 << 62 else 0, size)


def _check_end(file: BinaryIO, size: int, end: int, length: int, mark: bytes, rate: float) -> None:
    """Refuse a file whose samples are followed by another file, or by bytes that may be samples.

    Raises:
        AudioError: another file begins with the same mark, or much follows (the message has no place).
    """
    file.seek(end)
    if file.read(len(mark)) == mark:
        raise AudioError(describe_joined("recordings"))
    check_rest(file, end, size, length, 2 * rate)


def _check_single_flac(file: BinaryIO, size: int) -> None:
    """Refuse FLAC files that were joined: the samples that the first one states are all that is read.

    Raises:
        AudioError: another one follows (the message has no place).
    """
    # The mark and the head of the first block of metadata, which has always 34 bytes and may be the last.
    if any(find(file, b"fLaC" + head, 4) < size for head in (b"\0\0\0\x22", b"\x80\0\0\x22")):
        raise AudioError(describe_joined("FLAC files"))


def _examine_flac(file: BinaryIO, size: int, head: bytes) -> Examined:
    """Compare the stated number of samples with the last frame, or count them if they are not stated.

    They are not stated if the file was written to a pipe.

    Raises:
        AudioError: more samples are present than stated, or nothing states them (the message has no place).
    """
    if len(head) < 42:
        return Examined()
    stated = int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF
    usual = int.from_bytes(head[8:10], "big")  # samples of each frame but the last
    if stated:
        file.seek(max(0, size - (int.from_bytes(head[15:18], "big") or _LONGEST) - _TAG))
        present = _count_samples(file.read(), usual, stated)
        if present is not None and present > stated:
            raise AudioError(
                f"its header states {stated} samples, but {present} are present: header and file contradict "
                "each other; copy it again, or convert it, for example with `ffmpeg -i FILE FILE.wav`"
            )
        return Examined()
    file.seek(0)
    content = bytearray(file.read())
    present = _count_samples(bytes(content), usual)
    if present is None:
        raise AudioError("cut short, its last frame is not complete; copy it again")
    content[21:26] = (int.from_bytes(head[21:26], "big") | present).to_bytes(5, "big")
    return Examined(content=bytes(content))


def _count_samples(content: bytes, usual: int, stated: int | None = None) -> int | None:
    """Count the samples, per channel, up to the end of FLAC data; ``None`` if its last frame is not complete.

    Args:
        content: the file, or an end of it that is longer than a frame.
        usual: samples of each frame but the last.
        stated: number whose frame needs no checksum, which takes more time than all the rest.
    """
    end = len(content) - _TAG if content[-_TAG:].startswith(b"TAG") else len(content)
    position = end
    while end - position < _LONGEST:
        position = content.rfind(b"\xff", 0, position)
        if position < 0:
            break
        samples = _frame_end(content, position, usual)
        if samples is None:
            continue
        if samples == stated or _crc16(content[position : end - 2]) == int.from_bytes(
            content[end - 2 : end], "big"
        ):
            return samples
    return None


def _frame_end(content: bytes, position: int, usual: int) -> int | None:
    """Return the number of the sample after a frame; ``None`` if no frame begins there."""
    head = content[position : position + 16]
    if len(head) < 6 or head[1] not in (0xF8, 0xF9) or head[3] & 1:
        return None
    ones = 8 - (~head[4] & 0xFF).bit_length()  # of a number coded as in UTF-8
    number = head[4] & (0x7F >> ones)
    length = 4 + max(1, ones)
    for byte in head[5:length]:
        number = number << 6 | byte & 63
    code, rate = head[2] >> 4, head[2] & 15
    if code in (6, 7):
        size = int.from_bytes(head[length : length + code - 5], "big") + 1
        length += code - 5
    else:
        size = _SIZES.get(code, 0)
    length += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    check = 0
    for byte in head[:length]:
        check = _CRC8[check ^ byte]
    if not size or len(head) <= length or check != head[length]:
        return None
    if head[1] & 1:
        return number + size
    return number * usual + size


def _crc16(data: bytes) -> int:
    check = 0
    for byte in data:
        check = (check << 8 & 0xFFFF) ^ _CRC16[check >> 8 ^ byte]
    return check
