"""Export a trial's bundle: with its metrics, a model card, and programs for other runtimes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sercli import files
from sercli.bundle import Bundle, earlier_trainings, own_files, rename_encoders
from sercli.encoders import EncoderSource
from sercli.encoders.copying import copy_encoder
from sercli.errors import ConfigError, RunError
from sercli.evaluation import evaluate
from sercli.evaluation.calibration import (
    Threshold,
    Trusted,
    apply_temperature,
    apply_threshold,
    fit_temperature,
    measure_calibration,
    threshold_for,
)
from sercli.evaluation.resampling import LEVEL
from sercli.inference.export import Exported, Format, export_programs
from sercli.protocols import is_untested
from sercli.records import ClassPredictions, pool
from sercli.reports import SURE
from sercli.reports.alike import Alike, find_alike
from sercli.reports.card import (
    Calibrated,
    Elsewhere,
    Quality,
    banners_of,
    bundle_metrics,
    render_card,
    warn_of_other_corpora,
)
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_dev, read_tested, read_tested_classes
from sercli.tasks import CLASSIFICATION

_EACH = "each predicted by its own model, without utterances of this model's test part"
_OTHERS = "each predicted by its own model, not by this one"


@dataclass(frozen=True, slots=True, eq=False)
class ExportedBundle:
    """A bundle that was exported."""

    path: Path
    quality: Quality
    programs: tuple[Exported, ...]
    banners: tuple[str, ...]
    encoders: tuple[EncoderSource, ...] = ()
    """Encoders that the features of the model need."""


def choose_trial(run: Run, fold: int | None = None, seed: int | None = None) -> Trial:
    """Return the finished trial to export.

    Raises:
        RunError: no trial matches, or several do.
    """
    finished = run.require_finished()
    meant = [t for t in finished if fold in (None, t.fold) and seed in (None, t.seed)]
    if len(meant) == 1:
        return meant[0]
    known = ", ".join(f"fold {trial.fold} seed {trial.seed}" for trial in finished)
    what = "no such trial" if not meant else "several trials"
    raise RunError(f"{run.name}: {what}; name one with --fold and --seed: {known}")


def check_export(
    trial: Trial, settings: Mapping[str, Any], out: Path, tested_by: Run | None = None
) -> Alike | None:
    """Refuse what `export_bundle` would refuse; the trial itself need not be trained yet.

    Args:
        trial: trial whose bundle is to be exported.
        settings: settings of the trial; their provenance has the digest of the manifest.
        out: folder of the export.
        tested_by: a run on folds whose metrics show the quality to expect of an untested model.

    Returns:
        The run ``tested_by``, after the check.

    Raises:
        ConfigError: the folder can't be used, or the run ``tested_by`` does not fit.
        RunError: the run ``tested_by`` is not finished, or it is damaged.
    """
    _check_free(out, trial)
    return None if tested_by is None else find_alike(settings, tested_by)


def export_bundle(
    run: Run,
    trial: Trial,
    out: Path,
    formats: Sequence[Format] = (),
    sure: float = SURE,
    tested_by: Run | None = None,
    elsewhere: Sequence[Elsewhere] = (),
    *,
    with_encoder: bool = False,
    calibrate: bool = False,
) -> ExportedBundle:
    """Write a trial's bundle with its card as a folder, complete or not at all.

    Args:
        run: run of the trial.
        trial: trial whose bundle is exported.
        out: folder of the export; a bundle there is replaced.
        formats: formats of programs that are written beside the bundle.
        sure: target accuracy among the predictions that are not marked unsure.
        tested_by: for an untested model: a run on folds whose networks had the same training.
        elsewhere: metrics of models with the same recipe on corpora that they were not trained on.
        with_encoder: whether the encoder that the features need is copied into the folder.
        calibrate: whether a temperature of the class probabilities is fitted on the predictions of the dev
            part, and stored in the bundle.

    Raises:
        ConfigError: ``out`` is not a bundle, there is no encoder to copy, a format needs a package that is
            not installed, ``tested_by`` had a different training, or there is no dev part to calibrate on.
        RunError: the trial is damaged, no temperature fits the dev part, or the scores of a program differ
            from those of the network.
        FeatureError: the encoder is not on this machine.
    """
    settings = trial.settings()
    alike = check_export(trial, settings, out, tested_by)
    bundle, settings = Bundle.load(trial.bundle), _without_paths(settings, trial.config_file)
    if is_untested(settings["protocol"]):
        quality = _expect(alike, bundle, sure, calibrate=calibrate)
    else:
        quality = _measure(run, trial, bundle, sure, calibrate=calibrate)
    if quality.calibrated is not None:
        temperature = quality.calibrated.temperature.value
        bundle = replace(bundle, outputs=replace(bundle.outputs, temperature=temperature))
    quality = replace(quality, elsewhere=tuple(elsewhere))
    encoders = _encoders(bundle, needed=with_encoder)
    # Without the folders of this machine.
    model, inputs = rename_encoders(
        bundle.model, bundle.inputs, lambda source: source.name if source.is_folder else None
    )
    settings |= {
        "features": {name: choice.to_dict() for name, choice in inputs.items()},
        "model": model.to_dict(),
    }
    banners = banners_of(settings, run.finished(), quality)
    programs: list[Exported] = []

    def write_beside(folder: Path) -> None:
        for each in formats:
            programs.extend(export_programs(bundle, folder, each))
        for source in encoders if with_encoder else ():
            copy_encoder(source, folder)
        card = render_card(bundle, settings, banners, trial, quality, programs, with_encoder=with_encoder)
        files.write_text(folder / "README.md", card)

    own = {"protocol": settings["protocol"], "started_from": settings["provenance"]["started_from"]}
    exported = replace(bundle, facts=dict(bundle.facts) | own | _metric_facts(settings, quality))
    if with_encoder:
        exported = replace(exported, model=model, inputs=inputs)
    exported.save(out, write_beside)
    return ExportedBundle(out, quality, tuple(programs), banners, encoders)


def _encoders(bundle: Bundle, *, needed: bool) -> tuple[EncoderSource, ...]:
    """List the encoders that the features of a bundle need, each once.

    Raises:
        ConfigError: there is none, but one is needed.
    """
    sources = [choice.config.source for choice in bundle.inputs.values()]
    found = {source.facts.tensors: source for source in sources if source is not None}
    if needed and not found:
        raise ConfigError(
            "--with-encoder: the features of this model need no pretrained encoder; leave it out"
        )
    return tuple(found.values())


def _without_paths(settings: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Remove the folders from the names of files that a training read; nobody else needs to know them."""
    provenance = settings["provenance"]
    if not settings.get("init"):
        provenance = {"started_from": []} | provenance
    before = [
        each | ({"protocol": _without_path(each["protocol"])} if each.get("protocol") else {})
        for each in earlier_trainings(provenance, place)
    ]
    cleaned = {**settings, "provenance": provenance | {"started_from": before}}
    cleaned["protocol"] = _without_path(settings["protocol"])
    if settings.get("init"):
        cleaned["init"] = Path(settings["init"]).name
    return cleaned


