"""Draw internal values of a run's network for its test utterances."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import torch
from matplotlib.figure import Figure

from sercli import figures, manifest
from sercli.bundle import Bundle
from sercli.config import dotted
from sercli.errors import RunError
from sercli.figures import insight as pictures
from sercli.inference import insight
from sercli.inference.attention_maps import map_attention
from sercli.inference.stored import Progress, Stored
from sercli.records import ClassPredictions
from sercli.reports import projections
from sercli.reports.projections import Projected
from sercli.runs.folder import Trial
from sercli.runs.predictions import read_tested_classes
from sercli.workspace import Workspace

_SHOWN_SETTINGS = 2  # settings above a panel; more do not fit

_SHOWN = {
    "channels": "Weights of each channel attention: the mean over the utterances of each class",
    "attention": "Attention of the network: the utterance of each class with the most confident prediction",
    "projection": "Embeddings of the test utterances, on their two principal axes",
}


@dataclass(frozen=True, slots=True, eq=False)
class Insights:
    """Pictures of internal values of a network.

    Attributes:
        pictures: pictures by name.
        projected: points of the picture ``projection``, for each run in it.
        absent: reason why the network has no such picture, by name of the picture.
    """

    pictures: Mapping[str, Figure]
    projected: tuple[Projected, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)


def draw_insights(
    trial: Trial,
    workspace: Workspace,
    *,
    beside: Sequence[Trial] = (),
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Insights:
    """Draw internal values of the network of a finished trial.

    Args:
        trial: trial whose bundle is applied to its test utterances.
        workspace: folder of the prepared corpus.
        beside: trials of other runs with the same fold and seed; their projections are drawn beside this one.
        device: device for the network.
        progress: called with the number of utterances whose features are computed, and the total number.

    Returns:
        By name: ``channels`` (weights of channel attention), ``attention`` (for each class, over the
        utterance with the most certain prediction) and ``projection`` (of the embeddings). A picture is
        absent if the architecture lacks its hook. Networks for continuous labels have no pictures.

    Raises:
        RunError: a trial is damaged, or the corpus is not the one that the trial was trained on, or the
            trials did not test the same utterances and classes.
        CorpusError: the corpus is not prepared.
    """
    bundle = Bundle.load(trial.bundle)
    if not bundle.classes:
        return Insights({})
    predictions = read_tested_classes(trial)
    stored = _open(trial, bundle, predictions, workspace, progress)
    target, heading = predictions.target.tolist(), f"{bundle.arch}, {predictions.folds[0]}, test part"
    drawn, absent = {}, {}
    weights = insight.channel_weights(stored, target, device=device)
    if isinstance(weights, str):
        absent["channels"] = weights
    else:
        title = f"{heading}: weights of the channel attention"
        drawn["channels"] = pictures.channel_weights(weights, bundle.classes, title)
    attention = _draw_attention(stored, predictions, heading)
    if isinstance(attention, str):
        absent["attention"] = attention
    else:
        drawn["attention"] = attention
    projected, trials = [], (trial, *beside)
    for each, own in zip(trials, _what_differs(trials), strict=True):
        found = _project(each, workspace, predictions, own, device, progress)
        if isinstance(found, str):
            absent["projection"] = found
        else:
            projected.append(found)
    if projected:
        drawn["projection"] = projections.draw(projected)
    return Insights(drawn, tuple(projected), absent)


def _project(
    trial: Trial,
    workspace: Workspace,
    reference: ClassPredictions,
    own: str,
    device: torch.device | str,
    progress: Progress,
) -> Projected | str:
    """Project the test utterances of a trial, which are those of the reference; or return why this fails."""
    bundle, predictions = Bundle.load(trial.bundle), read_tested_classes(trial)
    if predictions.classes != reference.classes or set(predictions.ids) != set(reference.ids):
        raise RunError(
            f"{trial.path}: tested other utterances or classes than the first run; name runs of one corpus, "
            "scheme and protocol with --beside"
        )
    stored = _open(trial, bundle, predictions, workspace, progress)
    run = trial.path.parents[1].name
    heading = f"{bundle.arch}, {predictions.folds[0]}, test part\n{own or run}"
    return projections.project(run, heading, stored, predictions, device)


def _what_differs(trials: Sequence[Trial]) -> list[str]:
    """Name the settings in which trials differ, as in "variant d"; a single trial has no such name."""
    every = []
    for trial in trials:
        settings = {name: value for name, value in trial.settings().items() if name != "provenance"}
        every.append({name: str(value) for name, value in dotted(settings)})
    names = list(dict.fromkeys(chain.from_iterable(every)))
    differing = [name for name in names if len({settings.get(name) for settings in every}) > 1]
    return [
        ", ".join(
            f"{name.rpartition('.')[2].replace('_', ' ')} {settings[name]}"
            for name in differing[:_SHOWN_SETTINGS]
            if name in settings
        )
        for settings in every
    ]


def read_insights(folder: Path) -> dict[str, str]:
    """Read the pictures of the first trial that `write_insights` wrote below a report's folder.

    Returns:
        ``data:`` addresses by caption.
    """
    trials = sorted(path for path in folder.glob("fold-*-seed-*") if path.is_dir())
    found = {}
    for name, shown in _SHOWN.items():
        path = trials[0] / f"{name}.png" if trials else folder / f"{name}.png"
        if trials and path.exists():
            encoded = base64.b64encode(path.read_bytes()).decode()
            found[f"{shown} ({trials[0].name.replace('-', ' ')})"] = f"data:image/png;base64,{encoded}"
    return found


def write_insights(drawn: Insights, folder: Path) -> list[Path]:
    """Write pictures as ``<name>.png`` and the points of the projection, and return their paths."""
    paths = []
    for name, figure in drawn.pictures.items():
        paths.append(folder / f"{name}.png")
        figures.save(figure, paths[-1])
    return [*paths, *(projections.write(drawn.projected, folder) if drawn.projected else [])]


def _open(
    trial: Trial, bundle: Bundle, predictions: ClassPredictions, workspace: Workspace, progress: Progress
) -> Stored:
    corpus = str(bundle.facts["corpus"])
    path = workspace.require(corpus)
    by_id = {utterance.id: utterance for utterance in manifest.read(path)}
    absent = next((name for name in predictions.ids if name not in by_id), None)
    if absent is not None:
        raise RunError(
            f"{trial.path}: tested on {absent}, which {path} no longer contains; prepare the same "
            "corpus again"
        )
    return Stored.open(bundle, corpus, [by_id[name] for name in predictions.ids], workspace, progress)


def _draw_attention(stored: Stored, predictions: ClassPredictions, heading: str) -> Figure | str:
    overlays, meaning, neutral = [], "", 0.0
    for number, name in enumerate(stored.bundle.classes):
        rows = (predictions.target == number).nonzero()[0].tolist()
        if not rows:
            continue
        best = rows[int(predictions.probabilities[rows, number].argmax())]
        found = map_attention(stored, stored.utterances[best], number)
        if isinstance(found, str):
            return found
        title = f"{name}, {predictions.probabilities[best, number]:.0%}: {predictions.ids[best]}"
        overlays.append(pictures.Overlay(title, found.features, found.attention, found.frame_rate))
        meaning, neutral = found.meaning, found.neutral
    return pictures.attention_maps(overlays, meaning, neutral, f"{heading}: attention")
