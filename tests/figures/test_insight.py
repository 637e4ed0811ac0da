import numpy as np
from matplotlib.collections import PathCollection

from sercli import figures
from sercli.figures.insight import Overlay, Panel, attention_maps, channel_weights, layer_weights, projection


def test_each_class_has_a_line_over_its_channels():
    weights = np.array([[0.2, 0.4, 0.6], [np.nan] * 3, [0.5, 0.5, 0.1]])
    (axes,) = channel_weights({6: weights}, ("anger", "fear", "sadness"), "title").axes
    assert [line.get_label() for line in axes.lines] == ["anger", "sadness"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.2, 0.4, 0.6])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3])
    assert axes.get_xlabel() == "channel of layer 6"


def test_layers_stand_side_by_side_on_one_scale():
    weights = {5: np.array([[0.2, 0.4], [0.1, 0.3]]), 6: np.array([[0.9, 0.8, 0.7], [0.5, 0.5, 0.5]])}
    figure = channel_weights(weights, ("anger", "sadness"))
    fifth, sixth = figure.axes
    assert [axes.get_xlabel() for axes in (fifth, sixth)] == ["channel of layer 5", "channel of layer 6"]
    assert [len(axes.lines) for axes in (fifth, sixth)] == [2, 2]
    np.testing.assert_array_equal(sixth.lines[0].get_ydata(), [0.9, 0.8, 0.7])
    assert fifth.get_ylim() == sixth.get_ylim()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["anger", "sadness"]


def test_each_class_has_its_points():
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    panels = [Panel("one", points, [1, 0, 1], ("x", "y")), Panel("other", points, [2, 2, 2], ("u", "v"))]
    figure = projection(panels, ("anger", "fear", "joy", "sadness"), dark=True)
    one, other = figure.axes
    anger, fear = (each for each in one.collections if isinstance(each, PathCollection))
    np.testing.assert_array_equal(anger.get_offsets(), [[2, 3]])
    np.testing.assert_array_equal(fear.get_offsets(), [[0, 1], [4, 5]])
    assert (one.get_xlabel(), one.get_ylabel(), other.get_xlabel()) == ("x", "y", "u")
    # Classes that are in some panel are named, each once.
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["anger", "fear", "joy"]


def test_four_panels_are_in_two_lines():
    panels = [Panel(None, np.zeros((1, 2)), [0], ("x", "y"))] * 4
    figure = projection(panels, ("anger",), "title")
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2


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


def test_each_layer_has_a_bar_with_its_number_and_deviation():
    figure = layer_weights((2, 4), np.array([0.3, 0.7]), np.array([0.1, 0.2]), "probe")
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [0.3, 0.7]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4"]
    (segments,) = (each.get_segments() for each in axes.collections)
    np.testing.assert_allclose([each[:, 1] for each in segments], [[0.2, 0.4], [0.5, 0.9]])
