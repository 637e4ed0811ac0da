import csv

import numpy as np

from sercli.figures.curves import range_test
from sercli.figures.insight import WARNING
from sercli.reports.insight_pictures import read_insights
from sercli.reports.insights import Insights, LayerWeights, write_insights


def test_the_page_shows_the_pictures_of_the_first_trial(tmp_path):
    assert read_insights(tmp_path) == {}
    picture = range_test([1e-3, 1e-2], [0.25, 0.5], [2.0, 1.0], clear=0.1)
    for trial in ("fold-02-seed-0", "fold-01-seed-0"):
        write_insights(Insights({"projection": picture}), tmp_path / trial)
    write_insights(Insights({"attention": picture}), tmp_path / "fold-02-seed-0")
    write_insights(Insights({"occlusion": picture}), tmp_path / "fold-01-seed-0")
    found = read_insights(tmp_path)
    explained, caption = found
    assert explained.endswith(f"(fold 01 seed 0). {WARNING}")
    assert caption.endswith("(fold 01 seed 0)")
    assert found[caption].startswith("data:image/png;base64,")


def test_weights_of_layers_are_written_as_mean_and_deviation_over_trials(tmp_path):
    # Layer 0: 0.25 and 0.75 have the mean 0.5 and the deviation sqrt(2 * 0.25^2 / 1) = 0.353553391.
    weights = LayerWeights(
        "probe", ("fold 1, seed 0", "fold 2, seed 0"), (0, 3), np.array([[0.25, 0.75], [0.75, 0.25]])
    )
    picture, table = weights.write(tmp_path)
    assert picture.stat().st_size > 1000
    with table.open() as file:
        first, second = csv.DictReader(file)
    assert (first["layer"], second["layer"]) == ("0", "3")
    assert (first["mean"], first["deviation"]) == ("0.5", "0.353553391")
    assert (second["fold 1, seed 0"], second["fold 2, seed 0"]) == ("0.75", "0.25")
    (caption,) = read_insights(tmp_path)
    assert caption.startswith("Weights of the layers of the encoder")


def test_a_single_trial_has_no_deviation(tmp_path):
    weights = LayerWeights("probe", ("fold 1, seed 0",), (0, 1), np.array([[0.5, 0.5]]))
    (axes,) = weights.draw().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    assert axes.get_title(loc="left") == "probe, fold 1, seed 0"
    assert "0,0.5,,0.5" in weights.write(tmp_path)[1].read_text()
