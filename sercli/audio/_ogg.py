"""Follow the pages of an Ogg file.

libsndfile reads the first stream only, and skips pages whose checksum is wrong, both without an error.

Source: RFC 3533, section 6.
"""

import zlib
from typing import BinaryIO

from sercli.audio.kinds import describe_joined
from sercli.errors import AudioError

_BEGINS, _ENDS = 2, 4  # flags of a page: the first or the last of its stream
_HEAD = 27  # bytes before the lengths of a page's segments
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check_ogg(file: BinaryIO, size: int) -> None:
    """Refuse an Ogg file of which libsndfile would not read all.

    Raises:
        AudioError: it is cut short or damaged, or streams are joined in it (the message has no place).
    """
    position, open_streams, sound_begun = 0, set(), False
    while position + _HEAD <= size:
        file.seek(position)
        head = file.read(_HEAD + 255)
        if head[:4] != b"OggS":
            position = find(file, b"OggS", position + 1)
            continue
        length = _HEAD + head[26] + sum(head[_HEAD : _HEAD + head[26]])
        if position + length > size:
            break
        file.seek(position)
        if not _is_intact(file.read(length)):
            raise AudioError(f"damaged: the checksum of the page at byte {position} is wrong; copy it again")
        if head[5] & _BEGINS:
            # Streams that are played at the same time all begin before the second page of any.
            if sound_begun:
                raise AudioError(describe_joined("Ogg streams"))
            open_streams.add(head[14:18])
        sound_begun = sound_begun or not head[5] & _BEGINS
        if head[5] & _ENDS:
            open_streams.discard(head[14:18])
        position += length
    if open_streams:
        raise AudioError("cut short, its last page is missing; copy it again")


def find(file: BinaryIO, mark: bytes, position: int) -> int:
    """Return where bytes are found next; the size of the file if they are not."""
    while True:
        file.seek(position)
        block = file.read(1 << 20)
        found = block.find(mark)
        if found >= 0:
            return position + found
        if len(block) < 1 << 20:
            return position + len(block)
        position += len(block) - len(mark) + 1


def _is_intact(page: bytes) -> bool:
    """Compare a page with its checksum, which is zlib's with the bits of all bytes in reverse order."""
    content = page[:22] + bytes(4) + page[26:]
    check = zlib.crc32(content.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return check.to_bytes(4, "big").translate(_MIRRORED) == page[22:26]
