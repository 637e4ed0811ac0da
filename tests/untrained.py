"""Untrained bundles of every architecture, small, with statistics that are not zero and one."""

import numpy as np
import torch
from conftest import tone

from sercli.bundle import Bundle, build_network
from sercli.inference.recordings import Piece, dataset_of, extract
from sercli.models import get_architecture
from sercli.records import TRACE_DIMENSIONS
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import Statistics
from sercli.tasks import Outputs, get_task

CLASSES = ("anger", "happiness", "neutral", "sadness")


def make(arch, inputs, model=None, *, segments=None, traces=False, mean=0.1, std=2.0):
    """Make a bundle: ``inputs`` are features by input name."""
    torch.manual_seed(0)
    choices = {name: FeatureChoice(**flat) for name, flat in inputs.items()}
    config = get_architecture(arch).config(**model or {})
    network = build_network(arch, config, choices, 2 if traces else 4).eval()
    own = Statistics(np.full((), mean, np.float32), np.full((), std, np.float32))
    plain = Statistics(np.zeros((), np.float32), np.ones((), np.float32))
    bundle = Bundle(
        arch,
        network,
        config,
        Outputs((), TRACE_DIMENSIONS, per_frame=True) if traces else Outputs(CLASSES),
        choices,
        {name: plain if choice.statistics == "none" else own for name, choice in choices.items()},
        {"corpus": "emodb"},
        segments or SegmentConfig(),
    )
    _settle(bundle)
    return bundle


def recipe_segments(arch, task="classification"):
    """How an architecture's paper cuts utterances."""
    entry, task = get_architecture(arch), get_task(task)
    return SegmentConfig(**entry.defaults(entry.config_for({}, task), task)["segments"])


def _settle(bundle):
    """Give batch normalisation the statistics of a few recordings, as after a training."""
    parts = [extract(bundle, Piece(0.0, {0: tone(2.0, pitch=100 * i, seed=i)})) for i in range(1, 7)]
    dataset = dataset_of(bundle, parts)
    batch = dataset[list(range(len(dataset)))]
    for module in bundle.network.modules():
        if hasattr(module, "running_mean"):
            module.momentum = None  # their plain mean
    with torch.no_grad():
        bundle.network.train()(**batch.inputs, mask=batch.mask)
    bundle.network.eval()


def diccoser(variant="d", fed="raw", *, traces=True, **model):
    """A DiCCOSER for windows of one second."""
    length = {} if traces else {"duration_s": 1.0}
    if fed == "raw":
        inputs = {"x": {"kind": "waveform"} | length}
    else:
        inputs = {"x": {"kind": "logmel40"} | length}
        if variant != "a":
            aggregate = "rms" if variant == "d" else "max"
            inputs["wave"] = {"kind": "waveform", "aggregate": aggregate} | length
    settings = {"variant": variant, "input": fed, "frames": 25, "channels": 16} | model
    task = "regression" if traces else "classification"
    segments = SegmentConfig(size_s=1.0, hop_s=1.0, tail="pad") if traces else None
    return make(
        "diccoser", inputs, settings | {"task": task}, segments=segments, traces=traces, mean=0.01, std=0.3
    )


def _spread(bundle, layer, factor):
    """Let an untrained network say more differing things of differing recordings."""
    with torch.no_grad():
        bundle.network.get_submodule(layer).weight *= factor
    return bundle


ALL = {
    "mdcnn": lambda: make(
        "mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 16, "arcface_scale": 20.0}, mean=-5.0
    ),
    "mdcnn-half": lambda: make("mdcnn", {"x": {"kind": "logmel3d", "number": "float16"}}, {"filters": 8}),
    "eca": lambda: make("eca", {"x": {"kind": "logmel"}}, {"n": 1}, mean=-8.0),
    "melcnn": lambda: make(
        "melcnn", {"x": {"kind": "melspec-db", "sample_rate": 16_000}}, {"frames": 94, "pools": [2, 2, 4, 4]}
    ),
    "attpool": lambda: _spread(
        make("attpool", {"x": {"kind": "spectrogram", "bins": 100}}, segments=recipe_segments("attpool")),
        "head.top_down",
        0.5,
    ),
    "diccoser": lambda: diccoser(traces=False),
    "diccoser-logmel": lambda: diccoser(fed="logmel", traces=False),
    "diccoser-traces": lambda: diccoser("b"),
    "cnnlstm": lambda: _spread(
        make("cnnlstm", {"x": {"kind": "waveform", "duration_s": 1.0}}, {"hidden_size": 16}),
        "head",
        50,
    ),
}
