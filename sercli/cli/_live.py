"""``sercli predict BUNDLE --live``: predict from a stream of raw samples, or a microphone."""

import csv as csv_format
import math
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import typer

from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.bundle import Bundle
    from sercli.inference.streaming import Frame

_BLOCK = 320  # samples, 20 ms: a network that looks half a frame ahead need not wait for a full frame
_RATE = 16_000
_USAGE = "arecord -q -t raw -f S16_LE -r 16000 -c 1 | sercli predict BUNDLE --live"


def live(bundle: "Bundle", *, microphone: bool, json: bool, csv: bool) -> None:
    """Print a line for each 40 ms until the input ends or Ctrl-C; then speed and delay on stderr.

    Raises:
        ConfigError: the network can't follow a stream, or there is no input.
    """
    import numpy as np
    import torch

    from sercli.inference.streaming import Stream

    torch.set_num_threads(1)  # matrices of one frame are small, so more threads would only wait
    stream = Stream(bundle)
    blocks = _microphone() if microphone else _raw(sys.stdin.buffer)
    if csv:
        csv_format.writer(sys.stdout, lineterminator="\n").writerow(
            ["start_s", "end_s", "window_end", *stream.names]
        )
    elif not json:
        print("seconds  " + "  ".join(f"{name[:9]:>9}" for name in stream.names))
    speed = _Speed()
    try:
        with closing(blocks):
            for block in blocks:
                with speed.measured(len(block) // 2):
                    frames = stream.feed(np.frombuffer(block, "<i2") * np.float32(1 / 32_768))
                    _print(frames, stream.names, json=json, csv=csv)
                    speed.completes = len(frames) > 0
        with speed.measured(0):
            _print(stream.finish(), stream.names, json=json, csv=csv)
    finally:
        for line in speed.describe(stream.latency_s, stream.window_s):
            typer.echo(f"note: {line}", err=True)


@dataclass(slots=True)
class _Speed:
    """Time of the work, including the printing.

    Attributes:
        samples: number of received samples.
        busy: seconds of work on all samples.
        spent: seconds of work on each block that completed a frame.
        completes: whether the current block completes a frame.
    """

    samples: int = 0
    busy: float = 0.0
    spent: list[float] = field(default_factory=list)
    completes: bool = False

    @contextmanager
    def measured(self, samples: int) -> Iterator[None]:
        """Measure the work on a block."""
        begun, self.completes = time.perf_counter(), False
        yield
        seconds = time.perf_counter() - begun
        self.samples += samples
        self.busy += seconds
        if self.completes:
            self.spent.append(seconds)

    def describe(self, latency_s: float, window_s: float) -> Iterator[str]:
        """Yield the real-time factor and the delay as text; nothing if no samples were received."""
        if not self.samples:
            return
        seconds = self.samples / _RATE
        factor = self.busy / seconds
        grows = "" if factor < 1 else "; computing is slower than real time, so the delay keeps growing"
        yield (
            f"{seconds:.1f} s of audio, {self.busy:.2f} s of computing: real-time factor {factor:.3f}{grows}"
            f"; windows of {window_s:g} s"
        )
        if self.spent:
            delay = math.ceil(round(latency_s * _RATE / _BLOCK, 6)) * _BLOCK / _RATE  # complete blocks only
            ranked = sorted(1000 * each for each in self.spent)
            usual, most = ranked[math.ceil(0.95 * len(ranked)) - 1], ranked[-1]
            yield (
                f"a frame of 40 ms is printed {1000 * delay:.0f} ms after its first sample, plus "
                f"{sum(ranked) / len(ranked):.1f} ms of computing (95 % within {usual:.1f} ms, at most "
                f"{most:.1f} ms)"
            )


def _print(frames: "list[Frame]", names: tuple[str, ...], *, json: bool, csv: bool) -> None:
    for frame in frames:
        if json:
            print(to_json(frame.to_dict(names), escaped=False))
        elif csv:
            cells = [f"{frame.start:.2f}", f"{frame.end:.2f}", int(frame.last), *map(repr, frame.values)]
            csv_format.writer(sys.stdout, lineterminator="\n").writerow(cells)
        else:
            values = "  ".join(f"{value:9.3f}" for value in frame.values)
            print(f"{frame.end:7.2f}  {values}" + ("  end of window" if frame.last else ""))
    if frames:
        sys.stdout.flush()


def _raw(source: BinaryIO) -> Generator[bytes]:
    """Read blocks of complete samples; only the last block may be shorter.

    Raises:
        ConfigError: standard input is a terminal, or a file with a header.
    """
    from sercli.errors import ConfigError

    if source.isatty():
        raise ConfigError(f"--live takes raw samples on standard input, as in: {_USAGE}")
    first = True
    while block := source.read(2 * _BLOCK):
        if first and block.startswith((b"RIFF", b"fLaC", b"OggS", b"FORM", b"ID3")):
            raise ConfigError(
                "--live takes raw samples, 16 kHz mono s16le, not an audio file; files need no --live"
            )
        first = False
        if complete := len(block) // 2 * 2:
            yield block[:complete]


def _microphone() -> Generator[bytes]:
    """Read a microphone until the caller stops.

    Raises:
        ConfigError: there is no microphone, or no program to read it.
    """
    from sercli.errors import ConfigError

    try:
        import sounddevice
    except ImportError:
        raise ConfigError("--microphone needs 'sounddevice': pip install 'sercli[live]'") from None
    except OSError as error:
        raise ConfigError(f"--microphone needs PortAudio ({error}): apt install libportaudio2") from None
    try:
        with sounddevice.RawInputStream(_RATE, _BLOCK, channels=1, dtype="int16") as source:
            while True:
                block, overflowed = source.read(_BLOCK)
                if overflowed:
                    typer.echo("note: too slow, samples were lost", err=True)
                yield bytes(block)
    except sounddevice.PortAudioError as error:
        raise ConfigError(f"no microphone: {error}") from None
