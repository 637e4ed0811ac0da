import pytest
from matplotlib.colors import to_rgba

from benchmarks._ratios import ratios
from sercli.figures import style, to_data_uri

GROUPS = {"train, against a step": {"mdcnn": 4.5, "eca": 0.8}, "study": {"--jobs 2": 1.0}}


def dots(axes):
    return [found for found in axes.collections if found.get_zorder() == 3]


def test_each_ratio_is_a_dot_in_its_group_the_first_on_top():
    above, below = ratios(GROUPS).axes
    assert [axes.get_title("left") for axes in (above, below)] == list(GROUPS)
    assert [label.get_text() for label in above.get_yticklabels()] == ["mdcnn", "eca"]
    assert [dot.get_offsets()[0].tolist() for dot in dots(above)] == [[4.5, 0], [0.8, 1]]
    assert above.yaxis_inverted()
    assert [text.get_text() for text in above.texts] == ["4.5", "0.8"]


def test_the_peer_is_a_line_on_a_logarithmic_axis():
    for axes in ratios(GROUPS).axes:
        assert axes.get_xscale() == "log"
        assert [list(line.get_xdata()) for line in axes.lines] == [[1, 1]]
        assert axes.get_xlim()[0] < 0.8 < 4.5 < axes.get_xlim()[1]


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_slower_has_another_colour(dark):
    figure = ratios(GROUPS, "Ratios", dark=dark)
    colours = style.palette(dark)
    fast, slow = (tuple(dot.get_facecolor()[0]) for dot in dots(figure.axes[0]))
    assert (fast, slow) == (to_rgba(colours.main), to_rgba(colours.second))
    assert to_data_uri(figure).startswith("data:image/svg+xml")


def test_one_ratio_alone_can_be_drawn():
    (axes,) = ratios({"epoch": {"whole": 30.0}}).axes
    assert axes.get_xlim()[0] < 1 < 30 < axes.get_xlim()[1]
