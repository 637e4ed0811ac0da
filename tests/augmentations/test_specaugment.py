import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.augmentations.specaugment import SpecAugmentConfig, has_bands, mask


def run(shape, frames, seed=0, **settings):
    """Where ones were masked, of a shape."""
    masked = mask(
        np.ones(shape, np.float32), frames, np.random.default_rng(seed), SpecAugmentConfig(**settings)
    )
    assert set(np.unique(masked)) <= {0, 1}
    return masked == 0


def test_one_mask_of_the_only_width_by_hand():
    # Widths are 0 or 1; in time a mask of 1 falls on one of three valid frames.
    seen = {
        tuple(run((1, 2, 5), 3, seed, time_masks=1, time_width=1, time_share=1, band_masks=0)[0, 0])
        for seed in range(60)
    }
    assert seen == {
        (False,) * 5,
        (True, False, False, False, False),
        (False, True, False, False, False),
        (False, False, True, False, False),
    }


def test_bands_are_masked_in_every_frame_and_map():
    found = run((3, 40, 50), 30, seed=4, time_masks=0, band_masks=1)
    bands = found[0, :, 0]
    assert 1 <= bands.sum() <= 8
    np.testing.assert_array_equal(found, np.broadcast_to(bands[:, None], (3, 40, 50)))
    assert (np.diff(np.flatnonzero(bands)) == 1).all()  # in one piece


@given(
    st.integers(1, 200),
    st.integers(0, 50),
    st.integers(0, 10_000),
    st.integers(0, 5),
    st.integers(0, 60),
    st.floats(0, 1),
)
def test_masks_in_time_keep_to_valid_frames_and_to_the_share(frames, padding, seed, masks, width, share):
    settings = {"time_masks": masks, "time_width": width, "time_share": share, "band_masks": 0}
    found = run((2, 3, frames + padding), frames, seed, **settings)
    times = found[0, 0]
    np.testing.assert_array_equal(found, np.broadcast_to(times, found.shape))
    assert not times[frames:].any()
    assert times.sum() <= min(share * frames, masks * width)


def test_widths_and_places_are_uniform():
    settings = {"time_masks": 1, "time_width": 4, "time_share": 1, "band_masks": 0}
    widths = [run((1, 2, 100), 100, seed, **settings)[0, 0].sum() for seed in range(2000)]
    counts = np.bincount(widths)
    assert len(counts) == 5
    assert counts.min() > 310  # five deviations of 18 below 400
    ends = [run((1, 2, 8), 8, seed, **settings)[0, 0, [0, -1]] for seed in range(500)]
    assert all(np.any(ends, axis=0))  # both the first and the last frame can be masked


@given(st.integers(2, 20), st.integers(0, 10_000))
def test_a_mask_leaves_a_band(bands, seed):
    assert not run((1, bands, 4), 4, seed, band_masks=1, band_width=100, time_masks=0).all()


@pytest.mark.parametrize("shape", [(1, 100), (1, 1, 100)])
def test_without_bands_features_stay(shape):
    assert not has_bands(shape)
    assert not run(shape, 100).any()


def test_with_bands_they_do_not():
    assert has_bands((1, 2, 100))
    assert run((1, 64, 600), 600).any()


def test_an_utterance_of_one_frame_keeps_it():
    assert not run((1, 64, 1), 1, band_masks=0).any()
