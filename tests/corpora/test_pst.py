import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.pst import CORPUS, from_name, parse

WORDS = ("nie", "oddaj", "podaj", "stop", "tak", "trzymaj")


def test_the_release_has_its_published_numbers(tmp_path):
    names = [
        f"m{speaker}.{letter}_{word}_{take}.wav"
        for speaker in range(1, 6)
        for letter in "ans"
        for word in WORDS
        for take in range(1, 6)
    ]
    utterances, problems = split(parse(touch_all(tmp_path, names)))
    assert problems == []
    assert len(utterances) == 450 == CORPUS.utterances
    assert count(utterances, "emotion") == {"anger": 150, "neutral": 150, "fear": 150}
    assert count(utterances, "text_id") == dict.fromkeys(WORDS, 75)
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_s_is_fear_and_the_dot_belongs_to_the_name():
    found = from_name("m3.s_trzymaj_5")
    assert (found.id, found.speaker, found.emotion) == ("pst/m3.s_trzymaj_5", "m3", "fear")
    assert found.transcript == "trzymaj"


@pytest.mark.parametrize("name", ["m3", "m6.s_trzymaj_5", "m3.x_trzymaj_5", "m3.s_trzymaj_6", "m3.s_no_1"])
def test_foreign_names(name):
    assert from_name(name) is None
