"""What is told of a run whatever its task, from the run's folder alone."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from sercli import registry
from sercli.protocols import tests_nothing, unplaced
from sercli.runs.folder import Trial

_SHOWN = 6  # names of what a banner is about


def history(trial: Trial) -> list[dict[str, Any]]:
    """Read a trial's epochs as `training_curves` wants them."""
    kept = trial.metrics()["epoch"]
    own = {"fold": trial.fold, "seed": trial.seed}
    return [
        row | own | {"epoch": int(row["epoch"]), "selected": row["epoch"] == kept} for row in trial.history()
    ]


def facts(
    settings: Mapping[str, Any], trials: Sequence[Trial], outputs: Sequence[str], definition: str
) -> dict[str, str]:
    """Say what was run, in the order it is told.

    Args:
        settings: of the first trial.
        trials: those that are finished.
        outputs: what the network says: classes, or dimensions of continuous labels.
        definition: what the figures mean.
    """
    provenance, training = settings["provenance"], settings["training"]
    metrics = [trial.metrics() for trial in trials]
    corpus = provenance["corpus"]
    epochs = ", ".join(f"{m['epoch']} of {m['epochs']}" for m in metrics)
    features = "; ".join(
        ", ".join(f"{key} {value}" for key, value in flat.items()) for flat in settings["features"].values()
    )
    model = ", ".join(f"{key} {value}" for key, value in settings["model"].items())
    recipe = ", ".join(f"{key} {value}" for key, value in training.items())
    own = [trial.settings()["provenance"] for trial in trials]
    provenances = [each for one in own for each in (*one.get("earlier", []), one)]
    versions = dict.fromkeys(
        ", ".join(f"{name} {version}" for name, version in p["versions"].items()) for p in provenances
    )
    commits = dict.fromkeys(p["commit"] or "not from a repository" for p in provenances)
    devices = dict.fromkeys(p["device"] for p in provenances)
    return {
        "corpus": corpus["title"],
        "corpus as prepared": f"{corpus['utterances']}"
        + (f" of {corpus['expected']} utterances" if corpus["expected"] else " utterances"),
        "licence": corpus["licence"],
        "scheme": f"{settings['scheme']}: {', '.join(outputs)}",
        "protocol": protocol(settings),
        **({"the paper's own figures": provenance["paper"]} if provenance.get("paper") else {}),
        "figures": definition,
        "folds": f"{len({m['fold'] for m in metrics})} of {provenance['folds']} tested: "
        + "; ".join(dict.fromkeys(m["fold_name"] for m in metrics)),
        "seeds": ", ".join(str(seed) for seed in sorted({trial.seed for trial in trials})),
        "architecture": settings["arch"],
        "network": model,
        "features": features,
        **_told(settings),
        "training": recipe,
        "selection": _selection(training["selection"], metrics),
        "kept epochs": epochs,
        "training time": f"{sum(m['seconds'] for m in metrics) / 60:.1f} minutes",
        "device": "; ".join(devices),
        "precision": f"trained in {training['precision']}, evaluated in 32-true",
        "versions": "; ".join(versions),
        "commit": ", ".join(commits),
        "manifest": provenance["manifest_sha256"][:16],
        "run": trials[0].path.parent.parent.name,
    }


def _told(settings: Mapping[str, Any]) -> dict[str, str]:
    """Say how utterances are cut and varied, and what the training started from, as far as they are."""
    told = {}
    if settings.get("segments", {}).get("size_s") is not None:
        told["segments"] = ", ".join(f"{key} {value}" for key, value in settings["segments"].items())
    if settings.get("augment"):
        told["augmentation"] = "; ".join(
            f"{name} ({', '.join(f'{key} {value}' for key, value in own.items())})" if own else name
            for name, own in settings["augment"].items()
        )
    if settings.get("init"):
        before = settings["provenance"].get("started_from") or []
        seen = dict.fromkeys(
            f"{each['corpus']} (licence: {each.get('licence') or 'unknown'})" for each in before
        )
        told["started from"] = settings["init"] + (f", trained on {', then '.join(seen)}" if seen else "")
    return told


