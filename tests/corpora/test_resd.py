import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.resd import CORPUS, from_name, parse
from sercli.protocols import get_protocol
from sercli.schemes import get_scheme

# Turns of the parts train and test.
COUNTS = {
    "fear": (178, 45),
    "anger": (175, 44),
    "happiness": (174, 44),
    "enthusiasm": (158, 40),
    "neutral": (153, 38),
    "disgust": (148, 37),
    "sadness": (130, 32),
}
EMOTIONS = list(COUNTS)


def places():
    """Deal the turns to fifty dialogs, which are in both parts; 301 names have a blank."""
    number = 0
    for part, index in (("train", 0), ("test", 1)):
        for emotion in EMOTIONS:
            for turn in range(COUNTS[emotion][index]):
                other = EMOTIONS[(EMOTIONS.index(emotion) + 1) % 7]
                dialog = f"{turn % 50}_{emotion}_{other}"
                mark = " " if number < 301 else "_"
                yield f"{part}/{dialog}/{dialog}{mark}{emotion[0]}_{number}.wav"
                number += 1


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 1396 == CORPUS.utterances
    assert count(utterances, "emotion") == {emotion: sum(both) for emotion, both in COUNTS.items()}
    for index, part in enumerate(("train", "test")):
        of_part = [each for each in utterances if each.part == part]
        assert count(of_part, "emotion") == {emotion: both[index] for emotion, both in COUNTS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert len({each.dialog for each in utterances}) == 50
    assert {each.speaker for each in utterances} == {None}
    labels = get_scheme("resd-7").select(utterances).labels
    (fold,) = get_protocol("resd-official").divide(utterances, labels)
    assert (len(fold.train), len(fold.dev), len(fold.test)) == (1116, 0, 280)
    assert len(get_protocol("leave-one-session-out").divide(utterances, labels)) == 50


def test_the_letter_is_the_emotion_of_the_turn(tmp_path):
    name = "test/03_disgust_neutral/03_disgust_neutral d_090.wav"
    (found,), _ = split(parse(touch_all(tmp_path, [name])))
    assert (found.id, found.emotion) == ("resd/03_disgust_neutral_d_090", "disgust")
    assert (found.dialog, found.session, found.part) == ("03", "03", "test")
    (same,), _ = split(parse(tmp_path / "test"))
    assert (same.id, same.part) == (found.id, "test")


@pytest.mark.parametrize("name", ["32_happiness_enthusiasm_x_120", "32_happiness_h_120", "a_b_c_h_1"])
def test_foreign_names(name):
    assert from_name(name) is None
