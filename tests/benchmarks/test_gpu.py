import statistics
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import _iemocap, get_bench, gpu
from benchmarks._trace import Work, busy, heaviest, works_of
from sercli.devices import Device
from sercli.errors import ConfigError
from sercli.training.folds import load_parts


def test_lengths_are_those_that_are_stated():
    for count in (2280, 2943):
        lengths = _iemocap.durations(count)
        assert (lengths[0], lengths[-1]) == (pytest.approx(0.6), pytest.approx(34))
        assert statistics.mean(lengths) == pytest.approx(4.5, abs=0.02)
        assert statistics.median(lengths) == pytest.approx(3.7, abs=0.05)
        assert lengths == sorted(lengths)


# The parts of the first fold, from the published counts: of 2280 turns session 1 has 422 (F 217, M 205);
# a fifth of 2943 is 589 where there is no dev part.
@pytest.mark.parametrize(
    ("arch", "utterances", "folds", "parts"),
    [("mdcnn", 2280, 10, (1858, 205, 217)), ("eca", 2943, 5, (2354, 0, 589))],
)
def test_the_stand_in_is_divided_as_the_paper_divides_iemocap(
    arch, utterances, folds, parts, tmp_path, monkeypatch
):
    monkeypatch.setattr(_iemocap, "_fill", lambda store, utterances: None)
    plan = _iemocap.make_plan(gpu._configure(arch, Device("cpu"), 3, quick=False), tmp_path, quick=False)
    assert (len(plan.selection.labels), len(plan.folds)) == (utterances, folds)
    first = plan.folds[0]
    assert (len(first.train), len(first.dev), len(first.test)) == parts
    assert plan.selection.counts["anger"] == 289
    assert sum(each.duration for each in plan.selected()) / utterances == pytest.approx(4.5, abs=0.02)


@pytest.mark.parametrize(("arch", "shape"), [("mdcnn", (3, 40)), ("eca", (1, 64))])
def test_features_have_the_shapes_that_the_recipe_takes(arch, shape, tmp_path):
    plan = _iemocap.make_plan(gpu._configure(arch, Device("cpu"), 1, quick=True), tmp_path, quick=True)
    parts = load_parts(plan, 1)
    seconds = [plan.utterances[name].duration for name in parts.train.ids]
    assert {parts.train.row(row)["x"].shape[:-1] for row in range(3)} == {shape}
    if arch == "eca":
        assert set(parts.train.lengths) == {600}
    else:  # a frame every 10 ms, the last one filled up
        np.testing.assert_allclose(parts.train.lengths, np.array(seconds) * 100, atol=2)


def test_epochs_of_the_recipe_are_asked_for_with_its_batches():
    config = gpu._configure("mdcnn", Device("cpu"), 3, quick=False)
    assert (config.training.batch_size, config.training.max_epochs) == (32, 5)
    assert (config.model.filters, config.model.blocks) == (128, 7)
    assert gpu._configure("eca", Device("cpu"), 3, quick=False).model.n == 6


def test_a_gpu_is_busy_while_it_does_one_thing_or_several():
    works = [Work("a", "kernel", 10, 5), Work("b", "kernel", 12, 6), Work("copy", "gpu_memcpy", 13, 1)]
    works.append(Work("a", "kernel", 30, 2))
    assert busy(works[::-1]) == (18 - 10) + 2
    assert busy([]) == 0


def test_the_heaviest_kernels_come_first():
    works = [Work("a", "kernel", 0, 2), Work("b", "kernel", 2, 3), Work("a", "kernel", 9, 2)]
    works.append(Work("copy", "gpu_memcpy", 20, 100))
    assert heaviest(works) == [("a", 4, 2), ("b", 3, 1)]
    assert heaviest(works, 1) == [("a", 4, 2)]


