"""Write the model card of an exported bundle: its content, its quality and its limits."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

import sercli
from sercli.bundle import UNKNOWN, Bundle, describe_outputs
from sercli.evaluation import Evaluation, Interval, MetricRow
from sercli.evaluation.calibration import Temperature, Threshold, Trusted
from sercli.inference.export import Exported
from sercli.models import get_architecture
from sercli.plain.json import to_json
from sercli.reports import facts
from sercli.reports.alike import Alike
from sercli.reports.metric_tables import scale_of
from sercli.runs.folder import Trial
from sercli.schemes import scheme_name

_CREATIVE_COMMONS = re.compile(r"CC(0|[ -]BY(-NC)?(-SA|-ND)?) [1-4]\.0")
_LEFT_OUT = ("corpus", "corpus as prepared", "licence", "scheme", "metrics", "architecture")


RELIABLE = 0.6
"""UA on other corpora below which a model carries a warning with each of its answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """Metrics of a model with the same recipe on a corpus that it was not trained on.

    Attributes:
        trained_on: title of the corpus of its training.
        tested_on: title of the other corpus.
        evaluation: evaluation of its predictions for the other corpus.
    """

    trained_on: str
    tested_on: str
    evaluation: Evaluation

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        figures = bundle_metrics(self.evaluation)
        return {"trained_on": self.trained_on, "tested_on": self.tested_on, "figures": figures}


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How the class probabilities of a bundle were calibrated.

    Attributes:
        temperature: the fitted temperature.
        on: name of the predictions that it was fitted on.
        before: expected calibration error on the test predictions without the temperature, 0 to 1.
        after: the same with the temperature. Neither had an effect on the temperature.
        tested: number of the test predictions.
    """

    temperature: Temperature
    on: str
    before: float
    after: float
    tested: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        errors = {"ece_before": self.before, "ece_after": self.after, "tested": self.tested}
        return asdict(self.temperature) | {"on": self.on} | errors


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Quality of a bundle's model.

    Attributes:
        own: evaluation of the predictions of this model; ``None`` if nothing was tested.
        pooled: evaluation of all finished trials of the run, or of ``alike``; ``None`` if there is no other
            trial.
        trials: number of these trials.
        threshold: smallest confidence at which predictions of a classifier are trusted.
        threshold_on: name of the predictions on which the threshold was found.
        threshold_tried: effect of the threshold on this model's test part, if it was found elsewhere.
        alike: run on folds whose metrics show the quality to expect of an untested model.
        elsewhere: metrics on corpora that a model with the same recipe was not trained on.
        calibrated: temperature of the class probabilities, if one was requested.
    """

    own: Evaluation | None
    pooled: Evaluation | None = None
    trials: int = 1
    threshold: Threshold | None = None
    threshold_on: str = ""
    threshold_tried: Trusted | None = None
    alike: Alike | None = None
    elsewhere: tuple[Elsewhere, ...] = ()
    calibrated: Calibrated | None = None


def warn_of_other_corpora(elsewhere: Sequence[Elsewhere]) -> str | None:
    """Write how often classes are wrong on other corpora; None if UA reaches `RELIABLE` on all of them."""
    rows = [each.evaluation.table.row("ua") for each in elsewhere if each.evaluation.confusion is not None]
    values = [row.value for row in rows if row.value is not None]
    if not values or min(values) >= RELIABLE:
        return None
    wrong = sorted({round(100 * (1 - value)) for value in values})
    share = f"{wrong[0]} to {wrong[-1]}" if len(wrong) > 1 else f"{wrong[0]}"
    return f"Wrong for {share} of 100 recordings of a corpus that it was not trained on (mean over classes)."


