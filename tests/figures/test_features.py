"""Pictures of features: one scale for all panels, units and axes named."""

import numpy as np

from sercli.figures.features import Panel, feature_panels, spectrogram

RNG = np.random.default_rng(0)


def images(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def test_all_panels_of_a_map_have_one_scale_and_a_bar_with_its_unit():
    panels = [
        Panel(name, (size * RNG.random((2, 5, 30 + size))).astype(np.float32), 100.0)
        for name, size in [("anger", 1), ("fear", 3), ("neutral", 7), ("sadness", 2), ("disgust", 4)]
    ]
    figure = feature_panels(panels, "corpus", "mel filter", ("nats", "nats a frame"))
    shown = images(figure)
    assert len(shown) == 10
    for row in range(2):
        values = np.concatenate([panel.features[row].ravel() for panel in panels])
        ranges = {image.get_clim() for image in shown if np.isin(image.get_array(), values).all()}
        assert ranges == {(values.min(), values.max())}
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert [label for label in labels if "nats" in label] == ["nats", "nats a frame"]
    assert labels.count("mel filter") == 4  # two lines of panels, two maps each
    assert {axes.get_title("left") for axes in figure.axes} >= {panel.title for panel in panels}


def test_a_curve_names_its_unit_on_its_axis():
    panels = [Panel("w", RNG.random((1, 50)).astype(np.float32), 25.0)]
    (axes,) = feature_panels(panels, "w", units=("amplitude",)).axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("amplitude", "seconds")


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
