import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from sercli.evaluation.classes import confusions, macro_f1, precisions, recalls, ua, wa

# Of four A three are recognised and one is taken for B; of two B one, the other taken for A; C never occurs.
TARGET = np.array([0, 0, 0, 0, 1, 1])
PREDICTED = np.array([0, 0, 0, 1, 1, 0])
MATRIX = [[3, 1, 0], [1, 1, 0], [0, 0, 0]]


def confusion(target, predicted, n_classes):
    return confusions(np.zeros_like(target), 1, target, predicted, n_classes)[0]


@st.composite
def labels(draw):
    n_classes = draw(st.integers(2, 6))
    rows = st.lists(st.tuples(*[st.integers(0, n_classes - 1)] * 2), min_size=1, max_size=60)
    target, predicted = np.array(draw(rows)).T
    return target, predicted, n_classes


def test_confusion_has_true_classes_in_rows():
    assert confusion(TARGET, PREDICTED, 3).tolist() == MATRIX


def test_figures_by_hand():
    matrix = np.array(MATRIX)
    np.testing.assert_equal(recalls(matrix), [3 / 4, 1 / 2, np.nan])
    np.testing.assert_equal(precisions(matrix), [3 / 4, 1 / 2, np.nan])
    assert ua(matrix) == (3 / 4 + 1 / 2) / 2  # not divided by three: C does not occur
    assert wa(matrix) == 4 / 6
    assert macro_f1(matrix) == (3 / 4 + 1 / 2) / 2


def test_a_class_that_is_only_predicted_has_precision_zero_and_no_recall():
    matrix = confusion(np.array([0, 1]), np.array([0, 2]), 3)
    np.testing.assert_equal(recalls(matrix), [1, 0, np.nan])
    np.testing.assert_equal(precisions(matrix), [1, np.nan, 0])
    assert ua(matrix) == 1 / 2


def test_nothing_at_all_is_undefined():
    empty = np.zeros((3, 3), dtype=np.int64)
    assert np.isnan([ua(empty), wa(empty), macro_f1(empty)]).all()


@given(labels())
def test_figures_agree_with_scikit_learn(rows):
    target, predicted, n_classes = rows
    matrix = confusion(target, predicted, n_classes)
    present = sorted(set(target.tolist()))
    np.testing.assert_array_equal(
        matrix, metrics.confusion_matrix(target, predicted, labels=list(range(n_classes)))
    )
    options = {"labels": present, "zero_division": 0}
    expected = metrics.recall_score(target, predicted, average="macro", **options)
    assert ua(matrix) == pytest.approx(expected, abs=1e-12)
    assert wa(matrix) == pytest.approx(metrics.accuracy_score(target, predicted), abs=1e-12)
    expected = metrics.f1_score(target, predicted, average="macro", **options)
    assert macro_f1(matrix) == pytest.approx(expected, abs=1e-12)
    expected = metrics.precision_score(target, predicted, average=None, **options)
    np.testing.assert_allclose(np.nan_to_num(precisions(matrix)[present]), expected, atol=1e-12)


@given(labels(), st.randoms(use_true_random=False))
def test_a_stack_of_matrices_is_scored_one_by_one(rows, random):
    target, predicted, n_classes = rows
    groups = np.array([random.randrange(3) for _ in target])
    stack = confusions(groups, 3, target, predicted, n_classes)
    for group in range(3):
        mine = groups == group
        alone = confusion(target[mine], predicted[mine], n_classes)
        np.testing.assert_array_equal(stack[group], alone)
        for figure in (recalls, precisions, ua, wa, macro_f1):
            np.testing.assert_array_equal(figure(stack)[group], figure(alone))


@pytest.mark.parametrize(("target", "predicted"), [([0], [3]), ([3], [0]), ([0], [-1])])
def test_a_class_index_out_of_range_is_never_counted_elsewhere(target, predicted):
    with pytest.raises(ValueError, match="invalid entry"):
        confusion(np.array(target), np.array(predicted), 3)
