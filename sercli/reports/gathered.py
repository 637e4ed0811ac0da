"""What a report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sercli.evaluation.agreement import TraceEvaluation
from sercli.evaluation.class_evaluation import Evaluation
from sercli.records import ClassPredictions, ValuePredictions
from sercli.reports import _facts
from sercli.reports.audited import Audited
from sercli.runs.folder import Run, Trial


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A run's finished trials, and what is told with their figures.

    Attributes:
        run: the run.
        trials: those that are finished.
        facts: what was run, in the order it is told.
        protocol: name, version and digest of the folds; it goes with every figure.
        banners: warnings that go above every figure.
        definition: what the figures mean.
        picture: file name of the picture in the report.
        audited: what an audit of the run found, if one was made.
    """

    run: Run
    trials: tuple[Trial, ...]
    facts: Mapping[str, str]
    protocol: str
    banners: tuple[str, ...]
    definition: str
    picture: str
    audited: Audited | None = field(default=None, kw_only=True)

    @property
    def digest(self) -> str:
        """Digest of the protocol's folds."""
        digest: str = self.trials[0].settings()["provenance"]["protocol_digest"]
        return digest

    @property
    def title(self) -> str:
        """Heading of the page."""
        return f"{self.facts['architecture']} on {self.facts['corpus']}"

    @property
    def heading(self) -> str:
        """Heading of the picture, in short lines: one of few classes is narrow."""
        scheme = self.facts["scheme"].partition(":")[0]
        return f"{self.facts['architecture']}, {scheme}\n" + self.protocol.replace(" (", "\n(")

    @property
    def notes(self) -> list[str]:
        """What the paper leaves open."""
        return _facts.left_open(self.trials[0].settings()["arch"])

    @property
    def history(self) -> list[dict[str, Any]]:
        """Epochs of all trials."""
        return [row for trial in self.trials for row in _facts.history(trial)]

    @property
    def told(self) -> dict[str, Any]:
        """What goes with the figures wherever they go, as plain types."""
        return {
            "run": self.run.name,
            "protocol": self.protocol,
            "defined": self.definition,
            "banners": list(self.banners),
            "audit": self.audited and self.audited.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Gathered(Finished):
    """A run that tells classes: predictions of all test parts, and what they are worth."""

    predictions: ClassPredictions
    evaluation: Evaluation

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, with what they have to be told with."""
        return self.told | self.evaluation.to_dict()


@dataclass(frozen=True, slots=True, eq=False)
class GatheredTraces(Finished):
    """A run that tells continuous labels: predictions of all test parts, and what they are worth."""

    predictions: ValuePredictions
    evaluation: TraceEvaluation

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, with what they have to be told with."""
        return self.told | self.evaluation.to_dict()
