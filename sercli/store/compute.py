"""Fill a store with the features of a corpus's utterances, on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from sercli import audio
from sercli.errors import FeatureError
from sercli.features import Array
from sercli.records import Utterance
from sercli.store import FeatureStore

# Futures in flight per thread: enough to keep it busy, few enough that memory stays bounded.
_AHEAD = 8


def missing(store: FeatureStore, utterances: Sequence[Utterance]) -> list[Utterance]:
    """List the utterances whose audio has no features in the store yet, each audio once."""
    first = {utterance.sha256: utterance for utterance in reversed(utterances)}
    return [u for u in utterances if u.sha256 not in store and first[u.sha256] is u]


def compute(
    store: FeatureStore,
    utterances: Sequence[Utterance],
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Compute what is missing; interrupted, the next call goes on where it stopped.

    Args:
        store: where the features go.
        utterances: of a prepared corpus.
        folder: that corpus's folder, which the utterances' files are relative to.
        progress: called with the number of utterances done and to do.

    Returns:
        How many were computed.

    Raises:
        AudioError: an audio file can't be read.
        FeatureError: an audio file is not the one that the manifest describes.
    """
    todo = missing(store, utterances)
    if not todo:
        return 0
    threads = torch.get_num_threads()
    workers = os.cpu_count() or 1
    # Parallel over utterances: threads within one utterance's small matrices would only get in the way.
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        with store.writing() as writer:
            for start in range(0, len(todo), workers * _AHEAD):
                chunk = todo[start : start + workers * _AHEAD]
                results = pool.map(lambda utterance: _features(store, utterance, folder), chunk)
                for done, (utterance, features) in enumerate(zip(chunk, results, strict=True), start + 1):
                    writer.append(utterance.sha256, features)
                    progress(done, len(todo))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
    return len(todo)


def _features(store: FeatureStore, utterance: Utterance, folder: Path) -> Array:
    samples = audio.read(folder / utterance.file)
    if audio.hash_samples(samples) != utterance.sha256:
        raise FeatureError(
            f"{folder / utterance.file}: the audio is not what the manifest describes; "
            f"run `sercli prepare {utterance.corpus}` again"
        )
    return store.feature.extract(samples, store.config)
