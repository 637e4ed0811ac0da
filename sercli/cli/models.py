"""``sercli models``."""

import json as json_format
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._options import JsonOption, SetOption

if TYPE_CHECKING:
    from torch import Tensor, nn

_CLASSES = 4

app = typer.Typer(help="List the architectures, or show one's layers.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the architectures: parameters, inputs, paper."""
    if context.invoked_subcommand is not None:
        return
    from sercli.models import architecture_names

    rows = [_described(name, *_network(name, [])) for name in architecture_names()]
    if json:
        typer.echo(json_format.dumps(rows))
        return
    for row in rows:
        inputs = ", ".join(f"{name} {kind}" for name, kind in row["inputs"].items())
        typer.echo(f"{row['name']:<9} {row['parameters']:>12,} parameters, on {inputs}; {row['source']}")
    typer.echo(f"\nParameters with {_CLASSES} classes. Layers: sercli models show NAME")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Architecture.")],
    *,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Print an architecture's layers with the shapes of an example, and what its paper leaves open."""
    from sercli.reports.gather import left_open

    network, config = _network(name, settings or [])
    row = _described(name, network, config)
    layers, shapes = _layers(name, network)
    if json:
        typer.echo(json_format.dumps(row | {"layers": layers, "example": shapes, "open": left_open(name)}))
        return
    typer.echo(f"{name}: {row['source']}\n{row['parameters']:,} parameters with {_CLASSES} classes")
    typer.echo("example " + ", ".join(f"{key} {shape}" for key, shape in shapes.items()) + "\n")
    width = max(len(layer["name"]) for layer in layers)
    for layer in layers:
        size = f"{layer['parameters']:,}" if layer["parameters"] else "-"
        typer.echo(f"{layer['name']:<{width}}  {layer['kind']:<22} {layer['shape']:<24} {size:>12}")
    for note in left_open(name):
        typer.echo(f"\n{note}")


def _described(name: str, network: "nn.Module", config: Any) -> dict[str, Any]:
    from sercli.models import get_architecture

    entry = get_architecture(name)
    return {
        "name": name,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "inputs": dict(entry.inputs_for(config)),
        "tasks": list(entry.tasks),
        "source": entry.source,
        "settings": config.to_dict(),
    }


def _network(name: str, settings: list[str]) -> "tuple[nn.Module, Any]":
    from sercli.config import parse_assignments
    from sercli.models import get_architecture

    entry = get_architecture(name)
    config = entry.config(**parse_assignments(settings))
    return entry.build(entry.shapes, _CLASSES, config), config


def _layers(name: str, network: "nn.Module") -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Run an example through the network, and note what each layer gives."""
    import torch

    from sercli.models import get_architecture

    layers: list[dict[str, Any]] = []

    def note(path: str) -> Any:
        def hook(module: "nn.Module", inputs: Any, output: "Tensor") -> None:  # noqa: ARG001
            shape = " x ".join(map(str, output.shape[1:])) if isinstance(output, torch.Tensor) else ""
            parameters = sum(parameter.numel() for parameter in module.parameters())
            kind = type(module).__name__
            layers.append({"name": path, "kind": kind, "shape": shape, "parameters": parameters})

        return hook

    for path, module in network.named_modules():
        if path and not list(module.children()):
            module.register_forward_hook(note(path))
    example = get_architecture(name).example(1)
    with torch.inference_mode():
        network.eval()(**example)
    return layers, {key: list(value.shape[1:]) for key, value in example.items() if key != "mask"}
