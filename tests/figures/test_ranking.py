from sercli.figures.ranking import Ranked, ranking

SPEAKERS = [Ranked("03", (0.5,)), Ranked("08", (0.9,)), Ranked("16", (0.7,))]
RECORDINGS = [Ranked("P16", (0.5, 0.2)), Ranked("P17", (0.9, 0.5)), Ranked("P19", (0.6, -0.4))]
DIMENSIONS = ("arousal", "valence")


def dots(axes):
    return [found.get_offsets().tolist() for found in axes.collections if found.get_zorder() == 3]


def test_speakers_are_ranked_with_the_best_on_top():
    (axes,) = ranking(SPEAKERS, "speaker", "UA", share=True, pooled=0.68).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["03", "16", "08"]
    assert dots(axes) == [[[0.5, 0], [0.7, 1], [0.9, 2]]]
    assert not axes.yaxis.get_inverted()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("UA", "speaker")


def test_the_pooled_value_and_chance_are_lines_with_their_numbers():
    figure = ranking(SPEAKERS, "speaker", "UA", share=True, pooled=0.684, chance=0.25, title="Three speakers")
    (axes,) = figure.axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.684, 0.684], [0.25, 0.25]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "all speakers 68.4 %",
        "chance 25.0 %",
    ]
    assert axes.get_title("left") == "Three speakers"


def test_the_full_scale_of_shares_is_shown():
    (axes,) = ranking(SPEAKERS, "speaker", "UA", share=True, pooled=0.68).axes
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] >= 1
    assert axes.xaxis.get_major_formatter()(0.5) == "50 %"


def test_of_many_rows_only_the_ends_are_named():
    rows = [Ranked(f"s{i:03d}", (i / 100,)) for i in range(100)]
    (axes,) = ranking(rows, "speaker", "UA", share=True, pooled=0.5).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == []
    assert [text.get_text() for text in axes.texts] == ["s000", "s099"]
    assert axes.get_ylabel() == "100 speakers, best on top"


def test_recordings_are_ranked_by_their_mean_over_the_dimensions():
    figure = ranking(RECORDINGS, "recording", "CCC", share=False, series=DIMENSIONS, chance=0.0)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["P19", "P16", "P17"]
    arousal, valence = dots(axes)
    assert arousal == [[0.6, 0], [0.5, 1], [0.9, 2]]
    assert valence == [[-0.4, 0], [0.2, 1], [0.5, 2]]
    assert axes.get_xlim()[0] < -0.4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["arousal", "valence", "chance 0"]
