"""Build the untrained network of a trial, and start a training from the weights of a bundle."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from sercli.bundle import Bundle, build_network, earlier_trainings
from sercli.errors import ConfigError, RunError
from sercli.plain.json import from_json
from sercli.training.plan import Plan

_HEAD = "head."

# Facts that are stored about each earlier training.
_KEPT = ("corpus", "licence", "scheme", "protocol", "fold", "seed", "manifest_sha256")


def name_bundle(path: Path) -> str:
    """Name a bundle by its place and a digest of its weights, ``PATH#digest``.

    Raises:
        RunError: there is no bundle.
    """
    return f"{path.absolute()}#{str(_described(path)['weights_sha256'])[:12]}"


def trace_back(init: str) -> list[dict[str, Any]]:
    """List the trainings that produced a bundle's weights, the earliest one first.

    A training that starts from these weights stores the list in its own bundle. So the training data of the
    weights stay known if the first bundle is deleted.

    Args:
        init: name of the bundle, from `name_bundle`.

    Returns:
        For each training: corpus, licence, scheme, protocol, fold, seed, digests of manifest and weights.

    Raises:
        RunError: there is no bundle, or it is damaged.
    """
    place, _, digest = init.rpartition("#")
    facts = _described(Path(place))["facts"]
    before = earlier_trainings(facts, Path(place))
    return [*before, {name: facts.get(name) for name in _KEPT} | {"weights": digest}]


def _described(path: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = from_json((path / "bundle.json").read_text(encoding="utf-8"))
        described["weights_sha256"], described["facts"]["corpus"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(f"{path}: no bundle there; a finished trial has one in its folder") from None
    return described


def untrained_network(plan: Plan, seed: int) -> nn.Module:
    """Build the untrained network of a trial; the same seed gives the same weights.

    Raises:
        ConfigError: the bundle to start from does not fit the network.
    """
    torch.manual_seed(seed)
    config = plan.config
    network = build_network(config.arch, config.model, config.features, len(plan.selection.outputs))
    if config.init:
        start_from(network, config.init, config.arch, plan.selection.classes)
    return network


def start_from(network: nn.Module, init: str, arch: str, classes: tuple[str, ...]) -> list[str]:
    """Load a bundle's weights into a network, except the head if the classes are different.

    Args:
        network: untrained network.
        init: name of the bundle, from `name_bundle`.
        arch: architecture of the network.
        classes: classes or dimensions of the network's outputs.

    Returns:
        Names of the parameters and buffers that were not loaded.

    Raises:
        RunError: the bundle is missing or damaged.
        ConfigError: the bundle has changed since it was named, or its network is a different one.
    """
    place, _, digest = init.rpartition("#")
    if name_bundle(Path(place)) != init:
        raise ConfigError(f"init: {place} is not the bundle that was named (its digest was {digest})")
    bundle = Bundle.load(Path(place))
    if bundle.arch != arch:
        raise ConfigError(f"init: {place} holds '{bundle.arch}', this is '{arch}'")
    own, given = network.state_dict(), bundle.network.state_dict()
    fresh = {name for name in own if name.startswith(_HEAD)} if bundle.classes != classes else set()
    unlike = sorted(
        name
        for name in (own.keys() | given.keys()) - fresh
        if not name.startswith(_HEAD) or name in own
        if name not in own or name not in given or own[name].shape != given[name].shape
    )
    if unlike:
        raise ConfigError(
            f"init: {place} has other settings or features: {unlike[0]} differs, and {len(unlike) - 1} more; "
            "give this training the bundle's model and features settings"
        )
    network.load_state_dict({name: value for name, value in given.items() if name not in fresh}, strict=False)
    return sorted(fresh)
