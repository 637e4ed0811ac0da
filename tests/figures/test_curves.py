import pytest

from sercli.figures.curves import training_curves


def rows(losses, fold="a", selected=None, **more):
    return [
        {
            "epoch": epoch,
            "train_loss": loss,
            "fold": fold,
            "selected": epoch == selected,
            **{name: values[epoch - 1] for name, values in more.items()},
        }
        for epoch, loss in enumerate(losses, 1)
    ]


def lines(axes):
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines}


def test_each_measure_has_its_panel():
    measured = {"train_ua": [0.3, 0.6, 0.9], "dev_ua": [0.25, 0.5, 0.4]}
    history = rows([3, 2, 1], dev_loss=[3, 3, 4], **measured, lr=[0.1, 0.1, 0.01])
    loss, ua, rate = training_curves(history).axes
    assert [axes.get_ylabel() for axes in (loss, ua, rate)] == ["loss", "UA", "learning rate"]
    assert lines(loss) == {"train": [(1, 3), (2, 2), (3, 1)], "dev": [(1, 3), (2, 3), (3, 4)]}
    assert lines(ua) == {"train": [(1, 0.3), (2, 0.6), (3, 0.9)], "dev": [(1, 0.25), (2, 0.5), (3, 0.4)]}
    assert lines(rate)["learning rate"] == [(1, 0.1), (2, 0.1), (3, 0.01)]
    assert rate.get_xlabel() == "epoch"
    percent = ua.yaxis.get_major_formatter()
    assert [percent(value) for value in (0.0, 0.225, 0.5, 0.575, 1.0)] == [
        "0 %",
        "22.5 %",
        "50 %",
        "57.5 %",
        "100 %",
    ]


def test_what_was_not_measured_is_left_out():
    history = rows([3, 2, 1], dev_loss=[None, 4, None], dev_ua=[None] * 3)
    (loss,) = training_curves(history, "One fold").axes
    assert lines(loss) == {"train": [(1, 3), (2, 2), (3, 1)], "dev": [(2, 4)]}
    assert loss.get_title("left") == "One fold"


def test_the_selected_epoch_is_marked_and_named():
    history = rows([3, 2, 1], selected=2, dev_loss=[5, 4, 6], dev_ua=[0.1, 0.9, 0.2])
    loss, ua = training_curves(history).axes
    for axes, value in ((loss, 4), (ua, 0.9)):
        (dots,) = axes.collections
        assert dots.get_offsets().tolist() == [[2, value]]
        assert "selected: epoch 2" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_several_trainings_are_thin_lines_under_their_median():
    # The third training ends after one epoch, the second after two: the median ends with the second.
    history = rows([9, 6, 3], "a", selected=3) + rows([5, 4], "b", selected=1) + rows([1], "c", selected=1)
    (loss,) = training_curves(history).axes
    *thin, median = loss.lines
    assert [list(line.get_ydata()) for line in thin] == [[9, 6, 3], [5, 4], [1]]
    assert list(zip(*median.get_data(), strict=True)) == [(1, 5), (2, 5)]
    assert median.get_linewidth() > thin[0].get_linewidth()
    (dots,) = loss.collections
    assert dots.get_offsets().tolist() == [[3, 3], [1, 5], [1, 1]]
    assert "selected epochs" in [text.get_text() for text in loss.get_legend().get_texts()]


def test_rows_may_come_in_any_order():
    history = rows([3, 2, 1])
    assert lines(training_curves(history[::-1]).axes[0]) == lines(training_curves(history).axes[0])


@pytest.mark.parametrize("history", [[], [{"epoch": 1}], [{"epoch": 1, "train_loss": None}]])
def test_nothing_recorded_is_said(history):
    figure = training_curves(history)
    assert figure.axes == []
    assert [text.get_text() for text in figure.texts] == ["no epoch was recorded"]


def test_the_dev_ccc_is_no_percentage():
    _, ccc = training_curves(rows([3, 2, 1], selected=2, dev_ccc=[-0.1, 0.5, 0.4])).axes
    assert ccc.get_ylabel() == "dev CCC"
    assert lines(ccc)["dev CCC"] == [(1, -0.1), (2, 0.5), (3, 0.4)]
    assert "%" not in ccc.yaxis.get_major_formatter()(0.5)
    assert ccc.collections[0].get_offsets().tolist() == [[2, 0.5]]
