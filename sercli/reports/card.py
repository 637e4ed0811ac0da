"""The model card that goes with an exported bundle: what it is, how good, and what it is not for."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import sercli
from sercli.bundle import UNKNOWN, Bundle
from sercli.evaluation import regression
from sercli.evaluation.agreement import TraceEvaluation
from sercli.evaluation.calibration import Threshold, Trusted
from sercli.evaluation.class_evaluation import DEFINITION, Evaluation
from sercli.evaluation.metrics import Interval
from sercli.inference.export import Exported
from sercli.models import get_architecture
from sercli.plain.json import to_json
from sercli.records import TRACE_DIMENSIONS
from sercli.reports import _facts
from sercli.reports.alike import Alike
from sercli.reports.gather import left_open
from sercli.runs.folder import Trial

_CREATIVE_COMMONS = re.compile(r"CC(0|[ -]BY(-NC)?(-SA|-ND)?) [1-4]\.0")
_LEFT_OUT = ("corpus", "corpus as prepared", "licence", "scheme", "figures", "architecture")


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """What a bundle's model is worth.

    Attributes:
        own: of the trial's predictions, those of this model; ``None`` where nothing was tested.
        pooled: of all finished trials of its run, or of ``alike``; ``None`` where there is no other.
        trials: how many these are.
        threshold: from which confidence on a classifier is trusted.
        threshold_on: on which predictions that was found.
        trusted: what it does on this model's test part, where it was not found there.
        alike: the run on folds whose figures say what to expect of a model that nothing tested.
    """

    own: Evaluation | TraceEvaluation | None
    pooled: Evaluation | TraceEvaluation | None = None
    trials: int = 1
    threshold: Threshold | None = None
    threshold_on: str = ""
    trusted: Trusted | None = None
    alike: Alike | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    recalls: list[tuple[str, str, int]] = field(default_factory=list)


def render_card(
    bundle: Bundle,
    settings: Mapping[str, Any],
    banners: Sequence[str],
    trial: Trial,
    worth: Worth,
    programs: Sequence[Exported] = (),
) -> str:
    """Render the card of a trial's bundle as Markdown.

    Args:
        bundle: the trial's.
        settings: the trial's, with provenance.
        banners: what stands above its figures.
        trial: the one whose bundle it is.
        worth: its figures.
        programs: ONNX and torch programs that go with it.
    """
    environment = Environment(
        loader=PackageLoader("sercli.reports"),
        # What is put in comes from corpora and settings: none of it shall become markup.
        finalize=lambda value: _plain(value) if isinstance(value, str) else value,
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    traces = not bundle.classes
    provenance = settings["provenance"]
    outputs = bundle.classes or TRACE_DIMENSIONS
    facts = _facts.facts(settings, [trial], outputs, "")
    left_out = (*_LEFT_OUT, "folds") if worth.own is None else _LEFT_OUT
    figures = _Figures()
    if worth.own or worth.pooled:
        figures = _trace_figures(worth) if traces else _class_figures(worth)
    metrics = trial.metrics()
    earlier = provenance.get("started_from", [])
    before = {each["corpus"]: each.get("licence") or UNKNOWN for each in earlier}
    return environment.get_template("card.md").render(
        alike=worth.alike and f"{_facts.protocol(worth.alike.settings)}, run {worth.alike.run.name}",
        arch=bundle.arch,
        banners=banners,
        corpus=facts["corpus"],
        definition=regression.DEFINITION if traces else DEFINITION,
        epoch=f"epoch {metrics['epoch']} of {metrics['epochs']}",
        facts={name: value for name, value in facts.items() if name not in left_out},
        figures=figures.rows,
        fold=trial.fold,
        fold_name=provenance["fold_name"],
        before=before,
        licence=facts["licence"],
        licence_id=licence_id("; ".join(dict.fromkeys([facts["licence"], *before.values()]))),
        no_intervals=dict.fromkeys(
            each.no_interval for each in (worth.own, worth.pooled) if each and each.no_interval
        ),
        notes=left_open(bundle.arch),
        outputs=outputs,
        prepared=facts["corpus as prepared"],
        programs=programs,
        protocol=facts["protocol"],
        quoted=_Quoted,
        recalls=figures.recalls,
        regression=traces,
        seed=trial.seed,
        scheme=settings["scheme"],
        source=get_architecture(bundle.arch).source,
        tested=worth.own is not None,
        threshold=worth.threshold,
        threshold_on=worth.threshold_on,
        trained_on=metrics["utterances"]["train"],
        trials=worth.trials,
        trusted=worth.trusted,
        version=sercli.__version__,
    )


def banners_of(settings: Mapping[str, Any], trials: Sequence[Trial], worth: Worth) -> tuple[str, ...]:
    """Say what must stand above a card's figures.

    Args:
        settings: the trial's, with provenance.
        trials: the finished ones of its run.
        worth: its figures.
    """
    own = _facts.banners(settings, trials)
    if worth.own is not None:
        return own
    if worth.alike is None:
        return ("Tested on nothing: trained on everything there was, so nobody knows how good it is.", *own)
    theirs = _facts.banners(worth.alike.settings, worth.alike.trials)
    return (
        "Tested on nothing: trained on everything there was; figures are of networks trained alike on folds.",
        *own,
        *(f"Of the networks trained alike: {each}" for each in theirs if each not in own),
    )


def licence_id(licence: str) -> tuple[str, str | None]:
    """Give the ``license`` of a model card as Hugging Face has it, and its own name if that is other."""
    found = _CREATIVE_COMMONS.fullmatch(licence)
    if found:
        return "-".join(each.lower() for each in found[0].split()), None
    return "other", re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-.")[:96] or "unknown"


def figures_of(evaluation: Evaluation | TraceEvaluation) -> dict[str, Any]:
    """Return what ``bundle.json`` says of figures, as plain types."""
    if isinstance(evaluation, TraceEvaluation):
        return {
            "recordings": evaluation.recordings,
            "ccc": {
                each.name: _told(each.ccc) | {"interval": _ends(each.ccc_interval)}
                for each in evaluation.by_dimension
            },
            "no_interval": evaluation.no_interval,
        }
    return {
        "utterances": evaluation.utterances,
        "ua": _told(evaluation.ua) | {"interval": _ends(evaluation.ua_interval)},
        "wa": _told(evaluation.wa) | {"interval": _ends(evaluation.wa_interval)},
        "recall": {each.name: _told(each.recall)["value"] for each in evaluation.by_class},
        "chance": evaluation.chance,
        "no_interval": evaluation.no_interval,
    }


class _Quoted:
    """Text as YAML takes it, not to be escaped again."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return to_json(self.text, escaped=False)


