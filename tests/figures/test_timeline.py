import numpy as np

from sercli.figures.timeline import class_timeline, trace_timeline


def test_only_the_most_probable_class_is_coloured():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6]])
    figure = class_timeline([0.0, 3.0, 5.0, 8.0], probabilities, ("anger", "fear"), "a.wav")
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("anger", "fear")
    whole, top = (patch.get_data() for patch in second.patches)
    np.testing.assert_array_equal(whole.edges, [0, 3, 5, 8])
    np.testing.assert_array_equal(whole.values, [0.1, 0.7, 0.6])
    np.testing.assert_array_equal(top.values, [0, 0.7, 0.6])
    np.testing.assert_array_equal(first.patches[1].get_data().values, [0.9, 0, 0])


def test_a_trace_is_drawn_over_seconds():
    trace = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    figure = trace_timeline(trace, 25, ("arousal", "valence"), dark=True)
    line = figure.axes[1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [0, 0.04, 0.08])
    np.testing.assert_array_equal(line.get_ydata(), [0.2, 0.4, 0.6])
    assert [axes.get_ylabel() for axes in figure.axes] == ["arousal", "valence"]
