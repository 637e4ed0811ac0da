"""Fill stores with the features of a corpus's utterances, on all cores or on a GPU."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import torch

from sercli import audio
from sercli.audio import Samples
from sercli.corpora import corpus_names
from sercli.errors import FeatureError
from sercli.features import Array
from sercli.processor import count_cores, shared_out
from sercli.records import Utterance
from sercli.store import FeatureStore

# Number of utterances that a core computes at once, and limit of seconds in them.
_GROUP = 8
_GROUP_SECONDS = 30.0
# The same on a GPU, where a kind may compute the utterances of a group in one batch.
_GROUP_ON_GPU = 64
_GROUP_SECONDS_ON_GPU = 240.0

# Largest difference in length between a recording and the utterance that was made from all of it.
_ASTRAY_S = 1e-3

# Features of an utterance, with the folders of the stores that they are for.
_Computed = list[tuple[Path, Array]]


def missing(store: FeatureStore, utterances: Sequence[Utterance]) -> list[Utterance]:
    """List the utterances whose audio has no features in the store yet, each audio once."""
    first: dict[str, Utterance] = {}
    for utterance in utterances:
        first.setdefault(store.key(utterance), utterance)
    return [utterance for key, utterance in first.items() if key not in store]


def compute(
    stores: Sequence[FeatureStore],
    utterances: Sequence[Utterance],
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    device: str = "cpu",
    originals: Path | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> int:
    """Compute what is missing; after an interruption the next call continues where it stopped.

    Each audio file is decoded once, for any number of stores. If another process writes one of the stores,
    this process waits, and then computes what is still missing.

    Args:
        stores: stores for the features.
        utterances: utterances of a prepared corpus.
        folder: folder of that corpus; the utterances' files are relative to it.
        progress: called with the number of finished utterances and the number of all.
        device: device that computes, ``cpu`` (on all cores) or for example ``cuda``.
        originals: the corpus as distributed, for kinds that read it.
        waiting: called before each wait for another process.

    Returns:
        Number of computed arrays.

    Raises:
        AudioError: an audio file can't be read.
        FeatureError: an audio file is not the one that the manifest describes; or a kind reads the
            corpus as distributed and ``originals`` is not given.
    """
    # All processes use the same order, so that no two of them wait for a store of each other.
    involved = {
        store.path: store
        for store in sorted(stores, key=lambda each: each.path)
        if missing(store, utterances)
    }
    decoder = _Decoder(folder, originals)
    computed = 0
    with ExitStack() as stack:
        writers = {key: stack.enter_context(store.writing(waiting)) for key, store in involved.items()}
        wanted, first = _wanted(involved.values(), utterances)
        seconds = {sha256: first[sha256].duration * len(wanted[sha256]) for sha256 in wanted}
        together = device != "cpu"
        groups = _grouped_by_length(seconds) if together else _grouped(seconds)

        def work(group: list[str]) -> list[_Computed]:
            items = [(first[sha256], wanted[sha256]) for sha256 in group]
            if together:
                return decoder.features(items, device)
            # One by one: batches are hardly faster on a CPU, and change the last digits of the values.
            return [computed for item in items for computed in decoder.features([item], device)]

        done = 0
        results = stack.enter_context(_working(work, groups, involved.values(), device))
        for group, computed_group in zip(groups, results, strict=True):
            for sha256, arrays in zip(group, computed_group, strict=True):
                for path, array in arrays:
                    writers[path].append(sha256, array)
                    computed += 1
                done += 1
                progress(done, len(wanted))
    for store in stores:
        if involved.get(store.path, store) is not store:
            store.reload()  # the same store, opened twice
    return computed


def _wanted(
    stores: Iterable[FeatureStore], utterances: Sequence[Utterance]
) -> tuple[dict[str, list[FeatureStore]], dict[str, Utterance]]:
    """List, by hash of the audio, the stores that lack its features, and its first utterance."""
    wanted: dict[str, list[FeatureStore]] = {}
    first: dict[str, Utterance] = {}
    for store in stores:
        for utterance in missing(store, utterances):
            wanted.setdefault(store.key(utterance), []).append(store)
            first.setdefault(store.key(utterance), utterance)
    return wanted, first


def extract_one(
    utterance: Utterance, stores: Sequence[FeatureStore], folder: Path, originals: Path | None = None
) -> list[Array]:
    """Compute an utterance's features as `compute` does, for each of the stores, and store none.

    Raises:
        AudioError: the audio file can't be read.
        FeatureError: as `compute`.
    """
    (computed,) = _Decoder(folder, originals).features([(utterance, stores)], "cpu")
    return [array for _, array in computed]


def _grouped_by_length(seconds: Mapping[str, float]) -> list[list[str]]:
    """Divide audio into groups of similar length, so that batches have little padding."""
    ordered = dict(sorted(seconds.items(), key=lambda item: item[1]))
    return _grouped(ordered, _GROUP_ON_GPU, _GROUP_SECONDS_ON_GPU)


def _grouped(
    seconds: Mapping[str, float], most: int = _GROUP, most_seconds: float = _GROUP_SECONDS
) -> list[list[str]]:
    """Divide audio, by hash, into groups of a few utterances; groups of long utterances are smaller."""
    groups: list[list[str]] = []
    length = 0.0
    for sha256, more in seconds.items():
        if not groups or len(groups[-1]) == most or length + more > most_seconds:
            groups.append([])
            length = 0.0
        groups[-1].append(sha256)
        length += more
    return groups


class _Decoder:
    """Read an utterance's audio once for all its features."""

    def __init__(self, folder: Path, originals: Path | None) -> None:
        self.folder, self.originals = folder, originals

    def features(
        self, items: Sequence[tuple[Utterance, Sequence[FeatureStore]]], device: str
    ) -> list[_Computed]:
        """Compute features of utterances, each for its stores; those of a store together where possible."""
        waiting: dict[Path, tuple[FeatureStore, list[int], list[Samples]]] = {}
        for row, (utterance, stores) in enumerate(items):
            prepared: Samples | None = None
            for store in stores:
                if store.config.original_rate is not None:
                    samples = self._original(utterance, store)
                else:
                    prepared = self._prepared(utterance) if prepared is None else prepared
                    samples = prepared
                _, rows, recordings = waiting.setdefault(store.path, (store, [], []))
                rows.append(row)
                recordings.append(samples)
        computed: list[_Computed] = [[] for _ in items]
        for store, rows, recordings in waiting.values():
            for row, array in zip(rows, _extract(store, recordings, device), strict=True):
                computed[row].append((store.path, array))
        return computed

    def _prepared(self, utterance: Utterance) -> Samples:
        samples = audio.read(self.folder / utterance.file)
        if audio.hash_samples(samples) != utterance.sha256:
            fact = f"{self.folder / utterance.file}: the audio is not what the manifest describes"
            command = f"`sercli prepare {utterance.corpus}`"
            if utterance.corpus not in corpus_names():
                command = f"the command `sercli prepare` that made the corpus '{utterance.corpus}'"
            raise FeatureError(f"{fact}; run {command} again")
        return samples

    def _original(self, utterance: Utterance, store: FeatureStore) -> Samples:
        if self.originals is None or utterance.source is None:
            raise FeatureError(
                f"{store.kind} with original=true reads the corpus as distributed: name its folder "
                f"with `sercli features {utterance.corpus} --kind {store.kind} --originals PATH`"
            )
        path = self.originals / utterance.source
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != utterance.source_sha256:
            raise FeatureError(f"{path}: not the recording that {utterance.id} was prepared from")
        samples, header = audio.decode(path, content=content)
        if abs(len(samples) / header.sample_rate - utterance.duration) > _ASTRAY_S:  # a cut of a longer file
            samples, header = audio.decode(path, utterance.start, utterance.end, content)
        return audio.resample(samples, header.sample_rate, store.config.original_rate or header.sample_rate)