def _plain(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _told(value: float) -> dict[str, float | None]:
    return {"value": value if math.isfinite(value) else None}


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _class_figures(worth: Worth) -> _Figures:
    found = _Figures()
    both = [worth.own, worth.pooled]
    for name in ("ua", "wa"):
        cells = [_percent(getattr(e, name), getattr(e, f"{name}_interval")) if e else "" for e in both]
        found.rows.append((name.upper(), cells[0], cells[1]))
    counts = [f"{e.utterances} utterances" if isinstance(e, Evaluation) else "" for e in both]
    found.rows.append(("tested on", counts[0], counts[1]))
    chances = [f"{100 * e.chance:.1f} %" if isinstance(e, Evaluation) else "" for e in both]
    found.rows.append(("chance", chances[0], chances[1]))
    told = worth.own or worth.pooled
    for each in told.by_class if isinstance(told, Evaluation) else ():
        found.recalls.append((each.name, f"{100 * each.recall:.1f} %" if each.count else "-", each.count))
    return found


def _trace_figures(worth: Worth) -> _Figures:
    found = _Figures()
    both, told = [worth.own, worth.pooled], worth.own or worth.pooled
    for i, name in enumerate(told.dimensions if isinstance(told, TraceEvaluation) else ()):
        cells = []
        for each in both:
            score = each.by_dimension[i] if isinstance(each, TraceEvaluation) else None
            cells.append("" if score is None else _number(score.ccc, score.ccc_interval))
        found.rows.append((f"CCC of {name}", cells[0], cells[1]))
    counts = [f"{e.recordings} recordings" if isinstance(e, TraceEvaluation) else "" for e in both]
    found.rows.append(("tested on", counts[0], counts[1]))
    return found


def _percent(value: float, interval: Interval | None) -> str:
    told = f" ({100 * interval.low:.1f} to {100 * interval.high:.1f})" if interval else ""
    return f"{100 * value:.1f} %{told}"


def _number(value: float, interval: Interval | None) -> str:
    return f"{value:.3f}" + (f" ({interval.low:.3f} to {interval.high:.3f})" if interval else "")
