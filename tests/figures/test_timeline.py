import numpy as np

from sercli.figures.timeline import Traced, Waveform, class_timeline, traces

ONE = Traced("best: P16", np.zeros((3, 2)), np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]))
OTHER = Traced("worst: P17", np.full((5, 2), -1.0), np.ones((5, 2)))


def test_only_the_most_probable_class_is_coloured():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6]])
    figure = class_timeline([(0, 3), (3, 5), (5, 8)], probabilities, ("anger", "fear"), 8.0, "a.wav")
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("anger", "fear")
    whole, top = (patch.get_data() for patch in second.patches)
    np.testing.assert_array_equal(whole.edges, [0, 3, 5, 8])
    np.testing.assert_array_equal(whole.values, [0.1, 0.7, 0.6])
    np.testing.assert_array_equal(top.values, [0, 0.7, 0.6])
    np.testing.assert_array_equal(first.patches[1].get_data().values, [0.9, 0, 0])


def test_a_trace_without_gold_standard_is_drawn_over_seconds():
    trace = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    figure = traces([Traced("a.wav", trace)], ("arousal", "valence"), dark=True)
    (line,) = figure.axes[1].lines
    assert figure.legends == []
    np.testing.assert_allclose(line.get_xdata(), [0, 0.04, 0.08])
    np.testing.assert_array_equal(line.get_ydata(), [0.2, 0.4, 0.6])
    assert [axes.get_ylabel() for axes in figure.axes] == ["arousal", "valence"]


def test_each_dimension_has_its_panel_in_seconds():
    arousal, valence = traces([ONE], ["arousal", "valence"]).axes
    assert (arousal.get_ylabel(), valence.get_ylabel()) == ("arousal", "valence")
    assert (arousal.get_xlabel(), valence.get_xlabel()) == ("", "seconds")
    assert arousal.get_title("left") == "best: P16"
    gold, predicted = valence.lines
    assert gold.get_xdata().tolist() == [0, 0.04, 0.08]
    assert (gold.get_ydata().tolist(), predicted.get_ydata().tolist()) == ([0.2, 0.4, 0.6], [0, 0, 0])


def test_recordings_stand_side_by_side_on_one_scale():
    figure = traces([ONE, OTHER], ["arousal", "valence"], "Two recordings")
    one, other, *_ = figure.axes
    assert len(figure.axes) == 4
    assert (one.get_title("left"), other.get_title("left")) == ("best: P16", "worst: P17")
    assert one.get_ylim() == other.get_ylim()
    assert (one.get_xlim(), other.get_xlim()) == ((0, 3 / 25), (0, 5 / 25))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["gold standard", "predicted"]
    assert figure.get_suptitle() == "Two recordings"


def test_dark_pictures_have_other_colours():
    light, dark = (traces([ONE], ["arousal", "valence"], dark=dark).axes[0].lines for dark in (False, True))
    assert [line.get_color() for line in light] != [line.get_color() for line in dark]


def test_turns_leave_silence_empty_and_may_overlap():
    spans = [(1.0, 2.0), (3.0, 5.0), (4.0, 6.0)]
    wave = Waveform(np.full(10, -0.5, np.float32), np.full(10, 0.5, np.float32), ["anna", "ben", None])
    figure = class_timeline(spans, np.array([[0.9], [0.8], [0.7]]), ("anger",), 8.0, wave=wave)
    above, band = figure.axes
    first, second = (patch.get_data() for patch in band.patches[:2])
    np.testing.assert_array_equal(first.edges, [1, 2, 3, 5])
    np.testing.assert_array_equal(first.values, [0.9, np.nan, 0.8])
    np.testing.assert_array_equal(second.edges, [4, 6])
    assert above.get_xlim() == band.get_xlim() == (0, 8)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["anna", "ben"]
    assert len(above.patches) == 3
