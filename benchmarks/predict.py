"""Compare the prediction of recordings with librosa and the same network, file by file.

The recordings are every twentieth of RAVDESS as distributed, 48 kHz (or the synthetic corpus, if RAVDESS is
missing). Each architecture has the features of its recipe; it is untrained, which takes the same time. The
peer loads and resamples with ``librosa.load``, and computes the same features and network, one recording
after the other. Streams have blocks of 20 ms, as in `sercli predict --live`.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples
from sercli.bundle import Bundle, build_network
from sercli.inference import score
from sercli.inference.predict import Predictor
from sercli.inference.recordings import PieceFeatures, dataset_of
from sercli.inference.streaming import FRAME, Stream
from sercli.models import architecture_names
from sercli.preparation import prepare
from sercli.processor import keep_freed_memory
from sercli.statistics import Statistics
from sercli.tasks import Outputs
from sercli.training.settings import complete
from sercli.workspace import Workspace

_CLASSES = ("anger", "happiness", "neutral", "sadness")
_PEER = "librosa, file by file"
_BLOCK = 320  # samples, 20 ms


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for arch in architecture_names() for row in _run_part(corpora, quick, arch)]


def _run_part(corpora: Path | None, quick: bool, arch: str) -> list[Row]:
    keep_freed_memory()  # as in the command; it also makes the peer faster
    bundle = _untrained(arch)
    with tempfile.TemporaryDirectory() as folder:
        paths = _recordings(corpora, Path(folder))
        paths = paths[:3] if quick else paths
        headers = [audio.header(path) for path in paths]
        seconds = sum(header.frames / header.sample_rate for header in headers)
        predictor = Predictor(bundle, timeline=False)
        contestants: dict[str, Callable[[], object]] = {"sercli": lambda: list(predictor.predict(paths))}
        if importlib.util.find_spec("librosa"):
            contestants[_PEER] = lambda: [_plainly(bundle, path) for path in paths]
        taken = interleaved(contestants, rounds=1 if quick else 3)
        samples = audio.read(paths[0])
    ratio = taken[_PEER] / taken["sercli"] if _PEER in taken else None
    rows = [
        Row(f"{arch}: sercli", seconds / taken["sercli"], "x real time", "", ratio, _PEER if ratio else "")
    ]
    if _PEER in taken:
        rows.append(Row(f"{arch}: {_PEER}", seconds / taken[_PEER], "x real time"))
    return rows + (_live(bundle, samples, quick) if arch == "diccoser" else [])


def _untrained(arch: str) -> Bundle:
    named = {"arch": arch, "corpus": "synth", "scheme": "synth-4", "protocol": "leave-one-speaker-out"}
    config = complete(named)
    torch.manual_seed(0)
    network = build_network(arch, config.model, config.features, len(_CLASSES)).eval()
    one = Statistics(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))
    return Bundle(
        arch=arch,
        network=network,
        model=config.model,
        outputs=Outputs(_CLASSES),
        inputs=config.features,
        statistics=dict.fromkeys(config.features, one),
        segments=config.segments,
    )


def _recordings(corpora: Path | None, folder: Path) -> list[Path]:
    if corpora and (corpora / "ravdess").is_dir():
        return sorted((corpora / "ravdess").rglob("*.flac"))[::20]
    workspace = Workspace(folder)
    utterances = prepare("synth", None, workspace).utterances
    return [workspace.corpus("synth") / utterance.file for utterance in utterances][:40]


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
    """Measure the computing for each frame of a stream, on one thread as `sercli predict --live` does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stream = Stream(bundle)
        signal = np.resize(samples, SAMPLE_RATE * (2 if quick else 30))
        spent: list[float] = []
        for start in range(0, len(signal), _BLOCK):
            begun = time.perf_counter()
            if stream.feed(signal[start : start + _BLOCK]):
                spent.append(time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    worst = sorted(spent)[int(0.99 * (len(spent) - 1))]
    middle, frame = _median(spent), FRAME / SAMPLE_RATE
    return [
        Row("diccoser, live: a frame of 40 ms", 1000 * middle, "ms", f"{frame / middle:.1f} x real time"),
        Row("diccoser, live: of 100 frames the slowest but one", 1000 * worst, "ms"),
        Row("diccoser, live: sound to answer", 1000 * (stream.latency_s + middle), "ms"),
    ]


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


BENCH = Bench(
    _run,
    "recordings to classes, against librosa and the same network file by file",
    _run_part,
    tuple(architecture_names()),
)
