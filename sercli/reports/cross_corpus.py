"""What a run is worth on another corpus than its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.evaluation import regression
from sercli.evaluation.class_evaluation import DEFINITION, evaluate
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.mapping import ClassMapping
from sercli.inference.cross_corpus import Applied
from sercli.protocols import tests_nothing
from sercli.records import ClassPredictions
from sercli.reports import _facts, _writing
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.workspace import Workspace

# The training's, which say nothing of another corpus.
_OWN = ("the paper's own figures", "folds")


@dataclass(frozen=True, slots=True, eq=False)
class CrossCorpus:
    """What came out on another corpus.

    Attributes:
        applied: what the networks say.
        gathered: their figures, and what is told with them.
        folder: where they are written.
    """

    applied: Applied
    gathered: Gathered | GatheredTraces
    folder: Path

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, with what they have to be told with."""
        applied = self.applied
        return self.gathered.to_dict() | {
            "trained_on": applied.trained_on,
            "trained_on_before": list(applied.before),
            "corpus": applied.corpus,
            "scheme": applied.scheme,
            "mapping": applied.mapping and applied.mapping.to_dict(),
            "tested": dict(applied.tested),
            "left_out": dict(applied.left_out),
        }


def evaluate_applied(applied: Applied, workspace: Workspace, draws: int = DRAWS) -> CrossCorpus:
    """Evaluate what the networks of a run say of another corpus; ``draws`` are of the bootstrap."""
    settings = applied.trials[0].settings()
    mapping, predictions = applied.mapping, applied.predictions
    outputs = predictions.outputs
    definition = _definition(mapping)
    common: dict[str, Any] = {
        "run": applied.run,
        "trials": applied.trials,
        "facts": _told(applied, settings, workspace, outputs, definition),
        "protocol": f"cross-corpus, {applied.trained_on} to {applied.corpus} "
        f"(manifest {applied.manifest_sha256[:8]})",
        "banners": _banners(applied, settings, workspace),
        "definition": definition,
    }
    gathered: Gathered | GatheredTraces
    if isinstance(predictions, ClassPredictions):
        gathered = Gathered(
            **common,
            picture="confusion.png",
            predictions=predictions,
            evaluation=evaluate(predictions, draws),
        )
    else:
        found = regression.evaluate_traces(predictions, draws)  # type: ignore[arg-type]
        gathered = GatheredTraces(
            **common,
            picture="traces.png",
            predictions=predictions,  # type: ignore[arg-type]
            evaluation=found,
        )
    kept = "-foreign-kept" if mapping is not None and mapping.keep_foreign else ""
    return CrossCorpus(applied, gathered, applied.run.path / f"on-{applied.corpus}-{applied.scheme}{kept}")


def write(result: CrossCorpus) -> Path:
    """Write page, picture, predictions and figures into the result's folder; return the page's path."""
    return _writing.write(result.gathered, result.folder, result.to_dict())


def describe(mapping: ClassMapping) -> list[tuple[str, str, str]]:
    """List for each class that is told apart: its name, the model's classes, the corpus's classes."""
    return [
        (
            name,
            ", ".join(own for own, shared in mapping.of_model.items() if shared == name),
            ", ".join(own for own, shared in mapping.of_corpus.items() if shared == name),
        )
        for name in (*mapping.shared, *mapping.foreign)
    ]


def say_foreign(mapping: ClassMapping) -> str | None:
    """Say what becomes of the model's classes that the corpus lacks, if there are any."""
    if not mapping.foreign:
        return None
    names = ", ".join(mapping.foreign)
    if mapping.keep_foreign:
        return f"{names}: the model may say so, which is wrong here"
    return (
        f"{names}: the corpus has no such class, so the model's probability of it is dropped and the rest "
        "renormalised (--keep-foreign counts it as wrong)"
    )


def _definition(mapping: ClassMapping | None) -> str:
    if mapping is None:
        return f"{regression.DEFINITION}; every network is tested on all recordings"
    return f"{DEFINITION}; every network is tested on all utterances"


def _told(
    applied: Applied,
    settings: dict[str, Any],
    workspace: Workspace,
    outputs: Sequence[str],
    definition: str,
) -> dict[str, str]:
    own = _facts.facts(settings, applied.trials, outputs, definition)
    there = workspace.facts(applied.corpus)
    told = {
        "corpus": there["title"],
        "corpus as prepared": f"{there['utterances']}"
        + (f" of {there['expected']} utterances" if there["expected"] else " utterances"),
        "licence": there["licence"],
        "scheme": f"{applied.scheme}: {', '.join(outputs)}",
        "manifest": applied.manifest_sha256[:16],
        "trained on": f"{own['corpus']}, scheme {settings['scheme']}",
        "licence of that": own["licence"],
    }
    if applied.before:
        told["trained on before"] = ", then ".join(applied.before)
    folds = dict.fromkeys(str(trial.metrics()["fold_name"]) for trial in applied.trials)
    told["networks"] = f"{len(applied.trials)}, of folds that test {', '.join(folds)}"
    if tests_nothing(settings["protocol"]):
        told["networks"] = f"{len(applied.trials)}, trained on everything"
    if applied.mapping is not None:
        told["classes"] = "; ".join(
            f"{name}: {ours} of the model, {theirs or 'nothing'} of the corpus"
            for name, ours, theirs in describe(applied.mapping)
        )
    if applied.left_out:
        told["left out"] = ", ".join(f"{why} {count}" for why, count in applied.left_out.items())
    rest = {name: value for name, value in own.items() if name not in told and name not in _OWN}
    return told | rest


def _banners(applied: Applied, settings: dict[str, Any], workspace: Workspace) -> tuple[str, ...]:
    there = workspace.facts(applied.corpus)
    trained = settings["provenance"]["corpus"]
    found = [f"Another corpus: trained on {trained['title']}, tested on {there['title']}."]
    if applied.mapping is not None and (told := say_foreign(applied.mapping)):
        found.append(f"Classes of the model only: {told}.")
    if applied.left_out:
        found.append(
            f"{sum(applied.left_out.values())} of {there['utterances']} utterances can't be tested: "
            + ", ".join(f"{why} {count}" for why, count in applied.left_out.items())
            + "."
        )
    if applied.unheard:
        found.append(
            f"Not checked whether recordings of {', '.join(applied.unheard)}, which trained the network, are "
            "among those tested: that corpus is not prepared here."
        )
    tested = _on(settings, there)
    found += _facts.banners(tested, applied.trials)
    if trained["notice"] and trained["notice"] != there["notice"]:
        found.append(f"Of the corpus of the training: {trained['notice']}")
    return tuple(dict.fromkeys(found))


def _on(settings: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Give a run's settings another corpus: its speakers were never heard, and no fold of it is left."""
    provenance = settings["provenance"] | {"corpus": there, "shared_speakers": 0, "folds": 0}
    return settings | {"provenance": provenance}
