from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.jl_corpus import CORPUS, from_name, parse

SPEAKERS = ("female1", "female2", "male1", "male2")
PRIMARY = {
    "angry": "anger",
    "sad": "sadness",
    "neutral": "neutral",
    "happy": "happiness",
    "excited": "excitement",
}
SECONDARY = {
    "anxious": "anxiety",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "concerned": "concern",
    "encouraging": "encouragement",
}
RAW = "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)"


def test_the_release_has_its_published_numbers(tmp_path):
    codes = [f"{number}{letter}" for number in range(1, 16) for letter in "ab"]
    parts = product(SPEAKERS, PRIMARY | SECONDARY, codes, (1, 2))
    names = [f"{s}_{e}_{c}_{n}" for s, e, c, n in parts]
    root = touch_all(tmp_path, [f"{RAW}/{name}.wav" for name in names])
    touch_all(root, [f"annotated/part/{name}.wav" for name in names[:50]])
    (root / RAW / "female1_angry_10a_1.txt").write_text("Linda asked her mom.\n")
    utterances, (problem,) = split(parse(root))
    assert problem.harmless
    assert len(utterances) == 2400 == CORPUS.utterances
    assert count(utterances, "emotion") == dict.fromkeys((PRIMARY | SECONDARY).values(), 240)
    assert count(utterances, "speaker") == dict.fromkeys(SPEAKERS, 600)
    assert count(utterances, "gender") == {"female": 1200, "male": 1200}
    assert set(count(utterances, "session").values()) == {300}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    (spoken,) = (each for each in utterances if each.transcript)
    assert (spoken.id, spoken.transcript) == ("jl-corpus/female1_angry_10a_1", "Linda asked her mom.")


def test_a_woman_is_not_a_man_though_female_holds_male():
    assert (from_name("female2_sad_1a_2").gender, from_name("male2_sad_1a_2").gender) == ("female", "male")


@pytest.mark.parametrize(
    "name", ["male3_sad_1a_1", "male1_sad_16a_1", "male1_sad_1c_1", "male1_pensive_1a_1"]
)
def test_foreign_names(name):
    assert from_name(name) is None
