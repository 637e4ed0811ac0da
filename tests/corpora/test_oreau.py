import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.emodb import parse as read_emodb
from sercli.corpora.oreau import CORPUS, parse

LETTERS = {"C": 67, "D": 67, "J": 62, "N": 70, "P": 51, "S": 62, "T": 55}
NOUNS = {"C": "anger", "D": "disgust", "J": "happiness", "N": "neutral"}
NOUNS |= {"P": "fear", "S": "surprise", "T": "sadness"}
WOMEN = {"10", "11", "13", "21", "24", "37", "42"}
# Recordings by speaker; the numbers 15, 17, 34 and 35 do not occur.
SPEAKERS = {37: "07 11", 14: "10 25 38 39", 13: "16 21 22 24 36 37 41 42"}
SPEAKERS |= {12: "09 12 13 19 20 26 27 29 32", 11: "08 14 18 31 33 40", 10: "28", 9: "23", 7: "30"}
FOLDER = "Oréau/OréauFR_02"


def places(folder=FOLDER):
    """Deal the emotions to the speakers, whose texts are numbered."""
    speakers = [name for number, names in SPEAKERS.items() for name in names.split() for _ in range(number)]
    letters = [letter for letter, number in LETTERS.items() for _ in range(number)]
    for number, (speaker, letter) in enumerate(zip(speakers, letters, strict=True)):
        sex = "f" if speaker in WOMEN else "m"
        yield f"{folder}/{sex}/sess{letter.lower()}/{speaker}a{number % 37:02d}{letter}a.wav"


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 434 == CORPUS.utterances
    assert count(utterances, "emotion") == {NOUNS[letter]: number for letter, number in LETTERS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    speakers = {each.speaker: each.gender for each in utterances}
    assert len(speakers) == 32
    assert {name for name, gender in speakers.items() if gender == "female"} == WOMEN
    # The folder of the women agrees with the list of their numbers.
    assert all(("/f/" in each.file) == (each.gender == "female") for each in utterances)


@pytest.mark.parametrize("top", ["Ore\u0301au", "Or‚au", "x"])
def test_of_two_versions_the_second_is_read_however_its_name_is_damaged(tmp_path, top):
    second = list(places(f"{top}/{top}FR_02"))
    first = [*places(f"{top}/{top}FR_01"), f"{top}/{top}FR_01/m/sessj/43a01Ja.wav"]
    utterances, problems = split(parse(touch_all(tmp_path, second + first)))
    assert len(utterances) == 434
    assert all("FR_02" in each.file for each in utterances)
    assert {problem.harmless for problem in problems} == {True}
    assert all("not in the folder of the second version" in problem.fact for problem in problems)


def test_the_first_version_is_recognised_by_its_number():
    assert CORPUS.release([None] * 502).title == "Oréau, first version"
    assert CORPUS.release([None] * 434) is CORPUS


def test_foreign_names(tmp_path):
    touch_all(tmp_path, ["a/10a02Ja.wav", "a/10a02Wa.wav", "a/10a02J.wav"])
    utterances, problems = split(parse(tmp_path))
    assert [each.id for each in utterances] == ["oreau/10a02Ja"]
    assert [problem.place for problem in problems] == ["a/10a02J.wav", "a/10a02Wa.wav"]


def test_recordings_of_emodb_are_left_out(tmp_path):
    # N and T exist in both corpora: neutral, and sadness of other people.
    touch_all(tmp_path, ["emodb/wav/10a02Na.wav", "emodb/wav/10a02Wa.wav", "o/neutre/10a02Na.wav"])
    touch_all(tmp_path, ["o/joie/10a02Ja.wav", "emodb/wav/11a02Ta.wav"])
    utterances, (left,) = split(parse(tmp_path))
    assert [each.file for each in utterances] == ["o/joie/10a02Ja.wav", "o/neutre/10a02Na.wav"]
    assert left.fact == "3 recordings: of corpus emodb, whose names have another meaning; left out"
    utterances, problems = split(read_emodb(tmp_path))
    assert [each.id for each in utterances] == ["emodb/10a02Na", "emodb/10a02Wa", "emodb/11a02Ta"]
    assert all("of corpus oreau" in problem.fact for problem in problems)
