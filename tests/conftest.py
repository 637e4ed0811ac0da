"""Builders that several tests use: small recordings, small corpora, a workspace."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sercli.workspace import Workspace


def tone(seconds=0.5, rate=16_000, pitch=200.0, seed=0):
    """A decaying tone with a little noise, full scale 0.5, (samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.5 * np.sin(2 * np.pi * pitch * time) * np.exp(-2 * time) + noise).astype(np.float32)


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
def recordings():
    """Folder of real corpora; the test is skipped where there is none."""
    folder = os.environ.get("SERCLI_CORPORA")
    if not folder:
        pytest.skip("SERCLI_CORPORA names no folder of real recordings")
    return Path(folder)
