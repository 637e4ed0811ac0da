from collections import Counter

from corpora.trees import count, split, touch_all

from sercli.corpora.urdu import CORPUS, from_name, parse

FOLDERS = {"A": "Angry", "H": "Happy", "N": "Neutral", "S": "Sad"}
# Published: recordings of each speaker by emotion.
MEN = {
    1: {"A": 22},
    2: {"A": 28},
    3: {"N": 8, "H": 2, "A": 2},
    4: {"A": 48},
    5: {"N": 72, "H": 8},
    6: {"H": 10, "S": 4},
    7: {"H": 28},
    17: {"H": 2},
    18: {"H": 2},
    19: {"H": 2},
    20: {"N": 10},
    21: {"N": 4},
    22: {"N": 2},
    23: {"S": 6},
    24: {"S": 38},
    25: {"S": 40},
    26: {"S": 2},
    27: {"S": 4},
}
WOMEN = {1: {"H": 12}, 2: {"H": 2}, 3: {"H": 2}, 4: {"H": 4}, 5: {"H": 4}, 6: {"H": 14}, 7: {"H": 6}}
WOMEN |= {8: {"H": 2}, 9: {"N": 4}, 10: {"S": 2}, 11: {"S": 4}}


def places():
    taken = Counter()
    for gender, people in (("M", MEN), ("F", WOMEN)):
        for person, counts in people.items():
            for letter, number in counts.items():
                for file in range(1, number + 1):
                    taken[letter] += 1
                    # The release fills some numbers with zeros.
                    padded = f"{taken[letter]:03d}" if letter == "A" else f"{taken[letter]:02d}"
                    yield f"{FOLDERS[letter]}/S{gender}{person}_F{file}_{letter}{padded}.wav"


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 400 == CORPUS.utterances
    assert count(utterances, "emotion") == dict.fromkeys(("anger", "happiness", "neutral", "sadness"), 100)
    assert count(utterances, "gender") == {"male": 344, "female": 56}
    assert len({each.speaker for each in utterances}) == 29
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert "most speakers have one emotion only" in CORPUS.notice


def test_foreign_names():
    assert from_name("SM1_F10_A010").speaker == "SM1"
    for name in ("SX1_F10_A010", "SM1_F10_B010", "SM0_F10_A010", "SM1_A010"):
        assert from_name(name) is None
