from dataclasses import replace

import numpy as np
import pytest
from conftest import tone
from untrained import ALL, diccoser, make

from sercli.demo.answers import Responder
from sercli.demo.uploads import Uploads
from sercli.tasks import Outputs
from sercli.web.limits import Limits
from sercli.web.loaded import load


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of untrained bundles by name."""
    root = tmp_path_factory.mktemp("bundles")
    made = {name: ALL[name]() for name in ("mdcnn", "eca", "attpool", "melcnn", "cnnlstm")}
    made |= {"traces": diccoser("b"), "classes": diccoser(traces=False)}
    scales = {"means": (3.0, 2.0), "deviations": (0.5, 1.0)}
    rated = Outputs(("anger", "joy"), ("arousal", "valence"), **scales)
    small = {"filters": 8, "blocks": 1, "attention": False, "head": "softmax"}
    quick = make("mdcnn", {"x": {"kind": "logmel3d"}}, small, mean=-5.0)  # it gives four numbers
    made["both"] = replace(quick, outputs=rated)
    four = Outputs((), ("arousal", "valence", "warmth", "power"), means=(3.0,) * 4, deviations=(1.0,) * 4)
    made["values"] = replace(quick, outputs=four)
    linear = make("linear", {"x": {"kind": "logmel3d"}}, {"layers": [0]})
    choice = linear.inputs["x"].with_settings(statistics="per-speaker")
    made["speakers"] = replace(linear, inputs={"x": choice})
    for name, bundle in made.items():
        bundle.save(root / name)
    return {name: root / name for name in made}


@pytest.fixture(autouse=True)
def _quick_explanations(monkeypatch):
    """Explain with the largest cells."""
    monkeypatch.setattr("sercli.demo.answers._EXPLAIN_S", 0.0)


@pytest.fixture
def listen(bundles, tmp_path):
    """Make a listener: listen("mdcnn", ..., limits=..., keep=...)."""

    def listen_(*names, limits=None, keep=None):
        folder = tmp_path / "uploads"
        folder.mkdir(exist_ok=True)
        loaded = load([bundles[name] for name in names])
        return Responder(loaded, Uploads(folder.resolve()), limits or Limits(), keep)

    return listen_


@pytest.fixture
def send(write_wav, tmp_path):
    """Put a recording where Gradio puts uploads: send(samples, "a.wav")."""

    def send_(samples=None, name="a.wav", rate=16_000):
        path = tmp_path / "uploads" / "0123abcd" / name
        if isinstance(samples, bytes):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(samples)
            return path
        return write_wav(path, samples, rate)

    return send_


@pytest.fixture(scope="session")
def talk():
    """Make tones one after the other, so that windows differ: talk(seconds, seed=0), (samples,)."""

    def talk_(seconds, seed=0):
        parts = [tone(0.7, pitch=110 + 40 * (i % 9), seed=seed + i) for i in range(int(seconds / 0.7) + 1)]
        return np.concatenate(parts)[: round(seconds * 16_000)]

    return talk_
