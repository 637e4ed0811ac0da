"""The least and the greatest samples of the parts of a file, as a picture draws them."""

from itertools import pairwise

import numpy as np
import pytest
import soundfile

from sercli import audio


@pytest.mark.parametrize(("samples", "parts"), [(8, 4), (1000, 7), (70 * 8000, 999), (5, 20)])
def test_each_part_has_its_least_and_its_greatest_sample(tmp_path, samples, parts):
    # 70 s are read in three blocks, whose borders are within parts.
    sound = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    edges = np.linspace(0, samples, min(parts, samples) + 1).astype(int)
    wanted = [(sound[a:b].min(), sound[a:b].max()) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(np.transpose(audio.envelope(tmp_path / "a.wav", parts)), wanted)
