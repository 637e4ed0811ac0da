"""What a run's report says, from the run's folder alone."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sercli import figures, files
from sercli.errors import RunError
from sercli.evaluation import DEFINITION, Evaluation, evaluate
from sercli.evaluation.table import pool, read_csv, write_csv
from sercli.figures.confusion import confusion_matrix
from sercli.records import Predictions
from sercli.reports.run import write_run_report
from sercli.runs.folder import Run, Trial


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """A run's finished trials, taken together.

    Attributes:
        run: the run.
        trials: those that are finished.
        predictions: of all their test parts.
        evaluation: what they are worth.
        facts: what was run, in the order it is told.
        protocol: name, version and digest of the folds; it goes with every figure.
        banners: warnings that go above every figure.
    """

    run: Run
    trials: tuple[Trial, ...]
    predictions: Predictions
    evaluation: Evaluation
    facts: Mapping[str, str]
    protocol: str
    banners: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, with what they have to be told with."""
        told = {
            "run": self.run.name,
            "protocol": self.protocol,
            "defined": DEFINITION,
            "banners": list(self.banners),
        }
        return told | self.evaluation.to_dict()


def gather(run: Run) -> Gathered:
    """Read a run's finished trials and evaluate them.

    Raises:
        RunError: none is finished, or one is damaged.
    """
    trials = run.finished()
    if not trials:
        raise RunError(f"{run.path}: no finished trial yet; go on with `sercli train` and the same settings")
    predictions = pool([read_csv(trial.predictions_file) for trial in trials])
    settings = trials[0].settings()
    return Gathered(
        run=run,
        trials=tuple(trials),
        predictions=predictions,
        evaluation=evaluate(predictions),
        facts=_facts(settings, trials),
        protocol=_protocol(settings),
        banners=_banners(settings, trials),
    )


def write_report(gathered: Gathered) -> Path:
    """Write page, picture, table and figures into the run's ``report`` folder; return the page's path."""
    folder = gathered.run.path / "report"
    evaluation = gathered.evaluation
    title = f"{gathered.facts['architecture']} on {gathered.facts['corpus']}"
    page = folder / "report.html"
    write_csv(folder / "predictions.csv", gathered.predictions)
    files.write_json(folder / "metrics.json", gathered.to_dict())
    # Short lines: a picture of few classes is narrow.
    scheme = gathered.facts["scheme"].partition(":")[0]
    heading = f"{gathered.facts['architecture']}, {scheme}\n" + gathered.protocol.replace(" (", "\n(")
    picture = confusion_matrix(evaluation.confusion, evaluation.classes, heading)
    figures.save(picture, folder / "confusion.png")
    history = [row for trial in gathered.trials for row in _history(trial)]
    arch = gathered.trials[0].settings()["arch"]
    write_run_report(
        page,
        title,
        evaluation,
        history,
        gathered.facts,
        notes=left_open(arch),
        banners=gathered.banners,
    )
    return page


def left_open(arch: str) -> list[str]:
    """Return what an architecture's paper leaves open and what was chosen, network and training."""
    notes = []
    for package, what in (("models", "network"), ("training", "training")):
        source = resources.files("sercli") / package / f"{arch.replace('-', '_')}.py"
        docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
        _, found, rest = docstring.partition("Open in the paper:")
        if found:
            notes.append(
                f"Left open by the paper ({what}): {' '.join(rest.partition('Departures:')[0].split())}"
            )
    return notes


def _history(trial: Trial) -> list[dict[str, Any]]:
    kept = trial.metrics()["epoch"]
    own = {"fold": trial.fold, "seed": trial.seed}
    return [
        row | own | {"epoch": int(row["epoch"]), "selected": row["epoch"] == kept} for row in trial.history()
    ]


def _facts(settings: Mapping[str, Any], trials: list[Trial]) -> dict[str, str]:
    provenance, training = settings["provenance"], settings["training"]
    metrics = [trial.metrics() for trial in trials]
    corpus = provenance["corpus"]
    epochs = ", ".join(f"{m['epoch']} of {m['epochs']}" for m in metrics)
    features = "; ".join(
        ", ".join(f"{key} {value}" for key, value in flat.items()) for flat in settings["features"].values()
    )
    model = ", ".join(f"{key} {value}" for key, value in settings["model"].items())
    recipe = ", ".join(f"{key} {value}" for key, value in training.items())
    provenances = [trial.settings()["provenance"] for trial in trials]
    versions = dict.fromkeys(
        ", ".join(f"{name} {version}" for name, version in p["versions"].items()) for p in provenances
    )
    commits = dict.fromkeys(p["commit"] or "not from a repository" for p in provenances)
    devices = dict.fromkeys(p["device"] for p in provenances)
    return {
        "corpus": corpus["title"],
        "corpus as prepared": f"{corpus['utterances']}"
        + (f" of {corpus['expected']} utterances" if corpus["expected"] else " utterances"),
        "licence": corpus["licence"],
        "scheme": f"{settings['scheme']}: {', '.join(provenance['classes'])}",
        "protocol": _protocol(settings),
        **({"the paper's own figures": provenance["paper"]} if provenance.get("paper") else {}),
        "figures": DEFINITION,
        "folds": f"{len({m['fold'] for m in metrics})} of {provenance['folds']} tested: "
        + "; ".join(dict.fromkeys(m["fold_name"] for m in metrics)),
        "seeds": ", ".join(str(seed) for seed in sorted({trial.seed for trial in trials})),
        "architecture": settings["arch"],
        "network": model,
        "features": features,
        "training": recipe,
        "selection": _selection(training["selection"], metrics),
        "kept epochs": epochs,
        "training time": f"{sum(m['seconds'] for m in metrics) / 60:.1f} minutes",
        "device": "; ".join(devices),
        "precision": f"trained in {training['precision']}, evaluated in 32-true",
        "versions": "; ".join(versions),
        "commit": ", ".join(commits),
        "manifest": provenance["manifest_sha256"][:16],
        "run": trials[0].path.parent.parent.name,
    }


def _protocol(settings: Mapping[str, Any]) -> str:
    return f"{settings['protocol']} (digest {settings['provenance']['protocol_digest']})"


def _selection(selection: str, metrics: list[dict[str, Any]]) -> str:
    if selection == "best-dev-ua" and all(m["dev_ua"] is not None for m in metrics):
        return "the epoch with the best UA on the dev part; the test part was looked at once, afterwards"
    return "the last epoch; nothing was selected"


def _banners(settings: Mapping[str, Any], trials: list[Trial]) -> tuple[str, ...]:
    provenance = settings["provenance"]
    corpus = provenance["corpus"]
    banners = [corpus["notice"]] if corpus["notice"] else []
    shared = provenance.get("shared_speakers", 0)
    if shared is None:
        banners.append("Speakers are not known: the same people may train and be tested.")
    elif shared:
        banners.append(
            f"Not speaker independent: under {settings['protocol']} {shared} speakers train and are tested. "
            "The figures say nothing about people never heard."
        )
    if corpus["utterances"] < (corpus["expected"] or 0):
        banners.append(
            f"Partial corpus: {corpus['utterances']} of {corpus['expected']} utterances were at hand. "
            "The figures are not comparable with those got on the whole corpus."
        )
    folds = len({trial.fold for trial in trials})
    if folds < provenance["folds"]:
        banners.append(f"Unfinished: {folds} of {provenance['folds']} folds are tested.")
    return tuple(banners)
