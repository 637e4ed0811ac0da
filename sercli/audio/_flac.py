"""The length of a FLAC file that does not state it, from its last frame.

Source: RFC 9639, section 9.
"""

from sercli.errors import AudioError

# Bytes of a frame: 65 535 samples of 32 bits in eight channels, uncompressed.
_LONGEST = 65_535 * 4 * 8 + 64
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


def count_samples(content: bytes) -> int:
    """Count the samples, per channel, of a file whose header does not.

    Raises:
        AudioError: its last frame is not complete (the message has no place).
    """
    end = len(content) - 128 if content[-128:-125] == b"TAG" else len(content)
    position = end
    while end - position < _LONGEST:
        position = content.rfind(b"\xff", 0, position)
        if position < 0:
            break
        samples = _frame_end(content, position)
        if samples and _crc16(content[position : end - 2]) == int.from_bytes(content[end - 2 : end], "big"):
            return samples
    raise AudioError("cut short, its last frame is not complete; copy it again")


def _frame_end(content: bytes, position: int) -> int | None:
    """Return the number of the sample after a frame; none where no frame begins."""
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
    usual = int.from_bytes(content[8:10], "big")  # samples of each frame but the last
    return number * usual + size


def _crc16(data: bytes) -> int:
    check = 0
    for byte in data:
        check = (check << 8 & 0xFFFF) ^ _CRC16[check >> 8 ^ byte]
    return check
