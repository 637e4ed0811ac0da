import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.emov_db import CORPUS, from_name, parse

# Recordings in the folders of each speaker; josh has three of the five.
FOLDERS = ("Neutral", "Amused", "Angry", "Sleepy", "Disgusted")
WORDS = ("neutral", "amused", "anger", "sleepiness", "disgust")
NOUNS = ("neutral", "amusement", "anger", "tiredness", "disgust")
COUNTS = {
    "bea": (357, 296, 304, 497, 333),
    "jenie": (417, 222, 496, 466, 189),
    "sam": (492, 501, 468, 495, 497),
    "josh": (302, 298, 0, 263, 0),
}


def places(folder):
    for speaker, counts in COUNTS.items():
        for emotion, word, number in zip(FOLDERS, WORDS, counts, strict=True):
            for n in range(number):
                first = n // 28 * 28 + 1
                # Some names have an underscore in the range, and some a capital.
                between = "_" if word == "sleepiness" and n > 400 else "-"
                stem = word.capitalize() if speaker == "jenie" and word == "disgust" else word
                name = f"{stem}_{first}{between}{first + 27}_{n + 1:04d}.wav"
                yield f"{folder.format(speaker, emotion)}/{name}"


@pytest.mark.slow
def test_the_public_list_has_its_numbers_in_both_layouts(tmp_path):
    one = touch_all(tmp_path / "archives", places("{}_{}"))
    other = touch_all(tmp_path / "sorted", places("EmoV-DB_sorted/{}/{}"))
    (utterances, problems), (same, more) = split(parse(one)), split(parse(other))
    assert problems == more == []
    assert [each.id for each in utterances] == [each.id for each in same]
    assert len(utterances) == 6893 == CORPUS.utterances
    expected = {
        (speaker, noun): number
        for speaker, counts in COUNTS.items()
        for noun, number in zip(NOUNS, counts, strict=True)
        if number
    }
    assert count(utterances, "speaker", "emotion") == expected
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_the_speaker_is_the_folder(tmp_path):
    touch_all(tmp_path, ["bea_Amused/amused_1-28_0001.wav", "sam_Amused/amused_1-28_0001.wav"])
    utterances, _ = split(parse(tmp_path))
    assert [(each.id, each.gender) for each in utterances] == [
        ("emov-db/bea_amused_1-28_0001", "female"),
        ("emov-db/sam_amused_1-28_0001", "male"),
    ]
    assert split(parse(tmp_path / "sam_Amused"))[0][0].speaker == "sam"


def test_equal_sentences_of_two_ranges_are_two_recordings(tmp_path):
    names = ["anger_1-28_0024.wav", "anger_24-55_0024.wav"]
    assert len(split(parse(touch_all(tmp_path, [f"bea_Angry/{name}" for name in names])))[0]) == 2


def test_without_a_speaker_nothing_is_read(tmp_path):
    utterances, (problem,) = split(parse(touch_all(tmp_path, ["someone/amused_1-28_0001.wav"])))
    assert utterances == []
    assert problem.harmless


@pytest.mark.parametrize(
    "name", ["amused_1-28_0001", "ann_amused_1-28_0001", "bea_happy_1-28_0001", "bea_amused_1"]
)
def test_foreign_names(name):
    assert from_name(name) is None
