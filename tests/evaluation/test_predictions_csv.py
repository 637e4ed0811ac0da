import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.errors import RunError
from sercli.evaluation.predictions_csv import read_predictions, write_predictions
from sercli.records import ClassPredictions, pool

# Every character that UTF-8 can write, commas, quotes, line ends and zero bytes among them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMED = TEXT.filter(bool)


def predictions(classes=("anger", "fear"), seed=0):
    return ClassPredictions(
        classes=classes,
        ids=("toy/a", "toy/b"),
        target=np.array([0, 1]),
        probabilities=np.array([[0.75, 0.25], [2 / 3, 1 / 3]]),
        speakers=("03", None),
        genders=("female", None),
        folds=("speaker 03", "speaker 08"),
        seeds=(seed, seed),
    )


def same(one, other):
    texts = ("classes", "ids", "speakers", "genders", "folds", "seeds")
    return (
        all(getattr(one, name) == getattr(other, name) for name in (*texts, "raters"))
        and np.array_equal(one.target, other.target)
        and np.array_equal(one.probabilities, other.probabilities)
    )


@st.composite
def any_predictions(draw):
    classes = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    ids = draw(st.lists(TEXT, max_size=5, unique=True))
    column = {"min_size": len(ids), "max_size": len(ids)}
    random = np.random.default_rng(draw(st.integers(0, 9)))
    return ClassPredictions(
        classes=tuple(classes),
        ids=tuple(ids),
        target=random.integers(len(classes), size=len(ids)),
        probabilities=random.dirichlet(np.ones(len(classes)), size=len(ids)),
        speakers=tuple(draw(st.lists(st.none() | NAMED, **column))),
        genders=tuple(draw(st.lists(st.none() | NAMED, **column))),
        folds=tuple(draw(st.lists(TEXT, **column))),
        seeds=tuple(draw(st.lists(st.integers(), **column))),
    )


def test_the_file_by_hand(tmp_path):
    write_predictions(tmp_path / "p.csv", predictions())
    with (tmp_path / "p.csv").open(newline="") as file:
        header, first, second = csv.reader(file)
    columns = ["id", "fold", "seed", "speaker", "gender", "target", "predicted", "p(anger)", "p(fear)"]
    assert header == columns
    assert first == ["toy/a", "speaker 03", "0", "03", "female", "anger", "anger", "0.75", "0.25"]
    assert second[3:7] == ["", "", "fear", "anger"]


def test_a_speaker_stays_text_and_an_unknown_one_unknown(tmp_path):
    write_predictions(tmp_path / "p.csv", predictions())
    assert read_predictions(tmp_path / "p.csv").speakers == ("03", None)


@given(any_predictions())
def test_what_is_read_is_what_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "p.csv"
    write_predictions(path, rows)
    assert same(read_predictions(path), rows)


def test_raters_are_the_last_column(tmp_path):
    rows = replace(predictions(), raters=(((0,), (0, 1), (1,)), ()))
    write_predictions(tmp_path / "p.csv", rows)
    with (tmp_path / "p.csv").open(newline="") as file:
        header, first, second = csv.reader(file)
    assert header[-2:] == ["p(fear)", "raters"]
    assert (first[-1], second[-1]) == ("anger | anger + fear | fear", "")
    assert read_predictions(tmp_path / "p.csv").raters == rows.raters
    (tmp_path / "p.csv").write_text((tmp_path / "p.csv").read_text().replace("anger + fear", "anger + rage"))
    with pytest.raises(
        RunError,
        match=r"p\.csv:2: raters: 'rage' is none of anger, fear; remove its folder, and train or test again",
    ):
        read_predictions(tmp_path / "p.csv")


@given(st.lists(NAMED | st.text(" |+\\a", min_size=1), min_size=2, max_size=2, unique=True), st.data())
def test_raters_are_read_as_they_were_written(tmp_path_factory, classes, data):
    of_row = st.lists(st.lists(st.integers(0, 1), min_size=1, unique=True).map(tuple)).map(tuple)
    raters = tuple(data.draw(of_row) for _ in range(2))
    path = tmp_path_factory.getbasetemp() / "p.csv"
    write_predictions(path, replace(predictions(tuple(classes)), raters=raters))
    assert read_predictions(path).raters == raters


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(path, predictions())
    before = path.read_bytes()
    broken = predictions()
    broken.target[1] = 9
    with pytest.raises(IndexError):
        write_predictions(path, broken)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,fold", "name,fold", r"p\.csv:1: expected the columns id, fold, seed"),
        ("p(fear)", "fear", r"p\.csv:1: expected the columns id"),
        ("p(fear)", "p(anger)", r"p\.csv:1: expected the columns id"),
        ("0.25", "0.25,1", r"p\.csv:2: 10 cells, expected 9"),
        ("0.25", "0.25\n", r"p\.csv:3: 0 cells, expected 9 \(an empty line\); if another program saved"),
        ("id,fold", "\ufeffid,fold", r"p\.csv:1: it does not begin with 'id,'; if another program saved"),
        ("id,fold,", "id;fold;", r"p\.csv:1: it does not begin with 'id,'; if another program saved"),
        ("female,anger", "female,rage", r"p\.csv:2: target 'rage' is none of anger, fear"),
        ("anger,0.75", "fear,0.75", r"p\.csv:2: predicted 'fear', but 'anger' is more probable"),
        ("0.75", "0.85", r"p\.csv:2: probabilities add up to 1.1, not 1"),
        ("0.75", "nan", r"p\.csv:2: probability 'nan' is not a number from 0 to 1"),
        ("0.75", "many", r"p\.csv:2: probability 'many' is not a number from 0 to 1"),
        ("0.75", "-0.75", r"p\.csv:2: probability '-0.75' is not a number from 0 to 1"),
        ("03,0,", "03,zero,", r"p\.csv:2: seed 'zero' is not an integer"),
        ("toy/b,speaker 08", "toy/a,speaker 03", r"p\.csv: 'toy/a' occurs more than once in a fold"),
        ("toy/b", '"toy/b', r"p\.csv: not a table of predictions \(.+\)"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path, old, new, message):
    path = tmp_path / "p.csv"
    write_predictions(path, predictions())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RunError, match=message + ".*; remove its folder, and train or test again$"):
        read_predictions(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"p\.csv.*; remove its folder, and train or test again$"):
        read_predictions(tmp_path / "p.csv")


def test_a_missing_file_is_a_users_error(tmp_path):
    with pytest.raises(RunError, match="no such predictions; remove its folder, and train or test again"):
        read_predictions(tmp_path / "p.csv")


def test_pooling_puts_rows_under_one_another():
    pooled = pool([predictions(seed=0), predictions(seed=1)])
    assert pooled.ids == ("toy/a", "toy/b", "toy/a", "toy/b")
    assert pooled.seeds == (0, 0, 1, 1)
    assert pooled.target.tolist() == [0, 1, 0, 1]
    assert pooled.probabilities.shape == (4, 2)
    assert pooled.speakers == ("03", None, "03", None)


def test_only_equal_classes_are_pooled():
    with pytest.raises(RunError, match=r"different classes or dimensions \(anger, fear; anger, calm\)"):
        pool([predictions(), predictions(classes=("anger", "calm"))])
    with pytest.raises(RunError, match="no predictions to pool"):
        pool([])
