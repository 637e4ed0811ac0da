import pytest
from matplotlib.colors import to_rgba

from sercli.evaluation.calibration import Calibration, ReliabilityBin
from sercli.figures import _style, to_data_uri
from sercli.figures.reliability import reliability_diagram

CALIBRATION = Calibration(
    count=40,
    confidence=0.8,
    right=0.75,
    ece=0.125,
    mce=0.2,
    estimator="plug-in, L1, 4 bins of equal width",
    brier=0.4,
    adaptive=False,
    bins=(ReliabilityBin(0.5, 0.75, 10, 0.7, 0.5), ReliabilityBin(0.75, 1.0, 30, 0.9, 0.8)),
)


def bars(axes):
    return [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in axes.patches]


def test_bars_are_shares_right_and_counts_by_confidence():
    above, below = reliability_diagram(CALIBRATION, "Two bins").axes
    assert bars(above) == [(0.5, 0.25, 0.5), (0.75, 0.25, 0.8)]
    assert bars(below) == [(0.5, 0.25, 10), (0.75, 0.25, 30)]
    assert (above.get_ylabel(), below.get_xlabel(), below.get_ylabel()) == (
        "share right",
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
    assert "mean confidence (ECE 12.5%)" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("dark", [False, True])
def test_the_palette_is_that_of_the_background(dark):
    figure = reliability_diagram(CALIBRATION, dark=dark)
    colours = _style.palette(dark)
    assert [to_rgba(bar.get_facecolor()) for bar in figure.axes[0].patches] == [to_rgba(colours.main)] * 2
    assert to_rgba(figure.get_facecolor()) == to_rgba(colours.paper)
    assert to_data_uri(figure).startswith("data:image/svg+xml")
