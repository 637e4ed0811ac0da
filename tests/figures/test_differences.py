import pytest
from matplotlib.colors import to_rgba

from sercli.evaluation import Interval, MetricRow, PairedTest
from sercli.figures import style, to_data_uri
from sercli.figures.differences import paired_differences


def difference(other, value, better, spread=0.02, metric="ua", label="UA", unit="share"):
    interval = spread and Interval(value - spread, value + spread, 0.95, 10_000, 8)
    test = PairedTest(0.03, 256, True, 8, 0.01, 0.03, better)
    return MetricRow("difference", "base", metric, label, value, unit, interval, run=other, test=test)


TWO = [difference("wide", 0.05, "wide"), difference("deep", -0.01, None)]


def lines_and_dots(axes):
    lines, dots = [], []
    for found in axes.collections:
        offsets = found.get_offsets()
        if found.get_zorder() == 3:
            dots.append((*offsets[0].tolist(), tuple(found.get_facecolor()[0])))
        else:
            lines.append(found.get_segments()[0].tolist())
    return lines, dots


def test_each_difference_is_a_dot_on_its_interval_the_first_on_top():
    (axes,) = paired_differences(TWO, "base", "Two").axes
    lines, dots = lines_and_dots(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["deep", "wide"]
    assert lines == [
        [pytest.approx([-0.03, 0]), pytest.approx([0.01, 0])],
        [pytest.approx([0.03, 1]), pytest.approx([0.07, 1])],
    ]
    assert [dot[:2] for dot in dots] == [(-0.01, 0), (0.05, 1)]
    assert axes.get_title("left") == "Two"
    assert axes.get_xlabel() == "UA less that of\nbase, in points"
    assert axes.xaxis.get_major_formatter()(0.05) == "+5"


@pytest.mark.parametrize("dark", [False, True])
def test_only_what_is_shown_is_a_full_dot(dark):
    figure = paired_differences(TWO, "base", dark=dark)
    colours = style.palette(dark)
    _, (deep, wide) = lines_and_dots(figure.axes[0])
    assert (deep[2], wide[2]) == (to_rgba(colours.paper), to_rgba(colours.main))
    assert to_data_uri(figure).startswith("data:image/svg+xml")


def test_no_difference_is_a_line():
    (axes,) = paired_differences(TWO, "base").axes
    (zero,) = axes.lines
    assert list(zero.get_xdata()) == [0, 0]
    assert axes.get_xlim()[0] < -0.03 < 0.07 < axes.get_xlim()[1]


def test_several_metrics_have_a_dot_each():
    named = [("ccc_arousal", "arousal CCC"), ("ccc_valence", "valence CCC")]
    rows = [difference("wide", 0.1, None, metric=key, label=label, unit="plain") for key, label in named]
    (axes,) = paired_differences(rows, "base").axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["wide\nvalence CCC", "wide\narousal CCC"]
    assert axes.get_xlabel() == "metrics less that of\nbase"
    assert axes.xaxis.get_major_formatter()(0.05) == "+0.05"


def test_without_intervals_the_dots_remain():
    (axes,) = paired_differences([difference("wide", 0.05, None, spread=None)], "base").axes
    lines, dots = lines_and_dots(axes)
    assert (lines, len(dots)) == ([], 1)
