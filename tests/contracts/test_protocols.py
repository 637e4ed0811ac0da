"""What holds for every protocol."""

import pytest

from sercli.protocols import get_protocol, protocol_names
from sercli.records import Utterance

SPEAKERS = [f"{number:02d}" for number in range(1, 13)]
CLASSES = ("anger", "sadness", "neutral")
UTTERANCES = [
    Utterance(
        id=f"c/{speaker}-{emotion}-{take}",
        corpus="c",
        file="f",
        speaker=speaker,
        gender="male" if int(speaker) % 2 else "female",
        emotion=emotion,
    )
    for speaker in SPEAKERS
    for emotion in CLASSES
    for take in range(2)
]
LABELS = {utterance.id: utterance.emotion for utterance in UTTERANCES if utterance.emotion != "neutral"}


@pytest.mark.parametrize("name", protocol_names())
def test_parts_are_disjoint_and_every_utterance_is_tested_at_most_once(name):
    folds = get_protocol(name).make(UTTERANCES, LABELS)
    tested = [i for fold in folds for i in fold.test]
    assert len(tested) == len(set(tested))
    for fold in folds:
        parts = [set(fold.train), set(fold.dev), set(fold.test)]
        assert sum(len(part) for part in parts) == len(set.union(*parts))
        assert set.union(*parts) <= set(LABELS)
        assert fold.train
        assert fold.test
        assert bool(fold.dev) == get_protocol(name).has_dev


@pytest.mark.parametrize("name", protocol_names())
def test_no_speaker_is_in_two_parts_where_the_protocol_says_so(name):
    protocol = get_protocol(name)
    speaker = {utterance.id: utterance.speaker for utterance in UTTERANCES}
    for fold in protocol.make(UTTERANCES, LABELS):
        train, dev, test = ({speaker[i] for i in part} for part in (fold.train, fold.dev, fold.test))
        if protocol.speaker_independent:
            assert not train & test
            assert not train & dev
            assert not dev & test


@pytest.mark.parametrize("name", protocol_names())
def test_folds_do_not_hang_on_the_order_of_the_manifest(name):
    make = get_protocol(name).make
    forward, backward = make(UTTERANCES, LABELS), make(UTTERANCES[::-1], LABELS)
    for one, other in zip(forward, backward, strict=True):
        assert set(one.test) == set(other.test)
        assert set(one.dev) == set(other.dev)