def _without_path(protocol: str) -> str:
    kind, listed, path = protocol.partition(":")
    return f"{kind}:{Path(path).name}" if listed else protocol


def _measure(run: Run, trial: Trial, bundle: Bundle, sure: float, *, calibrate: bool) -> Quality:
    """Evaluate a trial's predictions, and also those of its complete run."""
    finished = run.finished()
    own = read_tested(trial)
    every = evaluate(pool([read_tested(each) for each in finished])) if len(finished) > 1 else None
    quality = Quality(evaluate(own), every, len(finished))
    if not bundle.classes:
        return _without_classes(quality, calibrate=calibrate)
    tested, calibrated = read_tested_classes(trial), None
    if calibrate:
        # The dev part of a single fold has too few speakers: see docs/results/calibration.
        kept = [rows for each in finished if (rows := _read_dev(each, tested)) is not None]
        on = f"the dev parts of {len(kept)} of the run's {len(finished)} trials, {_EACH}"
        on += ", and each model's epoch was chosen on its part" if _chose_epoch(trial) else ""
        calibrated = _calibrate(run, pool(kept) if kept else None, tested, on)
    found, on, tried = _find_threshold(finished, trial, tested, sure, _value(calibrated))
    return replace(quality, threshold=found, threshold_on=on, threshold_tried=tried, calibrated=calibrated)


