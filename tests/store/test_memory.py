"""A day of speech: memory must not grow with the corpus."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path

import numpy as np

from sercli.features.logmel import LogMelConfig
from sercli.records import Utterance
from sercli.store import FeatureStore, compute

NOISE = np.random.default_rng(0).normal(0, 0.1, 16_000 * 60).astype(np.float32)


def private():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def prepared(decoder, utterance):
    first = int(utterance.id)
    return NOISE[first : first + int(1.44 * 16_000)]


compute._Decoder._prepared = prepared
utterances = [Utterance(id=str(i), corpus="c", file="f", sha256=f"{i:064x}") for i in range(60_000)]
store = FeatureStore(Path(sys.argv[1]), "logmel", LogMelConfig(duration_s=None, n_mels=4))
before, most = private(), 0


def watch(done, total):
    global most
    if done % 500 == 0:
        most = max(most, private())


compute.compute([store], utterances, Path("."), watch)
reader = FeatureStore(Path(sys.argv[1]), "logmel", LogMelConfig(duration_s=None, n_mels=4))
total = sum(float(reader[utterance.sha256].sum()) for utterance in utterances)
print(f"added {max(most, private()) - before:.0f} MiB, {len(reader)} arrays, {np.isfinite(total)}")
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells private memory apart")
def test_a_day_of_60_000_utterances_stays_below_a_gigabyte(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    match = re.fullmatch(r"added (\d+) MiB, 60000 arrays, True\n", result.stdout)
    assert match, result.stdout
    assert int(match[1]) < 1024
