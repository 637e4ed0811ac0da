import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss
from torchmetrics.classification import MulticlassCalibrationError

from sercli.errors import ConfigError, RunError
from sercli.evaluation.calibration import (
    apply_temperature,
    apply_threshold,
    fit_temperature,
    measure_calibration,
    threshold_for,
)
from sercli.records import ClassPredictions


def predictions(target, probabilities, seeds=None):
    n, k = np.shape(probabilities)
    return ClassPredictions(
        classes=tuple("abcdefgh"[:k]),
        ids=tuple(str(i // len(set(seeds or (0,)))) for i in range(n)),  # seeds take turns
        target=np.array(target, dtype=np.int64),
        probabilities=np.array(probabilities, dtype=np.float64),
        speakers=("01",) * n,
        genders=(None,) * n,
        folds=("1",) * n,
        seeds=seeds or (0,) * n,
    )


def sure(confidence, right, seeds=None):
    """Two classes; the first is always said, with ``confidence``, and is true where ``right``."""
    confidence = np.array(confidence)
    return predictions(~np.array(right), np.stack([confidence, 1 - confidence], axis=1), seeds)


def random_predictions(rows=500, classes=4, seed=0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, classes)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = np.where(
        random.random(rows) < 0.6, probabilities.argmax(axis=1), random.integers(classes, size=rows)
    )
    return predictions(target, probabilities)


def test_calibration_by_hand():
    # Two bins have rows: 0.62 and 0.65, one of two right, are in (9/15, 10/15]; 0.95 and 0.97, both right,
    # are in (14/15, 1].
    found = measure_calibration(sure([0.62, 0.65, 0.95, 0.97], [True, False, True, True]))
    assert [b.low for b in found.bins] == pytest.approx([9 / 15, 14 / 15])
    assert [b.high for b in found.bins] == pytest.approx([10 / 15, 1])
    assert [b.count for b in found.bins] == [2, 2]
    assert [b.confidence for b in found.bins] == pytest.approx([0.635, 0.96])
    assert [b.right for b in found.bins] == [0.5, 1]
    assert found.ece == pytest.approx((0.135 + 0.04) / 2)
    assert found.mce == pytest.approx(0.135)
    # Squared distances, twice since there are two classes: 0.38, 0.65, 0.05, 0.03.
    assert found.brier == pytest.approx(2 * (0.1444 + 0.4225 + 0.0025 + 0.0009) / 4)
    assert (found.count, found.right, found.confidence) == (4, 0.75, pytest.approx(0.7975))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("norm", "ours"), [("l1", "ece"), ("max", "mce")])
def test_errors_equal_torchmetrics(seed, norm, ours):
    rows = random_predictions(seed=seed)
    theirs = MulticlassCalibrationError(num_classes=4, n_bins=15, norm=norm)
    value = theirs(torch.from_numpy(rows.probabilities), torch.from_numpy(rows.target))
    # torchmetrics adds up in single precision.
    assert getattr(measure_calibration(rows), ours) == pytest.approx(value.item(), abs=1e-6)


def test_the_brier_score_equals_scikit_learn():
    rows = random_predictions(classes=2)
    single = brier_score_loss(rows.target, rows.probabilities[:, 1])  # of one class: half of ours
    assert measure_calibration(rows).brier == pytest.approx(2 * single)


def test_a_row_on_an_edge_belongs_to_the_bin_below():
    edges = np.linspace(0, 1, 16)
    found = measure_calibration(sure(edges[[8, 12, 15]], [True] * 3))
    assert [(b.low, b.high, b.count) for b in found.bins] == [
        (edges[i - 1], edges[i], 1) for i in (8, 12, 15)
    ]


def test_a_sum_just_above_one_is_one():
    found = measure_calibration(predictions([0], [[1.0000005, 0.0]]))
    assert found.bins[0].confidence == 1
    assert json.loads(json.dumps(found.to_dict()))["bins"][0]["count"] == 1


def test_a_threshold_by_hand():
    # The surer half is all right: 100 rows, corrected for 20 thresholds, prove 0.0025^(1/100) = 0.9418.
    # The rest is right half the time: 55 % of the rows, 105 of 110 right, are not certain to be 90 %.
    confidence = np.concatenate([np.linspace(0.99, 0.8, 100), np.linspace(0.79, 0.6, 100)])
    found = threshold_for(sure(confidence, [True] * 100 + [True, False] * 50), 0.9)
    assert found.confidence == pytest.approx(0.8)
    assert (found.kept, found.right, found.why_none) == (0.5, 1, None)
    assert found.at_least == pytest.approx(0.0025 ** (1 / 100))


def test_the_bound_is_clopper_and_pearsons():
    rows = random_predictions(400)
    found = threshold_for(rows, 0.3)
    hits, counts = round(found.right * found.kept * 400), round(found.kept * 400)
    theirs = binomtest(hits, counts, alternative="greater").proportion_ci(1 - 0.05 / 20, method="exact").low
    assert found.at_least == pytest.approx(theirs, abs=1e-9)


def test_few_rows_prove_nothing_even_if_all_are_right():
    found = threshold_for(sure(np.linspace(0.9, 0.99, 20), [True] * 20), 0.9)
    assert (found.confidence, found.kept, found.right, found.at_least) == (None, 0, None, None)
    assert found.why_none == (
        "at best, 20 of the 20 most confident rows of 20 are right, so the lower bound is 74.1% and not 90.0%"
    )
    assert threshold_for(sure([0.9, 0.8], [False, False]), 0.5).confidence is None


def test_seeds_of_the_same_utterances_add_no_certainty():
    once = threshold_for(sure([0.9] * 60, [True] * 60), 0.5)
    again = threshold_for(sure([0.9] * 180, [True] * 180, seeds=(0, 1, 2) * 60), 0.5)
    assert once.at_least == pytest.approx(again.at_least)


def test_the_promise_is_kept():
    # Right as often as it is sure. The true share right above each threshold found is at least the target.
    random = np.random.default_rng(0)
    broken = 0
    for _ in range(300):
        confidence = random.uniform(0.5, 1, 400)
        found = threshold_for(sure(confidence, random.random(400) < confidence), 0.8)
        broken += found.confidence is not None and (found.confidence + 1) / 2 < 0.8
    assert broken / 300 < 0.05


def test_a_threshold_on_other_rows_by_hand():
    rows = sure([0.9, 0.8, 0.8, 0.7, 0.6], [True, True, False, True, True])
    found = apply_threshold(rows, 0.8)
    assert (found.count, found.kept, found.right) == (5, 0.6, pytest.approx(2 / 3))
    bound = binomtest(2, 3, alternative="greater").proportion_ci(0.95, method="exact").low
    assert found.at_least == pytest.approx(bound)
    nothing = apply_threshold(rows, 0.95)
    assert (nothing.kept, nothing.right, nothing.at_least) == (0, None, None)
    twice = apply_threshold(sure([0.9] * 6, [True] * 6, seeds=(0, 1) * 3), 0.5)
    assert twice.at_least == pytest.approx(0.05 ** (1 / 3))


def test_what_makes_no_sense_is_refused():
    rows = random_predictions(20)
    with pytest.raises(ConfigError, match="target is a share between 0 and 1, got 90"):
        threshold_for(rows, 90)
    empty = predictions([], np.zeros((0, 2)))
    with pytest.raises(RunError, match="no predictions to calibrate"):
        measure_calibration(empty)
    with pytest.raises(RunError, match="0: a prediction is not a finite number: training diverged"):
        measure_calibration(predictions([0], [[np.nan, np.nan]]))


def test_folds_that_share_a_dev_part_add_no_certainty():
    # One list of 24 utterances, judged five times: by networks of five seeds, or of five folds.
    rng = np.random.default_rng(1)
    confidence, right = rng.uniform(0.5, 1, 24).repeat(5), (rng.uniform(size=24) < 0.95).repeat(5)
    seeds = sure(confidence, right, seeds=(0, 1, 2, 3, 4) * 24)
    folds = replace(seeds, seeds=(0,) * 120, folds=seeds.seeds)
    once = sure(confidence[::5], right[::5])
    assert threshold_for(folds, 0.7) == threshold_for(seeds, 0.7)
    assert apply_threshold(folds, 0.6) == apply_threshold(seeds, 0.6)
    assert apply_threshold(folds, 0.6).at_least == pytest.approx(apply_threshold(once, 0.6).at_least)


def test_the_temperature_by_hand():
    # All say 0.8, and 3 of 5 are right: the best constant confidence is 0.6, so the temperature is
    # log(0.8 / 0.2) / log(0.6 / 0.4).
    found = fit_temperature(sure([0.8] * 5, [True, True, True, False, False]))
    assert found.value == pytest.approx(np.log(4) / np.log(1.5), rel=1e-5)
    assert (found.utterances, found.speakers) == (5, 1)
    assert found.loss_before == pytest.approx(-(3 * np.log(0.8) + 2 * np.log(0.2)) / 5)
    assert found.loss_after == pytest.approx(-(3 * np.log(0.6) + 2 * np.log(0.4)) / 5)


def test_the_temperature_is_that_of_a_search_over_logits_with_torch():
    rows = random_predictions()
    logits = torch.from_numpy(np.log(rows.probabilities) + 3.0)  # a softmax ignores the constant
    target = torch.from_numpy(rows.target)
    grid = torch.linspace(0.5, 10, 951, dtype=torch.float64)
    losses = [torch.nn.functional.cross_entropy(logits / each, target).item() for each in grid]
    found = fit_temperature(rows)
    assert found.value == pytest.approx(float(grid[int(np.argmin(losses))]), abs=0.01)
    assert found.loss_after == pytest.approx(min(losses), abs=1e-5)
    tempered = apply_temperature(rows, found.value)
    expected = (logits / found.value).softmax(dim=1).numpy()
    np.testing.assert_allclose(tempered.probabilities, expected, atol=1e-12)
    assert fit_temperature(tempered).value == pytest.approx(1, abs=1e-4)


def test_no_temperature_changes_a_class_or_the_sum_of_a_row():
    rows = random_predictions(seed=3)
    for temperature in (0.05, 0.5, 1.0, 3.0, 20.0):
        tempered = apply_temperature(rows, temperature)
        np.testing.assert_array_equal(tempered.predicted, rows.predicted)
        np.testing.assert_allclose(tempered.probabilities.sum(axis=1), 1)
    zero = apply_temperature(predictions([0], [[1.0, 0.0, 0.0]]), 2.0)
    assert zero.probabilities.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("rows", "fact"),
    [
        (sure([0.8, 0.9], [True, True]), "all 2 predictions of the dev part are right"),
        (sure([0.9] * 4, [True, True, False, False]), "no temperature from 0.05 to 20 fits"),
    ],
)
def test_no_temperature_fits_what_shows_none(rows, fact):
    with pytest.raises(RunError, match=fact):
        fit_temperature(rows)
