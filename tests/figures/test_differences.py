import pytest
from matplotlib.colors import to_rgba

from sercli.evaluation.class_comparison import Comparison, Difference, RunScore
from sercli.evaluation.metrics import Interval
from sercli.figures import _style, to_data_uri
from sercli.figures.differences import paired_differences


def difference(other, ua, better, spread=0.02):
    interval = spread and Interval(ua - spread, ua + spread, 0.95, 10_000, 8)
    return Difference("base", other, ua, ua / 2, interval, interval, None, None, better)


def comparison(*differences):
    names = ["base", *(found.other for found in differences)]
    return Comparison(tuple(RunScore(name, 1, 0.5, 0.5) for name in names), differences, 80, 8, None)


TWO = comparison(difference("wide", 0.05, "wide"), difference("deep", -0.01, None))


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
    (axes,) = paired_differences(TWO, title="Two").axes
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
    figure = paired_differences(TWO, dark=dark)
    colours = _style.palette(dark)
    _, (deep, wide) = lines_and_dots(figure.axes[0])
    assert (deep[2], wide[2]) == (to_rgba(colours.paper), to_rgba(colours.main))
    assert to_data_uri(figure).startswith("data:image/svg+xml")


def test_no_difference_is_a_line():
    (axes,) = paired_differences(TWO).axes
    (zero,) = axes.lines
    assert list(zero.get_xdata()) == [0, 0]
    assert axes.get_xlim()[0] < -0.03 < 0.07 < axes.get_xlim()[1]


def test_wa_is_drawn_on_request_and_its_test_was_not_made():
    (axes,) = paired_differences(TWO, "wa").axes
    _, dots = lines_and_dots(axes)
    assert [dot[0] for dot in dots] == [-0.005, 0.025]
    assert {dot[2] for dot in dots} == {to_rgba(_style.palette(dark=False).paper)}
    assert axes.get_xlabel().startswith("WA")


def test_without_intervals_the_dots_remain():
    (axes,) = paired_differences(comparison(difference("wide", 0.05, None, spread=None))).axes
    lines, dots = lines_and_dots(axes)
    assert (lines, len(dots)) == ([], 1)
