import csv
from dataclasses import replace

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation.predictions_csv import read_predictions, write_predictions
from sercli.records import ValuePredictions, pool


def predictions(dimensions=("arousal", "valence"), seed=0):
    return ValuePredictions(
        dimensions=dimensions,
        ids=("recola/P16", 'recola/"P,17"'),
        target=(np.array([[0.5, -0.25], [1, 0]]), np.array([[0, 0], [0, 1], [0.1, 2e-9]])),
        predicted=(np.array([[0.25, 0], [-1, 3]]), np.array([[1, 2], [3, 4], [5, 6]]) / 7),
        speakers=("P16", None),
        genders=("female", None),
        folds=("fold 1", "fold 2"),
        seeds=(seed, seed),
    )


def test_the_file_by_hand(tmp_path):
    write_predictions(tmp_path / "p.csv", predictions())
    with (tmp_path / "p.csv").open(newline="") as file:
        header, first, second, *rest = csv.reader(file)
    assert header == [
        *("id", "fold", "seed", "speaker", "gender", "frame"),
        *("arousal", "valence", "predicted arousal", "predicted valence"),
    ]
    assert first == ["recola/P16", "fold 1", "0", "P16", "female", "0", "0.5", "-0.25", "0.25", "0"]
    assert second[5:] == ["1", "1", "0", "-1", "3"]
    assert [row[3:6] for row in rest] == [["", "", "0"], ["", "", "1"], ["", "", "2"]]


def test_what_is_read_is_what_was_written_to_the_last_bit_of_32(tmp_path):
    random = np.random.default_rng(0)
    values = [
        tuple((random.normal(size=(n, 2)) * 10.0 ** random.integers(-20, 20)).astype("f4") for n in (50, 1))
        for _ in range(2)
    ]
    plain = predictions()
    target, predicted = values
    rows = replace(plain, target=target, predicted=predicted)
    write_predictions(tmp_path / "p.csv", rows)
    found = read_predictions(tmp_path / "p.csv")
    for name in ("dimensions", "ids", "speakers", "genders", "folds", "seeds"):
        assert getattr(found, name) == getattr(rows, name)
    for name in ("target", "predicted"):
        for one, other in zip(getattr(found, name), getattr(rows, name), strict=True):
            assert one.dtype == np.float64
            np.testing.assert_array_equal(one.astype("f4"), other)
    write_predictions(tmp_path / "again.csv", found)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(path, predictions())
    before = path.read_bytes()
    plain = predictions()
    broken = replace(plain, predicted=(plain.predicted[0], plain.predicted[1][:2]))
    with pytest.raises(ValueError, match="dimensions"):
        write_predictions(path, broken)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,fold", "name,fold", r"p\.csv:1: expected the columns id, fold, seed"),
        ("predicted valence", "predicted arousal", r"p\.csv:1: expected the columns id"),
        (",0.25,0", ",0.25,0,1", r"p\.csv:2: 11 cells, expected 10"),
        (",0.25,0\r\n", ",0.25\r\n", r"p\.csv:2: 9 cells, expected 10"),
        (",0.25,0\r\n", ",0.25,0\r\n\r\n", r"p\.csv:3: 0 cells, expected 10"),
        (",female,1,", ",female,2,", r"p\.csv:3: frame '2', expected 1"),
        (",female,0,", ",female,x,", r"p\.csv:2: frame 'x', expected 0"),
        ("-0.25", "nan", r"p\.csv:2: 0\.5, nan, 0\.25, 0: not all are finite numbers"),
        ("-0.25", "much", r"p\.csv:2: could not convert string to float: 'much'"),
        ("recola/P16,fold 1,0", "recola/P16,fold 1,zero", r"p\.csv:2: seed 'zero' is not an integer"),
        ('"recola/""P,17"""', '"recola/""P,17', r"p\.csv: not a table of predictions \(.+\)"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path, old, new, message):
    path = tmp_path / "p.csv"
    write_predictions(path, predictions())
    text = path.read_bytes().decode()
    assert old in text
    count = -1 if "zero" in new else 1
    path.write_bytes(text.replace(old, new, count).encode())
    with pytest.raises(RunError, match=message + ".*; remove its folder, and train or test again$"):
        read_predictions(path)


def test_a_recording_twice_in_a_fold_is_refused(tmp_path):
    plain = predictions()
    write_predictions(tmp_path / "p.csv", pool([plain, plain]))
    with pytest.raises(
        RunError,
        match="'recola/P16' occurs more than once in a fold; remove its folder, and train or test again",
    ):
        read_predictions(tmp_path / "p.csv")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"p\.csv.*; remove its folder, and train or test again$"):
        read_predictions(tmp_path / "p.csv")


def test_a_missing_file_is_a_users_error(tmp_path):
    with pytest.raises(RunError, match="no such predictions; remove its folder, and train or test again"):
        read_predictions(tmp_path / "p.csv")


def test_pooling_puts_recordings_under_one_another():
    pooled = pool([predictions(), predictions(seed=1)])
    assert pooled.seeds == (0, 0, 1, 1)
    assert [len(trace) for trace in pooled.target] == [2, 3, 2, 3]
    assert pooled.speakers == ("P16", None, "P16", None)


def test_only_equal_dimensions_are_pooled():
    with pytest.raises(
        RunError, match=r"different classes or dimensions \(arousal, valence; valence, arousal\)"
    ):
        pool([predictions(), predictions(dimensions=("valence", "arousal"))])
    with pytest.raises(RunError, match="no predictions to pool"):
        pool([])
