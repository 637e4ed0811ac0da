"""Report the metrics of a run on a corpus that is not the training corpus."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.config import digest
from sercli.evaluation import DRAWS, evaluate
from sercli.evaluation.mapping import ClassMapping
from sercli.files import sha256
from sercli.inference.cross_corpus import Applied
from sercli.protocols import is_untested
from sercli.reports import facts
from sercli.reports._run_page import write_run
from sercli.reports.run import RunReport
from sercli.reports.tables import Table
from sercli.runs.folder import Trial
from sercli.schemes import get_scheme, scheme_name, scheme_names
from sercli.workspace import Workspace

# Facts of the training that do not hold for another corpus.
_OWN = ("the paper's own metrics", "folds")


@dataclass(frozen=True, slots=True, eq=False)
class CrossCorpusReport:
    """The metrics of a run's networks on another corpus.

    Attributes:
        applied: predictions of the networks, and facts about them.
        report: the metrics, and remarks that their readers must know.
        folder: folder of the results.
    """

    applied: Applied
    report: RunReport
    folder: Path

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics and the facts about them as plain types, ready for JSON."""
        applied = self.applied
        return (
            self.report.to_dict()
            | {
                "trained_on": applied.trained_on,
                "trained_on_before": list(applied.before),
                "corpus": applied.corpus,
                "scheme": applied.scheme,
                "mapping": applied.mapping and applied.mapping.to_dict(),
                "tested": dict(applied.tested),
                "left_out": dict(applied.left_out),
                "manifest_sha256": applied.manifest_sha256,
            }
            | describe_tested(applied.trials, applied.scheme)
        )


def describe_tested(trials: Iterable[Trial], scheme: str) -> dict[str, Any]:
    """Return what the metrics on another corpus depend on besides its manifest: scheme and trainings."""
    networks = [
        {"fold": each.fold, "seed": each.seed, "metrics_sha256": sha256(each.metrics_file)} for each in trials
    ]
    # The name of a user's own scheme ends in a digest; the code of a plug-in may change the others.
    content = get_scheme(scheme).content if scheme in scheme_names() else {}
    return {"scheme_digest": digest(content), "networks": networks}


def report_applied(applied: Applied, workspace: Workspace, draws: int = DRAWS) -> CrossCorpusReport:
    """Evaluate the predictions of a run's networks on another corpus; ``draws`` belongs to the bootstrap."""
    settings, mapping = applied.trials[0].settings(), applied.mapping
    evaluation = evaluate(applied.predictions, draws)
    definition = f"{evaluation.definition}; every network is tested on all {evaluation.noun}s"
    report = RunReport(
        run=applied.run,
        trials=applied.trials,
        predictions=applied.predictions,
        evaluation=evaluation,
        facts=_facts(applied, settings, workspace, definition),
        protocol=f"cross-corpus, {applied.trained_on} to {applied.corpus} "
        f"(manifest {applied.manifest_sha256[:8]})",
        banners=(*_banners(applied, settings, workspace), *evaluation.remarks),
        definition=definition,
    )
    kept = mapping is not None and mapping.keep_foreign
    folder = applied.run.folder_on(applied.corpus, applied.scheme, foreign_kept=kept)
    return CrossCorpusReport(applied, report, folder)


def write_cross_corpus(result: CrossCorpusReport) -> Path:
    """Write page, pictures, predictions and metrics into the result's folder; return the page's path."""
    return write_run(result.report, result.folder, result.to_dict())


def mapping_table(applied: Applied) -> Table | None:
    """Lay out the mapping from the model's classes to the corpus's; ``None`` for continuous labels.

    The common classes come first, then those of the model only, then those of the corpus only.
    """
    mapping = applied.mapping
    if mapping is None:
        return None
    rows = []
    for name, of_model, of_corpus in _pairs(mapping):
        count = sum(n for own, n in applied.tested.items() if mapping.of_corpus[own] == name)
        rows.append((name, of_model, of_corpus or "-", str(count)))
    rows += [(name, "-", name, "left out") for name in mapping.missing]
    header = ("class", "of the model", f"of {applied.corpus}", "utterances")
    return Table("Classes of the model and of the corpus", header, tuple(rows), text=3)


