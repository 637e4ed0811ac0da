"""``sercli export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._completion import complete_run
from sercli.cli._options import TestedByOption, WorkspaceOption
from sercli.cli._output import printable
from sercli.reports import SURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sercli.encoders import EncoderSource
    from sercli.inference.export import Format
    from sercli.reports.card import Calibrated, Quality
    from sercli.runs.folder import Run, Trial


def export(
    run: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_run,
            help="Run to export from: its name, the end of its name, its folder, or latest.",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder to create.")],
    *,
    fold: Annotated[
        int | None, typer.Option(help="Fold to export; needed if the run has several.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed to export; needed if the run has several.", show_default=False)
    ] = None,
    onnx: Annotated[
        bool,
        typer.Option(
            "--onnx", help="Also write network.onnx (from features) and speech.onnx (from audio samples)."
        ),
    ] = False,
    torch: Annotated[
        bool,
        typer.Option("--torch", help="Also write network.pt2 and speech.pt2 (programs of torch.export)."),
    ] = False,
    sure: Annotated[
        float,
        typer.Option(
            help="Target accuracy among the predictions that are not marked unsure.", min=0.01, max=0.99
        ),
    ] = SURE,
    with_encoder: Annotated[
        bool,
        typer.Option(
            "--with-encoder",
            help="Copy the pretrained encoder that the features need into the folder, so that the model "
            "works on machines that do not have it.",
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Fit a temperature of the class probabilities on the dev parts of the run, so that they "
            "show how often a prediction is right. No predicted class changes.",
        ),
    ] = False,
    tested_by: TestedByOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Export a trained model as a folder with a model card.

    One model belongs to one fold and one seed. To train one model on all utterances:
    `sercli train --protocol train-on-all`.
    """
    from sercli.reports.share import choose_trial
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    found = find_run(place, run)
    trial = choose_trial(found, fold, seed)
    formats: list[Format] = []
    if onnx:
        formats.append("onnx")
    if torch:
        formats.append("pt2")
    alike = find_run(place, tested_by) if tested_by else None
    write_and_print(found, trial, out, alike, formats, sure, with_encoder=with_encoder, calibrate=calibrate)


def write_and_print(
    run: "Run",
    trial: "Trial",
    out: Path,
    tested_by: "Run | None" = None,
    formats: "Sequence[Format]" = (),
    sure: float = SURE,
    *,
    with_encoder: bool = False,
    calibrate: bool = False,
) -> None:
    """Export the bundle of a finished trial, and report what was written."""
    from sercli.reports.share import export_bundle

    exported = export_bundle(
        run, trial, out, formats, sure, tested_by, with_encoder=with_encoder, calibrate=calibrate
    )
    for banner in exported.banners:
        typer.echo(f"note: {banner}", err=True)
    typer.echo(f"bundle     {printable(out)}: {run.name}, {trial}")
    typer.echo(f"card       {printable(out / 'README.md')}")
    for source in exported.encoders:
        _print_encoder(source, out, inside=with_encoder)
    if exported.quality.own is None:
        _print_expected(exported.quality)
    if exported.quality.calibrated is not None:
        _print_calibrated(exported.quality.calibrated)
    _print_threshold(exported.quality)
    for program in exported.programs:
        if program.why_not:
            typer.echo(f"note: no {program.name}: {program.why_not}", err=True)
        else:
            typer.echo(
                f"program    {printable(out / program.name)}, "
                f"{program.difference:.1g} from the network at most"
            )


def _print_encoder(source: "EncoderSource", out: Path, *, inside: bool) -> None:
    """Print where the encoder is found that a model needs, and its licence."""
    name, licence = printable(source.name), printable(source.licence)
    if inside:
        size = sum(each.stat().st_size for each in (out / source.folder).iterdir())
        typer.echo(
            f"encoder    {printable(out / source.folder)}: {name}, {size / 1e6:.1f} MB, licence: {licence}"
        )
        return
    typer.echo(f"encoder    {name}, not in the folder, licence: {licence}")
    if source.is_folder:
        typer.echo(
            f"note: the model works only where the encoder is in {printable(source.model)}; "
            "--with-encoder copies it into the folder of the model",
            err=True,
        )


def _print_expected(quality: "Quality") -> None:
    """Print the metrics of networks with equal settings, for a model that was not tested."""
    from sercli.reports.metric_tables import scale_of

    if quality.alike is None or quality.pooled is None:
        typer.echo(
            "note: this model has no metrics; --tested-by RUN takes those of a run on folds",
            err=True,
        )
        return
    rows = [quality.pooled.table.row(key) for key in quality.pooled.headline]
    values = [f"{row.label} {scale_of(row).with_unit(row.value)}" for row in rows]
    networks = f"{quality.trials} networks of equal settings, {quality.alike.run.name}"
    typer.echo(f"expect     {', '.join(values)}: {networks}")


def _print_calibrated(found: "Calibrated") -> None:
    """Print the temperature, and the calibration error on predictions that did not affect it."""
    fitted = found.temperature
    typer.echo(
        f"calibrated temperature {fitted.value:.3f}, fitted on {fitted.utterances} utterances of "
        f"{fitted.speakers} speakers, {found.on}"
    )
    typer.echo(
        f"           expected calibration error of {found.tested} test predictions: "
        f"{100 * found.before:.1f} % before, {100 * found.after:.1f} % after"
    )


def _print_threshold(quality: "Quality") -> None:
    found = quality.threshold
    if found is None:
        return
    if found.confidence is None:
        typer.echo(f"note: no threshold for 'unsure': {found.why_none}", err=True)
        return
    typer.echo(f"unsure     below {found.confidence:.3f}, found on {quality.threshold_on}")
    tried = quality.threshold_tried
    if tried is None:
        typer.echo(
            f"note: {100 * (found.right or 0):.1f} % right of the {100 * found.kept:.0f} % that are sure, "
            "but on the same rows that the threshold was found on: there are no others to try it on",
            err=True,
        )
        return
    right = "" if tried.right is None else f", {100 * tried.right:.1f} % of these are right"
    typer.echo(
        f"           on the test part {100 * tried.kept:.0f} % of {tried.count} predictions are sure{right}"
    )
