"""Measure frozen encoders and functionals under small classifiers, on speakers not seen in training.

Usage: measure.py PART [CORPUS]; a part is one of those at the end of this file. Needs a workspace with emodb
and ravdess prepared (variable SERCLI_WORKSPACE), and WHISPER, the folder of openai/whisper-tiny.en or its
short name. Finished trials are not trained again. Each part writes a CSV beside this file.
"""

import csv
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import sercli
from sercli import manifest
from sercli.evaluation import compare, holm, pooled_values, read_predictions
from sercli.inference.cross_corpus import apply_run
from sercli.inference.stored import Stored
from sercli.records import ClassPredictions, Utterance, pool
from sercli.runs.folder import Run
from sercli.schemes import choose
from sercli.studies import get_study
from sercli.studies.results import find_finished

HERE = Path(__file__).parent
WHISPER = os.environ.get("WHISPER", "whisper-tiny.en")
WORKSPACE = sercli.Workspace()
CORPORA = {
    "emodb": ("emodb-4", "leave-one-speaker-out-no-dev"),
    "ravdess": ("ravdess-7", "speaker-5-fold-no-dev"),
}
WITH_DEV = {"emodb": "leave-one-speaker-out", "ravdess": "speaker-5-fold"}
FOUR = {"emodb": "emodb-4", "ravdess": "ravdess-4-nocalm"}
STATISTICS = ("per-bin", "per-speaker")
ENCODER = [f"features.model={WHISPER}"]
GRID = (
    "training.search={model.layers: [[3], [2, 3, 4], [0, 1, 2, 3, 4]], features.pool: [mean, mean-std], "
    "model.c: [0.01, 0.1, 1, 10]}"
)
LAYERS = "[0], [1], [2], [3], [4], [2, 3, 4], [0, 1, 2, 3, 4]"
WIDE = GRID.replace("[3], [2, 3, 4], [0, 1, 2, 3, 4]", LAYERS)
SETS = {name: ["features.kind=opensmile", f"features.set={name}"] for name in ("eGeMAPSv02", "ComParE_2016")}
# The rows of the studies at full size that are trained to the end.
FINISHED = {
    "emodb": ("CNN-LSTM, log-mel", "DiCCOSER, log-mel", "MelCNN", "CNN-LSTM, samples", "attention pooling"),
    "ravdess": ("CNN-LSTM, log-mel", "DiCCOSER, log-mel", "MelCNN"),
}
SIZES = (2, 5, 10, 20, None)
DRAWS = 10


def train(
    corpus: str, settings: Sequence[str], arch: str = "linear", seeds: Sequence[int] = (0,), **others: Any
) -> Run:
    """Train the folds of a corpus."""
    scheme, protocol = CORPORA[corpus]
    chosen = {"scheme": scheme, "protocol": protocol} | others
    return sercli.train(WORKSPACE, arch, corpus, seeds=seeds, settings=settings, **chosen)


def figures(predictions: sercli.Predictions) -> dict[str, str]:
    """Return UA and WA in per cent, each with its interval over speakers."""
    table = sercli.evaluate(predictions).table
    found = {}
    for key in ("ua", "wa"):
        row = table.row(key)
        found[key] = f"{100 * row.value:.1f}"
        if row.interval is not None:
            found |= {f"{key}_low": f"{100 * row.interval.low:.1f}"}
            found |= {f"{key}_high": f"{100 * row.interval.high:.1f}"}
    return found


def predictions(run: Run) -> ClassPredictions:
    """Return the predictions of all folds of a run."""
    found = sercli.report_run(run, draws=2).predictions
    assert isinstance(found, ClassPredictions)
    return found


def tested(run: Run) -> dict[str, str]:
    """Return the metrics of a run and its name."""
    return figures(predictions(run)) | {"run": run.name}


