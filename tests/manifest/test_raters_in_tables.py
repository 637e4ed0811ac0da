"""Labels of raters in tables: a column for each rater, or several labels in a cell."""

import pytest

from sercli.corpora.csv import CORPUS
from sercli.corpora.manifest import CORPUS as LIST
from sercli.errors import ConfigError
from sercli.manifest.columns import of_raters
from sercli.manifest.values import split_labels
from sercli.raters import labels_of
from sercli.records import Note, Problem, Utterance


def read(tmp_path, text, name="t.csv", corpus=CORPUS, **settings):
    (tmp_path / name).write_text(text)
    return list(corpus.parse(tmp_path / name, *corpus.chosen(settings)))


def only(found):
    (utterance,) = (item for item in found if isinstance(item, Utterance))
    return utterance


def note(found):
    return next(item.fact for item in found if isinstance(item, Note))


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("anger|anger|sadness", ["anger", "anger", "sadness"]),
        ("anger ; sadness;", ["anger", "sadness"]),
        ('["anger", "guilt, shame"]', ["anger", "guilt, shame"]),
        ("['anger', 'sadness']", ["anger", "sadness"]),
        ("angry, sad", ["angry", "sad"]),
        ("drunk, loud", ["drunk, loud"]),  # a label with a comma, not two known nouns
        ("anger|?|nan||sadness", ["anger", "sadness"]),
        (["anger", None, "sadness"], ["anger", "sadness"]),
        (" anger ", ["anger"]),
        ("[]", []),
        ("", []),
        (None, []),
        (float("nan"), []),
        (3, ["3"]),
    ],
)
def test_labels_in_a_cell(cell, labels):
    assert split_labels(cell) == labels


@pytest.mark.parametrize("cell", [{"anger": 2}, True, [["anger"]], [True]])
def test_a_cell_that_holds_no_labels(cell):
    with pytest.raises(ValueError, match="is neither a label nor a list of labels"):
        split_labels(cell)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("raters", "all"),
        ("Annotators", "all"),
        ("rater1", "one"),
        ("rater_A", "one"),
        ("Annotator 12", "one"),
        ("rater_2_emotion", "one"),
        ("rater_emotion_2", "one"),
        ("rater_anna", "perhaps"),
        ("rater_id", "perhaps"),
        ("emotion", None),
        ("rate", None),
    ],
)
def test_columns_of_raters_by_name(column, kind):
    assert of_raters(column) == kind


def test_a_column_for_each_rater(tmp_path):
    found = read(
        tmp_path,
        "file,emotion,rater1,rater_B,rater_id,rater_Anna,rater_count\nx.wav,hap,Anger,sad|fear,r7,angry,3\n",
    )
    assert note(found) == (
        "file <- file, emotion <- emotion, raters <- rater1 + rater_B + rater_Anna; "
        "not read: rater_id, rater_count"
    )
    assert only(found).emotion == "happiness"  # of its own column
    assert only(found).raters == (
        {"rater": "rater1", "emotions": ["anger"]},
        {"rater": "rater_B", "emotions": ["sadness", "fear"]},
        {"rater": "rater_Anna", "emotions": ["anger"]},
    )


def test_each_label_in_the_only_column_is_that_of_one_rater(tmp_path):
    found = read(tmp_path, "file;raters\nx.wav;anger|anger|sadness\n")
    assert labels_of(only(found)) == (("anger",), ("anger",), ("sadness",))
    assert [rater["rater"] for rater in only(found).raters] == ["1", "2", "3"]
    found = read(tmp_path, '{"file": "x.wav", "raters": ["hap", "Guilt"]}\n', "t.jsonl")
    assert labels_of(only(found)) == (("happiness",), ("Guilt",))


def test_without_an_emotion_the_label_is_the_plurality(tmp_path):
    text = "file,rater1,rater2,rater3\na.wav,ang,ang,sad\nb.wav,ang,sad,\nc.wav,,,\n"
    first, second, third = (item for item in read(tmp_path, text) if not isinstance(item, Note))
    assert (first.emotion, first.emotion_raw, second.emotion) == ("anger", None, "undecided")
    assert third == Problem(
        "t.csv:4",
        "no emotion; write it, or name its column with --column emotion=COLUMN",
    )


def test_columns_are_chosen(tmp_path):
    text = "file,ann1,ann2,ann 3,emotion\nx.wav,anger,sad,sad,hap\n"
    assert only(read(tmp_path, text)).raters is None
    assert labels_of(only(read(tmp_path, text, columns={"raters": "ann1,ann2,Ann 3"}))) == (
        ("anger",),
        ("sadness",),
        ("sadness",),
    )
    # A column of labels that is chosen for the raters is not the emotion too.
    found = only(read(tmp_path, "file,labels\nx.wav,anger|anger|sad\n", columns={"raters": "labels"}))
    assert (found.emotion, len(found.raters)) == ("anger", 3)
    found = read(tmp_path, "file,rater1,emotion\nx.wav,anger,sad\n", columns={"raters": ""})
    assert only(found).raters is None