def _without_classes(quality: Quality, *, calibrate: bool) -> Quality:
    """Return the quality of a model without classes.

    Raises:
        ConfigError: it is to be calibrated.
    """
    if calibrate:
        raise ConfigError(
            "--calibrate is for class probabilities, but this model predicts none; leave it out"
        )
    return quality


def _calibrate(run: Run, dev: ClassPredictions | None, tested: ClassPredictions, on: str) -> Calibrated:
    """Fit a temperature on the predictions of dev parts, and report its effect on those of test parts.

    Raises:
        ConfigError: there are no predictions of a dev part.
        RunError: no temperature fits.
    """
    if dev is None:
        raise ConfigError(
            f"--calibrate: {run.name} has no predictions of a dev part, and the test part must not be used; "
            "train with a protocol that has a dev part (`sercli protocols`), or leave --calibrate out"
        )
    found = fit_temperature(dev)
    after = measure_calibration(apply_temperature(tested, found.value)).ece
    return Calibrated(found, on, measure_calibration(tested).ece, after, len(tested))


def _value(calibrated: Calibrated | None) -> float:
    return 1.0 if calibrated is None else calibrated.temperature.value


def _chose_epoch(trial: Trial) -> bool:
    """Return whether the epoch of a classifier was chosen on its dev part."""
    return bool(trial.settings()["training"]["selection"] == CLASSIFICATION.selection)


def _expect(alike: Alike | None, bundle: Bundle, sure: float, *, calibrate: bool) -> Quality:
    """Estimate the quality of an untested model from networks with the same training, if there are any."""
    if alike is None:
        if calibrate:
            raise ConfigError(
                "--calibrate: this model was trained on all utterances, so it has no dev part; name a run on "
                "folds with --tested-by RUN, or leave --calibrate out"
            )
        return Quality(None)
    alike = replace(alike, settings=_without_paths(alike.settings, alike.trials[0].config_file))
    trials = alike.trials
    tested = evaluate(pool([read_tested(trial) for trial in trials]))
    quality = Quality(None, tested, len(trials), alike=alike)
    if not bundle.classes:
        return _without_classes(quality, calibrate=calibrate)
    rows = [read_tested_classes(trial) for trial in trials]
    dev = [_read_dev(trial, own) for trial, own in zip(trials, rows, strict=True)]
    part, kept = "dev", [each for each in dev if each is not None]
    calibrated = None
    if calibrate:
        on = f"the dev parts of {len(kept)} trials of {alike.run.name}, {_OTHERS}"
        calibrated = _calibrate(alike.run, pool(kept) if kept else None, pool(rows), on)
    if not kept:
        part, kept = "test", rows
    on = f"the {part} parts of {len(kept)} trials of {alike.run.name}, {_OTHERS}"
    threshold = _search(apply_temperature(pool(kept), _value(calibrated)), sure)
    return replace(quality, threshold=threshold, threshold_on=on, calibrated=calibrated)


def _find_threshold(
    finished: Sequence[Trial], trial: Trial, own: ClassPredictions, sure: float, temperature: float
) -> tuple[Threshold, str, Trusted | None]:
    """Find the threshold on the dev part, and try it on the test part, which did not affect it.

    If there is no dev part, or an older run did not store its predictions, the threshold is found on the test
    part. Then there are no rows left to try it on.

    Returns:
        The threshold; the name of the rows on which it was found; its effect on the test part.
    """
    mine = _read_dev(trial, own)
    if mine is not None:
        part, others = "dev", [rows for each in finished if (rows := _read_dev(each, own)) is not None]
    else:
        part, mine, others = "test", own, [read_tested_classes(each) for each in finished]
    mine, own = apply_temperature(mine, temperature), apply_temperature(own, temperature)
    others = [apply_temperature(each, temperature) for each in others]
    found = _search(mine, sure)
    chosen = _chose_epoch(trial) and part == "dev"
    note = ", but its epoch was chosen on them" if chosen else ""
    on = f"this model's own {part} part ({len(mine)} utterances that it was not trained on{note})"
    if found.confidence is None and len(others) > 1:
        again = _search(pool(others), sure)
        if again.confidence is not None or (again.at_least or 0.0) > (found.at_least or 0.0):
            found = again
            on = f"the {part} parts of {len(others)} trials of the run, {_OTHERS}"
            on += ", and each model's epoch was chosen on its part" if chosen else ""
    tried = part == "dev" and found.confidence is not None
    return found, on, apply_threshold(own, found.confidence or 0.0) if tried else None


