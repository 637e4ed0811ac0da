from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.subesco import CORPUS, from_name, parse

ACTORS = [
    *("F_01_OISHI", "F_02_MONIKA", "F_03_SMITA", "F_04_SWARNALI", "F_05_MOUNI"),
    *("F_06_SIMI", "F_07_TITHI", "F_08_JOYEETA", "F_09_CHAITY", "F_10_FAHMEE"),
    *("M_01_BASHIR", "M_02_NIPUN", "M_03_ILIAS", "M_04_BIBHAS", "M_05_DURANTO"),
    *("M_06_SHUKANTO", "M_07_SIBLY", "M_08_PRASUN", "M_09_SHUMANTA", "M_10_EVAN"),
]
EMOTIONS = {
    "ANGRY": "anger",
    "DISGUST": "disgust",
    "FEAR": "fear",
    "HAPPY": "happiness",
    "NEUTRAL": "neutral",
    "SAD": "sadness",
    "SURPRISE": "surprise",
}


def test_the_release_has_its_published_numbers_with_its_odd_name(tmp_path):
    names = {f"{a}_S_{s}_{e}_{t}" for a, s, e, t in product(ACTORS, range(1, 11), EMOTIONS, range(1, 6))}
    names = names - {"F_02_MONIKA_S_2_SURPRISE_3"} | {"F_02_MONIKA_S_2_SURPRISE_3]"}
    utterances, problems = split(parse(touch_all(tmp_path, [f"SUBESCO/{name}.wav" for name in names])))
    assert problems == []
    assert len(utterances) == 7000 == CORPUS.utterances
    assert {each.id for each in utterances} == set(CORPUS.ids)
    assert count(utterances, "emotion") == dict.fromkeys(EMOTIONS.values(), 1000)
    speakers = [f"{gender}{number:02d}" for gender in "FM" for number in range(1, 11)]
    assert count(utterances, "speaker") == dict.fromkeys(speakers, 350)
    assert count(utterances, "text_id") == {str(text): 700 for text in range(1, 11)}
    assert count(utterances, "gender") == {"female": 3500, "male": 3500}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_men_and_women_are_numbered_apart():
    one, other = from_name("F_10_FAHMEE_S_6_FEAR_5"), from_name("M_10_EVAN_S_6_FEAR_5")
    assert (one.speaker, one.gender, one.emotion) == ("F10", "female", "fear")
    assert (other.speaker, other.gender, other.text_id) == ("M10", "male", "6")


def test_the_odd_name_has_the_id_of_the_corrected_one(tmp_path):
    names = ["F_02_MONIKA_S_2_SURPRISE_3].wav", "F_02_MONIKA_S_2_SURPRISE_3.wav"]
    (found,), (problem,) = split(parse(touch_all(tmp_path, names)))
    assert found.id == "subesco/F_02_MONIKA_S_2_SURPRISE_3"
    assert problem.harmless


@pytest.mark.parametrize(
    "name", ["F_11_OISHI_S_1_SAD_1", "M_01_OISHI_S_1_SAD_1", "F_01_OISHI_S_11_SAD_1", "F_01_OISHI_S_1_SAD_6"]
)
def test_foreign_names(name):
    assert from_name(name) is None
