"""Builders that several tests use: small recordings, small corpora, a workspace."""

import os
import tempfile
from pathlib import Path

# Before torch is imported: workers side by side must not wait for each other's threads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is remembered between commands is not the user's own.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="sercli-cache-")

import io
import json
import signal
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile

from sercli import cli
from sercli.workspace import Workspace

# A shell's background jobs ignore Ctrl-C, and so would the programs that tests interrupt.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _ShortNames(dict):
    """Short names of encoders, of which the default one is a small encoder with random weights."""

    def get(self, name, default=None):
        """Return the folder of the small encoder, made when it is first needed, or a name on the Hub."""
        if name != "whisper-tiny.en":
            return super().get(name, default)
        from small_encoders import encoder_folder

        return str(encoder_folder("whisper"))


@pytest.fixture(autouse=True, scope="session")
def _small_default_encoder():
    from sercli.encoders import finding

    finding.SHORT_NAMES = _ShortNames(finding.SHORT_NAMES)


def tone(seconds=0.5, rate=16_000, pitch=200.0, seed=0):
    """A decaying tone with a little noise, full scale 0.5, (samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.5 * np.sin(2 * np.pi * pitch * time) * np.exp(-2 * time) + noise).astype(np.float32)


@pytest.fixture
def command_line(monkeypatch, capsys):
    """Run sercli in this process: command_line("prepare", ...) returns exit status, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["sercli", *map(str, arguments)])
        # The variable takes its value of before the test again, whatever --plugins adds.
        monkeypatch.setenv("SERCLI_PLUGINS", os.environ.get("SERCLI_PLUGINS", ""))
        status = 0
        try:
            cli.main()
        except SystemExit as exit_:
            status = exit_.code or 0
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def write_wav():
    """Write a wav (or, by its suffix, flac) file: write_wav(path, samples=..., rate=..., subtype=...)."""

    def write(path, samples=None, rate=16_000, subtype="PCM_16"):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(rate=rate) if samples is None else samples, rate, subtype=subtype)
        return path

    return write


@pytest.fixture
def build_emodb(tmp_path, write_wav):
    """Lay out EMO-DB files of differing tones: build_emodb("03a01Fa", ...) returns the corpus's folder."""

    def build(*names, root=tmp_path / "emodb"):
        for i, name in enumerate(names):
            write_wav(root / "wav" / f"{name}.wav", tone(0.4 + 0.01 * i, pitch=150 + 10 * i, seed=i))
        return root

    return build


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def without_ffmpeg(monkeypatch):
    """Hide ffmpeg, which a machine may have or not."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture(scope="session")
def _blank_files():
    """Content of an empty picture by format."""
    from matplotlib.figure import Figure

    def content(kind):
        buffer = io.BytesIO()
        Figure((0.1, 0.1)).savefig(buffer, format=kind)
        return buffer.getvalue()

    return {kind: content(kind) for kind in ("png", "pdf", "svg")}


@pytest.fixture
def blank_pictures(request, monkeypatch):
    """Leave pictures empty, because drawing takes most of the time of a report.

    Tests with the mark ``rendered`` draw them. Tests that do not look into a picture need no more.
    """
    if request.node.get_closest_marker("rendered"):
        return
    from matplotlib.figure import Figure

    blank = request.getfixturevalue("_blank_files")

    def savefig(figure, file, **options):
        content = blank[options["format"]]
        if isinstance(file, io.BytesIO):
            file.write(content)
        else:
            Path(file).write_bytes(content)

    monkeypatch.setattr(Figure, "savefig", savefig)


@pytest.fixture(scope="session")
def recordings_folder():
    """Folder of real corpora; the test is skipped where there is none."""
    folder = os.environ.get("SERCLI_CORPORA")
    if not folder:
        pytest.skip("SERCLI_CORPORA names no folder of real recordings")
    return Path(folder)


@pytest.fixture
def recordings(recordings_folder):
    """Likewise."""
    return recordings_folder


EMODB_LETTERS = {"W": 320.0, "F": 240.0, "N": 170.0, "T": 110.0}
"""Pitch by EMO-DB's emotion letter: a network can tell these apart at once."""


@pytest.fixture(scope="session")
def small_workspace(tmp_path_factory):
    """A workspace whose corpus 'emodb' holds four speakers times four emotions times three tones."""
    from sercli.preparation import prepare

    root = tmp_path_factory.mktemp("small")
    for s, speaker in enumerate(("03", "08", "09", "10")):
        for letter, pitch in EMODB_LETTERS.items():
            for take in range(3):
                samples = tone(0.30 + 0.03 * take, pitch=pitch * (1 + 0.02 * s), seed=10 * s + take)
                path = root / "emodb" / "wav" / f"{speaker}a0{take + 1}{letter}a.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, samples, 16_000, subtype="PCM_16")
    workspace = Workspace(root / "workspace")
    prepare("emodb", root / "emodb", workspace, partial=True)
    return workspace


SMALL = {
    "arch": "mdcnn",
    "corpus": "emodb",
    "scheme": "emodb-4",
    "model": {"filters": 8, "blocks": 1, "attention": False},
    "training": {"max_epochs": 4, "batch_size": 8, "patience": None, "lr": 3e-3},
}
"""A training that takes a second or two."""


@contextmanager
def without_dev_part(trials):
    """Make trials look, for a while, as those of a protocol without a dev part."""
    records = {trial: trial.metrics_file.read_text() for trial in trials}
    try:
        for trial, record in records.items():
            metrics = json.loads(record)
            metrics["sha256"].pop(trial.dev_predictions_file.name)
            trial.metrics_file.write_text(json.dumps(metrics))
            trial.dev_predictions_file.rename(trial.path / "away")
        yield
    finally:
        for trial, record in records.items():
            trial.metrics_file.write_text(record)
            (trial.path / "away").rename(trial.dev_predictions_file)
