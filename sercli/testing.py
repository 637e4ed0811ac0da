"""Check that an architecture, of the package or of a plug-in, keeps what the package relies on.

The functions return what is wrong and what to do about it; an empty list means that nothing is.
"""

import ast
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sercli import registry
from sercli.errors import PluginError, RunError, SerError
from sercli.models import NETWORK_ERRORS, Architecture, Embedder, check_scores, check_sizes, get_architecture
from sercli.models.layers import CosineHead
from sercli.runs.features import FeatureChoice
from sercli.runs.training import TrainingConfig
from sercli.tasks import Outputs, get_task

OUTPUTS = 5
"""Classes of the networks that are built for a check."""

DOCSTRING = ("Source:", "Open in the paper:", "Departures:")
"""Lines of the docstring of an architecture's file, in this order."""

_CLOSE = 1e-5
_FAR = 1e-4


def check_architecture(name: str) -> list[str]:
    """Check an architecture with its default settings.

    Args:
        name: as on the command line.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigError: a plug-in can't be found, or defines a name that exists.
    """
    try:
        entry = get_architecture(name)
    except PluginError as error:
        return [str(error)]
    found = [*_check_file(name), *_check_recipe(entry)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [*found, *_check_network(entry)]


def _check_network(entry: Architecture) -> list[str]:
    """Check a network with its default settings."""
    try:
        network = entry.build(entry.shapes, OUTPUTS, entry.config())
        check_sizes(network)
        scores = _score(network, entry.example(4))
        check_scores(network, scores, 4, _outputs(entry))
    except RunError as error:
        return [str(error)]
    except NETWORK_ERRORS as error:
        reason = f"{type(error).__name__}: {error}"
        return [f"the network does not run on entry.example(4) ({reason}); make it take these inputs"]
    found = list(_check_scores(scores))
    for check in (_check_padding, _check_training):
        try:
            found += check(entry, network)
        except NETWORK_ERRORS as error:
            reason = f"{type(error).__name__}: {error}"
            found.append(f"the network fails on other batches ({reason}); make it take one utterance or two")
            break
    return found


def _outputs(entry: Architecture) -> Outputs:
    """Return the outputs of a network with its default settings, as it is built for a check."""
    names = tuple(map(str, range(OUTPUTS)))
    if get_task(entry.config().made_for or entry.tasks[0]).per_frame:
        return Outputs(dimensions=names, per_frame=True)
    return Outputs(classes=names)


def _check_file(name: str) -> Iterator[str]:
    """Check the docstring of the file, which reports and model cards print."""
    file = registry.source_file("sercli.models", name)
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else ""
    missing = [line for line in DOCSTRING if line not in (docstring or "")]
    if missing:
        yield f"the docstring of {file} lacks '{missing[0]}'; write {', '.join(DOCSTRING)} in this order"


def _check_recipe(entry: Architecture) -> Iterator[str]:
    """Check that a run can be made of the recipe for each task."""
    for task in map(get_task, entry.tasks):
        try:
            config = entry.config_for({}, task)
            stated = entry.defaults(config, task)
            TrainingConfig(**stated["training"])
            choices = {
                key: FeatureChoice.described(kind, stated["features"].get(key, {}))
                for key, kind in entry.inputs_for(config).items()
            }
        except SerError as error:
            yield f"the recipe for {task} can't be read: {error}"
            continue
        shapes = {key: choice.shape for key, choice in choices.items()}
        if shapes != dict(entry.shapes):
            yield f"shapes is {dict(entry.shapes)}, the features of the recipe have {shapes}; state these"


def _check_scores(scores: Tensor) -> Iterator[str]:
    if not scores.isfinite().all():
        yield "the scores are not finite; look at the initial weights"
    elif (scores - scores[0]).flatten(1).abs().amax(1)[1:].min() <= _FAR:
        yield "different utterances get equal scores; look at the pooling and the initial weights"


def _check_padding(entry: Architecture, network: nn.Module) -> Iterator[str]:
    """Check that neither the length nor the values of the padding change an utterance's scores."""
    if not entry.lengths_vary:
        return
    example = entry.example(4)  # consecutive lengths, odd and even
    for garbage in (1e3, float("nan")):
        padded = {
            key: value if key == "mask" else value.masked_fill(~_like(example["mask"], value), garbage)
            for key, value in example.items()
        }
        alone = [_score(network, _single(example, row)) for row in range(4)]
        together = _score(network, padded)
        if not torch.allclose(together, torch.cat(alone), rtol=0, atol=_CLOSE):
            yield (
                f"padding of {garbage:g} changes the scores; apply the mask to the input and after every "
                "layer that mixes frames, or set lengths_vary=False"
            )
            return


def _check_training(entry: Architecture, network: nn.Module) -> Iterator[str]:
    """Check what a step of training and the embedding rely on."""
    config, head = entry.config(), any(isinstance(each, CosineHead) for each in network.modules())
    if head != config.cosine_head:
        yield f"cosine_head of the settings is {config.cosine_head}; let it be {head}, as in the network"
    example = entry.example(2)
    before = {key: value.clone() for key, value in example.items()}
    if not any(each.requires_grad for each in network.parameters()):
        yield "the network has no parameters that a training changes; give it at least one layer with weights"
        return
    network.zero_grad()
    network.eval()(**example).square().sum().backward()
    if not all(torch.equal(example[key], before[key]) for key in example):
        yield "the network changes its inputs; do not compute in place on them"
    unused = [key for key, value in network.named_parameters() if value.grad is None]
    if unused:
        yield f"no gradient reaches {', '.join(unused)}; use these parameters or remove them"
    if not network.train()(**entry.example(1)).isfinite().all():
        yield "a batch of one utterance gives scores that are not finite in training"
    last = dict(network.named_children()).get("head")
    if last is not None and isinstance(network, Embedder):
        inputs = entry.example(2)
        scores = _score(network, inputs)
        with torch.no_grad():
            embedding = network.embed(**inputs)
            if embedding.ndim != 2 or not torch.equal(last(embedding), scores):
                yield "the head over 'embed' does not give the scores; let forward return head(embed(...))"


def _score(network: nn.Module, example: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        scores: Tensor = network.eval()(**example)
    return scores


def _single(example: dict[str, Tensor], row: int) -> dict[str, Tensor]:
    """Take one utterance of a batch, cut to its length."""
    frames = int(example["mask"][row].sum())
    return {key: value[row : row + 1, ..., :frames] for key, value in example.items()}


def _like(mask: Tensor, value: Tensor) -> Tensor:
    """Bring the mask to as many axes as a value has, (batch, ..., frames)."""
    return mask.view(mask.shape[0], *(1 for _ in value.shape[1:-1]), -1)
