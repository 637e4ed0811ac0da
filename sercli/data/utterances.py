"""What of an utterance of a prepared corpus is read or counted wherever its features are used."""

from pathlib import Path

import numpy as np

from sercli.corpora import Trace
from sercli.errors import CorpusError
from sercli.records import Utterance


def count_samples(utterance: Utterance) -> int:
    """Return the length of the prepared audio."""
    return round(utterance.duration * utterance.sample_rate)


def read_trace(folder: Path, utterance: Utterance) -> Trace:
    """Read the continuous labels of an utterance, (rows, 2).

    Args:
        folder: of the prepared corpus.
        utterance: whose labels.

    Raises:
        CorpusError: they are missing or damaged.
    """
    path = folder / str(utterance.trace)
    try:
        values: Trace = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        raise CorpusError(f"{path}: missing or damaged; run `sercli prepare` again") from None
    return values