def _pairs(mapping: ClassMapping) -> list[tuple[str, str, str]]:
    """List for each tested class its name, the classes of the model and the classes of the corpus."""
    return [
        (
            name,
            ", ".join(own for own, shared in mapping.of_model.items() if shared == name),
            ", ".join(own for own, shared in mapping.of_corpus.items() if shared == name),
        )
        for name in (*mapping.shared, *mapping.foreign)
    ]


def describe_classes(mapping: ClassMapping) -> list[str]:
    """State the common classes, those that only the model has, and those that only the corpus has."""
    common = [
        name if {ours, theirs} == {name} else f"{name} ({ours} of the model, {theirs} of the corpus)"
        for name, ours, theirs in _pairs(mapping)
        if name in mapping.shared
    ]
    found = [f"Classes of both the model and the corpus: {', '.join(common)}."]
    if mapping.model_only:
        kept = "the model may predict them, and this counts as wrong"
        dropped = (
            "the probabilities of these classes are removed and the rest is divided by its sum "
            "(--keep-foreign counts them as wrong)"
        )
        treatment = kept if mapping.keep_foreign else dropped
        found.append(f"Classes of the model only: {', '.join(mapping.model_only)}; {treatment}.")
    if mapping.missing:
        names = ", ".join(mapping.missing)
        found.append(
            f"Classes of the corpus only: {names}; the model can't predict them, so their utterances are "
            "left out."
        )
    return found


def _facts(
    applied: Applied, settings: dict[str, Any], workspace: Workspace, definition: str
) -> dict[str, str]:
    """State the facts of the test, then those of the training."""
    outputs = applied.predictions.outputs
    own = facts.facts(settings, applied.trials, outputs, definition)
    found = {
        **facts.corpus_facts(workspace.facts(applied.corpus)),
        "scheme": f"{applied.scheme}: {', '.join(outputs)}",
        "manifest": applied.manifest_sha256[:16],
        "trained on": f"{own['corpus']}, scheme {scheme_name(settings['scheme'])}",
        "licence of that": own["licence"],
    }
    if applied.before:
        found["trained on before"] = ", then ".join(applied.before)
    folds = dict.fromkeys(str(trial.metrics()["fold_name"]) for trial in applied.trials)
    training = f"of folds that test {', '.join(folds)}"
    if is_untested(settings["protocol"]):
        training = "trained on all utterances"
    found["networks"] = f"{len(applied.trials)}, {training}"
    if applied.mapping is not None:
        found["classes"] = "; ".join(
            f"{name}: {ours or 'nothing'} of the model, {theirs or 'nothing'} of the corpus"
            for name, ours, theirs in (
                *_pairs(applied.mapping),
                *((name, "", name) for name in applied.mapping.missing),
            )
        )
    if applied.left_out:
        found["left out"] = ", ".join(f"{why} {count}" for why, count in applied.left_out.items())
    return found | {name: fact for name, fact in own.items() if name not in found and name not in _OWN}


def _banners(applied: Applied, settings: dict[str, Any], workspace: Workspace) -> tuple[str, ...]:
    there = workspace.facts(applied.corpus)
    trained = settings["provenance"]["corpus"]
    found = [f"Another corpus: trained on {trained['title']}, tested on {there['title']}."]
    if applied.mapping is not None:
        found += describe_classes(applied.mapping)
    if applied.left_out:
        found.append(
            f"{sum(applied.left_out.values())} of {there['utterances']} utterances can't be tested: "
            + ", ".join(f"{why} {count}" for why, count in applied.left_out.items())
            + "."
        )
    if applied.unheard:
        found.append(
            f"Not checked: the network was trained on {', '.join(applied.unheard)}, which is not prepared "
            "here; its recordings may be among those tested."
        )
    # The speakers of this corpus were not used in training, and no folds of this corpus are used.
    provenance = settings["provenance"] | {"corpus": there, "shared_speakers": 0, "folds": 0}
    found += facts.banners(settings | {"provenance": provenance}, applied.trials)
    if trained["notice"] and trained["notice"] != there["notice"]:
        found.append(f"About the corpus of the training: {trained['notice']}")
    return tuple(dict.fromkeys(found))
