"""Make the report of a run: its test metrics and the facts about them, from the run's folder alone."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sercli.errors import RunError
from sercli.evaluation import DRAWS, Evaluation, evaluate
from sercli.protocols import is_untested
from sercli.records import Predictions, pool
from sercli.reports import facts
from sercli.reports._run_page import write_run
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_tested


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Result of one check: clean, leak, known or not checked, with the fact and why it is known."""

    check: str
    verdict: str
    fact: str
    reason: str | None = None

    @property
    def consequence(self) -> str:
        """Effect of a leak on the metrics, as a sentence."""
        if self.check == "labels by speaker":  # also where no speaker is in two parts
            return "The network may recognise voices instead of emotions."
        return "The metrics are too good."


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The audit of a run, which the caller makes; a report makes no audit itself.

    Attributes:
        checks: result of each check.
        why_not: reason why there is no audit.
    """

    checks: tuple[AuditCheck, ...] = ()
    why_not: str | None = None

    @classmethod
    def of(cls, findings: Iterable[Mapping[str, Any]]) -> "AuditResult":
        """Make the audit from findings as plain types."""
        keys = ("check", "verdict", "fact", "reason")
        return cls(tuple(AuditCheck(*(finding[key] for key in keys)) for finding in findings))

    @property
    def leaks(self) -> tuple[AuditCheck, ...]:
        """The checks that found a leak."""
        return tuple(each for each in self.checks if each.verdict == "leak")

    @property
    def unchecked_speakers(self) -> AuditCheck | None:
        """The check of speakers, if it could not compare them."""
        missing = (each for each in self.checks if each.check == "speakers" and each.verdict == "not checked")
        return next(missing, None)

    @property
    def verdict(self) -> str:
        """The audit in a line."""
        if self.why_not is not None:
            return f"not audited: {self.why_not}"
        if self.leaks:
            return f"leak found: {', '.join(each.check for each in self.leaks)}"
        done = sum(each.verdict != "not checked" for each in self.checks)
        known = [each.check for each in self.checks if each.verdict == "known"]
        clean = f"no leak found, {done} of {len(self.checks)} checks apply"
        if self.unchecked_speakers is not None:
            clean = f"speakers not checked; otherwise {clean}"
        return clean + (f"; known to be shared: {', '.join(known)}" if known else "")

    @property
    def banners(self) -> tuple[str, ...]:
        """Warnings above all metrics."""
        found = [f"Leak ({each.check}): {each.fact}. {each.consequence}" for each in self.leaks]
        if self.unchecked_speakers is not None:
            fact = self.unchecked_speakers.fact
            found.append(
                f"Speakers could not be compared: {fact}. The same people may be trained and tested."
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {"verdict": self.verdict, "checks": [asdict(each) for each in self.checks]}


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """A run's predictions of all test parts, their evaluation, and the facts that readers must know.

    Attributes:
        run: the run.
        trials: the finished trials.
        predictions: predictions for all their test parts.
        evaluation: evaluation of the predictions.
        facts: facts about the run, in the order of the page.
        protocol: name, version and digest of the folds, shown with all metrics.
        banners: warnings above all metrics.
        definition: meaning of the metrics.
        audit: result of an audit of the run, if one was made.
    """

    run: Run
    trials: tuple[Trial, ...]
    predictions: Predictions
    evaluation: Evaluation
    facts: Mapping[str, str]
    protocol: str
    banners: tuple[str, ...]
    definition: str
    audit: AuditResult | None = None

    @property
    def digest(self) -> str:
        """Digest of the protocol's folds."""
        digest: str = self.trials[0].settings()["provenance"]["protocol_digest"]
        return digest

    @property
    def one_seed(self) -> bool:
        """Whether only one seed was trained, and another seed could give other values."""
        solved = facts.is_solved(self.trials[0].settings()["arch"])
        return not solved and len({trial.seed for trial in self.trials}) == 1

    @property
    def title(self) -> str:
        """Heading of the page."""
        return f"{self.facts['architecture']} on {self.facts['corpus']}"

    @property
    def notes(self) -> list[str]:
        """The choices that the paper leaves open."""
        return facts.left_open(self.trials[0].settings()["arch"])

    @property
    def history(self) -> list[dict[str, Any]]:
        """Epochs of all trials."""
        return [epoch for trial in self.trials for epoch in facts.history(trial)]

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics and the facts about them as plain types, ready for JSON."""
        return {
            "run": self.run.name,
            "protocol": self.protocol,
            "defined": self.definition,
            "banners": list(self.banners),
            "audit": self.audit and self.audit.to_dict(),
        } | self.evaluation.to_dict()


def report_run(run: Run, draws: int = DRAWS, audit: AuditResult | None = None) -> RunReport:
    """Read a run's finished trials and evaluate their predictions.

    Args:
        run: run to read; nothing outside its folder is read.
        draws: number of draws of the bootstrap over speakers.
        audit: result of an audit of the run, shown with the metrics.

    Raises:
        RunError: no trial is finished, one is damaged, or nothing was tested.
    """
    trials = run.require_finished()
    settings = trials[0].settings()
    check_tested(run, settings)
    predictions = pool([read_tested(trial) for trial in trials])
    evaluation = evaluate(predictions, draws)
    definition = evaluation.definition + facts.describe_scale(settings)
    return RunReport(
        run=run,
        trials=tuple(trials),
        predictions=predictions,
        evaluation=evaluation,
        facts=facts.facts(settings, trials, predictions.outputs, definition),
        protocol=facts.protocol(settings),
        banners=(
            *(audit.banners if audit else ()),
            *facts.banners(settings, trials),
            *evaluation.remarks,
        ),
        definition=definition,
        audit=audit,
    )


def check_tested(run: Run, settings: Mapping[str, Any]) -> None:
    """Refuse a run without a test part, by the settings of a trial.

    Raises:
        RunError: the run has no test part.
    """
    if is_untested(settings["protocol"]):
        raise RunError(
            f"{run.name}: trained on all utterances "
            f"({settings['protocol']}), so nothing of its corpus is left "
            f"for a test; `sercli eval {run.name} --on CORPUS` tests it on another corpus, `sercli export` "
            "makes the model"
        )


def write_report(report: RunReport) -> Path:
    """Write page, pictures, tables, predictions and metrics into the run's ``report`` folder.

    Returns:
        Path of the page.
    """
    return write_run(report, report.run.path / "report")
