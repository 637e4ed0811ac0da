"""Votes of raters, by hand."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.errors import ManifestError
from sercli.raters import (
    agreement,
    alpha,
    count_raters,
    labels_of,
    majority,
    plurality,
    votes,
)
from sercli.records import Utterance

# Krippendorff 2011, section C: four observers, twelve units, nominal alpha 0.743.
OBSERVERS = ("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3")
OBSERVERS = (*OBSERVERS, ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
UNITS = [
    [(value,) for value in unit if value != "."]
    for unit in zip(*(line.split() for line in OBSERVERS), strict=True)
]
RATERS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True), max_size=6)


def rated(*raters, name="c/a"):
    return Utterance(id=name, corpus="c", file="a.wav", raters=tuple(raters))


def vote(*emotions, **more):
    return {"rater": "r", "emotions": list(emotions), **more}


def test_two_raters_by_hand():
    # Two utterances on which both agree, one on which they do not: they agree on two of three.
    both = [[("anger",), ("anger",)], [("anger",), ("sadness",)], [("sadness",), ("sadness",)]]
    assert [agreement(raters) for raters in both] == [1, 1 / 2, 1]
    assert [plurality(raters) for raters in both] == ["anger", None, "sadness"]
    assert [majority(raters) for raters in both] == ["anger", None, "sadness"]
    # Six votes, three of each label: of the 30 pairs of votes, 18 differ; of those within utterances, 1 / 3.
    assert alpha(both) == pytest.approx(1 - (1 / 3) / (18 / 30)) == pytest.approx(4 / 9)


def test_alpha_of_the_example_in_the_source():
    assert round(alpha(UNITS), 3) == 0.743


def test_alpha_by_all_pairs_of_votes():
    """Compute alpha from its definition: the disagreement of pairs within utterances and of all pairs."""
    units = [unit for unit in UNITS if len(unit) > 1]
    pooled = [value for unit in units for value in unit]
    expected = np.mean([one != other for one, other in permutations(pooled, 2)])
    observed = sum(
        np.mean([one != other for one, other in permutations(unit, 2)]) * len(unit) for unit in units
    )
    assert alpha(UNITS) == pytest.approx(1 - observed / len(pooled) / expected)


def test_alpha_is_not_defined_without_pairs_or_without_differences():
    assert alpha([]) is None
    assert alpha([[("a",)], [("b",)]]) is None
    assert alpha([[("a",), ("a",)]]) is None
    assert alpha([[("a",), ("a",)], [("b",), ("b",)]]) == 1


def test_a_rater_has_one_vote_which_several_labels_share():
    raters = [("anger",), ("anger", "sadness"), ("neutral",)]
    assert (plurality(raters), majority(raters), agreement(raters)) == ("anger", None, 1 / 2)
    assert votes([(0,), (0, 2), (1,)], 4).tolist() == [1 / 2, 1 / 3, 1 / 6, 0]


def test_thirds_of_votes_are_equal_votes():
    assert plurality([(0, 1, 2), (0, 1, 2), (0, 1, 2), (3,)]) is None
    assert plurality([(0, 1, 2), (0, 1, 2), (0, 1, 3), (3,)]) == 3


def test_nobody_votes():
    assert (plurality([]), majority([]), agreement([]), votes([], 2).tolist()) == (None, None, None, [0, 0])


@given(RATERS)
def test_votes_are_a_distribution_and_its_largest_share_is_the_agreement(raters):
    shares = votes(raters, 4)
    assert shares.sum() == pytest.approx(1 if raters else 0)
    if raters:
        assert shares.max() == agreement(raters)
    winner = plurality(raters)
    if winner is not None:
        assert shares.argmax() == winner
    if majority(raters) is not None:
        assert majority(raters) == winner
        assert shares.max() > 1 / 2


def test_only_labels_of_others_than_the_speaker_are_votes():
    found = labels_of(
        rated(
            vote("Happiness", "Excited", "happiness"),
            vote("Anger", self=True),
            {"rater": "A-E3", "valence": 3.0},
            {"rater": "listening test", "recognised": 90.0, "natural": 80.0},
            vote(),
            vote(" Guilt "),
        )
    )
    assert found == (("happiness", "excitement"), ("Guilt",))
    assert labels_of(rated()) == labels_of(Utterance(id="c/a", corpus="c", file="a.wav")) == ()


@pytest.mark.parametrize("emotions", ["anger", [1], None, {"anger": 1}])
def test_labels_that_are_no_list_are_refused(emotions):
    with pytest.raises(ManifestError, match="c/a: the emotions of a rater are no list of labels; prepare"):
        labels_of(rated({"rater": "r", "emotions": emotions}))
    with pytest.raises(ManifestError, match="c/a: the emotions of a rater are no list of labels; prepare"):
        labels_of(rated("anger"))


def test_the_raters_of_a_corpus_are_counted():
    found = count_raters(
        [
            rated(vote("anger"), vote("anger"), vote("sadness")),
            rated(vote("anger"), vote("sadness")),
            rated({"rater": "listening test", "recognised": 90.0}),
        ]
    )
    assert (found.utterances, found.fewest, found.most) == (2, 2, 3)
    assert (found.majority, found.tied) == (1 / 2, 1 / 2)
    assert found.agreement == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert count_raters([rated()]) is None
