import numpy as np

from sercli.evaluation import evaluate
from sercli.evaluation.classes import without_gender
from sercli.records import ClassPredictions


def test_genders_by_hand():
    # Women: anger 1 of 2, fear 1 of 1. Men: anger 1 of 1. One row of nobody known: wrong.
    target, predicted = np.array([0, 0, 1, 0, 1]), [0, 1, 1, 0, 0]
    found = evaluate(
        ClassPredictions(
            classes=("anger", "fear"),
            ids=tuple("abcde"),
            target=target,
            probabilities=np.eye(2)[predicted],
            speakers=("01", "01", "02", "03", None),
            genders=("female", "female", "female", "male", None),
            folds=("1",) * 5,
            seeds=(0,) * 5,
        )
    )
    parts = found.table.parts("gender")
    assert [
        (part.name, part.about["speakers"], part.count, part.rows["ua"].value, part.rows["wa"].value)
        for part in parts
    ] == [
        ("female", 2, 3, 0.75, 2 / 3),
        ("male", 1, 1, 1.0, 1.0),
        ("unknown", 0, 1, 0.0, 0.0),
    ]


def gendered(probabilities, target, classes=("female anger", "female fear", "male anger", "male fear")):
    n = len(target)
    return ClassPredictions(
        classes=classes,
        ids=tuple(f"u{i}" for i in range(n)),
        target=np.array(target),
        probabilities=np.array(probabilities, float),
        speakers=tuple(f"s{i}" for i in range(n)),
        genders=("female", "male") * (n // 2),
        folds=("1",) * n,
        seeds=(0,) * n,
    )


def test_an_emotion_s_probability_is_that_of_women_and_men_together():
    # Of the first row no class of anger is the most probable, both together are; the second is taken for a
    # man's anger, which is the emotion of the woman; the third and the fourth stay wrong and right.
    rows = [[0.3, 0.4, 0.3, 0], [0.1, 0.2, 0.6, 0.1], [0, 0.9, 0.1, 0], [0, 0.2, 0, 0.8]]
    predictions = gendered(rows, [0, 0, 2, 3])
    merged = without_gender(predictions)
    assert merged.classes == ("anger", "fear")
    np.testing.assert_allclose(merged.probabilities, [[0.6, 0.4], [0.7, 0.3], [0.1, 0.9], [0, 1]])
    assert merged.target.tolist() == [0, 0, 0, 1]
    assert (merged.speakers, merged.genders) == (predictions.speakers, predictions.genders)
    found = evaluate(predictions)
    assert found.table.row("wa").value == 0.25
    assert found.without_gender.table.row("wa").value == 0.75
    assert found.table.row("ua", "without gender").value == (2 / 3 + 1) / 2
    assert found.without_gender.without_gender is None
    assert found.to_dict()["without_gender"]["outputs"] == ["anger", "fear"]


def test_classes_in_any_order_keep_their_rows():
    merged = without_gender(
        gendered([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3]], [0, 1], ("male fear", "female anger", "female fear"))
    )
    assert merged.classes == ("anger", "fear")
    assert merged.target.tolist() == [1, 0]
    np.testing.assert_allclose(merged.probabilities, [[0.1, 0.9], [0.5, 0.5]])


def test_there_is_nothing_to_merge_without_gender_or_with_one_emotion():
    for classes in (("anger", "fear"), ("female anger", "male anger"), ("female anger", "male fear")):
        assert without_gender(gendered([[0.7, 0.3], [0.2, 0.8]], [0, 1], classes)) is None
    assert evaluate(gendered([[0.7, 0.3], [0.2, 0.8]], [0, 1], ("anger", "fear"))).without_gender is None
