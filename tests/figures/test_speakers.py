from sercli.figures.speakers import per_speaker

SCORES = {"03": 0.5, "08": 0.9, "16": 0.7}


def test_speakers_are_ranked_with_the_best_on_top():
    (axes,) = per_speaker(SCORES, 0.68).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["03", "16", "08"]
    dots = next(found for found in axes.collections if found.get_zorder() == 3)
    assert dots.get_offsets().tolist() == [[0.5, 0], [0.7, 1], [0.9, 2]]
    assert not axes.yaxis.get_inverted()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("UA", "speaker")


def test_the_pooled_figure_and_chance_are_lines_with_their_numbers():
    figure = per_speaker(SCORES, 0.684, chance=0.25, title="Three speakers")
    (axes,) = figure.axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.684, 0.684], [0.25, 0.25]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "all speakers 68.4%",
        "chance 25.0%",
    ]
    assert axes.get_title("left") == "Three speakers"


def test_the_whole_scale_is_shown():
    (axes,) = per_speaker(SCORES, 0.68).axes
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] >= 1
    assert axes.xaxis.get_major_formatter()(0.5) == "50 %"


def test_of_many_speakers_only_the_ends_are_named():
    (axes,) = per_speaker({f"s{i:03d}": i / 100 for i in range(100)}, 0.5).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == []
    assert [text.get_text() for text in axes.texts] == ["s000", "s099"]
    assert axes.get_ylabel() == "100 speakers, best on top"
