import pytest

from sercli.evaluation.metrics import Interval
from sercli.figures.study import Mark, Panel, rows_beside_paper, sweep

INTERVAL = Interval(0.5, 0.7, 0.95, 100, 6)


def legend(figure):
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def test_the_papers_figure_stands_beside_ours():
    panel = Panel("UA", True, {"": [Mark("plain", 0.6, INTERVAL, 0.55), Mark("attention", 0.65)]})
    figure = rows_beside_paper([panel], "emodb-4")
    (axes,) = figure.axes
    assert legend(figure) == ["ours", "paper"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["plain", "attention"]
    ours, paper = (each for each in axes.collections if each.get_label() in {"ours", "paper"})
    assert ours.get_offsets().tolist() == [[0.6, 1], [0.65, 0]]
    assert paper.get_offsets().tolist() == [[0.55, 1]]


def test_marks_of_classes_stand_apart_in_their_rows_and_have_hues_of_their_own():
    names = ["anger", "fear", "joy", "sadness"]
    equal = {name: [Mark("plain", 0.6, INTERVAL, 0.55), Mark("attention", 0.6)] for name in names}
    panels = [
        Panel("WA", True, {"": [Mark("plain", 0.6), Mark("attention", 0.6)]}),
        Panel("recall", True, equal, classes=frozenset(names)),
    ]
    figure = rows_beside_paper(panels)
    assert legend(figure) == ["ours, all classes", *names, "paper"]
    marks = [each for each in figure.axes[1].collections if each.get_label() in names]
    heights = [each.get_offsets()[:, 1].tolist() for each in marks]
    assert len({place for each in heights for place in each}) == 8
    assert all(0.5 < first < 1.5 and -0.5 < second < 0.5 for first, second in heights)
    assert len({tuple(each.get_facecolor()[0]) for each in marks}) == 4


@pytest.mark.parametrize("draw", [rows_beside_paper, sweep])
def test_guessing_is_a_dotted_line_within_the_axes(draw):
    panel = Panel("UA", True, {"": [Mark("plain", 0.6, None, 0.7), Mark("other", 0.5)]}, chance=0.25)
    (axes,) = draw([panel]).axes
    (line,) = (each for each in axes.get_lines() if each.get_label() == "chance")
    along, limits = (
        (line.get_xdata(), axes.get_xlim())
        if draw is rows_beside_paper
        else (line.get_ydata(), axes.get_ylim())
    )
    assert set(along) == {0.25}
    assert limits[0] < 0.25
    assert legend(axes.figure) == ["ours", "paper", "chance"]


def test_without_a_paper_there_is_nothing_to_tell_apart():
    figure = rows_beside_paper([Panel("UA", True, {"": [Mark("plain", 0.6)]})])
    assert legend(figure) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_curve_for_each_value_of_the_other_setting(dark):
    curves = {
        "k 3": [Mark("v1", 0.5, INTERVAL), Mark("v2", 0.6)],
        "k 5": [Mark("v1", 0.4), Mark("v2", 0.7, None, 0.72)],
    }
    figure = sweep([Panel("arousal CCC", False, curves)], dark=dark)
    (axes,) = figure.axes
    assert legend(figure) == ["k 3", "k 5", "paper"]
    assert axes.get_ylabel() == "arousal CCC"
    assert [line.get_ydata().tolist() for line in axes.get_lines()] == [[0.5, 0.6], [0.4, 0.7]]


def test_panels_of_different_rows_share_the_scale_of_their_metric():
    def panel(label, title, ours):
        return Panel(label, True, {"": [Mark("a", ours), Mark("b", ours + 0.1)]}, title=title)

    panels = [panel("UA", "one", 0.3), panel("WA", "one", 0.2), panel("UA", "other", 0.8)]
    first, second, third = sweep(panels).axes
    assert first.get_ylim() == third.get_ylim()
    assert first.get_ylim()[0] < 0.3
    assert first.get_ylim()[1] > 0.9
    assert second.get_ylim() != first.get_ylim()
