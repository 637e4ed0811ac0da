import numpy as np

from sercli.figures.spectrogram import spectrogram


def test_a_spectrogram_is_in_decibels_below_the_loudest_over_seconds_and_kilohertz():
    magnitudes = np.array([[2.0, 0.2], [0.0, 20.0]])
    axes = spectrogram(magnitudes, 4.0, 8000.0, "a").axes[0]
    (drawn,) = axes.images
    np.testing.assert_allclose(drawn.get_array(), [[-20, -40], [-70, 0]])
    assert tuple(drawn.get_extent()) == (0.0, 0.5, 0.0, 8.0)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "kHz")


def test_silence_can_be_drawn_too():
    axes = spectrogram(np.zeros((2, 3)), 100.0, 8000.0, dark=True).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), np.full((2, 3), -70.0))
