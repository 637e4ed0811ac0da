"""Apple's GPUs have no 64-bit floats, so that no step of a training or a test makes any on a device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sercli.data import Batch
from sercli.losses import class_weights
from sercli.models import architecture_names, get_architecture
from sercli.runs.training import TrainingConfig
from sercli.tasks import Outputs, get_task
from sercli.training import SERModule
from sercli.training.metrics import UtteranceUA
from sercli.training.module import module_of

CLASSES = 4


class OnDevice(torch.Tensor):
    """Stands for a tensor on such a device: what is computed of it stays there until it is copied."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in ("cpu", "tolist", "item", "__float__", "__bool__"):
            return getattr(args[0].as_subclass(torch.Tensor), name)()
        if name == "numpy":
            raise TypeError("a tensor on a device is copied to the CPU first")
        result = super().__torch_function__(function, types, args, kwargs or {})
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, torch.Tensor) and each.dtype in (torch.float64, torch.complex128):
                raise TypeError(f"{name} makes a tensor of 64-bit floats on a device that has none")
        return result


def on_device(x):
    return x.as_subclass(OnDevice)


@pytest.mark.parametrize("spoil", [lambda x: x.double(), lambda x: x.to(torch.float64), lambda x: x.numpy()])
def test_the_stand_in_refuses_what_the_device_would(spoil):
    with pytest.raises(TypeError):
        spoil(on_device(torch.zeros(3)) + 1)
    assert (on_device(torch.zeros(3)) + 1).cpu().double().dtype == torch.float64


def _batch(architecture, traces, *, values=False):
    torch.manual_seed(0)
    example = {name: on_device(x) for name, x in architecture.example(6).items()}
    mask = example.pop("mask")
    target = torch.randn(6, 8, 2) if traces else torch.arange(6) % CLASSES
    return Batch(
        inputs=example,
        mask=mask,
        target=on_device(target),
        rows=torch.arange(6),
        utterances=on_device(torch.arange(6) // 2),
        target_mask=on_device(torch.ones(6, 8, dtype=torch.bool)) if traces else None,
        values=on_device(torch.randn(6, 2)) if values else None,
    )


def _module(name, task):
    entry = get_architecture(name)
    config = entry.config_for({}, task)
    training = TrainingConfig(**entry.defaults(config, task)["training"])
    dimensions = ("arousal", "valence") if task.has_values else ()
    classes = tuple("abcd"[:CLASSES]) if task.has_classes else ()
    outputs = Outputs(
        classes, dimensions, task.per_frame, (2.0, 3.0)[: len(dimensions)], (1.0, 2.0)[: len(dimensions)]
    )
    shapes = {key: tuple(x.shape[1:-1]) for key, x in entry.example(2).items() if key != "mask"}
    network = entry.build(shapes, len(outputs), config)
    return module_of(entry)(network, outputs, training, [3, 2, 2, 1] if task.has_classes else None)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        *((name, task) for name in architecture_names() for task in sorted(get_architecture(name).tasks)),
        *(("melcnn", task) for task in ("dimensions", "classes-and-dimensions")),
    ],
)
def test_no_step_makes_64_bit_floats(name, task, monkeypatch):
    task = get_task(task)
    values = task.has_values and not task.per_frame
    module, batch = _module(name, task), _batch(get_architecture(name), task.per_frame, values=values)
    for each in ("means", "deviations"):
        setattr(module, each, on_device(getattr(module, each)))
    logged = {}
    monkeypatch.setattr(SERModule, "log", lambda self, key, value, **options: logged.update({key: value}))
    module.training_step(batch, 0).backward()
    module.eval()
    with torch.no_grad():
        module.validation_step(batch, 0)
        module.on_validation_epoch_end()
    assert {"train_loss", "dev_loss", task.monitor} <= set(logged)
    metrics = [each for each in (module.dev_ua, module.dev_ccc) if each is not None]
    held = [*module.parameters(), *module.buffers()]
    held += [value for metric in metrics for value in metric.metric_state.values()]
    assert not any(isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in held)


def test_the_dev_metric_is_that_of_64_bits():
    random = torch.Generator().manual_seed(0)
    logits, target = 5 * torch.randn(90, CLASSES, generator=random), torch.arange(30) % CLASSES
    utterances = torch.arange(90) // 3
    metric = UtteranceUA(CLASSES)
    for part in range(0, 90, 10):
        own = slice(part, part + 10)
        metric.update(*(on_device(x[own]) for x in (logits, target[utterances], utterances)))
    exponents = np.exp(logits.numpy().astype(np.float64))
    means = (exponents / exponents.sum(1, keepdims=True)).reshape(30, 3, CLASSES).mean(1)
    right = means.argmax(1) == target.numpy()
    expected = np.mean([right[target.numpy() == label].mean() for label in range(CLASSES)])
    assert metric.compute().item() == pytest.approx(expected, abs=1e-6)


def test_a_batch_and_the_class_weights_have_32_bits():
    assert class_weights([3, 1]).dtype == torch.float32
    batch = replace(_batch(get_architecture("mdcnn"), traces=False), share=0.3)
    tensors = [*batch.inputs.values(), batch.mask, batch.target, batch.utterances]
    assert all(x.dtype != torch.float64 for x in tensors)
