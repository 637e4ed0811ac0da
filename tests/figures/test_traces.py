import numpy as np

from sercli.evaluation.agreement import Agreement, RecordingScore
from sercli.figures.traces import Traced, per_recording, traces

ONE = Traced("best: P16", np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), np.zeros((3, 2)))
OTHER = Traced("worst: P17", np.ones((5, 2)), np.full((5, 2), -1.0))


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


def score(name, arousal, valence):
    found = (Agreement("arousal", arousal, 0, 0), Agreement("valence", valence, 0, 0))
    return RecordingScore(name, "fold 1", 0, None, None, 100, found)


def test_recordings_are_ranked_by_their_mean_with_the_best_on_top():
    figure = per_recording([score("P16", 0.5, 0.2), score("P17", 0.9, 0.5), score("P19", 0.6, -0.4)])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["P19", "P16", "P17"]
    arousal, valence = (found for found in axes.collections if found.get_zorder() == 3)
    assert arousal.get_offsets().tolist() == [[0.6, 0], [0.5, 1], [0.9, 2]]
    assert valence.get_offsets().tolist() == [[-0.4, 0], [0.2, 1], [0.5, 2]]
    assert axes.get_xlim()[0] < -0.4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["arousal", "valence", "chance 0"]


def test_many_recordings_have_no_names():
    (axes,) = per_recording([score(f"P{i}", i / 100, 0) for i in range(60)]).axes
    assert list(axes.get_yticks()) == []
    assert axes.get_ylabel() == "60 recordings, best on top"
