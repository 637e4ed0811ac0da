"""What holds for every protocol."""

from dataclasses import replace

import pytest

from sercli.protocols import fold_digest, get_protocol, protocol_names
from sercli.protocols.lists import ReleasedParts
from sercli.records import Utterance
from sercli.schemes import get_scheme

SPEAKERS = [f"{number:02d}" for number in range(1, 25)]
CLASSES = ("anger", "sadness", "neutral")
UTTERANCES = [
    Utterance(
        id=f"c/{speaker}-{emotion}-{take}",
        corpus="c",
        file="f",
        speaker=speaker,
        gender="male" if int(speaker) % 2 else "female",
        session=f"{(int(speaker) + 1) // 2}",
        emotion=emotion,
    )
    for speaker in SPEAKERS
    for emotion in CLASSES
    for take in range(2)
]
LABELS = {utterance.id: utterance.emotion for utterance in UTTERANCES if utterance.emotion != "neutral"}

# Parts of releases: by speaker, or (shared by all speakers) by utterance.
PARTS = ("train", "dev", "test")


def release(utterances, protocol):
    """Return the example of a corpus that is released with the parts of the protocol."""
    parts = [part for part in PARTS if getattr(protocol.make, part)]
    found = []
    for utterance in utterances:
        number = int(utterance.speaker if protocol.speaker_independent else utterance.id[-1])
        number += 2 * (utterance.emotion == "sadness" and not protocol.speaker_independent)
        part = parts[number % len(parts)]
        found.append(replace(utterance, part=getattr(protocol.make, part)))
    return found


every_protocol = pytest.mark.parametrize("name", protocol_names())


def divide(name, utterances=UTTERANCES):
    """Divide the corpus under the name of one that the protocol is made for."""
    protocol = get_protocol(name)
    corpus = protocol.corpus or "c"
    if isinstance(protocol.make, ReleasedParts):
        utterances = release(utterances, protocol)
    several = {"07": "d", "08": "d", "09": "e", "10": "e"} if protocol.tests_corpora else {}
    named = [replace(each, corpus=several.get(each.speaker, corpus)) for each in utterances]
    return protocol.divide(named, LABELS)


@every_protocol
def test_parts_are_disjoint_and_every_utterance_is_tested_at_most_once(name):
    folds = divide(name)
    tested = [i for fold in folds for i in fold.test]
    assert len(tested) == len(set(tested))
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        parts = [set(fold.train), set(fold.dev), set(fold.test)]
        assert sum(len(part) for part in parts) == len(set.union(*parts))
        assert set.union(*parts) == set(LABELS)
        assert fold.train
        assert bool(fold.test) != get_protocol(name).tests_nothing
        assert bool(fold.dev) == get_protocol(name).has_dev


@every_protocol
def test_no_speaker_is_in_two_parts_where_the_protocol_says_so(name):
    speaker = {utterance.id: utterance.speaker for utterance in UTTERANCES}
    shared = False
    for fold in divide(name):
        train, dev, test = ({speaker[i] for i in part} for part in (fold.train, fold.dev, fold.test))
        shared |= bool(train & test or train & dev or dev & test)
    assert shared != get_protocol(name).speaker_independent


@every_protocol
def test_folds_do_not_hang_on_the_order_of_the_manifest(name):
    for one, other in zip(divide(name), divide(name, UTTERANCES[::-1]), strict=True):
        assert set(one.test) == set(other.test)
        assert set(one.dev) == set(other.dev)


@every_protocol
def test_a_second_call_divides_alike(name):
    assert fold_digest(divide(name)) == fold_digest(divide(name))


@every_protocol
def test_its_name_holds_its_version_and_finds_it_again(name):
    protocol = get_protocol(name)
    assert protocol.name == f"{name}@{protocol.version}"
    assert get_protocol(protocol.name).name == protocol.name
    assert protocol.short_name == name
    assert "{" not in protocol.description


@every_protocol
def test_its_scheme_is_one_of_its_corpus(name):
    protocol = get_protocol(name)
    if protocol.scheme:
        assert get_scheme(protocol.scheme).corpus == protocol.corpus
