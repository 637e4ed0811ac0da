"""The models of the page: what is applied, and what must be told with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sercli.inference.predict import Predictor
from sercli.protocols import tests_nothing


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A bundle on the page.

    Attributes:
        name: of the bundle, unique on the page.
        path: its folder.
        predictor: applies it.
        notice: what must stand above its figures, such as that its corpus is synthetic.
        facts: what is told of it, by heading.
    """

    name: str
    path: Path
    predictor: Predictor
    notice: str
    facts: Mapping[str, str]


def load(paths: Sequence[Path], unsure_below: float | None = None) -> tuple[Loaded, ...]:
    """Load bundles; those of one name are told apart by fold and seed, then by folder.

    Raises:
        RunError: one can't be read.
        ConfigError: ``unsure_below`` is no probability.
    """
    found = [_load(path, unsure_below) for path in paths]
    for tell in (_trial, lambda each: f"{each.name} ({each.path})"):
        counts = Counter(each.name for each in found)
        found = [replace(each, name=tell(each)) if counts[each.name] > 1 else each for each in found]
    return tuple(found)


def _load(path: Path, unsure_below: float | None) -> Loaded:
    predictor = Predictor(path, unsure_below=unsure_below)
    facts = predictor.bundle.facts
    corpus, scheme = facts.get("corpus", "unknown corpus"), facts.get("scheme")
    told = {
        "Trained on": _text(facts.get("title") or corpus),
        "Licence of the recordings": _text(facts.get("licence")),
        "Says": ", ".join(predictor.bundle.classes) or "arousal and valence, 25 times a second",
        "Tested by": _protocol(facts),
        "Figures": "; ".join(_figures(facts)) or _why_none(facts),
    }
    return Loaded(
        f"{predictor.bundle.arch}, {_text(scheme or corpus)}",
        path,
        predictor,
        _text(facts.get("notice")),
        {name: value for name, value in told.items() if value},
    )


def _trial(each: Loaded) -> str:
    facts = each.predictor.bundle.facts
    return f"{each.name}, fold {facts.get('fold', '?')}, seed {facts.get('seed', '?')}"


def _protocol(facts: Mapping[str, Any]) -> str:
    protocol = facts.get("protocol")
    if tests_nothing(protocol):
        return "nothing: trained on everything there was"
    return f"{_text(protocol)}, fold {facts.get('fold', '?')}" if protocol else ""


def _why_none(facts: Mapping[str, Any]) -> str:
    if tests_nothing(facts.get("protocol")):
        return "none: nobody knows how good it is"
    return "none in this bundle: `sercli export` writes them"


def _figures(facts: Mapping[str, Any]) -> list[str]:
    """Write the figures that an exported bundle has, with intervals; a stranger's may be of any form."""
    told, alike = [], facts.get("tested_by")
    for figures, whose in (
        (facts.get("figures"), "this model"),
        (facts.get("run_figures"), "its run's models, pooled"),
        (
            alike.get("figures") if isinstance(alike, Mapping) else None,
            "models trained alike on folds, pooled",
        ),
    ):
        if not isinstance(figures, Mapping):
            continue
        of_classes = [_figure(name.upper(), figures.get(name), 100, " %") for name in ("ua", "wa")]
        scores = figures.get("ccc")
        of_traces = [
            _figure(f"CCC of {name}", each, 1, "")
            for name, each in (scores.items() if isinstance(scores, Mapping) else ())
        ]
        parts = [part for part in (*of_classes, *of_traces) if part]
        chance = figures.get("chance")
        if parts and isinstance(chance, int | float):
            parts.append(f"chance is {100 * chance:.0f} %")
        if parts:
            told.append(f"{whose}: {', '.join(parts)}")
    return told


def _figure(name: str, told: Any, scale: float, unit: str) -> str:
    if not isinstance(told, Mapping) or not isinstance(told.get("value"), int | float):
        return ""
    digits = 1 if scale > 1 else 3
    text = f"{name} {scale * told['value']:.{digits}f}{unit}"
    ends = told.get("interval")
    if isinstance(ends, Sequence) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
        low, high = (f"{scale * end:.{digits}f}" for end in ends)
        return f"{text} (95 % over speakers {low} to {high})"
    return f"{text} (no interval)"


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if value else ""
