"""Recordings as `sercli prepare` makes them, whole or window by window without holding them whole."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples

PREPARED = 0
"""Stands among sample rates for audio as a corpus's is prepared."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a recording, or all of it.

    Attributes:
        start: where it begins, seconds.
        audio: its samples by sample rate, (samples,); under `PREPARED` 16 kHz as prepared.
        after: likewise the samples that follow it in the recording, as far as they were asked for.
        note: what was done to bring the recording within full scale; empty where nothing was.
    """

    start: float
    audio: Mapping[int, Samples]
    after: Mapping[int, Samples] = field(default_factory=dict)
    note: str = ""

    @property
    def samples(self) -> int:
        """Its length at 16 kHz."""
        rate, samples = next(iter(self.audio.items()))
        return round(len(samples) * SAMPLE_RATE / (rate or SAMPLE_RATE))

    @property
    def silent(self) -> bool:
        """Whether it is digital silence, with dither or without."""
        return all(audio.is_silent(samples) for samples in self.audio.values())


def read_whole(path: Path, rates: Sequence[int]) -> Piece:
    """Read a recording whole, at some sample rates.

    Raises:
        AudioError: it can't be read.
    """
    samples = {rate: np.concatenate(list(_blocks(path, rate))) for rate in rates}
    return Piece(0.0, samples, note=audio.full_scale(path).note)


def read_pieces(
    path: Path,
    rates: Sequence[int],
    size_s: float,
    hop_s: float,
    *,
    align: bool,
    after_s: float = 0.0,
    least_s: float = 0.0,
) -> Iterator[Piece]:
    """Read a recording window by window; at least one, shorter where the recording is.

    Args:
        path: the recording.
        rates: at which sample rates.
        size_s: of a window, seconds.
        hop_s: from one window's start to the next one's, at most ``size_s``.
        align: whether the last window ends with the recording and is as long as the others; else it
            begins a hop after the one before it, and is what is left.
        after_s: how much of what follows a window goes with it, as far as the recording reaches.
        least_s: what is left and shorter than this belongs to the window before it, if it is not aligned.

    Raises:
        AudioError: it can't be read.
    """
    cut = [
        _windows(_blocks(path, rate), rate or SAMPLE_RATE, size_s, hop_s, after_s, least_s, align=align)
        for rate in rates
    ]
    for found in zip(*cut, strict=False):  # a window that is a sample short at one rate only is left out
        starts, own, after = zip(*found, strict=True)
        sounds, following = dict(zip(rates, own, strict=True)), dict(zip(rates, after, strict=True))
        yield Piece(starts[0], sounds, following, audio.full_scale(path).note)


def _blocks(path: Path, rate: int) -> Iterator[Samples]:
    """Read a recording in blocks, rounded to 16 bits where `sercli prepare` would convert it."""
    if rate != PREPARED:
        yield from audio.stream(path, rate)
        return
    blocks = audio.stream(path)
    first = next(blocks)  # of a short recording it tells how all is scaled
    as_it_is = audio.is_prepared(path)
    for block in chain((first,), blocks):
        yield block if as_it_is else audio.round_to_pcm16(block)


def _windows(
    blocks: Iterator[Samples],
    rate: int,
    size_s: float,
    hop_s: float,
    after_s: float,
    least_s: float,
    *,
    align: bool,
) -> Iterator[tuple[float, Samples, Samples]]:
    """Cut windows out of a stream of samples; yield where each begins, seconds, it, and what follows it."""
    size, hop = max(1, round(size_s * rate)), max(1, round(hop_s * rate))
    after, least = math.ceil(after_s * rate), 0 if align else math.ceil(least_s * rate)
    held = np.zeros(0, np.float32)
    first = start = 0  # of what is held, and of the next window, in samples
    for block in chain(blocks, (None,)):
        if block is not None:
            held = np.concatenate([held, block])
        # Only at the end of the recording a window need not know what follows it.
        reach = size + max(after, least) if block is not None else size
        while start + reach <= first + len(held):
            begin = start - first
            left = len(held) - begin - size
            if block is None and 0 < left < least:
                yield start / rate, held[begin:], held[:0]
                return
            yield start / rate, held[begin:][:size], held[begin + size :][:after]
            start += hop
        done = max(0, min(start, first + len(held) - size) - first)  # the last window may reach back
        held, first = held[done:], first + done
    end = first + len(held)
    if start == 0:
        yield 0.0, held, held[:0]
    elif start - hop + size < end:
        start = end - size if align else start
        yield start / rate, held[start - first :], held[:0]
