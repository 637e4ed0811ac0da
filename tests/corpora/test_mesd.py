from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.mesd import CORPUS, from_name, parse

EMOTIONS = ("Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness")
# 24 words in each of two lists, by each voice and emotion; the words are not known here but for a few.
LISTS = {
    "A": ["tarde", "hoy", "lento", "fuera", "basta_ya", *(f"a{letter}" for letter in "bcdefghijklmnopqrst")],
    "B": ["por_favor", "de_nada", *(f"b{letter}" for letter in "abcdefghijklmnopqrstuv")],
}


def test_the_public_list_has_its_numbers(tmp_path):
    names = {f"{e}_{v}_{k}_{w}" for e, v, k in product(EMOTIONS, "FMC", LISTS) for w in LISTS[k]}
    assert len(names) == 864
    names -= {"Anger_C_A_hoy", "Neutral_C_A_tarde", "Happiness_C_A_lento", "Sadness_M_A_fuera"}
    names |= {"Happiness_C_A_lento_dentro", "Sadness_M_A_afuera"}
    utterances, problems = split(parse(touch_all(tmp_path, [f"MESD/{name}.wav" for name in names])))
    assert problems == []
    assert len(utterances) == 862 == CORPUS.utterances
    assert count(utterances, "gender") == {"female": 288, "male": 288, "child": 286}
    assert count(utterances, "speaker") == {None: 862}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert len({each.text_id for each in utterances}) == 48
    assert "no result on it is speaker independent" in CORPUS.notice


def test_a_word_may_be_several():
    found = from_name("Fear_F_B_por_favor")
    assert (found.text_id, found.transcript, found.emotion) == ("por_favor", "por favor", "fear")


@pytest.mark.parametrize("name", ["Joy_F_A_hoy", "Fear_X_A_hoy", "Fear_F_C_hoy", "Fear_F_A_0.5_hoy"])
def test_foreign_names(name):
    assert from_name(name) is None
