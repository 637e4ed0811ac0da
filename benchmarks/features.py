"""Compare log-mel features with torchaudio and librosa, file by file, and with the bare FFT.

The complete stage decodes, computes and writes a corpus's features. Ours runs on all cores. The others run
file by file, as their users write it: once with the number of threads that they come with, and once with
one. Computing alone goes from samples in memory to arrays in memory with one thread. All contestants take
turns in one process.
"""

import importlib.util
import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from benchmarks._torchaudio import torchaudio
from sercli import audio
from sercli.audio import Samples
from sercli.features import Array, get_feature
from sercli.features.logmel import LogMelConfig
from sercli.features.logmel3d import LogMel3DConfig
from sercli.features.shared import spectra
from sercli.preparation import prepare
from sercli.records import Utterance
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.workspace import Workspace

Extract = Callable[[Samples], Array]

_WINDOWS = [10.0 + 5 * i for i in range(1, 9)]


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        root = corpora / "emodb" if corpora and (corpora / "emodb").is_dir() else None
        name = "emodb" if root else "synth"
        utterances = list(prepare(name, root, workspace, partial=True).utterances)
        utterances = utterances[:40] if quick else utterances
        rounds = 1 if quick else 5
        threads = torch.get_num_threads()
        try:
            rows = _stage(workspace.corpus(name), utterances, Path(folder), rounds)
            torch.set_num_threads(1)
            samples = [audio.read(workspace.corpus(name) / utterance.file) for utterance in utterances]
            return rows + _compute_alone(samples, rounds)
        finally:
            torch.set_num_threads(threads)


def _stage(corpus: Path, utterances: list[Utterance], folder: Path, rounds: int) -> list[Row]:
    """Measure decoding, computing and writing: one window with slopes, then eight windows."""
    fresh = iter(folder / f"features-{number}" for number in range(10_000))

    def ours(configs: list[tuple[str, LogMelConfig | LogMel3DConfig]]) -> Callable[[], object]:
        return lambda: compute(_open(next(fresh), configs), utterances, corpus)

    def theirs(extracts: list[Extract], threads: int) -> Callable[[], object]:
        def run() -> None:
            torch.set_num_threads(threads)
            target = next(fresh)
            target.mkdir()

            def one(utterance: Utterance) -> None:
                samples = audio.read(corpus / utterance.file)
                for number, extract in enumerate(extracts):
                    np.save(target / f"{utterance.sha256}-{number}.npy", extract(samples))

            for utterance in utterances:
                one(utterance)

        return run

    whole = [LogMelConfig(window_ms=window, duration_s=None) for window in _WINDOWS]
    slopes = {"sercli": ours([("logmel3d", LogMel3DConfig())])}
    eight = {"sercli": ours([("logmel", config) for config in whole])}
    with_slopes = _torchaudio(LogMelConfig(window_ms=25, n_fft=512, n_mels=40), slopes=True)
    for threads in sorted({torch.get_num_threads(), 1}):
        name = "one thread" if threads == 1 else "as it comes"
        slopes[f"torchaudio, {name}"] = theirs([with_slopes], threads)
        eight[f"torchaudio, {name}"] = theirs([_torchaudio(config) for config in whole], threads)
    if _has_librosa():
        slopes["librosa"] = theirs([_librosa], torch.get_num_threads())
    seconds = sum(utterance.duration for utterance in utterances)
    return _rows("stage, log-mel with slopes", interleaved(slopes, rounds), seconds) + _rows(
        "stage, eight windows", interleaved(eight, rounds), seconds
    )


