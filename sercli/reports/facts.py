"""Collect facts and warnings about a run for its reader, from the run's folder alone."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from sercli import registry
from sercli.errors import list_some
from sercli.protocols import get_protocol, is_untested, unplaced
from sercli.runs.folder import Trial
from sercli.runs.training import SOLVED_IN
from sercli.schemes import scheme_name
from sercli.tasks import TASKS
from sercli.unions import MARK, common_corpora

_SHOWN = 6  # number of runs that are named in front of a banner


def history(trial: Trial) -> list[dict[str, Any]]:
    """Read a trial's epochs in the form that `training_curves` takes."""
    kept = trial.metrics()["epoch"]
    own = {"fold": trial.fold, "seed": trial.seed}
    return [
        row | own | {"epoch": int(row["epoch"]), "selected": row["epoch"] == kept} for row in trial.history()
    ]


def facts(
    settings: Mapping[str, Any], trials: Sequence[Trial], outputs: Sequence[str], definition: str
) -> dict[str, str]:
    """State the facts about the run, in the order of the page.

    Args:
        settings: settings of the first trial.
        trials: the finished trials.
        outputs: classes, or dimensions of continuous labels.
        definition: meaning of the metrics.
    """
    provenance, training = settings["provenance"], settings["training"]
    metrics = [trial.metrics() for trial in trials]
    return {
        **corpus_facts(provenance["corpus"]),
        "scheme": f"{scheme_name(settings['scheme'])}: {', '.join(outputs)}",
        "protocol": protocol(settings),
        **({"the paper's own metrics": provenance["paper"]} if provenance.get("paper") else {}),
        "metrics": definition,
        "folds": f"{len({m['fold'] for m in metrics})} of {provenance['folds']} tested: "
        + "; ".join(dict.fromkeys(m["fold_name"] for m in metrics)),
        "seeds": ", ".join(str(seed) for seed in sorted({trial.seed for trial in trials})),
        "architecture": settings["arch"],
        "network": _list_settings(settings["model"]),
        "features": "; ".join(map(_list_settings, settings["features"].values())),
        **_data_facts(settings),
        "training": _list_settings(training),
        "selection": _selection(training["selection"], metrics),
        "kept epochs": ", ".join(f"{m['epoch']} of {m['epochs']}" for m in metrics),
        "training time": f"{sum(m['seconds'] for m in metrics) / 60:.1f} minutes",
        **_machine_facts(trials),
        "precision": f"trained in {trained_in(settings)}, evaluated in 32-true",
        "manifest": provenance["manifest_sha256"][:16],
        "run": trials[0].path.parent.parent.name,
    }


def trained_in(settings: Mapping[str, Any]) -> str:
    """Return the number format of a training."""
    return SOLVED_IN if is_solved(settings["arch"]) else str(settings["training"]["precision"])


def is_solved(arch: str) -> bool:
    """Return whether the weights of an architecture are solved for, without epochs and chance."""
    from sercli.models import architecture_names, get_architecture  # imports torch

    return arch in architecture_names() and get_architecture(arch).solve is not None


def corpus_facts(corpus: Mapping[str, Any]) -> dict[str, str]:
    """State the name of the corpus, the part of it that is prepared, and its licence."""
    return {
        "corpus": corpus["title"],
        "corpus as prepared": _prepared(corpus),
        "licence": corpus["licence"],
        **({"scale of the ratings": _scale(corpus["scale"])} if "scale" in corpus else {}),
    }


def describe_scale(settings: Mapping[str, Any]) -> str:
    """Return what follows the definition of the metrics of ratings: their scale, as far as it is recorded."""
    corpus = settings["provenance"]["corpus"]
    if "scale" not in corpus:
        return ""
    return f"; the scale of the ratings is {_scale(corpus['scale'])}, and predictions are not limited to it"


def _prepared(corpus: Mapping[str, Any]) -> str:
    """Count the utterances, and those of the release; for a union, also those of each corpus."""
    of_all = f" of {corpus['expected']}" if corpus["expected"] else ""
    count = f"{corpus['utterances']}{of_all} utterances"
    if "parts" not in corpus:
        return count
    found = [f"{name}: {_prepared(part)}" for name, part in corpus["parts"].items()]
    if corpus["repeated"]:
        found.append(f"{corpus['repeated']} of them, whose recordings are in two corpora, are left out")
    return f"{count} ({'; '.join(found)})"


def _scale(scale: Sequence[float] | None) -> str:
    return "not known" if scale is None else f"{scale[0]:g} to {scale[1]:g}"


def _list_settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _data_facts(settings: Mapping[str, Any]) -> dict[str, str]:
    """State the segments and augmentations, and the weights that the training started from, if any."""
    found = {}
    if settings.get("segments", {}).get("size_s") is not None:
        found["segments"] = _list_settings(settings["segments"])
    if settings.get("augment"):
        found["augmentation"] = "; ".join(
            f"{name} ({_list_settings(own)})" if own else name for name, own in settings["augment"].items()
        )
    if settings.get("init"):
        before = settings["provenance"].get("started_from") or []
        seen = dict.fromkeys(
            f"{each['corpus']} (licence: {each.get('licence') or 'unknown'})" for each in before
        )
        found["started from"] = settings["init"] + (f", trained on {', then '.join(seen)}" if seen else "")
    return found


