import numpy as np
import pytest
from sklearn.metrics import accuracy_score, recall_score

from sercli.evaluation.classes import ClassScoring, confusions, ua, wa
from sercli.evaluation.resampling import DRAWS, draw, percentile, why_no_interval
from sercli.records import ClassPredictions


def resample(by_speaker, draws=DRAWS, seed=0):
    """Give the confusion matrix of each draw of speakers."""
    columns = dict.fromkeys(("ids", "target", "probabilities", "speakers", "genders", "folds", "seeds"), ())
    scoring = ClassScoring(ClassPredictions(classes=(), **columns))
    return np.concatenate([scoring.combine(by_speaker, some) for some in draw(len(by_speaker), draws, seed)])


def random_rows(n_speakers=7, n_classes=4, seed=0):
    """Give speaker, target and prediction of rows; speakers differ in length, class balance and skill."""
    random = np.random.default_rng(seed)
    speakers = np.sort(random.integers(n_speakers, size=40 * n_speakers))
    target = (random.integers(n_classes, size=len(speakers)) + speakers * random.integers(2)) % n_classes
    right = random.random(len(speakers)) < random.uniform(0.3, 0.9, n_speakers)[speakers]
    return speakers, target, np.where(right, target, random.integers(n_classes, size=len(speakers)))


def test_draws_equal_a_slow_bootstrap_that_copies_rows():
    speakers, target, predicted = random_rows()
    drawn = resample(confusions(speakers, 7, target, predicted, 4), draws=50, seed=3)
    times = np.random.default_rng(3).multinomial(7, [1 / 7] * 7, size=50)
    for matrix, counts in zip(drawn, times, strict=True):
        rows = np.concatenate(
            [np.flatnonzero(speakers == speaker) for speaker in range(7) for _ in range(counts[speaker])]
        )
        t, p = target[rows], predicted[rows]
        assert ua(matrix) == pytest.approx(
            recall_score(t, p, average="macro", labels=np.unique(t)), abs=1e-12
        )
        assert wa(matrix) == pytest.approx(accuracy_score(t, p), abs=1e-12)


def test_the_interval_holds_the_middle_of_the_draws():
    interval = percentile(np.arange(1001) / 1000, speakers=10)
    assert (interval.low, interval.high) == pytest.approx((0.025, 0.975), abs=1e-12)
    assert (interval.level, interval.draws, interval.speakers) == (0.95, 1001, 10)


def test_copies_of_a_speakers_utterances_tell_nothing_new():
    speakers, target, predicted = random_rows()
    once = confusions(speakers, 7, target, predicted, 4)
    twice = confusions(np.tile(speakers, 2), 7, np.tile(target, 2), np.tile(predicted, 2), 4)
    for metric in (ua, wa):
        assert percentile(metric(resample(twice)), 7) == percentile(metric(resample(once)), 7)


def test_speakers_that_are_all_alike_leave_no_doubt():
    # Resampling utterances would give a width here; between speakers nothing varies.
    alike = np.repeat([[[6, 4], [5, 5]]], 8, axis=0)
    interval = percentile(ua(resample(alike)), 8)
    assert (interval.low, interval.high) == (0.55, 0.55)


def test_a_draw_without_a_class_is_scored_on_the_others():
    # The second class, never recognised, is spoken by one speaker only: UA is 1/2 with that one, 1 without.
    by_speaker = np.array([[[4, 0], [0, 0]]] * 4 + [[[4, 0], [2, 0]]])
    values = ua(resample(by_speaker))
    assert set(values.tolist()) == {0.5, 1.0}
    assert np.mean(values == 1) == pytest.approx(0.8**5, abs=0.02)


def test_draws_follow_the_seed():
    speakers, target, predicted = random_rows()
    by_speaker = confusions(speakers, 7, target, predicted, 4)
    np.testing.assert_array_equal(resample(by_speaker, 20, seed=1), resample(by_speaker, 20, seed=1))
    assert (resample(by_speaker, 20, seed=1) != resample(by_speaker, 20, seed=2)).any()


@pytest.mark.parametrize(("speakers", "lowest", "highest"), [(5, 0.77, 0.90), (24, 0.89, 0.97)])
def test_coverage_is_what_the_docstring_says(speakers, lowest, highest):
    # Recalls vary over speakers as a beta distribution with mean 0.6; fourteen utterances of each class.
    random = np.random.default_rng(0)
    covered = []
    for trial in range(400):
        hits = random.binomial(14, random.beta(6, 4, size=(speakers, 2)))
        by_speaker = np.zeros((speakers, 2, 2), dtype=np.int64)
        by_speaker[:, [0, 1], [0, 1]] = hits
        by_speaker[:, [0, 1], [1, 0]] = 14 - hits
        interval = percentile(ua(resample(by_speaker, draws=500, seed=trial)), speakers)
        covered.append(interval.low <= 0.6 <= interval.high)
    assert lowest < np.mean(covered) < highest


@pytest.mark.parametrize(
    ("speakers", "unknown", "reason"),
    [
        (5, 0, None),
        (4, 0, "4 speakers, and an interval over speakers needs 5 or more"),
        (1, 0, "1 speaker, and an interval over speakers needs 5 or more"),
        (9, 1, "the speaker of 1 utterance is unknown"),
        (0, 12, "the speaker of 12 utterances is unknown"),
    ],
)
def test_why_there_is_no_interval(speakers, unknown, reason):
    assert why_no_interval(speakers, unknown) == reason
