from corpora.trees import count, split, touch_all

from sercli.corpora.turev_db import CORPUS, from_name, parse

FOLDERS = {"kz": "Angry", "hl": "Sad", "sk": "Calm", "mt": "Happy"}
NOUNS = {"kz": "anger", "hl": "sadness", "sk": "calm", "mt": "happiness"}
FULL = {"kz": 82, "hl": 82, "sk": 82, "mt": 82}
# 7895 has 273 recordings, 29 of them happy and 80 calm; the rest follows from the numbers by emotion.
COUNTS = {
    **dict.fromkeys(("1234", "1358", "1984", "6783"), FULL),
    "7895": {"mt": 29, "sk": 80, "kz": 82, "hl": 82},
    "1157": {"kz": 77, "hl": 73},
}


def test_the_release_has_its_published_numbers_without_its_filtered_copies(tmp_path):
    names = [
        f"{FOLDERS[code]}/{speaker}_{code}_kelime{number}.wav"
        for speaker, counts in COUNTS.items()
        for code, total in counts.items()
        for number in range(total)
    ]
    touch_all(tmp_path, [f"Sound Source/{name}" for name in names])
    touch_all(tmp_path, [f"Model Output for Test Data/filtered/{name}" for name in names[:40]])
    utterances, (problem,) = split(parse(tmp_path))
    assert len(utterances) == 1735 == CORPUS.utterances
    assert all(each.file.startswith("Sound Source/") for each in utterances)
    assert (problem.fact, problem.harmless) == ("40 recordings: filtered copies; left out", True)
    assert count(utterances, "speaker", "emotion") == {
        (speaker, NOUNS[code]): total for speaker, counts in COUNTS.items() for code, total in counts.items()
    }
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_the_three_parts_of_a_name():
    found = from_name("1984_sk_eger")
    assert (found.speaker, found.emotion, found.text_id) == ("1984", "calm", "eger")
    assert from_name("1985_sk_eger") is None
    assert from_name("1984_xx_eger") is None
