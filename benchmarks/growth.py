"""Measure how time and memory grow with the number of utterances, command by command.

The corpora are tables of short recordings of noise, 0.2 s each, of 20 speakers and four classes. The network
is tiny, so that the time of an epoch is that of the loop and not of the network. Memory is that of the
largest process; it includes the features that are mapped from the disk.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import Bench, Row
from benchmarks._command import run
from sercli.audio import SAMPLE_RATE

_PARTS = ("1000", "10000", "100000")
_QUICK = 80
_CLASSES = ("anger", "happiness", "neutral", "sadness")
_SPEAKERS = 20
_TINY = ("model.filters=2", "model.blocks=1", "model.attention=false", "training.batch_size=64")


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for part in _PARTS[: 1 if quick else None] for row in _run_part(corpora, quick, part)]


def _run_part(corpora: Path | None, quick: bool, part: str) -> list[Row]:  # noqa: ARG001
    size = _QUICK if quick else int(part)
    return [row for stage, found in _measure(size).items() for row in _rows(size, stage, *found)]


def _rows(size: int, stage: str, seconds: float, peak: float) -> list[Row]:
    name = f"{stage}: {size} utterances"
    return [
        Row(name, seconds, "s", f"{1000 * seconds / size:.3g} ms an utterance"),
        Row(f"{name}, memory", peak, "MiB"),
    ]


def _measure(size: int) -> dict[str, tuple[float, float]]:
    """Run each command on a corpus of that size; return seconds and MiB by command."""
    with tempfile.TemporaryDirectory() as folder:
        root, where = Path(folder), ("--workspace", str(Path(folder) / "w"))
        table = _write(root / "audio", size)
        settings = [part for setting in _TINY for part in ("--set", setting)]
        training = ["--arch", "mdcnn", "--corpus", "many", "--classes", ",".join(_CLASSES)]
        training += ["--protocol", "speaker-5-fold", "--fold", "1", "--max-epochs", "1", *settings]
        commands = {
            "prepare": ("prepare", "csv", str(table), "--name", "many"),
            "features": ("features", "many", "--kind", "logmel3d"),
            "train, an epoch": ("train", *training),
            "train, started again": ("train", *training),
            "audit": ("audit",),
            "report": ("eval",),
        }
        taken = {}
        for stage, command in commands.items():
            started = time.perf_counter()
            of = [str(path) for path in (root / "w" / "runs").glob("*-*")] if len(command) == 1 else []
            peak = run(*command, *of, *where)
            taken[stage] = time.perf_counter() - started, peak
        return taken


def _write(folder: Path, size: int) -> Path:
    """Write recordings of noise and the table that lists them; return the table."""
    folder.mkdir()
    random = np.random.default_rng(0)
    lines = ["file,speaker,emotion"]
    for number in range(size):
        noise = (3000 * random.standard_normal(SAMPLE_RATE // 5)).astype(np.int16)
        soundfile.write(folder / f"{number}.wav", noise, SAMPLE_RATE)
        label = _CLASSES[number // _SPEAKERS % len(_CLASSES)]
        lines.append(f"{number}.wav,s{number % _SPEAKERS},{label}")
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


BENCH = Bench(_run, "time and memory of each command as a corpus grows", _run_part, _PARTS)
