import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from sercli.figures.style import palette
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
    np.testing.assert_array_equal(top.values, [np.nan, 0.7, 0.6])
    np.testing.assert_array_equal(first.patches[1].get_data().values, [0.9, np.nan, np.nan])


def test_a_trace_without_gold_standard_is_drawn_over_seconds():
    trace = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    figure = traces([Traced("a.wav", trace)], ("arousal", "valence"), dark=True)
    (line,) = figure.axes[1].lines
    assert figure.legends == []
    np.testing.assert_allclose(line.get_xdata(), [0, 0.04, 0.08])
    np.testing.assert_array_equal(line.get_ydata(), [0.2, 0.4, 0.6])
    assert [axes.get_ylabel() for axes in figure.axes] == ["arousal", "valence"]


@pytest.mark.parametrize(
    ("seconds", "label", "ticks"),
    [
        (100.0, "seconds", ["0", "20", "40", "60", "80", "100"]),
        (200.0, "min:s", ["0:00", "0:30", "1:00", "1:30", "2:00", "2:30", "3:00"]),
        (7190.0, "h:min:s", [f"{i // 4}:{15 * (i % 4):02d}:00" for i in range(8)]),
        (400_000.0, "h:min:s", ["0:00:00", "24:00:00", "48:00:00", "72:00:00", "96:00:00"]),
    ],
)
def test_long_recordings_have_a_clock_below_them(seconds, label, ticks):
    figure = class_timeline([(0, seconds)], np.array([[0.9]]), ("anger",), seconds)
    (axes,) = figure.axes
    figure.draw_without_rendering()
    shown = [text.get_text() for text in axes.get_xticklabels() if 0 <= text.get_position()[0] <= seconds]
    assert (axes.get_xlabel(), shown) == (label, ticks)


def test_a_turn_of_two_seconds_in_two_hours_is_seen_in_its_colour():
    spans = [(float(start), start + 2.0) for start in range(1000, 7000, 1000)]
    top = np.array([[0.9, 0.1], [0.1, 0.9]] * 3)
    figure = class_timeline(spans, top, ("anger", "fear"), 7200.0)
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(150)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
    distance = np.abs(pixels - 255 * np.array(to_rgb(palette(False).main))).sum(axis=-1)
    box = figure.axes[0].get_window_extent()
    band = distance[-round(box.y0 + 0.5 * box.height), round(box.x0) : round(box.x1)]
    seen = [band[int(start / 7200 * len(band)) - 2 :][:5].min() < 100 for start, _ in spans]
    assert seen == [True, False] * 3


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