def test_of_a_trace_only_what_ran_on_the_gpu_counts():
    # As the profiler writes them: calls of the host, marks on the GPU's line and counters are no work.
    def event(cat, name, ph="X"):
        return {"ph": ph, "cat": cat, "name": name, "ts": 1.5, "dur": 2}

    events = [event(kind, kind) for kind in ("kernel", "gpu_memcpy", "gpu_memset")]
    others = [
        event(kind, kind) for kind in ("cuda_runtime", "cuda_driver", "gpu_user_annotation", "overhead")
    ]
    others += [event("ac2g", "ac2g", "s"), {"ph": "M", "name": "process_name", "ts": 0}]
    assert [work.name for work in works_of(events + others)] == ["kernel", "gpu_memcpy", "gpu_memset"]
    assert works_of(events[:1]) == [Work("kernel", "kernel", 1.5, 2)]


class FakeEvent:
    def __init__(self, done):
        self.done = done

    def record(self):
        self.done.append("record")

    def synchronize(self):
        self.done.append("wait")

    def elapsed_time(self, end):
        return 50.0


def test_a_product_is_timed_by_the_gpu_itself(monkeypatch):
    products = []
    monkeypatch.setattr(torch, "randn", lambda *shape, device: torch.ones(shape))
    monkeypatch.setattr(torch, "mm", lambda a, b, out: products.append("mm"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: products.append("wait"))
    monkeypatch.setattr(torch.cuda, "Event", lambda enable_timing: FakeEvent(products))
    # Fifty milliseconds for ten products are five for each.
    assert gpu._product(torch.device("cuda:0"), torch.bfloat16, 4, times=10) == pytest.approx(0.005)
    assert products == ["mm"] * 2 + ["wait", "record"] + ["mm"] * 10 + ["record", "wait"]


def test_the_others_take_their_turn_between_two_epochs(monkeypatch):
    """Three epochs, the first of which warms up; then one that is watched."""
    heard, clock = [], iter(range(0, 1000, 10))

    class FakeWatch:
        def __init__(self, device):
            heard.append("watch")

        def start(self):
            heard.append("start")

        def stop(self):
            heard.append("stop")
            return [Work("a", "kernel", 0, 1)], 2.0

    def other():
        heard.append("other")
        return 1.0

    peaks = iter([7, 8, 9])
    for name in ("init", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, lambda: None)
    for name in ("reset_peak_memory_stats", "synchronize"):
        monkeypatch.setattr(torch.cuda, name, lambda device, name=name: heard.append(name))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: next(peaks))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 10 * next(peaks))
    monkeypatch.setattr(gpu, "Watch", FakeWatch)
    monkeypatch.setattr(gpu, "time", SimpleNamespace(perf_counter=lambda: next(clock)))

    turns = gpu._Turns(torch.device("cuda:0"), 2, {"other": other})
    turns.begin()
    for _ in range(4):
        heard.append("epoch")
        turns.hear("")
    # An epoch's clock starts anew after the others: ten for each reading, and nothing of theirs.
    assert turns.taken == {"epoch": [10, 10], "other": [1.0, 1.0]}
    assert (turns.first, turns.memory, turns.watched) == (10, (7, 80), 2.0)
    turn = ["epoch", "synchronize", "other"]
    assert heard == ["reset_peak_memory_stats", *turn * 3, "watch", "start", "epoch", "stop"]


def test_names_of_kernels_keep_to_a_line():
    name = "void at::native::(anonymous namespace)::vectorized_elementwise_kernel<4, at::native::Add>"
    assert gpu._short(name) == "vectorized_elementwise_kernel<4, Add>"
    assert len(gpu._short("x" * 200)) == 80


def test_operations_of_an_epoch_grow_with_its_padded_frames(tmp_path):
    config = gpu._configure("eca", Device("cpu"), 1, quick=True)
    plan = _iemocap.make_plan(config, tmp_path, quick=True)
    parts = load_parts(plan, 1)
    from benchmarks.train import operations
    from sercli.models import get_architecture

    of_one = operations(get_architecture("eca"), (1, 64), 600, **config.model.to_dict())
    assert gpu._operations(plan, parts) == pytest.approx(3 * len(parts.train) * of_one)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    with pytest.raises(ConfigError, match="torch finds no such device"):
        get_bench("gpu").run(None, False)
