import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.ased import CORPUS, from_name, parse

FOLDERS = {"n": "01Neutral", "f": "02Fearful", "h": "03Happy", "s": "04Sad", "a": "05Angry"}
COUNTS = {"n": 522, "f": 510, "a": 486, "h": 486, "s": 470}
# Which of the speakers are women is not published; the number is.
WOMEN = 25


def places():
    """Names with the published numbers by emotion, dealt to 65 speakers; one begins with a capital."""
    for (letter, total), digit in zip(COUNTS.items(), (1, 2, 5, 3, 4), strict=True):
        for number in range(total):
            speaker = number % 65 + 1
            sentence, repetition = number // 65 % 7 + 1, number // 455 + 1
            gender = 1 if speaker <= WOMEN else 2
            first = "S" if (letter, number) == ("s", 93) else letter
            yield (
                f"{FOLDERS[letter]}/{first}{digit}-{sentence:02d}-{repetition:02d}-{gender:02d}-{speaker:02d}.wav"
            )


def test_the_public_list_has_its_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 2474 == CORPUS.utterances
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    genders = {each.speaker: each.gender for each in utterances}
    assert len(genders) == 65
    assert list(genders.values()).count("female") == WOMEN
    assert not any(each.id.startswith("ased/S") for each in utterances)


def test_a_name_with_the_wrong_gender_gets_that_of_its_speaker(tmp_path):
    names = ["s4-01-02-02-09", "s4-01-01-01-09", "n1-01-01-01-09"]
    utterances, _ = split(parse(touch_all(tmp_path, [f"{name}.wav" for name in names])))
    assert {each.gender for each in utterances} == {"female"}
    assert "ased/s4-01-02-02-09" in {each.id for each in utterances}


def test_common_sentences_are_the_same_text():
    assert from_name("a5-02-01-01-33").text_id == from_name("n1-02-01-01-33").text_id == "02"
    assert from_name("a5-03-01-01-33").text_id == "a03"


@pytest.mark.parametrize("name", ["x5-02-01-01-33", "a6-02-01-01-33", "a5-08-01-01-33", "a5-02-01-03-33"])
def test_foreign_names(name):
    assert from_name(name) is None
