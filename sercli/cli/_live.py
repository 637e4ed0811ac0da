"""``sercli predict BUNDLE --live``: from raw samples as they come in, or a microphone."""

import json as json_format
import sys
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

if TYPE_CHECKING:
    from sercli.inference.streaming import Frame

_BLOCK = 1280  # bytes: 640 samples of 16 bits, the 40 ms of a frame
_USAGE = "arecord -q -t raw -f S16_LE -r 16000 -c 1 | sercli predict BUNDLE --live"


def live(bundle: Path, *, microphone: bool, json: bool, csv: bool) -> None:
    """Print a line for each 40 ms until the input ends or Ctrl-C; then delay and speed on stderr.

    Raises:
        ConfigError: the network can't follow a stream, or there is nothing to listen to.
    """
    import numpy as np
    import torch

    from sercli.inference.streaming import Stream

    torch.set_num_threads(1)  # matrices of one frame: threads would only wait for one another
    stream = Stream(bundle)
    blocks = _microphone() if microphone else _raw(sys.stdin.buffer)
    if csv:
        print(",".join(["start_s", "end_s", "window_end", *stream.names]))
    elif not json:
        print("seconds  " + "  ".join(f"{name[:9]:>9}" for name in stream.names))
    spent: list[float] = []
    heard = 0
    try:
        with closing(blocks):
            for block in blocks:
                begun = time.perf_counter()
                frames = stream.feed(np.frombuffer(block, "<i2") * np.float32(1 / 32_768))
                spent.append(time.perf_counter() - begun)
                heard += len(block) // 2
                _print(frames, stream.names, json=json, csv=csv)
        _print(stream.finish(), stream.names, json=json, csv=csv)
    finally:
        if heard:
            seconds, worst = heard / 16_000, float(np.quantile(spent, 0.95))
            typer.echo(
                f"note: {seconds:.1f} s heard, {sum(spent) / seconds:.3f} s of computing for each; "
                f"a frame is told {1000 * stream.latency_s:.0f} ms after its first sample, and "
                f"{1000 * np.mean(spent):.1f} ms of computing later (95 % within {1000 * worst:.1f} ms); "
                f"windows of {stream.window_s:g} s",
                err=True,
            )


def _print(frames: "list[Frame]", names: tuple[str, ...], *, json: bool, csv: bool) -> None:
    for frame in frames:
        if json:
            told = {"start_s": frame.start, "end_s": frame.end, "window_end": frame.last}
            print(json_format.dumps(told | dict(zip(names, frame.values, strict=True)), ensure_ascii=False))
        elif csv:
            values = map(repr, frame.values)
            print(",".join([f"{frame.start:.2f}", f"{frame.end:.2f}", str(int(frame.last)), *values]))
        else:
            cells = "  ".join(f"{value:9.3f}" for value in frame.values)
            print(f"{frame.end:7.2f}  {cells}" + ("  end of window" if frame.last else ""))
    if frames:
        sys.stdout.flush()


def _raw(source: BinaryIO) -> Generator[bytes]:
    """Read blocks of whole samples, shorter ones at the end only.

    Raises:
        ConfigError: nobody gives any, or what comes is a file with a header.
    """
    from sercli.errors import ConfigError

    if source.isatty():
        raise ConfigError(f"--live takes raw samples on standard input, as in: {_USAGE}")
    first = True
    while block := source.read(_BLOCK):
        if first and block.startswith((b"RIFF", b"fLaC", b"OggS", b"FORM", b"ID3")):
            raise ConfigError(
                "--live takes raw samples, 16 kHz mono s16le, not an audio file; files need no --live"
            )
        first = False
        if whole := len(block) // 2 * 2:
            yield block[:whole]


def _microphone() -> Generator[bytes]:
    """Listen until the caller has enough.

    Raises:
        ConfigError: there is no microphone, or nothing to read it with.
    """
    from sercli.errors import ConfigError

    try:
        import sounddevice
    except ImportError:
        raise ConfigError("--microphone needs 'sounddevice': pip install 'sercli[live]'") from None
    except OSError as error:
        raise ConfigError(f"--microphone needs PortAudio ({error}): apt install libportaudio2") from None
    try:
        with sounddevice.RawInputStream(16_000, _BLOCK // 2, channels=1, dtype="int16") as source:
            while True:
                block, overflowed = source.read(_BLOCK // 2)
                if overflowed:
                    typer.echo("note: too slow, samples were lost", err=True)
                yield bytes(block)
    except sounddevice.PortAudioError as error:
        raise ConfigError(f"no microphone: {error}") from None
