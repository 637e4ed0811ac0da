"""Compare the evaluation of a run, with its bootstrap over speakers, with one pass over its rows.

The predictions have the size of IEMOCAP: 5 531 utterances of ten speakers, four classes; 10 000 draws.
"""

import tracemalloc
from pathlib import Path

import numpy as np

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from sercli.evaluation import evaluate
from sercli.records import ClassPredictions


def _run(corpora: Path | None, quick: bool) -> list[Row]:  # noqa: ARG001
    predictions = _predictions(500 if quick else 5531)
    contestants = {
        "ours": lambda: evaluate(predictions),
        "one pass over the rows": lambda: np.bincount(predictions.target * 4 + predictions.predicted),
    }
    taken = interleaved(contestants, rounds=1 if quick else 9)
    tracemalloc.start()
    evaluate(predictions)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return [
        Row("figures with 10 000 draws", 1000 * taken["ours"], "ms"),
        Row("memory at its peak", peak / 2**20, "MiB"),
        Row("one pass over the rows", 1000 * taken["one pass over the rows"], "ms"),
    ]


def _predictions(count: int) -> ClassPredictions:
    random = np.random.default_rng(0)
    target = random.integers(4, size=count)
    scores = random.normal(size=(count, 4)) + 1.5 * np.eye(4)[target]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    speakers = [f"Ses0{1 + i // 2}{'FM'[i % 2]}" for i in random.integers(10, size=count)]
    return ClassPredictions(
        classes=("anger", "happiness", "neutral", "sadness"),
        ids=tuple(f"iemocap/{i}" for i in range(count)),
        target=target,
        probabilities=probabilities,
        speakers=tuple(speakers),
        genders=tuple("female" if name.endswith("F") else "male" for name in speakers),
        folds=tuple(speakers),
        seeds=(0,) * count,
    )


BENCH = Bench(_run, "test figures with 10 000 bootstrap draws over speakers")
