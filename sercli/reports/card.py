"""The model card that goes with an exported bundle: what it is, how good, and what it is not for."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

import sercli
from sercli.bundle import UNKNOWN, Bundle
from sercli.evaluation import Evaluation, Interval, MetricRow
from sercli.evaluation.calibration import Threshold, Trusted
from sercli.inference.export import Exported
from sercli.models import get_architecture
from sercli.plain.json import to_json
from sercli.reports import facts
from sercli.reports.alike import Alike
from sercli.reports.metric_tables import scale_of
from sercli.runs.folder import Trial

_CREATIVE_COMMONS = re.compile(r"CC(0|[ -]BY(-NC)?(-SA|-ND)?) [1-4]\.0")
_LEFT_OUT = ("corpus", "corpus as prepared", "licence", "scheme", "metrics", "architecture")


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How good a bundle's model is.

    Attributes:
        own: evaluation of the trial's predictions, those of this model; ``None`` where nothing was tested.
        pooled: of all finished trials of its run, or of ``alike``; ``None`` where there is no other.
        trials: how many these are.
        threshold: confidence from which on a classifier is trusted.
        threshold_on: predictions on which that was found, in words.
        threshold_tried: its effect on this model's test part, where it was not found there.
        alike: run on folds whose metrics show what to expect of a model that nothing tested.
    """

    own: Evaluation | None
    pooled: Evaluation | None = None
    trials: int = 1
    threshold: Threshold | None = None
    threshold_on: str = ""
    threshold_tried: Trusted | None = None
    alike: Alike | None = None


def render_card(
    bundle: Bundle,
    settings: Mapping[str, Any],
    banners: Sequence[str],
    trial: Trial,
    quality: Quality,
    programs: Sequence[Exported] = (),
) -> str:
    """Render the card of a trial's bundle as Markdown.

    Args:
        bundle: the trial's.
        settings: the trial's, with provenance.
        banners: warnings above its metrics.
        trial: the one whose bundle it is.
        quality: its metrics.
        programs: ONNX and torch programs that go with it.
    """
    provenance, metrics = settings["provenance"], trial.metrics()
    stated = facts.facts(settings, [trial], bundle.outputs, "")
    earlier = provenance.get("started_from", [])
    before = {each["corpus"]: each.get("licence") or UNKNOWN for each in earlier}
    return _template().render(
        _metric_context(quality),
        alike=quality.alike and f"{facts.protocol(quality.alike.settings)}, run {quality.alike.run.name}",
        arch=bundle.arch,
        banners=banners,
        before=before,
        classes=bool(bundle.classes),
        corpus=stated["corpus"],
        epoch=f"epoch {metrics['epoch']} of {metrics['epochs']}",
        facts={
            name: fact
            for name, fact in stated.items()
            if name not in _LEFT_OUT and not (name == "folds" and quality.own is None)
        },
        fold=trial.fold,
        fold_name=provenance["fold_name"],
        licence=stated["licence"],
        licence_id=licence_id("; ".join(dict.fromkeys([stated["licence"], *before.values()]))),
        notes=facts.left_open(bundle.arch),
        outputs=bundle.outputs,
        prepared=stated["corpus as prepared"],
        programs=programs,
        protocol=stated["protocol"],
        quality=quality,
        quoted=_Quoted,
        scheme=settings["scheme"],
        seed=trial.seed,
        source=get_architecture(bundle.arch).source,
        terms=[choice.config.terms for choice in bundle.inputs.values() if choice.config.terms],
        trained_on=metrics["utterances"]["train"],
        version=sercli.__version__,
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        # Values come from corpora and settings: none of it shall become markup.
        finalize=lambda value: _plain(value) if isinstance(value, str) else value,
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md")


def _metric_context(quality: Quality) -> dict[str, Any]:
    """Return the parts of the card that depend on the metrics: rows of its tables, and what they mean."""
    both = [quality.own, quality.pooled]
    known = [each for each in both if each is not None]
    if not known:
        return {"rows": [], "recalls": [], "definition": "", "no_intervals": []}
    first, rows = known[0], []
    for key in first.headline:
        cells = [_with_interval(each.table.row(key)) if each else "" for each in both]
        rows.append((first.table.row(key).label, *cells))
    rows.append(("tested on", *(f"{each.tested} {each.noun}s" if each else "" for each in both)))
    chances = [each.table.row(first.headline[0]) if each else None for each in both]
    rows.append(("chance", *(scale_of(row).with_unit(row.chance) if row else "" for row in chances)))
    recalls = [row for row in first.table.group("class") if row.metric == "recall"]
    return {
        "rows": rows,
        "recalls": [(row.name, scale_of(row).with_unit(row.value), row.count) for row in recalls],
        "definition": first.definition,
        "no_intervals": list(dict.fromkeys(each.no_interval for each in known if each.no_interval)),
    }


def banners_of(settings: Mapping[str, Any], trials: Sequence[Trial], quality: Quality) -> tuple[str, ...]:
    """List the warnings that go above a card's metrics.

    Args:
        settings: the trial's, with provenance.
        trials: the finished ones of its run.
        quality: its metrics.
    """
    own = facts.banners(settings, trials)
    if quality.own is not None:
        return own
    if quality.alike is None:
        return ("Not tested: trained on all utterances, so its quality is unknown.", *own)
    theirs = facts.banners(quality.alike.settings, quality.alike.trials)
    return (
        (
            "Not tested: trained on all utterances; the metrics are "
            "those of networks with equal settings, trained on folds."
        ),
        *own,
        *(f"About the networks with equal settings: {each}" for each in theirs if each not in own),
    )


def licence_id(licence: str) -> tuple[str, str | None]:
    """Give the ``license`` of a model card as Hugging Face has it, and its own name if that is other."""
    found = _CREATIVE_COMMONS.fullmatch(licence)
    if found:
        return "-".join(each.lower() for each in found[0].split()), None
    return "other", re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-.")[:96] or "unknown"


def bundle_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics as ``bundle.json`` has them, as plain types."""
    rows = [evaluation.table.row(key) for key in evaluation.headline]
    found: dict[str, Any] = {f"{evaluation.noun}s": evaluation.tested}
    if evaluation.confusion is None:
        by_dimension = zip(evaluation.outputs, rows, strict=True)
        found["ccc"] = {name: _value(row) | _interval(row.interval) for name, row in by_dimension}
    else:
        found |= {row.metric: _value(row) | _interval(row.interval) for row in rows}
        recalls = [row for row in evaluation.table.group("class") if row.metric == "recall"]
        found["recall"] = {row.name: _value(row)["value"] for row in recalls}
        found["chance"] = rows[0].chance
    return found | {"no_interval": evaluation.no_interval}


class _Quoted:
    """Text as YAML takes it, not to be escaped again."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return to_json(self.text, escaped=False)


def _plain(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _value(row: MetricRow) -> dict[str, Any]:
    known = row.value is not None and math.isfinite(row.value)
    return {"value": row.value if known else None}


def _interval(interval: Interval | None) -> dict[str, Any]:
    return {"interval": None if interval is None else [interval.low, interval.high]}


def _with_interval(row: MetricRow) -> str:
    scale = scale_of(row)
    interval = f" ({scale.interval(row.interval)})" if row.interval else ""
    return f"{scale.with_unit(row.value)}{interval}"