def write(name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as they come, so that an interruption loses none."""
    path = HERE / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row), extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            print(name, row, flush=True)


def inputs(penalties: str) -> dict[str, list[str]]:
    """Return the settings of each input, with the penalties that a search of functionals chooses from."""
    search = f"training.search={{model.c: [{penalties}]}}"
    return {"Whisper tiny.en": [*ENCODER, GRID], **{name: [*own, search] for name, own in SETS.items()}}


def best(corpus: str) -> Iterable[dict[str, Any]]:
    """The best settings that inner folds of the training part find."""
    for statistics in STATISTICS:
        own = [f"features.statistics={statistics}"]
        for name, settings in inputs("0.001, 0.01").items():
            found = tested(train(corpus, [*settings, *own]))
            yield {"corpus": corpus, "features": name, "statistics": statistics, **found}


def speakers(corpus: str) -> Iterable[dict[str, Any]]:
    """Statistics per speaker against those of the training part: the differences within `best`."""
    pairs = {
        name: tuple(predictions(train(corpus, [*own, f"features.statistics={each}"])) for each in STATISTICS)
        for name, own in inputs("0.001, 0.01").items()
    }
    return _differences(corpus, pairs)


def features(corpus: str) -> Iterable[dict[str, Any]]:
    """The features of `best` against each other, with statistics of the training part."""
    whisper, compare_2016, egemaps = (
        predictions(train(corpus, [*own, "features.statistics=per-bin"]))
        for own in (inputs("0.001, 0.01")[name] for name in ("Whisper tiny.en", "ComParE_2016", "eGeMAPSv02"))
    )
    pairs = {
        "Whisper minus ComParE": (compare_2016, whisper),
        "ComParE minus eGeMAPS": (egemaps, compare_2016),
    }
    return _differences(corpus, pairs)


def wide(corpus: str) -> Iterable[dict[str, Any]]:
    """Each single layer as a candidate too, against the shorter list of `best`."""
    short, long = (
        predictions(train(corpus, [*ENCODER, grid, "features.statistics=per-bin"])) for grid in (GRID, WIDE)
    )
    return _differences(corpus, {"Whisper tiny.en": (short, long)})


def networks(corpus: str) -> Iterable[dict[str, Any]]:
    """Linear classifiers against the finished networks at full size, trained on the same utterances.

    Their folds have a dev part, as those of the networks; the linear classifiers do not use it.
    """
    full = {}
    for cell in get_study(str(HERE.parent / "full-size" / f"{corpus}.yaml")).cells():
        if (run := find_finished(cell, WORKSPACE)) and cell.row.name in FINISHED[corpus]:
            full[cell.row.name] = predictions(run)
    pairs = {}
    for name, settings in inputs("0.001, 0.01").items():
        run = train(corpus, [*settings, "features.statistics=per-bin"], protocol=WITH_DEV[corpus])
        pairs |= {f"{name} minus {row}": (each, predictions(run)) for row, each in full.items()}
    return _differences(corpus, pairs)


def random(corpus: str) -> Iterable[dict[str, Any]]:
    """Measure what a random split reports: the tested speakers are in the training part too."""
    pairs = {}
    for name, settings in inputs("0.001, 0.01").items():
        own = [*settings, "features.statistics=per-bin"]
        pairs[name] = (
            predictions(train(corpus, own)),
            predictions(train(corpus, own, protocol="random-5-fold")),
        )
    return _differences(corpus, pairs)


def calm(corpus: str) -> Iterable[dict[str, Any]]:
    """Calm as a class of its own, merged into neutral after the prediction, against merged in training."""
    pairs, eight = {}, {}
    for name, settings in inputs("0.001, 0.01").items():
        own = [*settings, "features.statistics=per-bin"]
        merged, apart = (predictions(train(corpus, own, scheme=f"ravdess-{count}")) for count in (7, 8))
        pairs[name] = merged, _merge_calm(apart, merged)
        eight[name] = figures(apart)
    for row in _differences(corpus, pairs):
        own = eight[row["features"]]
        yield row | {"eight_ua": own["ua"], "eight_wa": own["wa"]}


def _merge_calm(apart: ClassPredictions, merged: ClassPredictions) -> ClassPredictions:
    """Add the probability of calm to that of neutral."""
    of_merged = [merged.classes.index({"calm": "neutral"}.get(each, each)) for each in apart.classes]
    probabilities = (
        apart.probabilities @ np.eye(len(merged.classes), dtype=apart.probabilities.dtype)[of_merged]
    )
    target = np.array(of_merged)[apart.target]
    return replace(apart, classes=merged.classes, target=target, probabilities=probabilities)


def _differences(
    corpus: str, pairs: Mapping[str, tuple[ClassPredictions, ClassPredictions]]
) -> Iterable[dict[str, Any]]:
    """Compare the second predictions of each pair with the first ones, on the same utterances.

    The test is over speakers; p is corrected for the pairs of the corpus.
    """
    differences = [
        compare({"first": first, "second": second}).table.group("difference")[0]  # in UA
        for first, second in pairs.values()
    ]
    corrected = holm([each.test.p for each in differences])
    for (name, (first, second)), each, p in zip(pairs.items(), differences, corrected, strict=True):
        row = {"corpus": corpus, "features": name, **figures(second)}
        row |= {f"first_{key}": value for key, value in figures(first).items()}
        values = (each.value, each.interval.low, each.interval.high)
        numbers = (f"{100 * value:.1f}" for value in values)
        row |= dict(zip(("difference", "low", "high"), numbers, strict=True))
        yield row | {"p": f"{each.test.p:.4f}", "holm_p": f"{p:.4f}"}


def probe(corpus: str) -> Iterable[dict[str, Any]]:
    """SUPERB's head with three seeds, trained for 30 epochs at ten times its rate to save time."""
    for statistics in (*STATISTICS, "none"):
        yield {"corpus": corpus, "statistics": statistics, "seeds": 3, **tested(_head(corpus, statistics))}


def heads(corpus: str) -> Iterable[dict[str, Any]]:
    """The linear classifier of `best` against SUPERB's head of `probe`."""
    pairs = {}
    for statistics in STATISTICS:
        linear = train(corpus, [*ENCODER, GRID, f"features.statistics={statistics}"])
        pairs[statistics] = predictions(_head(corpus, statistics)), predictions(linear)
    return _differences(corpus, pairs)


def _head(corpus: str, statistics: str) -> Run:
    short = ["training.lr=1e-3", "training.max_epochs=30", "training.precision=32-true"]
    return train(corpus, [*ENCODER, f"features.statistics={statistics}", *short], "probe", seeds=(0, 1, 2))


def superb(corpus: str) -> Iterable[dict[str, Any]]:
    """SUPERB's head with its own recipe, one seed."""
    found = tested(train(corpus, [*ENCODER, "training.precision=32-true", "training.lr=1e-4"], "probe"))
    yield {"corpus": corpus, "statistics": "none", "seeds": 1, **found}


def padding(corpus: str) -> Iterable[dict[str, Any]]:
    """Recordings padded to 30 s before they are encoded, against those as long as they are."""
    pairs = {}
    for statistics in STATISTICS:
        for layer in (2, 3, 4):
            same = ["features.pool=mean-std", f"features.statistics={statistics}", f"model.layers=[{layer}]"]
            own, padded = (
                predictions(train(corpus, [*ENCODER, f"features.pad_s={pad}", *same]))
                for pad in ("null", "30")
            )
            pairs[f"layer {layer}, {statistics}"] = own, padded
    return _differences(corpus, pairs)


def cross(corpus: str) -> Iterable[dict[str, Any]]:
    """One classifier of a complete corpus, four classes, tested on the other corpus.

    The difference is that of statistics per speaker from those of the training part.
    """
    other = "ravdess" if corpus == "emodb" else "emodb"
    pairs = {}
    for name, settings in inputs("0.001, 0.01, 0.1").items():
        runs = [
            train(
                corpus,
                [*settings, f"features.statistics={each}"],
                scheme=FOUR[corpus],
                protocol="train-on-all",
            )
            for each in STATISTICS
        ]
        plain, speaker = (apply_run(run, other, WORKSPACE, FOUR[other]).predictions for run in runs)
        assert isinstance(plain, ClassPredictions)
        assert isinstance(speaker, ClassPredictions)
        pairs[name] = plain, speaker
    return _differences(corpus, pairs)


def groups(corpus: str) -> Iterable[dict[str, Any]]:
    """How many utterances of a speaker the statistics need, and what unbalanced classes do to them.

    The classifiers are those of `best`. The utterances of each tested speaker are divided at random into
    groups, each group is standardised as if it were all that is known of a speaker, and each utterance is
    tested once in a draw. In an unbalanced group of ten, a random class has the given share.
    """
    for statistics in STATISTICS:
        run = train(corpus, [*ENCODER, GRID, f"features.statistics={statistics}"])
        for share, sizes in ((None, SIZES), (0.5, (10,)), (0.8, (10,))):
            for size in sizes:
                rows = np.array([_draw(run, corpus, size, share, seed) for seed in range(DRAWS)])
                mean, spread = 100 * rows.mean(0), 100 * rows.std(0, ddof=1)
                yield {
                    "corpus": corpus,
                    "statistics": statistics,
                    "utterances": size or "all",
                    "largest class": share or "as drawn",
                    "ua": f"{mean[0]:.1f}",
                    "wa": f"{mean[1]:.1f}",
                    "ua_deviation": f"{spread[0]:.1f}",
                    "draws": DRAWS,
                }


def _draw(run: Run, corpus: str, size: int | None, share: float | None, seed: int) -> tuple[float, float]:
    """Return UA and WA of one division of all tested speakers into groups."""
    utterances = list(manifest.read(WORKSPACE.require(corpus)))
    _, selection = choose(utterances, corpus, CORPORA[corpus][0])
    by_id = {each.id: each for each in utterances}
    random = np.random.default_rng(seed)
    parts = []
    for trial in run.finished():
        ids = read_predictions(trial.predictions_file).ids
        grouped = _group([by_id[name] for name in ids], selection.labels, size, share, random)
        labels = {each.id: selection.labels[each.id.partition("#")[0]] for each in grouped}
        stored = Stored.open(sercli.Bundle.load(trial.bundle), corpus, grouped, WORKSPACE)
        parts.append(stored.predict(replace(selection, labels=labels), f"{trial.fold}", 0))
    values = pooled_values(pool(parts))
    return values["ua"], values["wa"]


def _group(
    utterances: Sequence[Utterance],
    labels: Mapping[str, str],
    size: int | None,
    share: float | None,
    random: np.random.Generator,
) -> list[Utterance]:
    """Divide the utterances of each speaker at random, and give each group a speaker's name of its own."""
    found = []
    for speaker in sorted({str(each.speaker) for each in utterances}):
        own = [each for each in utterances if each.speaker == speaker]
        own = [own[i] for i in random.permutation(len(own))]
        if size is None or share is None:
            count = max(1, len(own) // (size or len(own)))
            parts = [own[start::count] for start in range(count)]
        else:
            parts = [_unbalanced(own, labels, label, size, share) for label in sorted(set(labels.values()))]
        for number, part in enumerate(parts):
            found += [replace(each, id=f"{each.id}#{number}", speaker=f"{speaker}/{number}") for each in part]
    return found


def _unbalanced(
    own: Sequence[Utterance], labels: Mapping[str, str], label: str, size: int, share: float
) -> list[Utterance]:
    """Take the first utterances of one class, and so many others that the class has its share."""
    of_class = [each for each in own if labels[each.id] == label][: round(share * size)]
    others = max(1, round(len(of_class) * (1 - share) / share)) if of_class else 0
    return [*of_class, *[each for each in own if labels[each.id] != label][:others]]


_ALL = (best, features, wide, networks, speakers, random, calm, probe, heads, superb, padding, cross, groups)
PARTS = {part.__name__: part for part in _ALL}

if __name__ == "__main__":
    part, *corpora = sys.argv[1:]
    for each in corpora or CORPORA:
        write(f"{part}-{each}", PARTS[part](each))
