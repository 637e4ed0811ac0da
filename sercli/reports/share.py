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
from sercli.inference.export import Exported, Format, export_programs
from sercli.protocols import is_untested
from sercli.reports import SURE
from sercli.reports._quality import expect_quality, measure_quality
from sercli.reports.alike import Alike, find_alike
from sercli.reports.card import (
    Elsewhere,
    Quality,
    banners_of,
    bundle_metrics,
    render_card,
    warn_of_other_corpora,
)
from sercli.runs.folder import Run, Trial, is_run


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
        if alike is not None:
            alike = replace(alike, settings=_without_paths(alike.settings, alike.trials[0].config_file))
        quality = expect_quality(alike, bundle, sure, calibrate=calibrate)
    else:
        quality = measure_quality(run, trial, bundle, sure, calibrate=calibrate)
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
    run = next((each for each in above if each == own or is_run(each)), None)
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
