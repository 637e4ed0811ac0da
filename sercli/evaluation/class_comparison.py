"""Whether one run is better than another, judged on the utterances that both tested.

The first run is the reference, and each other is compared with it: the question is nearly always whether
something new beats a baseline. All pairs would pay for comparisons nobody asked for, since Holm's correction
grows with their number; whoever wants another pair puts another run first.

Speakers are what is independent, as in `intervals`. The interval of a difference draws them for both runs
together. The test, in `sign_flip`, is of UA alone; a second one of WA would be a second chance to find
something. Interval and test rest on different ideas, so near the limit they may disagree;
the verdict is the test's, because a bootstrap interval is too narrow with few speakers.

Neither knows of other trainings: several seeds are averaged, and a difference shown is one between these
trained models.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentile interval).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sercli.errors import RunError
from sercli.evaluation import intervals
from sercli.evaluation.classification import Counts, Rates, confusions, ua, wa
from sercli.evaluation.metrics import Interval
from sercli.evaluation.sign_flip import SignFlip, flip_signs, holm
from sercli.records import ClassPredictions

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class RunScore:
    """What one run reached: the mean over its ``seeds`` of the figures pooled over folds."""

    name: str
    seeds: int
    ua: float
    wa: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What ``other`` reached less what ``reference`` reached.

    Attributes:
        reference: name of the first run.
        other: name of the run compared with it.
        ua: difference in UA, positive where ``other`` is better.
        wa: likewise, in WA.
        ua_interval: paired bootstrap interval over speakers, or ``None``.
        wa_interval: likewise.
        test: of the difference in UA, or ``None``.
        p_holm: its p, corrected for the number of comparisons.
        better: the run that is better with ``p_holm`` below `ALPHA`, ``None`` where no difference is shown.
    """

    reference: str
    other: str
    ua: float
    wa: float
    ua_interval: Interval | None
    wa_interval: Interval | None
    test: SignFlip | None
    p_holm: float | None
    better: str | None


@dataclass(frozen=True, slots=True)
class PairedSpeaker:
    """How one speaker fares in each run, in the order of the runs; ``count`` is of utterances."""

    speaker: str
    count: int
    ua: tuple[float, ...]
    wa: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs that tested the same utterances, side by side.

    Attributes:
        runs: in the order given; the first is the reference.
        differences: one for each other run.
        utterances: how many each run tested, once per seed.
        speakers: how many of them are known.
        no_test: why there are neither intervals nor tests.
        by_speaker: sorted by name, unknown speakers left out.
    """

    runs: tuple[RunScore, ...]
    differences: tuple[Difference, ...]
    utterances: int
    speakers: int
    no_test: str | None
    by_speaker: tuple[PairedSpeaker, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return asdict(self)


def compare(runs: Mapping[str, ClassPredictions], draws: int = intervals.DRAWS) -> Comparison:
    """Compare each run with the first, as this module says.

    Args:
        runs: predictions by the run's name, two or more.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: there are fewer than two, or they did not test the same utterances, classes and targets.
    """
    reference = _check(runs)
    first = runs[reference]
    names = sorted({name for name in first.speakers if name is not None})
    unknown = {name for name, who in zip(first.ids, first.speakers, strict=True) if who is None}
    no_test = why_no_test(len(names), len(unknown))
    # Unknown speakers stand together in a last place, so that the pooled figures hold every row.
    groups = {name: i for i, name in enumerate([*names, None])}
    counts = [_by_speaker(predictions, groups) for predictions in runs.values()]
    pooled = np.stack([matrices.sum(axis=0) for matrices in counts])  # (runs, classes, classes)
    by_speaker = _paired(names, counts, [len(set(predictions.seeds)) for predictions in runs.values()])
    tested = len(set(first.ids))
    scores = [
        RunScore(name, len(set(predictions.seeds)), *figures)
        for (name, predictions), *figures in zip(
            runs.items(), ua(pooled).tolist(), wa(pooled).tolist(), strict=True
        )
    ]
    if no_test:
        plain = [Difference(reference, s.name, *_less(s, scores[0]), *[None] * 5) for s in scores[1:]]
        return Comparison(tuple(scores), tuple(plain), tested, len(names), no_test, by_speaker)

    drawn = intervals.resample(np.stack([matrices[:-1] for matrices in counts], axis=1), draws)
    # A draw is the same speakers in every run: (draws, runs) of UA and of WA.
    drawn_ua, drawn_wa = map(np.concatenate, zip(*((ua(some), wa(some)) for some in drawn), strict=True))
    parts = [_parts(matrices[:-1]) for matrices in counts]
    tests = [flip_signs(part - parts[0]) for part in parts[1:]]
    corrected = holm([test.p for test in tests])
    differences = []
    for i, (score, test, p) in enumerate(zip(scores[1:], tests, corrected, strict=True), 1):
        by_ua, by_wa = _less(score, scores[0])
        winner = score.name if by_ua > 0 else reference
        differences.append(
            Difference(
                reference=reference,
                other=score.name,
                ua=by_ua,
                wa=by_wa,
                ua_interval=intervals.percentile(drawn_ua[:, i] - drawn_ua[:, 0], len(names)),
                wa_interval=intervals.percentile(drawn_wa[:, i] - drawn_wa[:, 0], len(names)),
                test=test,
                p_holm=p,
                better=winner if p < ALPHA else None,
            )
        )
    return Comparison(tuple(scores), tuple(differences), tested, len(names), None, by_speaker)


def _paired(names: list[str], counts: list[Counts], seeds: list[int]) -> tuple[PairedSpeaker, ...]:
    return tuple(
        PairedSpeaker(
            speaker=name,
            count=int(counts[0][i].sum()) // seeds[0],
            ua=tuple(float(ua(matrices[i])) for matrices in counts),
            wa=tuple(float(wa(matrices[i])) for matrices in counts),
        )
        for i, name in enumerate(names)
    )


def _parts(by_speaker: Counts) -> Rates:
    """Split UA into what each speaker adds to it, (speakers,).

    Both runs tested the same utterances. So a swapped speaker leaves the number of utterances of each class
    as it was, UA is a sum over speakers, and swapping flips the sign of that speaker's difference.
    """
    totals = by_speaker.sum(axis=(0, 2))  # (classes,)
    hits = np.diagonal(by_speaker, axis1=1, axis2=2)  # (speakers, classes)
    present = totals > 0
    parts: Rates = (hits[:, present] / totals[present]).mean(axis=1)
    return parts


def _by_speaker(predictions: ClassPredictions, groups: Mapping[str | None, int]) -> Counts:
    """Count the rows of all seeds, (speakers, classes, classes); equal seeds make it the seeds' mean."""
    rows = np.array([groups[name] for name in predictions.speakers])
    return confusions(rows, len(groups), predictions.target, predictions.predicted, len(predictions.classes))


