"""Compare the prediction of recordings with librosa and the same network, file by file.

The recordings are every fortieth of RAVDESS as distributed, 48 kHz (or the synthetic corpus, if RAVDESS is
missing). Each architecture has the features of its recipe; it is untrained, which takes the same time.
Architectures over an encoder are left out if the encoder is not on this machine. The peer loads and resamples
with ``librosa.load``, and computes the same features (for an encoder: calls it) and network, one recording
after the other. It runs with one thread and with one thread per core; the faster one counts. The floor is the
network alone, in batches, with its features computed beforehand; an encoder counts as a part of the network.
One thread takes all recordings, and its time is divided by the number of cores. Streams have blocks of 20 ms,
as in `sercli predict --live`.

The part ``thousand`` predicts a thousand recordings of 3 s (16 kHz wav) with MelCNN; the part ``start`` runs
the command for one recording.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks import Bench, Row
from benchmarks._timing import interleaved, measured
from benchmarks._untrained import recipe_of, untrained
from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples
from sercli.bundle import Bundle
from sercli.formatting import count_noun
from sercli.inference import score
from sercli.inference.live import stream_of
from sercli.inference.predict import Predictor
from sercli.inference.recordings import PieceFeatures, Recording, dataset_of, extract, rates_of, read_whole
from sercli.models import architecture_names
from sercli.preparation import prepare
from sercli.processor import keep_freed_memory
from sercli.workspace import Workspace

_CORES = os.cpu_count() or 1
_FLOOR = "the network alone"
_BLOCK = 320  # samples, 20 ms


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for part in _parts() for row in _run_part(corpora, quick, part)]


def _parts() -> tuple[str, ...]:
    return (*architecture_names(), "thousand", "start")


def _run_part(corpora: Path | None, quick: bool, part: str) -> list[Row]:
    if part in architecture_names() and not _is_here(part):
        return []
    keep_freed_memory()  # as in the command; it also makes the peer faster
    with tempfile.TemporaryDirectory() as folder:
        paths = _recordings(corpora, Path(folder))
        if part == "thousand":
            return _thousand(paths, Path(folder), quick)
        if part == "start":
            return _start(paths[0], Path(folder), quick)
        return _compare(part, paths[:3] if quick else paths, quick)


def _compare(arch: str, paths: Sequence[Path], quick: bool) -> list[Row]:
    """Measure the prediction with one architecture against the peer."""
    bundle = untrained(arch)
    seconds = _length(paths)
    predictor = Predictor(bundle, timeline=False)
    pieces = [read_whole(Recording(path), rates_of(bundle)) for path in paths]
    parts = [extract(bundle, piece) for piece in pieces]
    encoded = any(choice.config.source is not None for choice in bundle.inputs.values())

    def alone() -> object:
        own = [extract(bundle, piece) for piece in pieces] if encoded else parts
        return score(bundle.network, dataset_of(bundle, own), bundle.outputs, 4)

    contestants: dict[str, Callable[[], object]] = {
        "sercli": lambda: list(predictor.predict(paths)),
        _FLOOR: _on(1, alone),
    }
    peers = {
        _peer(n): _on(n, lambda: [_plainly(bundle, path) for path in paths]) for n in sorted({1, _CORES})
    }
    if importlib.util.find_spec("librosa"):
        contestants |= peers
    taken = measured(contestants, rounds=1 if quick else 3)
    floor = taken[_FLOOR].wall / _CORES
    timed = [name for name in peers if name in taken]
    best = min(timed, key=lambda name: taken[name].wall, default="")
    ours = taken["sercli"].wall
    ratio = taken[best].wall / ours if best else None
    # Of one second of speech: milliseconds of processor time, on which other processes have less influence.
    spent = {name: f"{1000 * each.processor / seconds:.1f} ms of processor" for name, each in taken.items()}
    share = f"{ours / floor:.2f} times the floor, {spent['sercli']}"
    return [
        Row(f"{arch}: sercli", seconds / ours, "x real time", share, ratio, best),
        Row(f"{arch}: {_FLOOR}", seconds / floor, "x real time", spent[_FLOOR]),
        *(Row(f"{arch}: {name}", seconds / taken[name].wall, "x real time", spent[name]) for name in timed),
        *_live(bundle, audio.read(paths[0]), quick),
    ]


def _thousand(paths: Sequence[Path], folder: Path, quick: bool) -> list[Row]:
    """Predict a thousand recordings of 3 s, which are made of the given ones, with MelCNN."""
    count = 20 if quick else 1000
    for number in range(count):
        samples = np.resize(audio.read(paths[number % len(paths)]), 3 * SAMPLE_RATE)
        soundfile.write(folder / f"{number:04}.wav", samples, SAMPLE_RATE)
    made = sorted(folder.glob("????.wav"))
    predictor = Predictor(untrained("melcnn"))
    taken = interleaved({"sercli": lambda: list(predictor.predict(made))}, rounds=1 if quick else 3)["sercli"]
    return [Row(f"melcnn: {count} recordings of 3 s", 3 * count / taken, "x real time", f"{taken:.2f} s")]


def _start(path: Path, folder: Path, quick: bool) -> list[Row]:
    """Measure the command for one recording, with MelCNN."""
    bundle = folder / "bundle"
    untrained("melcnn").save(bundle)

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    ours, torch_only = "melcnn: sercli predict MODEL FILE", "python -c 'import torch'"
    taken = interleaved(
        {ours: run("-m", "sercli", "predict", str(bundle), str(path)), torch_only: run("-c", "import torch")},
        rounds=1 if quick else 5,
    )
    times = f"{taken[ours] / taken[torch_only]:.2f} times {torch_only}"
    return [Row(ours, taken[ours], "s", times), Row(torch_only, taken[torch_only], "s")]


def _on(threads: int, work: Callable[[], object]) -> Callable[[], object]:
    """Return work that runs with so many threads of torch."""

    def run() -> object:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return work()
        finally:
            torch.set_num_threads(usual)

    return run


def _length(paths: Sequence[Path]) -> float:
    headers = [audio.header(path) for path in paths]
    return sum(header.frames / header.sample_rate for header in headers)


def _is_here(arch: str) -> bool:
    """Whether the features of a recipe can be computed on this machine; an encoder may be missing."""
    return all(choice.config.ready for choice in recipe_of(arch).features.values())


def _recordings(corpora: Path | None, folder: Path) -> list[Path]:
    if corpora and (corpora / "ravdess").is_dir():
        return sorted((corpora / "ravdess").rglob("*.flac"))[::40]
    workspace = Workspace(folder)
    utterances = prepare("synth", None, workspace).utterances
    return [workspace.corpus("synth") / utterance.file for utterance in utterances][:40]


def _peer(threads: int) -> str:
    return f"librosa, file by file, {count_noun(threads, 'thread')}"


def _plainly(bundle: Bundle, path: Path) -> object:
    """Predict in the straightforward way: load, compute, apply."""
    import librosa

    samples, _ = librosa.load(path, sr=SAMPLE_RATE)
    features = {
        name: choice.feature.extract(samples, choice.config) for name, choice in bundle.inputs.items()
    }
    dataset = dataset_of(bundle, [PieceFeatures(0.0, len(samples), features, silent=False)])
    return score(bundle.network, dataset, bundle.outputs)


def _live(bundle: Bundle, samples: Samples, quick: bool) -> list[Row]:
    """Measure the computing for each step of a stream, on one thread as `sercli predict --live` does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stream = stream_of(bundle, clock=lambda: 0.0)  # its hop never grows
        signal = np.resize(samples, SAMPLE_RATE * (2 if quick else 30))
        spent: list[float] = []
        for start in range(0, len(signal), _BLOCK):
            begun = time.perf_counter()
            if stream.feed(signal[start : start + _BLOCK]):
                spent.append(time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    worst = sorted(spent)[int(0.99 * (len(spent) - 1))]
    middle, hop = _median(spent), stream.hop_s
    step = "a frame of 40 ms" if stream.by_frame else f"a window of {stream.window_s:g} s each {hop:g} s"
    return [
        Row(f"{bundle.arch}, live: {step}", 1000 * middle, "ms", f"{hop / middle:.1f} x real time"),
        Row(f"{bundle.arch}, live: of 100 steps the slowest but one", 1000 * worst, "ms"),
        Row(f"{bundle.arch}, live: sound to answer", 1000 * (stream.latency_s + middle), "ms"),
    ]


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


BENCH = Bench(
    _run,
    "recordings to classes, against librosa and the same network file by file",
    _run_part,
    _parts(),
)