def test_a_chosen_column_that_does_not_exist(tmp_path):
    (problem,) = read(tmp_path, "file,ann1,emotion\nx.wav,sad,sad\n", columns={"raters": "ann1,ann2"})
    assert problem.fact.startswith("no column 'ann2'; the columns are file, ann1, emotion; name the right")
    with pytest.raises(ConfigError, match=r"no such field; the fields are file, .*, raters"):
        CORPUS.chosen({"columns": {"rater": "ann1"}})


def test_labels_are_mapped_as_the_emotion_is(tmp_path):
    found = read(tmp_path, "file,rater1,rater2\nx.wav,A,B\n", map={"A": "anger", "B": "Rage"})
    assert labels_of(only(found)) == (("anger",), ("Rage",))


def test_numbers_are_no_labels_unless_they_are_chosen(tmp_path):
    text = "file,emotion,rater1,raters\nx.wav,sad,4,3\n"
    assert only(read(tmp_path, text)).raters is None
    found = read(tmp_path, text, columns={"raters": "rater1"}, map={"4": "anger"})
    assert labels_of(only(found)) == (("anger",),)


def test_a_cell_that_is_no_list_of_labels_is_a_problem(tmp_path):
    text = '{"file": "x.wav", "votes": {"anger": 2}}\n'
    (problem,) = (
        item for item in read(tmp_path, text, "t.jsonl", columns={"raters": "votes"}) if type(item) is Problem
    )
    assert problem.place == "t.jsonl:1"
    assert "is neither a label nor a list of labels; write labels, for example anger|sadness" in problem.fact


def test_lists_of_other_tools_keep_the_raters(tmp_path):
    found = only(read(tmp_path, "file,rater1,rater2\nx.wav,ang,ang\n", corpus=LIST))
    assert labels_of(found) == (("anger",), ("anger",))
    assert found.emotion == "anger"


_BY_ROW = "file,speaker,Annotator ID,emotion\nx.wav,1,a,ang\nx.wav,1,b,ang|sad\nx.wav,1,b,sad\ny.wav,1,,sad\n"


@pytest.mark.parametrize("corpus", [CORPUS, LIST])
def test_a_row_for_each_rater(tmp_path, corpus):
    found = read(tmp_path, _BY_ROW, corpus=corpus)
    first, second = (item for item in found if isinstance(item, Utterance))
    assert first.raters == (
        {"rater": "a", "emotions": ["anger"]},
        {"rater": "b", "emotions": ["anger", "sadness", "sadness"]},
    )
    assert (first.emotion, first.emotion_raw) == ("anger", None)  # 1.5 votes against 0.5
    assert second.raters == ({"rater": "line 5", "emotions": ["sadness"]},)
    assert note(found) == (
        "file <- file, speaker <- speaker, raters <- Annotator ID + emotion; each row has the label of one "
        "rater; the rows of a recording become one utterance; --column raters= leaves the rows as they are"
    )


def test_a_row_for_each_rater_that_has_an_id_is_no_utterance_of_its_own(tmp_path):
    text = "id,file,rater,emotion\n1,x.wav,a,ang\n2,x.wav,b,sad\n3,x.wav,c,sad\n"
    assert (only(read(tmp_path, text)).id, only(read(tmp_path, text)).emotion) == ("", "sadness")


def test_a_rater_of_each_recording_is_no_vote(tmp_path):
    found = read(tmp_path, "file,rater,emotion\nx.wav,a,ang\nx.wav,a,ang\n")
    assert (only(found).raters, only(found).emotion) == (None, "anger")


@pytest.mark.parametrize(
    ("column", "differ"), [("who,", "emotion"), ("rater,valence", "emotion and valence")]
)
def test_rows_of_several_raters_that_can_not_be_joined_are_one_problem(tmp_path, column, differ):
    text = f"file,emotion,{column}\nx.wav,ang,a,1\nx.wav,sad,b,2\ny.wav,ang,a,1\ny.wav,sad,b,2\n"
    (problem,) = (item for item in read(tmp_path, text) if not isinstance(item, Note))
    assert str(problem) == (
        "t.csv: 2 of 2 recordings have several rows; those of x.wav in line 2 and line 3 differ in "
        f"{differ}; if they are labels of several raters, write a column for each rater (rater1, rater2), or "
        "name the rater of each row in a column rater; if they are ratings, write their mean; if they are "
        "segments, write their start and end"
    )
