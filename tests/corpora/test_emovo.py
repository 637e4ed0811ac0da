from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.emovo import CORPUS, from_name, parse

SPEAKERS = ("f1", "f2", "f3", "m1", "m2", "m3")
ITALIAN = {
    "dis": "disgust",
    "gio": "happiness",
    "neu": "neutral",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
}
# Three short sentences, four long ones, five without sense, two questions.
TEXTS = ["b1", "b2", "b3", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5", "d1", "d2"]


def test_the_release_has_its_published_numbers(tmp_path):
    names = [f"{e}-{s}-{t}" for e, s, t in product(ITALIAN, SPEAKERS, TEXTS)]
    root = touch_all(tmp_path, [f"EMOVO/{name[4:6]}/{name}.wav" for name in names])
    touch_all(root, ["EMOVO/documents.pdf", "EMOVO/f1/.DS_Store"])
    utterances, problems = split(parse(root))
    assert len(utterances) == 588 == CORPUS.utterances
    assert count(utterances, "emotion") == dict.fromkeys(ITALIAN.values(), 84)
    assert count(utterances, "speaker") == dict.fromkeys(SPEAKERS, 98)
    assert count(utterances, "text_id") == dict.fromkeys(TEXTS, 42)
    assert count(utterances, "gender") == {"female": 294, "male": 294}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert {each.id for each in utterances} == set(CORPUS.ids)
    assert problems == []


@pytest.mark.parametrize(("letters", "emotion"), ITALIAN.items())
def test_the_italian_words(letters, emotion):
    assert from_name(f"{letters}-m2-d1").emotion == emotion


def test_capitals_do_not_matter(tmp_path):
    (found,), problems = split(parse(touch_all(tmp_path, ["F1/RAB-F1-B1.WAV"])))
    assert (found.id, found.speaker, found.gender) == ("emovo/rab-f1-b1", "f1", "female")
    assert problems == []


@pytest.mark.parametrize("name", ["rab-f4-b1", "rab-f1-b4", "rab-f1-d3", "ang-f1-b1", "rab-f1", "rab_f1_b1"])
def test_foreign_names(name):
    assert from_name(name) is None
