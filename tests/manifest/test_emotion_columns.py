"""Tables with a column for each emotion: 0 or 1, or numbers of votes."""

import pytest

from sercli.corpora.csv import CORPUS
from sercli.manifest.interop import read_other
from sercli.manifest.listing import Entry, read_entries
from sercli.records import Note, Problem, Utterance

HOT = "file,speaker,is_angry,Happy,sadness\na.wav,s1,1,0,0\nb.wav,s1,0,1,\nc.wav,s2,0,0,1.0\n"


def read(tmp_path, text, **columns):
    (tmp_path / "t.csv").write_text(text)
    settings = {"columns": columns} if columns else {}
    return list(CORPUS.parse(tmp_path / "t.csv", *CORPUS.chosen(settings)))


def labels(found):
    return [item.emotion for item in found if isinstance(item, Utterance)]


def votes(found):
    kept = (item.raters for item in found if isinstance(item, Utterance))
    return [[rater["emotions"] for rater in raters or ()] for raters in kept]


def fact(found):
    return next(item.fact for item in found if isinstance(item, Problem) and not item.harmless)


@pytest.mark.parametrize("one", ["1", "1.0", "True", "yes"])
def test_the_column_with_the_one_is_the_label(tmp_path, one):
    found = read(tmp_path, HOT.replace("1,0,0", f"{one},0,0"))
    assert labels(found) == ["anger", "happiness", "sadness"]
    assert votes(found) == [[], [], []]
    (note,) = (item.fact for item in found if isinstance(item, Note))
    assert note == "file <- file, speaker <- speaker, emotion <- is_angry + Happy + sadness"


def test_several_ones_are_labels_of_one_rater(tmp_path):
    found = read(tmp_path, HOT.replace("1,0,0", "1,0,1"))
    assert labels(found) == ["undecided", "happiness", "sadness"]
    assert votes(found)[0] == [["anger", "sadness"]]


def test_a_row_without_a_one_has_no_label(tmp_path):
    assert fact(read(tmp_path, HOT.replace("1,0,0", "0,0,0"))).startswith("no emotion")


def test_numbers_of_votes_are_read_if_the_user_names_them(tmp_path):
    text = "file,anger_votes,sad,guilt\na.wav,2,0,1\nb.wav,0,1,1\nc.wav,0,0,1\n"
    assert "--column emotion=anger_votes,sad" in fact(read(tmp_path, text))
    found = read(tmp_path, text, emotion="anger_votes,sad,guilt")
    assert votes(found) == [[["anger"], ["anger"], ["guilt"]], [["sadness"], ["guilt"]], [["guilt"]]]
    assert labels(found) == ["anger", "undecided", "guilt"]


@pytest.mark.parametrize("cell", ["-1", "0.5", "many", "[1]"])
def test_a_cell_that_is_no_number_of_votes(tmp_path, cell):
    found = read(tmp_path, HOT.replace("1,0,0", f"{cell},0,0"), emotion="is_angry,happy,sadness")
    assert f"'{cell}' in column 'is_angry' is neither 0, 1 nor a number of votes" in fact(found)


@pytest.mark.parametrize(
    "text",
    [
        "file,anger,happiness\na.wav,3,1\nb.wav,0,2\n",  # may be intensities
        "file,anger,happiness\na.wav,0.8,0.2\n",  # probabilities
        "file,anger,happiness\na.wav,0,0\n",  # nothing is set
        "file,anger,rating\na.wav,1,0\n",  # one emotion only
    ],
)
def test_other_columns_with_names_of_emotions_are_no_labels(tmp_path, text):
    assert "no column 'emotion'" in fact(read(tmp_path, text))


def test_a_column_of_the_label_goes_before(tmp_path):
    found = read(tmp_path, "file,emotion,anger,sadness\na.wav,fear,1,0\n")
    assert labels(found) == ["fear"]


def test_a_named_column_that_does_not_exist(tmp_path):
    assert fact(read(tmp_path, HOT, emotion="is_angry,joy")).startswith("no column 'joy'")


def test_an_empty_name_switches_them_off(tmp_path):
    (tmp_path / "t.csv").write_text(HOT)
    assert read_other(tmp_path / "t.csv", {}) is None
    found = read_entries(tmp_path / "t.csv", {"emotion_raw": ""})
    assert all("emotion_raw" not in item.fields for item in found if isinstance(item, Entry))


def test_a_flag_beside_the_emotions_may_be_an_emotion(tmp_path):
    text = "file,speaker,angry,happy,wistful\na.wav,0,1,0,0\nb.wav,1,0,1,0\nc.wav,1,0,0,1\n"
    assert fact(read(tmp_path, text)).endswith("--column emotion=angry,happy,wistful")
    assert labels(read(tmp_path, text, emotion="angry,happy,wistful")) == ["anger", "happiness", "wistful"]


def test_a_row_for_each_rater_with_a_column_for_each_emotion(tmp_path):
    text = "file,rater,anger,sad\na.wav,r1,1,0\na.wav,r2,1,0\na.wav,r3,0,1\n"
    found = read(tmp_path, text)
    assert labels(found) == ["anger"]
    assert votes(found) == [[["anger"], ["anger"], ["sadness"]]]


def test_more_votes_than_people_could_give_are_refused(tmp_path):
    found = read(tmp_path, "file,anger,sad\na.wav,1000000000000,1\n", emotion="anger,sad")
    assert fact(found).endswith("nor a number of votes (at most 1000)")