def _search(predictions: ClassPredictions, sure: float) -> Threshold:
    # There may be two searches, and the successful one is used. Therefore each has half of the error.
    return replace(threshold_for(predictions, sure, 1 - (1 - LEVEL) / 2), level=LEVEL)


def _read_dev(trial: Trial, own: ClassPredictions) -> ClassPredictions | None:
    """Read the predictions of a trial's dev part, without utterances that ``own`` tests."""
    read, tested = read_dev(trial), frozenset(own.ids)
    if read is None:
        return None
    rows = [row for row, name in enumerate(read.ids) if name not in tested]
    return read.select(rows) if rows else None


def _metric_facts(settings: Mapping[str, Any], quality: Quality) -> dict[str, Any]:
    """Return the entry of ``bundle.json`` about the metrics of the model and their source."""
    provenance, own, pooled = settings["provenance"], quality.own, quality.pooled
    facts: dict[str, Any] = {
        "figures": None if own is None else bundle_metrics(own),
        "run_figures": None if own is None or pooled is None else bundle_metrics(pooled),
        "fold_name": provenance["fold_name"],
        "protocol_digest": provenance["protocol_digest"],
        "manifest_sha256": provenance["manifest_sha256"],
        "versions": provenance["versions"],
        "commit": provenance["commit"],
    }
    if quality.alike is not None and pooled is not None:
        facts["tested_by"] = {
            "run": quality.alike.run.name,
            "protocol": quality.alike.settings["protocol"],
            "protocol_digest": quality.alike.settings["provenance"]["protocol_digest"],
            "trials": quality.trials,
            "figures": bundle_metrics(pooled),
        }
    if quality.elsewhere:
        facts["other_corpora"] = [each.to_dict() for each in quality.elsewhere]
        facts["warning"] = warn_of_other_corpora(quality.elsewhere)
    if quality.calibrated is not None:
        facts["calibration"] = quality.calibrated.to_dict()
    if quality.threshold is not None:
        tried = quality.threshold_tried
        facts["threshold"] = quality.threshold.confidence
        facts["threshold_found"] = asdict(quality.threshold) | {"on": quality.threshold_on}
        facts["threshold_tried"] = tried and asdict(tried) | {"on": "its own test part"}
    return facts


def _check_free(out: Path, trial: Trial) -> None:
    """Refuse to replace anything that is not a bundle, and to write among the files of a run."""
    place = out.resolve()
    if place == trial.bundle.resolve():
        raise ConfigError(f"{out}: the run's own bundle; name another folder")
    own = trial.path.parent.parent.resolve()  # this folder may not exist yet
    above = (place, *place.parents)
    run = next((each for each in above if each == own or any(each.glob("fold-*/seed-*"))), None)
    if run is not None:
        raise ConfigError(f"{out}: is in the folder of the run {run.name}; name one outside")
    file = next((each for each in (out, *out.parents) if each.exists() and not each.is_dir()), None)
    if file is not None:
        raise ConfigError(f"{file}: a file; name a folder")
    if out.is_dir():
        own_names = own_files(out)
        held = {each.name for each in out.iterdir()} - {Path(name).parts[0] for name in own_names}
        held |= {each.relative_to(out).as_posix() for each in files.walk(out)} - own_names
        foreign = min(held, default=None)
        if foreign is not None:
            raise ConfigError(f"{out}: holds other files, which would be lost ({foreign}); name a new folder")
