"""MPEG audio (MP3) as frames, so that its length is counted and not estimated by a decoder.

libsndfile reports libmpg123's estimate as the length: file size over the size of the first frame, unless a
Xing or Info header states the number of frames. An estimate that is too short loses the end silently; one
that is too long looks like a file that was cut short. So the decoder gets only the frames of a file, after
an Info header that states their number.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from sercli.audio.kinds import describe_joined
from sercli.errors import AudioError

# Kilobits per second by version (1; 2 and 2.5 have the same) and layer, from index 1 on.
_KBIT = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
# By the two bits of the header: MPEG 2.5, reserved, 2, 1.
_RATES = ((11_025, 12_000, 8_000), None, (22_050, 24_000, 16_000), (44_100, 48_000, 32_000))
# Bytes of a frame's side information in layer III, by version and whether it is mono.
_SIDE = {(1, False): 32, (1, True): 17, (2, False): 17, (2, True): 9}
# An Info header with its four bytes each of name, flags, frames and bytes has room in a frame of this size.
_ROOM = 4 + 32 + 16
_STREAM = 3  # frames in a row that no other data resembles by chance
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")  # between files that were joined
_SAME = 0xFFFE0C00  # sync, version, layer and sample rate, which all frames of a stream share


@dataclass(frozen=True, slots=True)
class _Header:
    """The four bytes before a frame."""

    word: int
    version: int
    layer: int
    mono: bool
    size: int

    @property
    def tag(self) -> int:
        """Position of a Xing or Info header in a frame."""
        return 4 + _SIDE[self.version, self.mono]


def may_begin(head: bytes) -> bool:
    """Return whether bytes begin with eleven set bits, as frames, AAC and some text do."""
    return len(head) >= 4 and head[0] == 0xFF and head[1] >= 0xE0


def begins(head: bytes) -> bool:
    """Return whether bytes begin with a frame that another one follows, as samples do not by chance."""
    first = _parse(head, 0)
    second = None if first is None else _parse(head, first.size)
    return first is not None and second is not None and first.word & _SAME == second.word & _SAME


def skip_id3(content: bytes) -> int:
    """Return the position after the ID3v2 tags at the beginning."""
    position = 0
    while content[position : position + 3] == b"ID3" and len(content) >= position + 10:
        a, b, c, d = content[position + 6 : position + 10]
        footer = 10 if content[position + 5] & 0x10 else 0
        position += 10 + footer + ((a & 127) << 21 | (b & 127) << 14 | (c & 127) << 7 | d & 127)
    return position


def clean(content: bytes) -> bytes | None:
    """Return the frames of a stream behind an Info header that states their number.

    Args:
        content: an MP3 file, or the samples of a wav file that holds MPEG audio.

    Returns:
        A stream that a decoder reads at its true length; ``None`` without any frame.

    Raises:
        AudioError: the stream's own header states more frames than exist, other bytes are between its frames,
            or another stream follows (the message has no place).
    """
    spans = list(_frames(content))
    if not spans:
        return None
    begin, end = spans[0]
    info = content[begin:end]
    first = _parse(info, 0)
    if first is None:
        return None
    stated = _stated(info, first)
    partial = _is_cut(content, spans[-1][1])
    if stated is not None:
        spans = spans[1:]
        missing = stated - len(spans)
        # Some encoders count the header among the frames.
        if missing > 1 or (missing == 1 and partial):
            raise AudioError(f"cut short, {missing} of {stated} frames missing; copy it again")
    _check_between(content, spans, first)
    frames = b"".join(content[begin:end] for begin, end in _joined(spans))
    if first.layer != 3:
        return frames
    # The encoder's own header also states how much silence it added at both ends.
    own = stated == len(spans) and _has_counts(info, first)
    return (_restated(info, first, len(frames)) if own else _info(first, len(spans), len(frames))) + frames


def _check_between(content: bytes, spans: list[tuple[int, int]], first: _Header) -> None:
    """Refuse what a decoder would skip between frames and after them: damage, and frames of another kind.

    Raises:
        AudioError: there is some (the message has no place).
    """
    headers = (_parse(content, begin) for begin, _ in spans)
    others = sum(header is not None and header.mono != first.mono for header in headers)
    longest = max((end - begin for begin, end in spans), default=0)
    for (_, end), (begin, _) in pairwise([*spans, (len(content), len(content))]):
        between = content[end:begin]
        if others >= _STREAM or len(list(islice(_frames(between), _STREAM))) == _STREAM:
            raise AudioError(describe_joined("MPEG streams of different kinds"))
        # One frame may be damaged, or cut where files were joined.
        if begin < len(content) and len(between) > longest and not between.startswith(_TAGS):
            raise AudioError(
                f"damaged: {len(between)} bytes from byte {end} on are not MPEG audio, although frames "
                "follow them; copy it again"
            )


def _frames(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the begin and end of each complete frame; bytes between frames are skipped."""
    position, kept = skip_id3(content), None
    in_step = False
    while True:
        header = _parse(content, position)
        fits = header is not None and (kept is None or header.word & _SAME == kept)
        if header is not None and fits and position + header.size <= len(content):
            following = _parse(content, position + header.size)
            same = following is not None and following.word & _SAME == header.word & _SAME
            # Four bytes can look like a header by chance; a second header in the right place can't.
            if in_step or same or position + header.size == len(content):
                kept, in_step = header.word & _SAME, True
                yield position, position + header.size
                position += header.size
                continue
        in_step = False
        position = content.find(b"\xff", position + 1)
        if position < 0:
            return