def _extract(store: FeatureStore, recordings: Sequence[Samples], device: str) -> Iterator[Array]:
    """Compute the features of recordings, in batches if there are several and the kind can do so."""
    several = store.feature.extract_several
    if several is not None and len(recordings) > 1:
        yield from several(recordings, store.config, device)
        return
    for samples in recordings:
        yield store.feature.extract(samples, store.config, device)


@contextmanager
def _working(
    work: Callable[[list[str]], list[_Computed]],
    groups: Sequence[list[str]],
    stores: Iterable[FeatureStore],
    device: str,
) -> Iterator[Iterator[list[_Computed]]]:
    """Compute the results group by group, in order: on all cores, ahead of the caller, or on a GPU."""
    if device != "cpu":
        yield map(work, groups)
        return
    # Each process would load the weights of an encoder again; its operations are long enough for threads.
    light = all(store.feature.extract_several is None for store in stores)
    begin = partial(torch.set_num_threads, 1)  # see `threads`
    with _restored_threads(), shared_out(work, groups, begin=begin, processes=light) as results:
        yield results


@contextmanager
def threads(most: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool with one thread per core; torch's number of threads is restored afterwards.

    Args:
        most: number of tasks, if it is known; if there are fewer tasks than cores, the pool has a thread for
            each of them, and torch divides the cores among these threads.
    """
    cores = count_cores()
    count = cores if most is None else max(1, min(cores, most))
    # Parallel over utterances, because more threads for the small matrices of one utterance are slower.
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(cores // count,))
    with _restored_threads():
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _restored_threads() -> Iterator[None]:
    """Restore torch's number of threads at the end, which any thread of the process can change for all."""
    usual = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(usual)
