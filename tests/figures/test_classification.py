from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba

from sercli.evaluation.calibration import Calibration, ReliabilityBin
from sercli.figures import style, to_data_uri
from sercli.figures.classification import confusion_matrix, reliability_diagram

CALIBRATION = Calibration(
    count=40,
    confidence=0.8,
    right=0.75,
    ece=0.125,
    mce=0.2,
    estimator="plug-in, L1, 4 bins of equal width",
    brier=0.4,
    bins=(ReliabilityBin(0.5, 0.75, 10, 0.7, 0.5), ReliabilityBin(0.75, 1.0, 30, 0.9, 0.8)),
)


def texts(figure):
    (axes,) = figure.axes
    return {
        (int(text.get_position()[1]), int(text.get_position()[0]), text.get_text()) for text in axes.texts
    }


def test_each_cell_holds_its_share_of_the_true_class_and_its_count():
    figure = confusion_matrix([[3, 1], [0, 5]], ["anger", "fear"])
    assert texts(figure) == {
        (0, 0, "75 %"),
        (0, 0, "3"),
        (0, 1, "25 %"),
        (0, 1, "1"),
        (1, 0, "0"),
        (1, 1, "100 %"),
        (1, 1, "5"),
    }


def test_true_classes_run_down_and_predicted_ones_across():
    (axes,) = confusion_matrix([[3, 1], [0, 5]], ["anger", "fear"], "Four words").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["anger", "fear"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["anger", "fear"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true (rows add up to 100 %)")
    assert axes.yaxis.get_inverted()
    assert axes.get_title("left") == "Four words"


def test_colour_is_the_share_not_the_count():
    (axes,) = confusion_matrix([[3, 1], [30, 10]], ["anger", "fear"]).axes
    shares = axes.collections[0].get_array()
    np.testing.assert_array_equal(shares, [[0.75, 0.25], [0.75, 0.25]])
    assert axes.collections[0].get_clim() == (0, 1)


def test_a_rare_mistake_is_not_rounded_to_none():
    assert (0, 1, "<1 %") in texts(confusion_matrix([[999, 1], [0, 5]], ["anger", "fear"]))


@pytest.mark.parametrize("absent", [1, 2])
def test_the_row_of_an_absent_class_says_none_once_and_has_no_numbers(absent):
    counts = np.full((3, 3), 4)
    counts[absent] = 0
    figure = confusion_matrix(counts, ["anger", "fear", "joy"])
    assert [text for row, _, text in texts(figure) if row == absent] == ["none"]
    assert len(figure.axes[0].texts) == 2 * 6 + 1


@pytest.mark.parametrize("n_classes", [4, 7, 8, 14])
def test_no_text_leaves_its_cell_or_meets_another(n_classes):
    names = (
        [f"female happiness {i}" for i in range(n_classes)] if n_classes > 8 else ["happiness"] * n_classes
    )
    figure = confusion_matrix(np.full((n_classes, n_classes), 1234), names)
    figure.canvas.draw()
    (axes,) = figure.axes
    cell = axes.get_window_extent().width / n_classes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert max(box.width for box in boxes) < cell
    for share, count in zip(boxes[::2], boxes[1::2], strict=True):
        assert share.y0 >= count.y1 - 1  # one pixel of the line's descent
        assert share.y1 - count.y0 < cell
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


@pytest.mark.parametrize("dark", [False, True])
def test_text_reads_well_on_every_colour(dark):
    for share in np.linspace(0, 1, 21):
        back, ink = (_luminance(c) for c in (colormap(dark)(share), style.ink_on(colormap(dark)(share))))
        contrast = (max(back, ink) + 0.05) / (min(back, ink) + 0.05)
        assert contrast > 3.5


def colormap(dark):
    return style.palette(dark).colormap


def _luminance(colour):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def bars(axes):
    return [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in axes.patches]


def test_bars_are_shares_right_and_counts_by_confidence():
    above, below = reliability_diagram(CALIBRATION, "Two bins").axes
    assert bars(above) == [(0.5, 0.25, 0.5), (0.75, 0.25, 0.8)]
    assert bars(below) == [(0.5, 0.25, 10), (0.75, 0.25, 30)]
    assert (above.get_ylabel(), below.get_xlabel(), below.get_ylabel()) == (
        "proportion correct",
        "confidence",
        "rows",
    )
    assert above.get_title("left") == "Two bins"


def test_the_diagonal_and_the_mean_confidences_are_drawn_over_the_whole_scale():
    figure = reliability_diagram(CALIBRATION)
    above, _ = figure.axes
    (diagonal,) = above.lines
    assert list(zip(*diagonal.get_data(), strict=True)) == [(0, 0), (1, 1)]
    assert above.collections[0].get_offsets().tolist() == [[0.7, 0.5], [0.9, 0.8]]
    assert (above.get_xlim(), above.get_ylim()) == ((0, 1), (0, 1))
    assert "mean confidence (ECE 12.5 %)" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("dark", [False, True])
def test_the_palette_is_that_of_the_background(dark):
    figure = reliability_diagram(CALIBRATION, dark=dark)
    colours = style.palette(dark)
    assert [to_rgba(bar.get_facecolor()) for bar in figure.axes[0].patches] == [to_rgba(colours.main)] * 2
    assert to_rgba(figure.get_facecolor()) == to_rgba(colours.paper)
    assert to_data_uri(figure).startswith("data:image/svg+xml")
