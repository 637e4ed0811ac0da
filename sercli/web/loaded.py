"""The models of a server, with the facts that it reports about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from sercli.bundle import describe_outputs
from sercli.formatting import PERCENT, PLAIN, Scale
from sercli.inference.predict import Predictor
from sercli.protocols import is_untested
from sercli.schemes import scheme_name


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A bundle that a server applies.

    Attributes:
        name: name of the bundle, unique among those of the server.
        path: its folder.
        predictor: applies it.
        notice: warning to show above its scores, for example that its corpus is synthetic.
        facts: facts to show, by heading.
    """

    name: str
    path: Path
    predictor: Predictor
    notice: str
    facts: Mapping[str, str]


def load(
    paths: Sequence[Path],
    unsure_below: float | None = None,
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
) -> tuple[LoadedModel, ...]:
    """Load bundles; equal names are distinguished by fold and seed, then by folder.

    Raises:
        RunError: one can't be read.
        ConfigError: ``unsure_below`` is not a probability, or ``batch_size`` is not positive.
    """
    found = [
        _load(path, Predictor(path, device=device, batch_size=batch_size, unsure_below=unsure_below))
        for path in paths
    ]
    for rename in (_name_of_trial, lambda each: f"{each.name} ({each.path})"):
        counts = Counter(each.name for each in found)
        found = [replace(each, name=rename(each)) if counts[each.name] > 1 else each for each in found]
    return tuple(found)


def intended_use() -> str:
    """Return the intended use that every model card states, as Markdown."""
    card = (resources.files("sercli.reports") / "templates/card.md").read_text("utf-8")
    _, after = card.split("## Intended use and limits\n")
    return after.split("\n## ")[0].strip()


def _load(path: Path, predictor: Predictor) -> LoadedModel:
    facts = predictor.bundle.facts
    corpus, scheme = facts.get("corpus", "unknown corpus"), scheme_name(facts.get("scheme", ""))
    shown = {
        "Trained on": _text(facts.get("title") or corpus),
        "Licence of the recordings": _text(facts.get("licence")),
        "Predicts": describe_outputs(predictor.bundle),
        "Test protocol": _protocol(facts),
        "Test results": "; ".join(_results(facts)) or _no_results(facts),
    }
    return LoadedModel(
        f"{predictor.bundle.arch}, {_text(scheme or corpus)}",
        path,
        predictor,
        " ".join(filter(None, (_text(facts.get(name)) for name in ("warning", "notice")))),
        {name: value for name, value in shown.items() if value},
    )


def _name_of_trial(each: LoadedModel) -> str:
    facts = each.predictor.bundle.facts
    return f"{each.name}, fold {facts.get('fold', '?')}, seed {facts.get('seed', '?')}"


def _protocol(facts: Mapping[str, Any]) -> str:
    protocol = facts.get("protocol")
    if is_untested(protocol):
        return "none: trained on the complete corpus"
    return f"{_text(protocol)}, fold {facts.get('fold', '?')}" if protocol else ""


def _no_results(facts: Mapping[str, Any]) -> str:
    if is_untested(facts.get("protocol")):
        return "none: the performance is unknown"
    return "none in this bundle; `sercli export` adds them"


def _results(facts: Mapping[str, Any]) -> list[str]:
    """Format the scores of an exported bundle, with intervals; a foreign bundle may hold anything."""
    lines, same_settings, other = [], facts.get("tested_by"), facts.get("other_corpora")
    for scores, tested in (
        (facts.get("figures"), "this model"),
        (facts.get("run_figures"), "the models of its run, pooled"),
        (
            same_settings.get("figures") if isinstance(same_settings, Mapping) else None,
            "models trained on folds with the same settings, pooled",
        ),
        *(
            (
                each.get("figures"),
                f"trained on {_text(each.get('trained_on'))} alone, tested on {_text(each.get('tested_on'))}",
            )
            for each in (other if isinstance(other, list) else ())
            if isinstance(each, Mapping)
        ),
    ):
        if not isinstance(scores, Mapping):
            continue
        ccc = scores.get("ccc")
        parts = [_score(name.upper(), scores.get(name), PERCENT) for name in ("ua", "wa")]
        parts += [
            _score(f"CCC of {name}", each, PLAIN)
            for name, each in (ccc.items() if isinstance(ccc, Mapping) else ())
        ]
        parts = [part for part in parts if part]
        chance = scores.get("chance")
        if parts and isinstance(chance, int | float):
            parts.append(f"chance is {100 * chance:.0f} %")
        if parts:
            lines.append(f"{tested}: {', '.join(parts)}")
    return lines


def _score(name: str, score: Any, scale: Scale) -> str:
    if not isinstance(score, Mapping) or not isinstance(score.get("value"), int | float):
        return ""
    text = f"{name} {scale.with_unit(score['value'])}"
    ends = score.get("interval")
    if isinstance(ends, Sequence) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
        low, high = map(scale.number, ends)
        return f"{text} (95 % over speakers {low} to {high})"
    return f"{text} (no interval)"


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if value else ""
