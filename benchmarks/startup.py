"""Compare the time to start the command line with the time to start Python alone."""

import subprocess
import sys
from pathlib import Path

from benchmarks import Bench, Row
from benchmarks._timing import interleaved


def _run(corpora: Path | None, quick: bool) -> list[Row]:  # noqa: ARG001
    def command(*arguments: str) -> object:
        return subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    names = {
        "python -c pass": ("-c", "pass"),
        "sercli --version": ("-m", "sercli", "--version"),
        "sercli --help": ("-m", "sercli", "--help"),
        "sercli train --help": ("-m", "sercli", "train", "--help"),
    }
    contestants = {name: lambda arguments=arguments: command(*arguments) for name, arguments in names.items()}
    taken = interleaved(contestants, rounds=3 if quick else 15)
    least = taken["python -c pass"]
    return [Row(name, 1000 * t, "ms", f"{t / least:.1f} x python -c pass") for name, t in taken.items()]


BENCH = Bench(_run, "the command line's answer against an empty Python")
