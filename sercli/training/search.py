"""Choose settings within a training part: inner folds that share no speaker, and no look at the test part."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from sercli import files
from sercli.config import spell
from sercli.devices import Device
from sercli.errors import RunError
from sercli.evaluation import pooled_values
from sercli.inference.stored import predict_items
from sercli.plain.json import from_json
from sercli.protocols import untrained
from sercli.records import Fold, Predictions, pool, rows_of
from sercli.runs.folder import Trial
from sercli.training._finish import Trained
from sercli.training.folds import Parts, label_items, load_parts
from sercli.training.plan import Plan, candidates

Train = Callable[[Plan, Trial, Parts], Trained]
"""Trains the network of a trial, given its data sets."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings that a search tried.

    Attributes:
        settings: what they change, by dotted name.
        value: metric over the inner folds, joined.
    """

    settings: dict[str, Any]
    value: float


def search(
    plan: Plan, trial: Trial, device: Device, train: Train, report: Callable[[str], None]
) -> tuple[Plan, dict[str, Any]]:
    """Choose the settings that are best within the training part of a trial.

    Each candidate is trained on the training part without the speakers of an inner fold and tested on these,
    for all inner folds. The metric is UA of the joined predictions, or the mean CCC of the
    dimensions. The results are kept in the
    trial's ``search.json``, so that an interrupted trial does not search again.

    Args:
        plan: the run, with settings to choose from in ``training.search``.
        trial: fold and seed.
        device: device to predict on.
        train: trains a network.
        report: called with a line about the result.

    Returns:
        The plan with the chosen settings, and these settings by dotted name.

    Raises:
        RunError: the training part has fewer than two speakers, or a class has too few of them.
    """
    choices = candidates(plan.config)
    tried = _read(search_file(trial), [changes for changes, _ in choices])
    if tried is None:
        fold = plan.folds[trial.fold - 1]
        inner = inner_folds(plan, fold, plan.config.training.search_folds)
        inside = replace(plan, folds=tuple(inner))
        found: list[list[Predictions]] = [[] for _ in choices]
        for number in range(1, len(inner) + 1):
            parts: dict[str, Parts] = {}  # candidates that differ only in the network's settings share them
            for predictions, (_, config) in zip(found, choices, strict=True):
                candidate = replace(inside, config=config)
                same = spell(config.to_dict() | {"model": None})
                if same not in parts:
                    parts[same] = load_parts(candidate, number, trial.seed)
                predictions.append(_test(candidate, trial, number, parts[same], device, train))
        tried = []
        dimensions = plan.selection.outputs.dimensions
        for predictions, (changes, _) in zip(found, choices, strict=True):
            values = pooled_values(pool(predictions))
            keys = ["ua"] if plan.config.task.has_classes else [f"ccc_{name}" for name in dimensions]
            tried.append(Candidate(changes, round(fmean(values[key] for key in keys), 6)))
        folds = [{"name": each.name, "speakers": each.name.split("+")} for each in inner]
        rows = [{"settings": each.settings, "value": each.value} for each in tried]
        files.write_json(search_file(trial), {"inner_folds": folds, "candidates": rows})
        shutil.rmtree(trial.path / "search", ignore_errors=True)
    best = max(range(len(tried)), key=lambda number: (tried[number].value, -number))
    named = ", ".join(f"{name}={spell(value)}" for name, value in tried[best].settings.items())
    value = plan.config.task.format_metric(tried[best].value)
    report(f"  search: {named} ({value} in inner folds, best of {len(tried)})")
    return replace(plan, config=choices[best][1]), tried[best].settings


def search_file(trial: Trial) -> Path:
    """Return the file with the results of a trial's search."""
    return trial.path / "search.json"


def inner_folds(plan: Plan, fold: Fold, count: int) -> list[Fold]:
    """Divide a training part by speaker.

    Speakers with many utterances are dealt out first, each to the inner fold that has the fewest utterances.

    Args:
        plan: the run.
        fold: fold whose training part is divided.
        count: number of inner folds; as many as there are speakers if these are fewer.

    Raises:
        RunError: the training part has fewer than two speakers, utterances without a speaker, or a class of
            too few speakers.
    """
    speakers = Counter(plan.utterances[name].speaker for name in fold.train)
    known = {speaker: number for speaker, number in speakers.items() if speaker is not None}
    if len(known) < 2 or len(known) < len(speakers):
        raise RunError(
            f"training.search: the training part of fold {fold.name} has {len(known)} speakers"
            f"{' and utterances without one' * (len(known) < len(speakers))}; inner folds need two or more, "
            "so leave training.search out"
        )
    groups: list[list[str]] = [[] for _ in range(min(count, len(known)))]
    for speaker in sorted(known, key=lambda each: (-known[each], each)):
        min(groups, key=lambda group: sum(known[each] for each in group)).append(speaker)
    found = []
    for group in groups:
        held = [name for name in fold.train if plan.utterances[name].speaker in group]
        rest = [name for name in fold.train if plan.utterances[name].speaker not in group]
        found.append(Fold("+".join(sorted(group)), tuple(rest), fold.dev, tuple(held)))
    _check_classes(plan, fold, found)
    return found


def _check_classes(plan: Plan, fold: Fold, inner: list[Fold]) -> None:
    """Refuse inner folds that train on fewer classes than the fold itself."""
    if not plan.config.task.has_classes:
        return
    lacking = untrained(inner, {name: plan.selection.labels[name] for name in fold.train})
    if lacking:
        first = next(iter(lacking.values()))[0]
        names = [name for name, folds in lacking.items() if first in folds]
        raise RunError(
            f"training.search: without {first.name.replace('+', ', ')}, the training part of fold "
            f"{fold.name} has no utterance of {', '.join(names)}; leave these classes out (--classes or "
            "another --scheme), or leave training.search out"
        )


def _test(plan: Plan, trial: Trial, number: int, parts: Parts, device: Device, train: Train) -> Predictions:
    """Train a candidate on an inner fold, and predict its test part."""
    fold = plan.folds[number - 1]
    inner = Trial(trial.path / "search" / f"{plan.config.digest}-{number}", number, trial.seed)
    if parts.test is None:
        raise RunError(f"{trial.path}: inner fold {fold.name} is empty")
    network = train(plan, inner, parts).network
    return predict_items(
        network,
        parts.test,
        label_items(plan, fold.test),
        parts.outputs,
        rows_of((plan.utterances[name] for name in fold.test), fold.name, trial.seed),
        str(trial.path),
        plan.config.training.batch_size,
        device.torch,
    )


def _read(file: Path, wanted: list[dict[str, Any]]) -> list[Candidate] | None:
    """Read the results of an earlier search of the same candidates; None if there are none."""
    try:
        rows = from_json(file.read_text(encoding="utf-8"))["candidates"]
        tried = [Candidate(dict(row["settings"]), float(row["value"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tried if [each.settings for each in tried] == _plain(wanted) else None


def _plain(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turn tuples into lists, as JSON has them."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in each.items()}
        for each in settings
    ]
