"""Compare the length of the samples that a header states with what is in the file."""

import re
from typing import BinaryIO

from sercli.errors import AudioError

# A program that writes to a pipe can't know the length, and most write a very large one: arecord 2^31, SoX
# 2^31 minus a page, ffmpeg 2^32 - 1, each rounded to complete samples or minus the header.
_MARGIN = 1 << 16
# Some programs append a few bytes of their own. So many seconds of sound hold no speech; more may be what a
# recorder wrote after it had stated the length for the last time.
_FOREIGN_S = 0.1
# Names of the chunks of metadata.
METADATA = frozenset(
    b"LIST bext smpl PEAK iXML _PMX axml fact inst JUNK junk FLLR ZOOM basc trns NAME AUTH ANNO MARK INST"
    b" COMT AFAn acid strc DISP umid minf elm1 regn ovwf cart levl afsp info uuid free".split()
) | {b"cue ", b"id3 "}
# How such chunks begin, of which some programs state a wrong length, and tags; maybe after padding.
_TAG = re.compile(
    rb".{0,7}(?:ID3|TAG|APETAGEX|LYRICS|<\?xpacket|id3\0|%s)" % b"|".join(sorted(METADATA)), re.DOTALL
)


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


def check_rest(file: BinaryIO, end: int, size: int, length: int, per_second: float) -> None:
    """Refuse a file in which more follows the samples than programs append.

    A tag, a chunk of metadata, and one repeated byte such as zero are no sound.

    Args:
        file: the file.
        end: position of the end of the samples, as the header states it, and of all that belongs to them.
        size: bytes of the file.
        length: bytes of the samples, as the header states them.
        per_second: bytes of a second of sound, rather too few than too many.

    Raises:
        AudioError: the rest may be sound (the message has no place).
    """
    rest = size - end
    if rest <= _FOREIGN_S * per_second:
        return
    file.seek(end)
    if _TAG.match(file.read(16)):
        return
    file.seek(end)
    filler = file.read(1)
    if any(block.strip(filler) for block in iter(lambda: file.read(1 << 20), b"")):
        raise AudioError(
            f"its header states {length} bytes of samples, but {rest} bytes follow that may be samples too: "
            "header and file contradict each other; record or write it again"
        )
