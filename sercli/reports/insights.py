"""Pictures of what goes on within a run's network, on its test utterances."""

import base64
from pathlib import Path

import torch
from matplotlib.figure import Figure

from sercli import figures, manifest
from sercli.bundle import Bundle
from sercli.errors import RunError
from sercli.evaluation import table
from sercli.figures import insight as pictures
from sercli.inference import insight
from sercli.inference.attention_maps import map_attention
from sercli.inference.stored import Progress, Stored
from sercli.records import Predictions
from sercli.runs.folder import Trial
from sercli.workspace import Workspace

_SHOWN = {
    "channels": "Weights of the last channel attention, the mean of each class's utterances",
    "attention": "Where the network attended: of each class the utterance that was told best",
    "projection": "Embeddings of the test utterances, on their two principal axes",
}


def draw_insights(
    trial: Trial,
    workspace: Workspace,
    *,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> dict[str, Figure]:
    """Draw what there is to see within a finished trial's network.

    Args:
        trial: whose bundle is applied to its test utterances.
        workspace: where its corpus lies.
        batch_size: utterances or segments at once.
        device: where the network is applied.
        progress: called with the number of utterances whose features are done and to do.

    Returns:
        By name: ``channels`` (ECA), ``attention`` (MDCNN and attention pooling: of each class the
        utterance that was told best), ``projection`` (networks with an embedding). Nothing of those that
        the network has not, nor of networks of continuous labels.

    Raises:
        RunError: the trial is damaged, or its corpus is not the one that it was trained on.
        CorpusError: its corpus is not prepared.
    """
    bundle = Bundle.load(trial.bundle)
    if not bundle.classes:
        return {}
    predictions = table.read_csv(trial.predictions_file)
    stored = _open(trial, bundle, predictions, workspace, progress)
    target, heading = predictions.target.tolist(), f"{bundle.arch}, {predictions.folds[0]}, test part"
    drawn = {}
    weights = insight.channel_weights(stored, target, batch_size, device)
    if weights is not None:
        title = f"{heading}: weights of the last channel attention"
        drawn["channels"] = pictures.channel_weights(weights, bundle.classes, title)
    attention = _draw_attention(stored, predictions, heading)
    if attention is not None:
        drawn["attention"] = attention
    found = insight.embeddings(stored, batch_size, device)
    if found is not None:
        what, vectors = found
        plane = insight.project(vectors)
        drawn["projection"] = pictures.projection(
            plane.points, plane.share, target, bundle.classes, f"{heading}\n{what}"
        )
    return drawn


def drawn_insights(folder: Path) -> dict[str, str]:
    """Read the pictures that `write_insights` put below a report's folder: those of the first trial.

    Returns:
        ``data:`` addresses by what they show.
    """
    trials = sorted(path for path in folder.glob("fold-*-seed-*") if path.is_dir())
    found = {}
    for name, shown in _SHOWN.items():
        path = trials[0] / f"{name}.png" if trials else folder / f"{name}.png"
        if trials and path.exists():
            encoded = base64.b64encode(path.read_bytes()).decode()
            found[f"{shown} ({trials[0].name.replace('-', ' ')})"] = f"data:image/png;base64,{encoded}"
    return found


def write_insights(drawn: dict[str, Figure], folder: Path) -> list[Path]:
    """Write pictures as ``<name>.png``; return where."""
    paths = []
    for name, figure in drawn.items():
        paths.append(folder / f"{name}.png")
        figures.save(figure, paths[-1])
    return paths


def _open(
    trial: Trial, bundle: Bundle, predictions: Predictions, workspace: Workspace, progress: Progress
) -> Stored:
    corpus = str(bundle.facts["corpus"])
    path = workspace.require(corpus)
    by_id = {utterance.id: utterance for utterance in manifest.read(path)}
    absent = next((name for name in predictions.ids if name not in by_id), None)
    if absent is not None:
        raise RunError(
            f"{trial.path}: tested on {absent}, which {path} has not any more; prepare the same corpus again"
        )
    return Stored.open(bundle, corpus, [by_id[name] for name in predictions.ids], workspace, progress)


def _draw_attention(stored: Stored, predictions: Predictions, heading: str) -> Figure | None:
    overlays, meaning, neutral = [], "", 0.0
    for number, name in enumerate(stored.bundle.classes):
        rows = (predictions.target == number).nonzero()[0].tolist()
        if not rows:
            continue
        best = rows[int(predictions.probabilities[rows, number].argmax())]
        found = map_attention(stored, stored.utterances[best], number)
        if found is None:
            return None
        told = f"{name}, {predictions.probabilities[best, number]:.0%}: {predictions.ids[best]}"
        overlays.append(pictures.Overlay(told, found.features, found.attention, found.frame_rate))
        meaning, neutral = found.meaning, found.neutral
    return pictures.attention_maps(overlays, meaning, neutral, f"{heading}: attention")
