"""Draw internal values of a run's network for its test utterances."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli import audio, figures, files
from sercli.bundle import Bundle
from sercli.config import dotted
from sercli.errors import RunError
from sercli.figures import insight as pictures
from sercli.inference import insight
from sercli.inference.attention_maps import map_attention
from sercli.inference.occlusion import MEANING, explain
from sercli.inference.predict import Predictor
from sercli.inference.stored import Progress, Stored
from sercli.records import ClassPredictions, Utterance
from sercli.reports import projections
from sercli.reports.insight_pictures import LAYERS
from sercli.reports.projections import Projected
from sercli.runs.folder import Trial
from sercli.runs.predictions import read_tested_classes
from sercli.workspace import Workspace

_SHOWN_SETTINGS = 2  # settings above a panel; more do not fit


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
        utterance with its highest probability), ``occlusion`` (likewise, if the network has no attention
        maps) and ``projection`` (of the embeddings). A picture is absent if the architecture lacks its hook.
        Networks for continuous labels have no pictures.

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
        drawn["occlusion"] = _draw_occlusion(stored, predictions, heading, device)
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


@dataclass(frozen=True, slots=True, eq=False)
class LayerWeights:
    """Weights that the networks of a run give the layers of an encoder.

    Attributes:
        arch: name of the architecture.
        trials: trials, such as "fold 1, seed 0".
        numbers: numbers of the layers.
        weights: (trials, layers); each row has the sum 1.
    """

    arch: str
    trials: tuple[str, ...]
    numbers: tuple[int, ...]
    weights: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the trials, (layers,)."""
        mean: NDArray[np.float64] = self.weights.mean(axis=0)
        return mean

    @property
    def deviation(self) -> NDArray[np.float64] | None:
        """Standard deviation over the trials, (layers,); None for a single trial."""
        return self.weights.std(axis=0, ddof=1) if len(self.trials) > 1 else None

    def draw(self, *, dark: bool = False) -> Figure:
        """Draw a bar for each layer."""
        count = f"mean of {len(self.trials)} trials" if len(self.trials) > 1 else self.trials[0]
        return pictures.layer_weights(
            self.numbers, self.mean, self.deviation, f"{self.arch}, {count}", dark=dark
        )

    def write(self, folder: Path) -> list[Path]:
        """Write ``layers.png`` and ``layers.csv``, a row per layer, and return their paths."""
        picture, table = folder / f"{LAYERS}.png", folder / f"{LAYERS}.csv"
        figures.save(self.draw(), picture)
        deviation = self.deviation
        with files.replacing(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["layer", "mean", "deviation", *self.trials])
            for row, number in enumerate(self.numbers):
                spread = "" if deviation is None else f"{deviation[row]:.9g}"
                own = (f"{value:.9g}" for value in self.weights[:, row])
                rows.writerow([number, f"{self.mean[row]:.9g}", spread, *own])
        return [picture, table]


def read_layer_weights(trials: Sequence[Trial]) -> LayerWeights | str:
    """Read the weights of layers from the bundles of a run's finished trials.

    Returns:
        The weights, or the reason why the networks have none.

    Raises:
        RunError: a bundle is damaged.
    """
    found = []
    for trial in trials:
        weights = insight.layer_weights(Bundle.load(trial.bundle))
        if isinstance(weights, str):
            return weights
        found.append(weights)
    return LayerWeights(
        arch=str(trials[0].settings()["arch"]),
        trials=tuple(f"fold {trial.fold}, seed {trial.seed}" for trial in trials),
        numbers=tuple(found[0]),
        weights=np.array([list(weights.values()) for weights in found]),
    )


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
    by_id = {utterance.id: utterance for utterance in workspace.utterances(corpus)}
    absent = next((name for name in predictions.ids if name not in by_id), None)
    if absent is not None:
        raise RunError(
            f"{trial.path}: tested on {absent}, which corpus '{corpus}' no longer contains; prepare "
            "the same corpus again"
        )
    return Stored.open(bundle, corpus, [by_id[name] for name in predictions.ids], workspace, progress)


def _most_certain(stored: Stored, predictions: ClassPredictions) -> Iterator[tuple[int, Utterance, str]]:
    """Yield each class, its utterance that the network gives this class the most probability, and a title."""
    for number, name in enumerate(stored.bundle.classes):
        rows = (predictions.target == number).nonzero()[0].tolist()
        if rows:
            best = rows[int(predictions.probabilities[rows, number].argmax())]
            probability = 100 * predictions.probabilities[best, number]
            title = f"{predictions.ids[best]}, labelled {name}: {name} {probability:.1f} %"
            yield number, stored.utterances[best], title


def _draw_attention(stored: Stored, predictions: ClassPredictions, heading: str) -> Figure | str:
    overlays, meaning, neutral = [], "", 0.0
    for number, utterance, title in _most_certain(stored, predictions):
        found = map_attention(stored, utterance, number)
        if isinstance(found, str):
            return found
        overlays.append(pictures.Overlay(title, found.features, found.attention, found.frame_rate))
        meaning, neutral = found.meaning, found.neutral
    return pictures.attention_maps(overlays, meaning, neutral, f"{heading}: attention. {pictures.WARNING}")


def _draw_occlusion(
    stored: Stored, predictions: ClassPredictions, heading: str, device: torch.device | str
) -> Figure:
    predictor = Predictor(stored.bundle, device=device)
    chosen = list(_most_certain(stored, predictions))
    if predictor.needs_several:
        speakers = {utterance.speaker for _, utterance, _ in chosen}
        predictor.enrol(
            (stored.folder / each.file, each.speaker)
            for each in stored.utterances
            if each.speaker in speakers or not predictor.needs_speakers
        )
    overlays = []
    for number, utterance, title in chosen:
        found = explain(predictor, audio.read(stored.folder / utterance.file), number, utterance.speaker)
        overlays.append(
            pictures.Overlay(title, found.spectrogram, found.effect, found.frame_rate, found.ticks)
        )
    return pictures.attention_maps(overlays, MEANING, 0.0, f"{heading}: occlusion. {pictures.WARNING}")
