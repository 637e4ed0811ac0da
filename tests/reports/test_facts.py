from types import SimpleNamespace

import pytest

from sercli.reports.facts import banners


def told(before, protocol="leave-one-speaker-out@1", folds=(1,), **provenance):
    settings = {
        "corpus": "emodb",
        "protocol": protocol,
        "training": {"selection": "last"},
        "provenance": {
            "corpus": {"notice": "", "utterances": 535, "expected": 535},
            "folds": len(folds),
            "started_from": before,
            **provenance,
        },
    }
    return banners(settings, [SimpleNamespace(seed=0, fold=fold) for fold in folds])


@pytest.mark.parametrize(
    ("before", "folds"),
    [
        ([{"corpus": "unknown"}], (1,)),
        ([{"corpus": "emodb", "protocol": "train-on-all@1", "fold": 1}], (1,)),
        ([{"corpus": "emodb", "protocol": "leave-one-speaker-out@1", "fold": 2}], (1,)),
        # Of two trials one started from its own fold, the other did not.
        ([{"corpus": "emodb", "protocol": "leave-one-speaker-out@1", "fold": 1}], (1, 2)),
        # Long ago counts too.
        ([{"corpus": "emodb", "protocol": "speaker-5-fold@1", "fold": 1}, {"corpus": "ravdess"}], (1,)),
    ],
)
def test_weights_that_may_know_the_test_part_are_told_of(before, folds):
    (banner,) = told(before, folds=folds)
    assert banner.startswith("Possible leak: the weights that training started from")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [{"corpus": "ravdess", "protocol": "train-on-all@1", "fold": 1}],
        [{"corpus": "emodb", "protocol": "leave-one-speaker-out@1", "fold": 1}],
    ],
)
def test_weights_that_can_t_know_it_are_not(before):
    assert told(before) == ()


def test_where_nothing_is_tested_nobody_can_be_known():
    assert told([{"corpus": "emodb", "protocol": "speaker-5-fold@1", "fold": 1}], "train-on-all@1") == ()


def test_where_a_list_of_folds_lies_makes_no_difference():
    before = [{"corpus": "emodb", "protocol": "lists:mine.csv#01234567@1", "fold": 1}]
    assert told(before, protocol="lists:/here/mine.csv#01234567@1") == ()


@pytest.mark.parametrize(("how", "use"), [("train", "used for training only"), ("drop", "left out")])
def test_utterances_of_unknown_speakers_are_counted(how, use):
    (banner,) = told([], f"leave-one-speaker-out+unknown-{how}@1", unknown_speakers=8)
    assert banner.startswith(f"Unknown speakers: 8 utterances without a speaker are {use}")
    assert told([], f"leave-one-speaker-out+unknown-{how}@1", unknown_speakers=0) == ()
