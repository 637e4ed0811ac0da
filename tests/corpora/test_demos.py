import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.demos import CORPUS, from_name, parse

# All recordings, and the prototypical ones among them.
COUNTS = {"dis": (1678, 140), "tri": (1530, 422), "rab": (1477, 246), "gio": (1395, 167)}
COUNTS |= {"pau": (1156, 177), "col": (1129, 209), "sor": (1000, 203), "neu": (332, 0)}
NOUNS = {"dis": "disgust", "tri": "sadness", "rab": "anger", "gio": "happiness", "pau": "fear"}
NOUNS |= {"col": "guilt", "sor": "surprise", "neu": "neutral"}
SPEAKERS = [f"{number:02d}" for number in range(1, 70) if number != 35]


def places():
    """Give the first 3444 recordings to 23 women and the others to 45 men."""
    number = 0
    for code, (total, prototypical) in COUNTS.items():
        for index in range(total):
            people = SPEAKERS[:23] if number < 3444 else SPEAKERS[23:]
            sex, speaker = ("f" if number < 3444 else "m"), people[number % len(people)]
            take = number // len(people)
            name = f"{sex}_{speaker}_{code}{take % 100:02d}{'abcd'[take // 100]}"
            kind = "PR" if index < prototypical else "NP"
            yield f"NEU/{name}.wav" if code == "neu" else f"DEMOS/{kind}_{name}.wav"
            number += 1


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 9697 == CORPUS.utterances
    assert count(utterances, "emotion") == {NOUNS[code]: both[0] for code, both in COUNTS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    genders = {each.speaker: each.gender for each in utterances}
    assert sorted(genders.values()) == ["female"] * 23 + ["male"] * 45
    assert sum(each.id.startswith("demos/PR_") for each in utterances) == 1564


def test_the_parts_of_a_name():
    found = from_name("NP_m_23_tri00a")
    assert (found.id, found.speaker, found.gender) == ("demos/NP_m_23_tri00a", "23", "male")
    assert (found.emotion_raw, found.emotion) == ("tri", "sadness")
    assert from_name("m_68_neu05b").emotion == "neutral"


@pytest.mark.parametrize("name", ["XX_m_23_tri00a", "NP_x_23_tri00a", "NP_m_23_abc00a", "NP_m_23_tri00"])
def test_foreign_names(name):
    assert from_name(name) is None
