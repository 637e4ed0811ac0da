import numpy as np

from sercli.evaluation.genders import GenderScore, by_gender
from sercli.records import Predictions


def test_genders_by_hand():
    # Women: anger 1 of 2, fear 1 of 1. Men: anger 1 of 1. One row of nobody known: wrong.
    target, predicted = np.array([0, 0, 1, 0, 1]), [0, 1, 1, 0, 0]
    found = by_gender(
        Predictions(
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
    assert found == (
        GenderScore("female", 2, 3, 0.75, 2 / 3),
        GenderScore("male", 1, 1, 1.0, 1.0),
        GenderScore(None, 0, 1, 0.0, 0.0),
    )
