"""The metrics that an exported bundle states, and how they were obtained."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.bundle import Bundle
from sercli.errors import ConfigError, RunError
from sercli.evaluation import Metric, stated_metrics
from sercli.evaluation.metrics import Unit
from sercli.schemes import get_scheme
from sercli.unions import MARK, corpora_of


@dataclass(frozen=True, slots=True)
class Stated:
    """One stated metric.

    Attributes:
        name: UA, WA, a recall, or a CCC.
        value: ``None`` where it is undefined.
        interval: of 95 %, over speakers.
        decides: whether the verdict depends on it; a recall is only shown.
        key: of the metric.
        unit: of the metric.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    decides: bool
    key: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Claim:
    """The facts of a bundle that are compared.

    Attributes:
        corpus: that it was trained and tested on.
        scheme: of the classes.
        protocol: with version.
        fold: number of the fold, from one.
        fold_name: its name.
        seed: of the training.
        utterances: of the whole corpus.
        manifest_sha256: digest of its manifest.
        protocol_digest: digest of all folds.
        versions: of the packages that the metrics depend on.
        commit: of sercli, if it ran from its repository.
        count: tested utterances or recordings.
        figures: the metrics; those that decide come first.
        several: whether metrics of other models of the same run are stated too.
    """

    corpus: str
    scheme: str | Mapping[str, Any]
    protocol: str
    fold: int
    fold_name: str
    seed: int
    utterances: int
    manifest_sha256: str
    protocol_digest: str
    versions: Mapping[str, str]
    commit: str | None
    count: int
    figures: tuple[Stated, ...]
    several: bool


def read_claim(bundle: Bundle, path: Path) -> Claim:
    """Read what a bundle states.

    Args:
        bundle: as it was loaded.
        path: its folder, for messages.

    Raises:
        RunError: it states no metric, or not in the form that `sercli export` writes.
    """
    facts = bundle.facts
    if "figures" not in facts:
        raise RunError(f"{path}: states no metric; make a bundle with metrics with `sercli export`")
    try:
        figures = facts["figures"]
        return Claim(
            corpus=MARK.join(map(_name, corpora_of(_text(facts["corpus"])))),
            scheme=_scheme(facts["scheme"]),
            protocol=_text(facts["protocol"]),
            fold=int(facts["fold"]),
            fold_name=_text(facts["fold_name"]),
            seed=int(facts["seed"]),
            utterances=int(facts["utterances"]),
            manifest_sha256=_text(facts["manifest_sha256"]),
            protocol_digest=_text(facts["protocol_digest"]),
            versions={_text(name): _text(version) for name, version in facts["versions"].items()},
            commit=None if facts["commit"] is None else _text(facts["commit"]),
            count=int(figures[f"{bundle.task.noun}s"]),
            figures=tuple(_stated(figures, stated_metrics(bundle.outputs))),
            several=facts["run_figures"] is not None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ConfigError):
        raise RunError(f"{path}: its stated metrics are damaged; get the bundle again") from None


def to_number(value: float | None) -> float | None:
    """Return a value, ``None`` if it is undefined (NaN)."""
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _stated(figures: Mapping[str, Any], metrics: Sequence[Metric]) -> Iterator[Stated]:
    """Read what is stated of each metric; of those that decide the interval too."""
    for metric in metrics:
        names = [f"{metric.label} of {column}" for column in metric.columns] or [metric.label]
        for name, key in zip(names, metric.keys, strict=True):
            stated = _find(figures, key)
            value, interval = (stated["value"], stated["interval"]) if metric.headline else (stated, None)
            if interval is not None:
                low, high = interval
                interval = (float(low), float(high))
            yield Stated(name, to_number(value), interval, metric.headline, key, metric.unit)


def _find(figures: Mapping[str, Any], key: str) -> Any:
    """Return what is stated under ``ua``, or of ``ccc_arousal`` under ``ccc`` and ``arousal``."""
    if key in figures:
        return figures[key]
    name, _, column = key.partition("_")
    return figures[name][column]


def _scheme(recorded: Any) -> str | Mapping[str, Any]:
    """Return the name of a scheme, or the author's own scheme."""
    return get_scheme(recorded).recorded if isinstance(recorded, dict) else _text(recorded)


def _text(value: Any) -> str:
    """Return a text without control characters."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{value!r} is no text")
    return value


def _name(value: Any) -> str:
    """Return a text that is a plain folder name, not a path."""
    if _text(value) != Path(value).name or value in {"", "..", "."}:
        raise ValueError(f"{value!r} is no name")
    return str(value)
