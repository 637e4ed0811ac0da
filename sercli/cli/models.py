"""``sercli models``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._app import App
from sercli.cli._completion import complete_arch
from sercli.cli._options import JsonOption, SetOption
from sercli.cli._output import loadable
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.runs.size import Layer

_CLASSES = 4
_SECONDS = 3.0  # as sercli.runs.size.SECONDS, which needs torch
_MACS = (
    f"MACs: multiply-accumulates of convolutions, linear layers and LSTM for an utterance of {_SECONDS:g} s"
)

app = App(help="List the architectures, or show the layers of one.")


@app.callback(invoke_without_command=True)
def models(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the architectures: parameters, multiply-accumulate operations, inputs, tasks, paper."""
    if context.invoked_subcommand is not None:
        return
    from sercli.models import architecture_names

    rows = [row for row, _ in loadable(architecture_names(), lambda name: _describe(name, [])).values()]
    if json:
        typer.echo(to_json(rows))
        return
    inputs = [", ".join(f"{name} {kind}" for name, kind in row["inputs"].items()) for row in rows]
    tasks = [", ".join(row["tasks"]) for row in rows]
    for row, on, task in zip(rows, inputs, tasks, strict=True):
        typer.echo(
            f"{row['name']:<9} {row['parameters']:>12,} parameters, on {on:<{max(map(len, inputs))}} "
            f"{_millions(row['macs']):>11} MACs  {task:<{max(map(len, tasks))}}  {row['source']}"
        )
    typer.echo(f"\nParameters with {_CLASSES} classes. {_MACS}. Inputs, cut or padded as in the paper:")
    for row in rows:
        typer.echo(f"  {row['name']:<9} {_fed(row)}")
    typer.echo("Layers: sercli models show NAME")


@app.command()
def show(
    name: Annotated[str, typer.Argument(autocompletion=complete_arch, help="Architecture to show.")],
    *,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Print the layers of an architecture.

    Shapes, parameters and operations of each layer, and what the paper leaves
    open.
    """
    from sercli.reports.facts import left_open

    row, layers = _describe(name, settings or [])
    if json:
        notes = {"layers": [_to_dict(layer) for layer in layers], "open": left_open(name)}
        typer.echo(to_json(row | notes))
        return
    typer.echo(f"{name}: {row['source']}\n{row['parameters']:,} parameters with {_CLASSES} classes")
    if row["uncounted"]:
        typer.echo(f"MACs and layers are not counted: {row['uncounted']}")
        for note in left_open(name):
            typer.echo(f"\n{note}")
        return
    typer.echo(f"{_millions(row['macs'])} MACs on {_fed(row)}\n")
    width = max(len(layer.name) for layer in layers)
    typer.echo(f"{'layer':<{width}}  {'kind':<22} {'output':<24} {'parameters':>12} {'MACs':>15}")
    for layer in layers:
        parameters, macs = (f"{count:,}" if count else "-" for count in (layer.parameters, layer.macs))
        shape = _times(layer.shape)
        typer.echo(f"{layer.name:<{width}}  {layer.kind:<22} {shape:<24} {parameters:>12} {macs:>15}")
    typer.echo(f"{'total':<{width + 48}}  {row['parameters']:>12,} {row['macs_per_pass']:>15,}")
    typer.echo(f"\n{_MACS}{'; the table counts one piece' if row['passes'] > 1 else ''}.")
    for note in left_open(name):
        typer.echo(f"\n{note}")


def _describe(name: str, settings: list[str]) -> "tuple[dict[str, Any], tuple[Layer, ...]]":
    """Describe an architecture and its cost, with inputs as in its paper.

    Raises:
        PluginError: a plug-in's architecture can't be described; the message names its file.
    """
    from sercli import registry
    from sercli.config import parse_assignments
    from sercli.models import get_architecture
    from sercli.runs.features import FeatureChoice
    from sercli.runs.size import measure_size
    from sercli.segments import SegmentConfig

    entry = get_architecture(name)
    chosen = parse_assignments(settings)
    config = entry.config(**chosen) if chosen else None  # an error in these settings is the user's
    with registry.blaming("sercli.models", name):
        config = config or entry.config()
        stated = entry.defaults(config)
        inputs = {
            key: FeatureChoice.described(kind, stated["features"].get(key, {}))
            for key, kind in entry.inputs_for(config).items()
        }
        segments = SegmentConfig(**stated["segments"])
        size = measure_size(name, config, inputs, segments, _CLASSES)
        row = {
            "name": name,
            "parameters": size.parameters,
            "macs": size.macs,
            "macs_per_pass": size.macs_per_pass,
            "uncounted": size.uncounted,
            "passes": size.passes,
            "seconds_per_pass": size.seconds,
            "example": {key: list(shape) for key, shape in size.shapes.items()},
            "inputs": dict(entry.inputs_for(config)),
            "tasks": list(entry.tasks),
            "source": entry.source,
            "settings": config.to_dict(),
        }
        return row, size.layers


def _fed(row: dict[str, Any]) -> str:
    """Describe the input that the operations are counted for."""
    inputs = ", ".join(f"{name} {_times(shape)}" for name, shape in row["example"].items())
    seconds = row["seconds_per_pass"]
    if row["passes"] > 1:
        return f"{inputs}, {row['passes']} pieces of {seconds:g} s, {_millions(row['macs_per_pass'])} each"
    return inputs if seconds == _SECONDS else f"{inputs}, {_SECONDS:g} s cut or padded to {seconds:g} s"


def _to_dict(layer: "Layer") -> dict[str, Any]:
    return asdict(layer) | {"shape": _times(layer.shape)}


def _times(shape: "tuple[int, ...] | list[int]") -> str:
    return " x ".join(map(str, shape))


def _millions(macs: int | None) -> str:
    return "uncounted" if macs is None else f"{macs / 1e6:,.0f} M"
