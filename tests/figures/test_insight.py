import numpy as np
from matplotlib.collections import PathCollection

from sercli import figures
from sercli.figures.insight import Overlay, attention_maps, channel_weights, projection


def test_each_class_has_a_line_over_its_channels():
    weights = np.array([[0.2, 0.4, 0.6], [np.nan] * 3, [0.5, 0.5, 0.1]])
    (axes,) = channel_weights(weights, ("anger", "fear", "sadness"), "title").axes
    assert [line.get_label() for line in axes.lines] == ["anger", "sadness"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.2, 0.4, 0.6])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3])


def test_each_class_has_its_points():
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    figure = projection(points, (0.61, 0.2), [1, 0, 1], ("anger", "fear"), dark=True)
    anger, fear = (each for each in figure.axes[0].collections if isinstance(each, PathCollection))
    np.testing.assert_array_equal(anger.get_offsets(), [[2, 3]])
    np.testing.assert_array_equal(fear.get_offsets(), [[0, 1], [4, 5]])
    assert figure.axes[0].get_xlabel() == "component 1, 61 % of the variance"


def test_attention_is_laid_over_the_spectrogram(tmp_path):
    features = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]])
    attention = np.array([[1.0, 1.5, 1.0], [0.0, 1.0, np.nan]])
    figure = attention_maps([Overlay("anger", features, attention, 100.0)] * 3, "weight", 1.0, "title")
    below, above = figure.axes[0].images
    np.testing.assert_array_equal(below.get_array().filled(np.nan), features)
    assert above.get_extent() == [0, 0.03, 0, 2]
    assert (above.norm.vmin, above.norm.vmax) == (0, 2)
    # Neutral places are left as they are, the one that is farthest off is the strongest.
    alpha = above.get_alpha()
    np.testing.assert_allclose(alpha[0], [0, 0.75 * 0.5**0.5, 0])
    assert alpha[1, 0] == alpha.max() == 0.75
    figures.save(figure, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000