def _machine_facts(trials: Sequence[Trial]) -> dict[str, str]:
    """State the devices, versions and commits of all trainings, including interrupted ones."""
    own = [trial.settings()["provenance"] for trial in trials]
    provenances = [each for one in own for each in (*one.get("earlier", []), one)]
    versions = (_list_settings(each["versions"]) for each in provenances)
    return {
        "device": "; ".join(dict.fromkeys(each["device"] for each in provenances)),
        "versions": "; ".join(dict.fromkeys(versions)),
        "commit": ", ".join(dict.fromkeys(each["commit"] or "not from a repository" for each in provenances)),
    }


def protocol(settings: Mapping[str, Any]) -> str:
    """Name the folds: protocol, version and digest."""
    return f"{settings['protocol']} (digest {settings['provenance']['protocol_digest']})"


def _selection(selection: str, metrics: list[dict[str, Any]]) -> str:
    if selection == "best-on-test":
        return "the best epoch on the test part itself: the metrics are optimistic"
    for task in TASKS.values():
        if selection == task.selection and all(m.get(task.monitor) is not None for m in metrics):
            return (
                f"the epoch with the best {task.metric} on the dev part; the test part was evaluated once, "
                "afterwards"
            )
    return "the last epoch; nothing was selected"


def banners(settings: Mapping[str, Any], trials: Sequence[Trial]) -> tuple[str, ...]:
    """List the warnings above all metrics."""
    provenance = settings["provenance"]
    corpus = provenance["corpus"]
    found = [corpus["notice"]] if corpus["notice"] else []
    if settings["training"]["selection"] == "best-on-test":
        found.append("Optimistic: the epoch was chosen on the test part itself.")
    if _trained_before(settings, trials):
        found.append(
            "Possible leak: the weights that training started from were trained on this corpus before, or it "
            "is unknown on which; the test utterances may have been among the training data."
        )
    scopes = {each.get("statistics") for each in settings.get("features", {}).values()}
    if "per-speaker" in scopes:
        found.append(
            "Transductive: features are standardised per speaker, so a speaker can only be judged "
            "after several utterances of this speaker are known."
        )
    if "per-corpus" in scopes:
        found.append(
            "Transductive: features are standardised per corpus, by all utterances of a corpus in a part, so "
            "recordings of another origin can only be judged after several of them are known."
        )
    shared = provenance.get("shared_speakers", 0)
    if shared is None:
        found.append("Speakers are unknown: the same people may be in the training and the test part.")
    elif shared:
        found.append(
            f"Not speaker independent: under {settings['protocol']} {shared} speakers are in the training "
            "and the test part. The metrics do not hold for new speakers."
        )
    if nobody := provenance.get("unknown_speakers"):
        how = get_protocol(settings["protocol"]).unknown_speakers
        use = "used for training only, and are perhaps of tested people" if how == "train" else "left out"
        found.append(f"Unknown speakers: {nobody} utterances without a speaker are {use}.")
    for name, part in corpus.get("parts", {"": corpus}).items():
        if part["utterances"] < (part["expected"] or 0):
            found.append(
                f"Partial corpus: {part['utterances']} of {part['expected']} utterances"
                f"{name and f' of {name}'} are prepared. The metrics are not comparable with those on the "
                "complete corpus."
            )
    folds = len({trial.fold for trial in trials})
    if folds < provenance["folds"]:
        found.append(f"Unfinished: {folds} of {provenance['folds']} folds are tested.")
    seeds: dict[int, set[int]] = {}
    for trial in trials:
        seeds.setdefault(trial.fold, set()).add(trial.seed)
    if len({frozenset(own) for own in seeds.values()}) > 1:
        found.append(
            "Unfinished: not every fold has the same seeds, so that folds weigh differently; the spread over "
            "seeds is of the folds that all seeds have."
        )
    return tuple(found)


def _trained_before(settings: Mapping[str, Any], trials: Sequence[Trial]) -> bool:
    """Return whether the weights that trials started from may have been trained on the test parts."""
    here = unplaced(settings["protocol"])
    earlier = settings["provenance"].get("started_from")
    if not earlier or is_untested(here):  # there is no test part
        return False
    from sercli.bundle import UNKNOWN  # imports torch, which a list of runs does not need

    corpus = str(settings["corpus"])
    before = [each for each in earlier if common_corpora(each["corpus"], f"{corpus}{MARK}{UNKNOWN}")]
    return any(
        (each["corpus"], unplaced(str(each.get("protocol"))), each.get("fold")) != (corpus, here, trial.fold)
        for each in before
        for trial in trials
    )


def merge_banners(banners: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """List each banner of several runs once; name its runs unless it concerns all of them."""
    about: dict[str, list[str]] = {}
    for name, own in banners.items():
        for banner in own:
            about.setdefault(banner, []).append(name)
    return tuple(
        banner if len(names) == len(banners) else f"{list_some(names, _SHOWN, '; ')}: {banner}"
        for banner, names in about.items()
    )


def left_open(arch: str) -> list[str]:
    """Return the choices that an architecture's paper leaves open, as the architecture's file states them."""
    file = registry.source_file("sercli.models", arch)
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else ""
    except (OSError, ValueError, SyntaxError):  # not a Python file in UTF-8
        docstring = ""
    _, found, rest = (docstring or "").partition("Open in the paper:")
    return [f"Left open by the paper: {' '.join(rest.partition('Departures:')[0].split())}"] if found else []
