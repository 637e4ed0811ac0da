import hashlib

import numpy as np
import pytest

from sercli.preparation.traces import fit_length, place_trace
from sercli.records import Utterance


def recording(duration):
    return Utterance(id="c/dev_1", corpus="c", file="audio/dev_1.wav", trace="dev_1.csv", duration=duration)


def labels(rows):
    return np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)


@pytest.mark.parametrize(
    ("rows", "duration", "kept", "said"),
    [
        (7500, 300.0, 7500, None),
        (7501, 300.0, 7500, "7501 labels for 7500 frames of audio; the first 7500 are kept"),
        (10, 0.56, 10, "10 labels for 14 frames of audio; the first 10 are kept"),
        (25, 1.039, 25, None),  # 25.975 frames
        (50, 1.0, 25, "50 labels for 25 frames of audio; the first 25 are kept"),
    ],
)
def test_a_trace_ends_with_its_audio(rows, duration, kept, said):
    trace, problem = fit_length(labels(rows), recording(duration))
    np.testing.assert_array_equal(trace, labels(rows)[:kept])
    assert (problem.fact if problem else None) == said
    assert problem is None or problem.harmless


@pytest.mark.parametrize(
    ("trace", "fact"),
    [
        (labels(51), "51 labels (2.04 s) for 1.00 s of audio"),
        (labels(0), "0 labels for 25 frames of audio"),
        (np.full((25, 2), np.nan, np.float32), "has labels that are not numbers (NaN or infinity)"),
    ],
)
def test_a_trace_of_another_recording_or_of_nothing_is_a_problem(trace, fact):
    _, problem = fit_length(trace, recording(1.0))
    assert (str(problem), problem.harmless) == (f"dev_1.csv: {fact}", False)


def test_a_trace_lies_beside_the_audio_with_the_hash_of_its_values(tmp_path):
    placed = place_trace(labels(3).astype(">f8"), recording(0.12), tmp_path)
    assert placed.trace == "traces/dev_1.npy"
    np.testing.assert_array_equal(np.load(tmp_path / placed.trace), labels(3))
    assert placed.trace_sha256 == hashlib.sha256(labels(3).tobytes()).hexdigest()
    assert [path.name for path in (tmp_path / "traces").iterdir()] == ["dev_1.npy"]
