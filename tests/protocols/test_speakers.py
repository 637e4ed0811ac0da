import pytest

from sercli.errors import ProtocolError, UnknownNameError
from sercli.protocols import fold_digest, get_protocol
from sercli.records import Utterance


def corpus(speakers, each=2):
    utterances = [
        Utterance(id=f"{s}-{i}", corpus="c", file="f", speaker=s, gender="female" if int(s) % 2 else "male")
        for s in speakers
        for i in range(each)
    ]
    return utterances, {utterance.id: "anger" for utterance in utterances}


def test_each_speaker_is_tested_once_and_the_next_one_is_dev():
    folds = get_protocol("leave-one-speaker-out").make(*corpus(["03", "08", "09", "10"]))
    assert [fold.name for fold in folds] == ["speaker 03", "speaker 08", "speaker 09", "speaker 10"]
    assert folds[3].test == ("10-0", "10-1")
    assert folds[3].dev == ("03-0", "03-1")
    assert folds[3].train == ("08-0", "08-1", "09-0", "09-1")


def test_ten_speakers_give_eight_one_one():
    folds = get_protocol("leave-one-speaker-out@1").make(*corpus([f"{i:02d}" for i in range(10)], each=1))
    assert {(len(f.train), len(f.dev), len(f.test)) for f in folds} == {(8, 1, 1)}


def test_groups_of_speakers_are_balanced_by_gender():
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 22)], each=1)
    folds = get_protocol("speaker-5-fold").make(utterances, labels)
    gender = {utterance.id: utterance.gender for utterance in utterances}
    for fold in folds:
        women = sum(gender[name] == "female" for name in fold.test)
        assert 2 <= women <= 3
        assert len(fold.test) - women in {2, 3}
    assert sorted(name for fold in folds for name in fold.test) == sorted(labels)


@pytest.mark.parametrize(("name", "count"), [("leave-one-speaker-out", 2), ("speaker-5-fold", 4)])
def test_too_few_speakers_is_an_error(name, count):
    with pytest.raises(ProtocolError, match=f"{name} needs .* speakers or more.* found {count}"):
        get_protocol(name).make(*corpus([f"{i:02d}" for i in range(count)]))


def test_an_utterance_without_speaker_is_an_error():
    utterance = Utterance(id="x", corpus="c", file="f")
    with pytest.raises(ProtocolError, match="x: no speaker, without which"):
        get_protocol("leave-one-speaker-out").make([utterance], {"x": "anger"})


def test_unlabelled_utterances_are_in_no_part():
    utterances, labels = corpus(["03", "08", "09"])
    del labels["03-0"]
    folds = get_protocol("leave-one-speaker-out").make(utterances, labels)
    assert folds[0].test == ("03-1",)


def test_another_version_is_not_silently_taken():
    with pytest.raises(UnknownNameError, match="did you mean leave-one-speaker-out@1"):
        get_protocol("leave-one-speaker-out@2")


def test_the_digest_is_of_the_division():
    protocol = get_protocol("leave-one-speaker-out")
    first = protocol.make(*corpus(["03", "08", "09"]))
    assert fold_digest(first) == fold_digest(protocol.make(*corpus(["03", "08", "09"])))
    assert fold_digest(first) != fold_digest(protocol.make(*corpus(["03", "08", "10"])))
