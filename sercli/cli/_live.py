"""``sercli predict MODEL --live``: predict from a stream of raw samples, or a microphone."""

import math
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

import typer

from sercli.cli._bars import bars
from sercli.plain.csv import to_line
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.bundle import Bundle
    from sercli.inference.live import LiveStream
    from sercli.inference.steadiness import Step

_BLOCK = 320  # samples, 20 ms: a network that looks half a frame ahead need not wait for a full frame
_RATE = 16_000
_USAGE = "arecord -q -t raw -f S16_LE -r 16000 -c 1 | sercli predict MODEL --live"


def live(
    bundle: "Bundle",
    window_s: float | None,
    hop_s: float | None,
    calm: dict[str, float | None],
    enrol: Sequence[str],
    *,
    microphone: bool,
    json: bool,
    csv: bool,
) -> None:
    """Print a line for each step until the input ends or Ctrl-C; then speed and delay on stderr.

    The microphone on a terminal has a bar for each class or dimension instead.

    Args:
        bundle: the model.
        window_s: length of a window in seconds; the usual one if None.
        hop_s: seconds from one step to the next, for networks that look at windows.
        calm: settings of `Steadiness` by name; None for the usual one.
        enrol: files and folders with recordings of the one speaker, or of the same corpus.
        microphone: whether the input is the microphone; otherwise it is standard input.
        json: whether to print a line of JSON for each step.
        csv: whether to print CSV.

    Raises:
        ConfigError: the model can't follow a stream with these settings, or there is no input.
        AudioError: a recording of ``enrol`` can't be read.
    """
    import torch

    from sercli.audio import from_pcm16
    from sercli.inference.inputs import enrol_others, list_recordings
    from sercli.inference.live import SPEAKER, stream_of
    from sercli.inference.predict import Predictor
    from sercli.inference.steadiness import Steadiness

    predictor = Predictor(bundle, window_s=window_s)
    if enrol:
        speaker = SPEAKER if predictor.needs_speakers else None
        enrol_others(predictor, list_recordings(enrol).files, speaker)
    stream = stream_of(
        predictor, hop_s, Steadiness(**{name: value for name, value in calm.items() if value is not None})
    )
    # Several threads wait for each other: on a busy machine a window then took two to five times as long.
    torch.set_num_threads(1)
    blocks = _microphone() if microphone else _raw(sys.stdin.buffer)
    speed, hop = _Speed(), stream.hop_s
    try:
        begin = list(islice(blocks, 1))  # before the header: there may be no input
        with closing(blocks), _printing(stream, bar=microphone, json=json, csv=csv) as show:
            for block in chain(begin, blocks):
                with speed.measured(len(block) // 2):
                    steps = stream.feed(from_pcm16(block))
                    show(steps)
                    speed.completes = any(step.values for step in steps)
                if stream.hop_s > hop:
                    hop = stream.hop_s
                    typer.echo(
                        f"note: this computer is too slow; from now on a step each {hop:g} s", err=True
                    )
            with speed.measured(0):
                show(stream.finish())
    finally:
        for line in speed.describe(stream):
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

    def describe(self, stream: "LiveStream") -> Iterator[str]:
        """Yield the real-time factor and the delay as text; nothing if no samples were received."""
        if not self.samples:
            return
        seconds = self.samples / _RATE
        factor = self.busy / seconds
        grows = "" if factor < 1 else "; computing is slower than real time, so the delay keeps growing"
        yield (
            f"{seconds:.1f} s of audio, {self.busy:.2f} s of computing: real-time factor {factor:.3f}{grows}"
            f"; windows of {stream.window_s:g} s"
        )
        if self.spent:
            delay = math.ceil(round(stream.latency_s * _RATE / _BLOCK, 6)) * _BLOCK / _RATE  # complete blocks
            ranked = sorted(1000 * each for each in self.spent)
            usual, most = ranked[math.ceil(0.95 * len(ranked)) - 1], ranked[-1]
            what = (
                f"a frame of 40 ms is printed {1000 * delay:.0f} ms after its first sample"
                if stream.by_frame
                else f"a step each {stream.hop_s:g} s is printed at most {1000 * delay:.0f} ms after a sample"
            )
            yield (
                f"{what}, plus {sum(ranked) / len(ranked):.1f} ms of computing (95 % within {usual:.1f} ms, "
                f"at most {most:.1f} ms)"
            )


@contextmanager
def _printing(
    stream: "LiveStream", *, bar: bool, json: bool, csv: bool
) -> "Iterator[Callable[[list[Step]], None]]":
    """Print the header, and yield a function that prints steps."""
    if bar and not json and not csv and sys.stdout.isatty():
        with bars(stream.names, stream.classes) as show:
            yield show
        return
    if csv:
        shown = ["shown"] if stream.classes else []
        names = ["start_s", "end_s", "window_end", "silent", *shown, *stream.names]
        print(to_line(names))
    elif not json:
        shown = ["shown    "] if stream.classes else []
        print("  ".join(["seconds", *shown, *(f"{name[:9]:>9}" for name in stream.names)]))
    yield lambda steps: _print(steps, stream, json=json, csv=csv)


def _print(steps: "list[Step]", stream: "LiveStream", *, json: bool, csv: bool) -> None:
    for step in steps:
        if json:
            print(to_json(step.to_dict(stream.names), escaped=False))
        elif csv:
            shown = [step.shown or ""] if stream.classes else []
            values = map(repr, step.values) if step.values else [""] * len(stream.names)
            cells = [
                f"{step.start:.2f}",
                f"{step.end:.2f}",
                int(step.last),
                int(step.silent),
                *shown,
                *values,
            ]
            print(to_line(cells))
        else:
            shown = [f"{(step.shown or 'silence')[:9]:<9}"] if stream.classes else []
            values = [f"{value:9.3f}" for value in step.values]
            end = ["end of window"] if step.last and stream.by_frame else []
            quiet = ["silence"] if step.silent and not stream.classes else []
            print("  ".join([f"{step.end:7.2f}", *shown, *values, *quiet, *end]))
    if steps:
        sys.stdout.flush()


def _raw(source: BinaryIO) -> Generator[bytes]:
    """Read blocks of complete samples; only the last block may be shorter.

    Raises:
        ConfigError: standard input is a terminal, or a file with a header.
    """
    from sercli.audio import is_encoded
    from sercli.errors import ConfigError

    if source.isatty():
        raise ConfigError(f"--live takes raw samples on standard input, as in: {_USAGE}")
    first = True
    while block := source.read(2 * _BLOCK):
        if first and is_encoded(block):
            raise ConfigError(
                "--live takes raw samples, 16 kHz mono s16le, not an audio file; files need no --live"
            )
        first = False
        if complete := len(block) // 2 * 2:
            yield block[:complete]


def _microphone() -> Generator[bytes]:
    """Read a microphone until the caller stops.

    A thread reads it, so that no samples are lost while a window is predicted.

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
    blocks: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()
    stopped = threading.Event()

    def read() -> None:
        try:
            with sounddevice.RawInputStream(_RATE, _BLOCK, channels=1, dtype="int16") as source:
                while not stopped.is_set():
                    block, overflowed = source.read(_BLOCK)
                    if overflowed:
                        typer.echo("note: too slow, samples were lost", err=True)
                    blocks.put(bytes(block))
        except BaseException as error:  # noqa: BLE001 the reader of the queue raises it
            blocks.put(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while True:
            found = blocks.get()
            if isinstance(found, sounddevice.PortAudioError):
                raise ConfigError(f"no microphone: {found}") from None
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        stopped.set()
        reader.join(timeout=1.0)
