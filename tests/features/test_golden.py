"""Numbers that must not move while a feature's version stays: stored features would be stale."""

import json
from pathlib import Path

import numpy as np
import pytest

from sercli.features import feature_names, get_feature

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))

# FFTs and sums of other processors differ by some 1e-6 of these values; a change of method by far more.
TOLERANCE = 1e-4


def signal(seconds=2.9):
    """A rising tone in noise from whole numbers, so that no library's generator is asked."""
    k = np.arange(round(seconds * 16_000), dtype=np.int64)
    noise = (k * k * 7919 + k * 104_729) % 65_537 / 65_537 - 0.5
    rising = np.sin(2 * np.pi * (120 * k / 16_000 + 40 * (k / 16_000) ** 2))
    return (0.3 * rising * np.minimum(1, k / 4000) + 0.05 * noise).astype(np.float32)


def numbers(feature, settings):
    """Mean, deviation, extremes and four points of an utterance's features, to six decimals."""
    config = feature.config(**settings)
    features = feature.extract(signal(), config)
    if feature.finish:
        features = feature.finish(features, config)
    rows = features.astype(np.float64).reshape(-1, features.shape[-1])  # (values, frames)
    values, frames = rows.shape
    points = [rows[v, f] for v in (values // 4, 3 * values // 4) for f in (2 * frames // 5, frames // 2)]
    return [round(float(x), 6) for x in (rows.mean(), rows.std(), rows.min(), rows.max(), *points)]


@pytest.mark.parametrize("name", feature_names())
def test_numbers_move_only_with_the_version(name):
    feature = get_feature(name)
    if feature.extra:
        pytest.skip("the numbers are those of a library or an encoder")
    now = {
        "version": feature.version,
        **{key: numbers(feature, s) for key, s in {"default": {}, **feature.variants}.items()},
    }
    entry = f'tests/features/golden.json: "{name}": {json.dumps(now)}'
    golden = GOLDEN.get(name)
    assert golden is not None, f"{name} has no golden numbers yet; if these are right, add to {entry}"
    assert feature.version == golden["version"], f"{name} has a new version; put its numbers into {entry}"
    assert now.keys() == golden.keys(), f"{name} has other variants; put their numbers into {entry}"
    moved = [
        key
        for key in now.keys() - {"version"}
        if not np.allclose(now[key], golden[key], atol=TOLERANCE, rtol=0)
    ]
    assert not moved, (
        f"the numbers of {name} moved ({', '.join(sorted(moved))}) but its version is still "
        f"{feature.version}: features stored before would be taken for fresh. Raise FEATURE.version, "
        f"then put them into {entry}"
    )