def _compute_alone(samples: list[Samples], rounds: int) -> list[Row]:
    """Measure computing against the bare FFT of the same frames, one thread."""
    feature = get_feature("logmel")
    rows = []
    for what, windows in (("one window", [25.0]), ("eight windows", _WINDOWS)):
        configs = [LogMelConfig(window_ms=window, duration_s=None) for window in windows]
        ours: list[Extract] = [partial(feature.extract, config=config) for config in configs]
        contestants = {
            "bare rfft": partial(_bare, samples, configs),
            "sercli": partial(_each, ours, samples),
            "torchaudio": partial(_each, [_torchaudio(config) for config in configs], samples),
        }
        taken = interleaved(contestants, rounds)
        seconds = sum(len(wave) for wave in samples) / audio.SAMPLE_RATE
        floor = taken["bare rfft"]
        rows += [
            Row(
                f"compute, {what}: {name}",
                seconds / t,
                "x real time",
                f"takes {t / floor:.2f} x the bare rfft",
                *(_ratio(t, {"torchaudio": taken["torchaudio"]}) if name == "sercli" else ()),
            )
            for name, t in taken.items()
        ]
    return rows


def _each(extracts: list[Extract], samples: list[Samples]) -> None:
    for extract in extracts:
        for wave in samples:
            extract(wave)


def _rows(what: str, taken: dict[str, float], seconds: float) -> list[Row]:
    peers = {name: t for name, t in taken.items() if name != "sercli"}
    return [
        Row(
            f"{what}: {name}",
            seconds / t,
            "x real time",
            "" if name == "sercli" else f"sercli is {t / taken['sercli']:.1f} x as fast",
            *(_ratio(t, peers) if name == "sercli" else ()),
        )
        for name, t in taken.items()
    ]


def _ratio(ours: float, peers: Mapping[str, float]) -> tuple[float, str]:
    """Return the speed relative to the fastest peer, and the name of this peer."""
    fastest = min(peers, key=peers.__getitem__)
    return peers[fastest] / ours, fastest


def _open(root: Path, configs: list[tuple[str, LogMelConfig | LogMel3DConfig]]) -> list[FeatureStore]:
    return [FeatureStore(root, kind, config) for kind, config in configs]


def _bare(samples: list[Samples], configs: list[LogMelConfig]) -> None:
    """Transform every frame of every utterance, in blocks, and discard the spectra."""
    with torch.inference_mode():
        for config in configs:
            for wave in samples:
                frames = spectra.frame(torch.from_numpy(wave), config.win_length, config.hop_length, "whole")
                for start in range(0, len(frames), 256):
                    torch.fft.rfft(frames[start : start + 256], config.fft_length)


def _torchaudio(config: LogMelConfig, *, slopes: bool = False) -> Extract:
    """Compute log-mel with torchaudio's own transform, as its users write it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a filter is empty with the shortest windows, which is known
        transform = torchaudio.transforms.MelSpectrogram(
            sample_rate=audio.SAMPLE_RATE,
            n_fft=config.fft_length,
            win_length=config.win_length,
            hop_length=config.hop_length,
            n_mels=config.n_mels,
            window_fn=torch.hamming_window,
            center=False,
        )
    slope = torchaudio.transforms.ComputeDeltas(win_length=19)

    def extract(samples: Samples) -> Array:
        with torch.inference_mode():
            first = transform(torch.from_numpy(samples)).clamp(min=1e-10).log()
            if not slopes:
                return np.asarray(first.numpy())
            second = slope(first)
            return np.asarray(torch.stack([first, second, slope(second)]).numpy())

    return extract


def _librosa(samples: Samples) -> Array:
    import librosa

    energies = librosa.feature.melspectrogram(
        y=samples, sr=audio.SAMPLE_RATE, n_fft=512, win_length=400, hop_length=160, n_mels=40,
        window="hamming", center=False, htk=True, norm=None,
    )  # fmt: skip
    first = np.log(np.maximum(energies, 1e-10))
    slopes = [librosa.feature.delta(first, width=19, order=order, mode="nearest") for order in (1, 2)]
    return np.stack([first, *slopes])


def _has_librosa() -> bool:
    return importlib.util.find_spec("librosa") is not None


BENCH = Bench(
    _run, "log-mel features against torchaudio and (where it is installed) librosa, and the bare FFT"
)