def render_card(
    bundle: Bundle,
    settings: Mapping[str, Any],
    banners: Sequence[str],
    trial: Trial,
    quality: Quality,
    programs: Sequence[Exported] = (),
    *,
    with_encoder: bool = False,
) -> str:
    """Render the card of a trial's bundle as Markdown.

    Args:
        bundle: bundle of the trial.
        settings: settings of the trial, with provenance.
        banners: warnings above the metrics.
        trial: trial of the bundle.
        quality: metrics of the model.
        programs: ONNX and torch programs that are exported with the bundle.
        with_encoder: whether the bundle holds the encoder that its features need.
    """
    provenance, metrics = settings["provenance"], trial.metrics()
    stated = facts.facts(settings, [trial], bundle.outputs.names, "")
    earlier = provenance.get("started_from", [])
    before = {each["corpus"]: each.get("licence") or UNKNOWN for each in earlier}
    return _template().render(
        _metric_context(quality),
        alike=quality.alike and f"{facts.protocol(quality.alike.settings)}, run {quality.alike.run.name}",
        arch=bundle.arch,
        banners=banners,
        before=before,
        classes=bundle.classes,
        described=describe_outputs(bundle),
        dimensions=bundle.outputs.dimensions,
        per_frame=bundle.outputs.per_frame,
        corpus=stated["corpus"],
        elsewhere=[
            (each.trained_on, each.tested_on, *map(_with_interval, _headline(each.evaluation)))
            for each in quality.elsewhere
        ],
        elsewhere_labels=[row.label for each in quality.elsewhere[:1] for row in _headline(each.evaluation)],
        epoch=f"epoch {metrics['epoch']} of {metrics['epochs']}",
        facts={
            name: fact
            for name, fact in stated.items()
            if name not in _LEFT_OUT and not (name == "folds" and quality.own is None)
        },
        fold=trial.fold,
        install=_install(bundle),
        fold_name=provenance["fold_name"],
        licence=stated["licence"],
        licence_id=licence_id("; ".join(dict.fromkeys([stated["licence"], *before.values()]))),
        notes=facts.left_open(bundle.arch),
        prepared=stated["corpus as prepared"],
        programs=programs,
        protocol=stated["protocol"],
        quality=quality,
        quoted=_Quoted,
        scheme=scheme_name(settings["scheme"]),
        seed=trial.seed,
        source=get_architecture(bundle.arch).source,
        terms=_terms(bundle, with_encoder=with_encoder),
        trained_on=metrics["utterances"]["train"],
        version=sercli.__version__,
    )


def _headline(evaluation: Evaluation) -> list[MetricRow]:
    return [evaluation.table.row(key) for key in evaluation.headline]


def _install(bundle: Bundle) -> str:
    """Return what to install to use a bundle, as pip takes it."""
    extras = sorted({choice.feature.extra for choice in bundle.inputs.values()} - {""})
    return f"'sercli[{','.join(extras)}]'" if extras else "sercli"


def _terms(bundle: Bundle, *, with_encoder: bool) -> list[str]:
    """Return the terms of what the features are computed with, and where an encoder is found."""
    found = []
    for config in (choice.config for choice in bundle.inputs.values() if choice.config.terms):
        source, where = config.source, ""
        if source is not None and with_encoder:
            where = f". The encoder is in this folder ({source.folder}); nothing is downloaded"
        elif source is not None:
            where = ". The encoder is not in this folder: " + (
                "it was a folder of the machine on which the model was trained"
                if source.is_folder
                else "it is downloaded when the model is used for the first time"
            )
        found.append(config.terms + where)
    return list(dict.fromkeys(found))


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        # Values come from corpora and settings, so they must not become markup.
        finalize=lambda value: _plain(value) if isinstance(value, str) else value,
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md")


def _metric_context(quality: Quality) -> dict[str, Any]:
    """Return the parts of the card that depend on the metrics: rows of its tables, and their meaning."""
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
    """List the warnings above a card's metrics.

    Args:
        settings: settings of the trial, with provenance.
        trials: finished trials of its run.
        quality: metrics of the model.
    """
    warning = warn_of_other_corpora(quality.elsewhere)
    return (*([warning] if warning else ()), *_banners_of_test(settings, trials, quality))


def _banners_of_test(
    settings: Mapping[str, Any], trials: Sequence[Trial], quality: Quality
) -> tuple[str, ...]:
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
    """Return the ``license`` of a model card in Hugging Face's spelling, and its own name if it differs."""
    found = _CREATIVE_COMMONS.fullmatch(licence)
    if found:
        return "-".join(each.lower() for each in found[0].split()), None
    return "other", re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-.")[:96] or "unknown"


def bundle_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics for ``bundle.json``, as plain types."""
    rows = _headline(evaluation)
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
    """Quote a text for YAML; the result must not be escaped again."""

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
