"""Compare the length of the samples that a header states with what is in the file."""

from typing import BinaryIO

from sercli.errors import AudioError

# A program that writes to a pipe can't know the length, and most write a very large one: arecord 2^31, SoX
# 2^31 minus a page, ffmpeg 2^32 - 1, each rounded to complete samples or minus the header.
_MARGIN = 1 << 16
# Some programs append a few bytes of their own to a file; more than so many, or ten times the samples, may
# be sound that a recorder wrote after it had stated the length for the last time.
_MOST_FOREIGN, _MOST_TIMES = 1 << 16, 10


def is_placeholder(length: int, *, is_long: bool) -> bool:
    """Return whether programs write this length (of 64 or 32 bits) when they do not know the length."""
    if is_long:
        return not 0 <= length < 1 << 62
    return abs(length - (1 << 31)) <= _MARGIN or length >= (1 << 32) - _MARGIN


def check_complete(length: int, present: int) -> None:
    """Refuse samples that are fewer than stated, both in bytes.

    Raises:
        AudioError: the file was cut short (the message has no place).
    """
    if present < length:
        missing = length - max(0, present)
        raise AudioError(f"cut short, {missing} of {length} bytes missing; copy it again")


def check_rest(file: BinaryIO, end: int, size: int, length: int) -> None:
    """Refuse a file in which more follows the samples than programs append, unless it is zeros or a tag.

    Args:
        file: the file.
        end: position of the end of the samples, as the header states it.
        size: bytes of the file.
        length: bytes of the samples, as the header states them.

    Raises:
        AudioError: the rest may be sound (the message has no place).
    """
    rest = size - end
    if rest <= min(_MOST_TIMES * length, _MOST_FOREIGN):
        return
    file.seek(end)
    if file.read(3) == b"ID3":
        return
    file.seek(end)
    if any(block.strip(b"\0") for block in iter(lambda: file.read(1 << 20), b"")):
        raise AudioError(
            f"its header states {length} bytes of samples, but {rest} bytes follow that may be samples too: "
            "header and file contradict each other; record or write it again"
        )
