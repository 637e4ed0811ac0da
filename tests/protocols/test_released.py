import pytest

from sercli.errors import DivisionError
from sercli.protocols.lists import ReleasedParts
from sercli.records import Fold, Utterance

PARTS = {"c/1": "train", "c/2": "dev", "c/3": "test", "c/4": "train", "c/5": "test2", "c/6": None}
UTTERANCES = [Utterance(id=name, corpus="c", file="f", part=part) for name, part in PARTS.items()]
LABELS = dict.fromkeys(PARTS, "anger")


def test_the_parts_of_the_release_are_the_parts_of_the_fold():
    (fold,) = ReleasedParts()("c-official", UTTERANCES, LABELS)
    assert fold == Fold("released test", ("c/1", "c/4"), ("c/2",), ("c/3",))


def test_a_further_test_part_is_tested_by_another_protocol():
    (fold,) = ReleasedParts(test="test2")("c-official-test2", UTTERANCES, LABELS)
    assert fold.test == ("c/5",)


def test_a_release_without_a_dev_part():
    (fold,) = ReleasedParts(dev=None)("c-official", UTTERANCES, LABELS)
    assert (fold.train, fold.dev, fold.test) == (("c/1", "c/4"), (), ("c/3",))


def test_only_selected_utterances_are_divided():
    labels = dict.fromkeys(("c/1", "c/2", "c/3"), "anger")
    (fold,) = ReleasedParts()("c-official", UTTERANCES, labels)
    assert fold.train == ("c/1",)
    del labels["c/2"]
    with pytest.raises(DivisionError, match="c-official: no utterance is in the released part dev"):
        ReleasedParts()("c-official", UTTERANCES, labels)
