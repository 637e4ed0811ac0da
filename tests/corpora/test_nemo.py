from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.nemo import CORPUS, from_name, parse

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
WOMEN = ("EB0", "IC0", "KD0", "MK0")
MEN = ("KS0", "SM0", "TP0", "WR0")
# The ninth actor spoke fewer sentences.
MP0 = {"fear": 17, "anger": 29, "happiness": 30, "surprised": 41, "sadness": 49, "neutral": 90}
# Five recordings are missing; the counts state of whom and of which emotions, not which ones they are.
MISSING = {"EB0_fear_1", "TP0_neutral_1", "WR0_happiness_1", "SM0_surprised_1", "SM0_surprised_2"}


def released():
    names = {f"{s}_{e}_{n}" for s, e, n in product(WOMEN + MEN, EMOTIONS, range(1, 91))}
    names -= {f"MK0_surprised_{number}" for number in range(1, 91)} | MISSING
    return names | {f"MP0_{emotion}_{n}" for emotion, number in MP0.items() for n in range(1, number + 1)}


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, [f"samples/{n}.wav" for n in released()])))
    assert problems == []
    assert len(utterances) == 4481 == CORPUS.utterances
    assert count(utterances, "emotion") == {
        "anger": 749,
        "fear": 736,
        "happiness": 749,
        "neutral": 809,
        "sadness": 769,
        "surprise": 669,
    }
    assert count(utterances, "gender") == {"female": 2069, "male": 2412}
    assert {each.speaker for each in utterances if each.gender == "female"} == set(WOMEN)
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_the_words_are_read_with_their_quotation_marks(tmp_path):
    touch_all(tmp_path, ["samples/EB0_anger_1.wav", "samples/EB0_anger_2.wav", "samples/EB0_anger_3.wav"])
    (tmp_path / "data.tsv").write_text(
        "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
        'EB0_anger_1.wav\tanger\t"Nie", powiedział.\tnie powiedział\tEB0        \tfemale\t24\n'
        "EB0_anger_2.wav\tanger\tŻółć.\tżółć\tEB0        \tfemale\t24\n",
        encoding="utf-8",
    )
    for root in (tmp_path, tmp_path / "samples"):
        texts = [each.transcript for each in split(parse(root))[0]]
        assert texts == ['"Nie", powiedział.', "Żółć.", None]


def test_a_table_of_another_kind_is_of_no_use_and_does_no_harm(tmp_path):
    touch_all(tmp_path, ["EB0_anger_1.wav"])
    (tmp_path / "data.tsv").write_text("a\tb\n1\n")
    assert split(parse(tmp_path))[0][0].transcript is None


def test_the_three_parts_of_a_name():
    found = from_name("MK0_surprised_90")
    assert (found.speaker, found.gender, found.emotion) == ("MK0", "female", "surprise")
    assert (found.emotion_raw, found.text_id) == ("surprised", "90")


@pytest.mark.parametrize("name", ["XX0_anger_1", "EB0_anger_91", "EB0_anger_0", "EB0_anger_01", "EB0_joy_1"])
def test_foreign_names(name):
    assert from_name(name) is None
