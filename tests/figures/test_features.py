"""Pictures of features: one scale for all panels, units and axes named."""

import numpy as np

from sercli.figures.features import Panel, feature_panels

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
    assert {axes.get_title() for axes in figure.axes} >= {panel.title for panel in panels}


def test_a_curve_names_its_unit_on_its_axis():
    panels = [Panel("w", RNG.random((1, 50)).astype(np.float32), 25.0)]
    (axes,) = feature_panels(panels, "w", units=("amplitude",)).axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("amplitude", "seconds")
