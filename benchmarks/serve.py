"""Measure the service under concurrent uploads, against the predictor alone.

A real process of `sercli serve` answers a number of clients on the same machine; each client sends the next
recording when it has the answer. The floor is `Predictor.predict` over the same recordings in one call,
without HTTP, before the service starts. The network is an untrained MDCNN with the settings of its recipe,
and the recordings are noise: both take the same time as others. Times of answers are those of the clients.
"""

import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks import Bench, Row
from benchmarks._untrained import untrained
from sercli import audio
from sercli.audio import SAMPLE_RATE
from sercli.bundle import Bundle
from sercli.errors import RunError
from sercli.inference.predict import Predictor

_PARTS = {"3": (3.0, 40, (1, 8)), "300": (300.0, 4, (1, 4))}
"""By length in seconds: the length, number of recordings, numbers of clients."""
_QUICK = 2
_PEER = "the predictor alone"


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for part in _PARTS for row in _run_part(corpora, quick, part)]


def _run_part(corpora: Path | None, quick: bool, part: str) -> list[Row]:  # noqa: ARG001
    seconds, count, clients = _PARTS[part]
    if quick:
        seconds, count, clients = min(seconds, 3.0), _QUICK, (1, 2)
    with tempfile.TemporaryDirectory() as folder:
        bundle = untrained("mdcnn")
        bundle.save(Path(folder) / "bundle")
        paths = _recordings(Path(folder), seconds, count)
        floor = _alone(bundle, paths)
        rows = [Row(f"{seconds:g} s: {_PEER}", count / floor, "a second")]
        with _served(Path(folder) / "bundle") as port:
            for number in clients:
                total, answers = _sent(port, paths, number)
                middle, worst = np.quantile(answers, (0.5, 0.95))
                remark = f"answers after {middle:.3g} s, 95 % within {worst:.3g} s"
                name = f"{seconds:g} s: {number} clients" if number > 1 else f"{seconds:g} s: 1 client"
                rows.append(Row(name, count / total, "a second", remark, floor / total, _PEER))
    return rows


def _recordings(folder: Path, seconds: float, count: int) -> list[Path]:
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.wav" for number in range(count)]
    for path in paths:
        samples = random.normal(0, 0.05, round(seconds * SAMPLE_RATE)).astype(np.float32)
        audio.write_pcm16(path, samples, SAMPLE_RATE)
    return paths


def _alone(bundle: Bundle, paths: Sequence[Path]) -> float:
    """Return the seconds that the predictor takes for all recordings."""
    predictor = Predictor(bundle)
    list(predictor.predict(paths[:1]))
    begun = time.perf_counter()
    list(predictor.predict(paths))
    return time.perf_counter() - begun


@contextmanager
def _served(bundle: Path) -> Iterator[int]:
    """Start a service, and yield its port."""
    command = [sys.executable, "-m", "sercli", "serve", str(bundle), "--port", "0", "--accelerator", "cpu"]
    environment = {name: value for name, value in os.environ.items() if name != "SERCLI_TOKEN"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r":(\d+)/ serves", line)
            if found is None:
                raise RunError("the service did not start; run `sercli serve` to see why")
            yield int(found[1])
        finally:
            process.terminate()


def _sent(port: int, paths: Sequence[Path], clients: int) -> tuple[float, list[float]]:
    """Send recordings from clients; return the seconds for all of them, and for each answer."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda path: _send(port, path), paths))
    return time.perf_counter() - begun, answers


def _send(port: int, path: Path) -> float:
    content = path.read_bytes()
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("POST", "/v1/predict", content, {"Content-Type": "audio/wav"})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RunError(f"the service answered {answer.status}: {text[:200]!r}")
    return time.perf_counter() - begun


BENCH = Bench(
    _run,
    "the HTTP service under concurrent uploads of 3 s and of 5 min, against the predictor alone",
    _run_part,
    tuple(_PARTS),
    lambda: "" if find_spec("fastapi") else "fastapi is not installed",
)
