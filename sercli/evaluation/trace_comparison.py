"""Whether one run predicts continuous labels better than another, on the recordings that both tested.

As in `comparison`, the first run is the reference, speakers are what is independent, and the interval draws
them for both runs together. What is compared is the pooled CCC of each dimension. Every dimension of every
run is a comparison, and Holm's correction counts them all.

The test flips the sign of each speaker's share in the difference, as `comparison` does with UA. The pooled
CCC is no sum over speakers, so the jackknife finds the shares: how much the CCC changes without a speaker.
Swapping the predictions themselves would be another test. Two networks with different offsets, mixed speaker
by speaker, make traces that neither of them predicts. Their CCC varies far more than that of the networks, so
such a test finds hardly any difference, and it contradicts the interval.

Several seeds weigh as one: their frames are joined, as in the pooled CCC, each seed's with equal weight.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections 11.2 and 11.5 (pseudo-values).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sercli.errors import RunError
from sercli.evaluation import intervals
from sercli.evaluation._plain import to_plain
from sercli.evaluation.class_comparison import ALPHA, why_no_test
from sercli.evaluation.classification import Rates
from sercli.evaluation.concordance import Frames, Moments, ccc, combine, moments, stack
from sercli.evaluation.metrics import Interval
from sercli.evaluation.sign_flip import SignFlip, flip_signs, holm
from sercli.records import ValuePredictions


@dataclass(frozen=True, slots=True)
class TraceRunScore:
    """What one run reached: the pooled CCC of each dimension, over its ``seeds``."""

    name: str
    seeds: int
    ccc: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TraceDifference:
    """What ``other`` reached less what ``reference`` reached, in the pooled CCC of one dimension.

    Interval, test, ``p_holm`` and ``better`` are as in `comparison.Difference`.
    """

    reference: str
    other: str
    dimension: str
    ccc: float
    ccc_interval: Interval | None
    test: SignFlip | None
    p_holm: float | None
    better: str | None


@dataclass(frozen=True, slots=True)
class PairedTraceSpeaker:
    """How one speaker fares in each run: CCC of all the speaker's frames, (runs, dimensions)."""

    speaker: str
    frames: int
    ccc: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class TraceComparison:
    """Runs that tested the same recordings, side by side.

    Attributes:
        dimensions: their names.
        runs: in the order given; the first is the reference.
        differences: one for each other run and dimension.
        recordings: how many each run tested, once per seed.
        speakers: how many of them are known.
        no_test: why there are neither intervals nor tests.
        by_speaker: sorted by name, unknown speakers left out.
    """

    dimensions: tuple[str, ...]
    runs: tuple[TraceRunScore, ...]
    differences: tuple[TraceDifference, ...]
    recordings: int
    speakers: int
    no_test: str | None
    by_speaker: tuple[PairedTraceSpeaker, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        plain: dict[str, Any] = to_plain(asdict(self))
        return plain


def compare_traces(runs: Mapping[str, ValuePredictions], draws: int = intervals.DRAWS) -> TraceComparison:
    """Compare each run with the first, as this module says.

    Args:
        runs: predictions by the run's name, two or more.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: there are fewer than two, or they did not test the same recordings and dimensions.
    """
    reference = _check(runs)
    first = runs[reference]
    recordings = len(set(first.ids))
    names = sorted({name for name in first.speakers if name is not None})
    unknown = {name for name, who in zip(first.ids, first.speakers, strict=True) if who is None}
    no_test = why_no_test(len(names), len(unknown), "recording")
    by_speaker = [
        _by_speaker(predictions, [*names, *([None] if unknown else [])]) for predictions in runs.values()
    ]
    pooled = [ccc(combine(found, np.ones((1, len(found.count)), dtype=np.int64)))[0] for found in by_speaker]
    scores = tuple(
        TraceRunScore(name, len(set(predictions.seeds)), tuple(figures.tolist()))
        for (name, predictions), figures in zip(runs.items(), pooled, strict=True)
    )
    own = [ccc(found) for found in by_speaker]  # (speakers, dimensions) each
    paired = tuple(
        PairedTraceSpeaker(
            speaker=name,
            frames=round(float(by_speaker[0].count[i, 0])),
            ccc=tuple(tuple(figures[i].tolist()) for figures in own),
        )
        for i, name in enumerate(names)
    )
    pairs = [(other, i) for other in range(1, len(scores)) for i in range(len(first.dimensions))]
    gaps: list[Interval | None] = [None] * len(pairs)
    tests: list[SignFlip | None] = [None] * len(pairs)
    if no_test is None:
        drawn = [_draw(found, draws) for found in by_speaker]
        gaps = [intervals.percentile(drawn[other][:, i] - drawn[0][:, i], len(names)) for other, i in pairs]
        shares = [_shares(found) for found in by_speaker]
        tests = [flip_signs(shares[other][:, i] - shares[0][:, i]) for other, i in pairs]
    corrected = holm([test.p for test in tests if test]) if no_test is None else [None] * len(pairs)
    differences = []
    for (other, i), gap, test, p in zip(pairs, gaps, tests, corrected, strict=True):
        less = scores[other].ccc[i] - scores[0].ccc[i]
        winner = scores[other].name if less > 0 else reference
        better = winner if p is not None and p < ALPHA else None
        differences.append(
            TraceDifference(reference, scores[other].name, first.dimensions[i], less, gap, test, p, better)
        )
    return TraceComparison(
        first.dimensions, scores, tuple(differences), recordings, len(names), no_test, paired
    )


def _by_speaker(predictions: ValuePredictions, names: list[str | None]) -> Moments:
    """Sum over each speaker's frames, the seeds' weights adding up to one, (speakers, dimensions)."""
    found = []
    for name in names:
        rows = [row for row, who in enumerate(predictions.speakers) if who == name]
        target = np.concatenate([predictions.target[row] for row in rows], dtype=np.float64)
        found.append(
            moments(target, np.concatenate([predictions.predicted[row] for row in rows], dtype=np.float64))
        )
    joined, seeds = stack(found), len(set(predictions.seeds))
    return Moments(
        count=joined.count / seeds,
        target_mean=joined.target_mean,
        predicted_mean=joined.predicted_mean,
        target_square=joined.target_square / seeds,
        predicted_square=joined.predicted_square / seeds,
        product=joined.product / seeds,
        error=joined.error / seeds,
    )


def _draw(by_speaker: Moments, draws: int) -> Rates:
    """Give the CCC of each draw, (draws, dimensions): equal draws for every run."""
    times = intervals.draw(len(by_speaker.count), draws)
    return np.concatenate([ccc(combine(by_speaker, some)) for some in times])


def _shares(by_speaker: Moments) -> Rates:
    """Split the pooled CCC into a share for each speaker, (speakers, dimensions), which add up to it.

    A share is the speaker's jackknife pseudo-value, divided by the number of speakers, less what corrects the
    bias.
    """
    speakers = len(by_speaker.count)
    pooled = ccc(combine(by_speaker, np.ones((1, speakers), dtype=np.int64)))  # (1, dimensions)
    without = ccc(combine(by_speaker, 1 - np.eye(speakers, dtype=np.int64)))  # (speakers, dimensions)
    shares: Rates = (pooled + (speakers - 1) * (without.mean(axis=0) - without)) / speakers
    return shares


def _check(runs: Mapping[str, ValuePredictions]) -> str:
    """Refuse runs that can't be paired; return the name of the first."""
    if len(runs) < 2:
        raise RunError("a comparison needs two runs or more; name another")
    reference, first = next(iter(runs.items()))
    expected = {name: (target, who) for name, target, who in _told(first)}
    for name, predictions in runs.items():
        for recording, values in zip(predictions.ids, predictions.predicted, strict=True):
            if not np.isfinite(values).all():
                raise RunError(
                    f"{name}: a value predicted for {recording} is not a number: training diverged; try a "
                    "lower learning rate"
                )
        if predictions.dimensions != first.dimensions:
            both = f"{reference}: {', '.join(first.dimensions)}; {name}: {', '.join(predictions.dimensions)}"
            raise RunError(
                f"runs of different dimensions can't be compared ({both}); compare runs of one scheme"
            )
        for seed in sorted(set(predictions.seeds)):
            pairs = zip(predictions.ids, predictions.seeds, strict=True)
            tested = sorted(recording for recording, own in pairs if own == seed)
            if tested != sorted(expected):
                raise RunError(
                    f"{name} tested {len(tested)} recordings with seed {seed}, {reference} {len(expected)}, "
                    f"and {len(set(tested) & set(expected))} are in both; "
                    "test the same folds of one protocol in every run and with every seed"
                )
        for recording, target, who in _told(predictions):
            other, speaker = expected[recording]
            if who != speaker or not np.array_equal(target, other):
                raise RunError(
                    f"{name} and {reference} disagree on gold standard or speaker of {recording}; "
                    "train both on one preparation of the corpus"
                )

    return reference


def _told(predictions: ValuePredictions) -> Iterator[tuple[str, Frames, str | None]]:
    return zip(predictions.ids, predictions.target, predictions.speakers, strict=True)