def protocol(settings: Mapping[str, Any]) -> str:
    """Name the folds: protocol, version and digest."""
    return f"{settings['protocol']} (digest {settings['provenance']['protocol_digest']})"


def _selection(selection: str, metrics: list[dict[str, Any]]) -> str:
    if selection == "best-on-test":
        return "the epoch that is best on the test part itself: the figures are optimistic"
    if selection == "best-dev-ua" and all(m.get("dev_ua") is not None for m in metrics):
        return "the epoch with the best UA on the dev part; the test part was looked at once, afterwards"
    if selection == "best-dev-ccc" and all(m.get("dev_ccc") is not None for m in metrics):
        return "the epoch with the best CCC on the dev part; the test part was looked at once, afterwards"
    return "the last epoch; nothing was selected"


def banners(settings: Mapping[str, Any], trials: Sequence[Trial]) -> tuple[str, ...]:
    """Say what must stand above every figure."""
    provenance = settings["provenance"]
    corpus = provenance["corpus"]
    found = [corpus["notice"]] if corpus["notice"] else []
    if settings["training"]["selection"] == "best-on-test":
        found.append("Optimistic: the epoch was chosen on the test part itself.")
    if _heard_before(settings, trials):
        found.append(
            "Perhaps leaked: the weights that training started from were trained on this corpus before, or "
            "nobody knows on what; those who are tested may have been among it."
        )
    shared = provenance.get("shared_speakers", 0)
    if shared is None:
        found.append("Speakers are not known: the same people may train and be tested.")
    elif shared:
        found.append(
            f"Not speaker independent: under {settings['protocol']} {shared} speakers train and are tested. "
            "The figures say nothing about people never heard."
        )
    if corpus["utterances"] < (corpus["expected"] or 0):
        found.append(
            f"Partial corpus: {corpus['utterances']} of {corpus['expected']} utterances were at hand. "
            "The figures are not comparable with those got on the whole corpus."
        )
    folds = len({trial.fold for trial in trials})
    if folds < provenance["folds"]:
        found.append(f"Unfinished: {folds} of {provenance['folds']} folds are tested.")
    return tuple(found)


def _heard_before(settings: Mapping[str, Any], trials: Sequence[Trial]) -> bool:
    """Tell whether the weights that trials started from may know the test parts, being of other folds."""
    here = unplaced(settings["protocol"])
    earlier = settings["provenance"].get("started_from")
    if not earlier or tests_nothing(here):  # nobody is tested
        return False
    from sercli.bundle import UNKNOWN  # brings torch, which listing runs can do without

    before = [each for each in earlier if each["corpus"] in {settings["corpus"], UNKNOWN}]
    return any(
        (unplaced(str(each.get("protocol"))), each.get("fold")) != (here, trial.fold)
        for each in before
        for trial in trials
    )


def told_once(banners: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Tell what stands above the figures of several runs once, with the runs that it is about if not all."""
    about: dict[str, list[str]] = {}
    for name, own in banners.items():
        for banner in own:
            about.setdefault(banner, []).append(name)
    return tuple(
        banner if len(names) == len(banners) else f"{_some(names)}: {banner}"
        for banner, names in about.items()
    )


def _some(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def left_open(arch: str) -> list[str]:
    """Return what an architecture's paper leaves open and what was chosen, as its file states it."""
    file = registry.source_file("sercli.models", arch)
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else ""
    except (OSError, ValueError, SyntaxError):  # no file in UTF-8 that holds Python
        docstring = ""
    _, found, rest = (docstring or "").partition("Open in the paper:")
    return [f"Left open by the paper: {' '.join(rest.partition('Departures:')[0].split())}"] if found else []