def _parse(content: bytes, position: int) -> _Header | None:
    word = int.from_bytes(content[position : position + 4], "big")
    if len(content) < position + 4 or word >> 21 != 0x7FF:
        return None
    rates, layer = _RATES[word >> 19 & 3], 4 - (word >> 17 & 3)
    kbit, rate = word >> 12 & 15, word >> 10 & 3
    if rates is None or layer == 4 or kbit in (0, 15) or rate == 3:
        return None
    version = 1 if word >> 19 & 3 == 3 else 2
    bits = _KBIT[version, layer][kbit - 1] * 1000
    padding = word >> 9 & 1
    if layer == 1:
        size = (12 * bits // rates[rate] + padding) * 4
    else:
        size = (72 if version == 2 and layer == 3 else 144) * bits // rates[rate] + padding
    return _Header(word, version, layer, word >> 6 & 3 == 3, size)


def _stated(frame: bytes, header: _Header) -> int | None:
    """Return the number of frames that a stream states; ``None`` if it states none."""
    if header.layer != 3:
        return None
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return int.from_bytes(frame[50:54], "big")
    if frame[header.tag : header.tag + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[header.tag + 4 : header.tag + 8], "big")
    return int.from_bytes(frame[header.tag + 8 : header.tag + 12], "big") if flags & 1 else 0


def _has_counts(frame: bytes, header: _Header) -> bool:
    """Return whether a header states both frames and bytes."""
    is_xing = frame[header.tag : header.tag + 4] in (b"Xing", b"Info")
    return is_xing and frame[header.tag + 7] & 3 == 3


def _restated(frame: bytes, header: _Header, size: int) -> bytes:
    """Return the encoder's header with the size of the new stream."""
    at = header.tag + 12
    return frame[:at] + struct.pack(">I", size + len(frame)) + frame[at + 4 :]


def _info(first: _Header, count: int, size: int) -> bytes:
    """Make an Info header for a stream of frames like the first."""
    word = first.word & ~0xF200 | 1 << 16  # no padding, no checksum
    choices = (_parse(struct.pack(">I", word | index << 12), 0) for index in range(1, 15))
    header = next(each for each in choices if each is not None and each.size >= _ROOM)
    tag = b"Info" + struct.pack(">III", 3, count, size + header.size)
    return (struct.pack(">I", header.word) + bytes(header.tag - 4) + tag).ljust(header.size, b"\0")


def _is_cut(content: bytes, end: int) -> bool:
    """Return whether the beginning of another frame follows the last complete one."""
    header = _parse(content, end)
    return header is not None and end + header.size > len(content)


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans, adjacent ones joined."""
    begin = end = 0
    for first, last in spans:
        if first != end:
            if end > begin:
                yield begin, end
            begin = first
        end = last
    if end > begin:
        yield begin, end