def _less(score: RunScore, reference: RunScore) -> tuple[float, float]:
    return score.ua - reference.ua, score.wa - reference.wa


def why_no_test(speakers: int, unknown: int, noun: str = "utterance") -> str | None:
    """Say why there is neither interval nor test; the arguments are those of `intervals.why_none`."""
    why = intervals.why_none(speakers, unknown, noun)
    if why is None or unknown:
        return why
    return f"{why}; the least p that {speakers} could give is 2/2^{speakers} = {2 / 2**speakers:.3g}"


def _check(runs: Mapping[str, ClassPredictions]) -> str:
    """Refuse runs that can't be paired; return the name of the first."""
    if len(runs) < 2:
        raise RunError("a comparison needs two runs or more; name another")
    reference, first = next(iter(runs.items()))
    expected = _tested(first, min(first.seeds, default=0))
    truth = _truth(first)
    for name, predictions in runs.items():
        if predictions.classes != first.classes:
            both = f"{reference}: {', '.join(first.classes)}; {name}: {', '.join(predictions.classes)}"
            raise RunError(
                f"runs of different classes can't be compared ({both}); compare runs of one scheme"
            )
        if not len(predictions):
            raise RunError(f"{name}: no predictions to compare; test at least one fold")
        if not np.isfinite(predictions.probabilities).all():
            raise RunError(f"{name}: a probability is not a number: training diverged; train it again")
        for seed in sorted(set(predictions.seeds)):
            tested = _tested(predictions, seed)
            if tested != expected:
                raise RunError(
                    f"{name} tested {tested.total()} utterances with seed {seed}, {reference} "
                    f"{expected.total()}, and {(tested & expected).total()} are in both; "
                    "test the same folds of one protocol in every run and with every seed"
                )
        own = _truth(predictions)
        changed = sum(own[utterance] != what for utterance, what in truth.items())
        if changed:
            raise RunError(
                f"{name} and {reference} disagree on class or speaker of {changed} of {len(truth)} "
                "utterances; train both on one preparation of the corpus"
            )
    return reference


def _tested(predictions: ClassPredictions, seed: int) -> Counter[str]:
    pairs = zip(predictions.ids, predictions.seeds, strict=True)
    return Counter(name for name, own in pairs if own == seed)


def _truth(predictions: ClassPredictions) -> dict[str, tuple[int, str | None]]:
    """Give class and speaker by utterance."""
    told = zip(predictions.target.tolist(), predictions.speakers, strict=True)
    return dict(zip(predictions.ids, told, strict=True))
