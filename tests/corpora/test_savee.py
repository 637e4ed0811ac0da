import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.savee import CORPUS, from_name, parse

# Fifteen sentences of each emotion, thirty neutral ones, by each of four men.
STEMS = [f"{emotion}{number:02d}" for emotion in ("a", "d", "f", "h", "sa", "su") for number in range(1, 16)]
STEMS += [f"n{number:02d}" for number in range(1, 31)]
MEN = ("DC", "JE", "JK", "KL")


def test_the_release_has_its_published_numbers_and_the_same_ids_in_both_layouts(tmp_path):
    touch_all(tmp_path / "original", [f"AudioData/{man}/{stem}.wav" for man in MEN for stem in STEMS])
    touch_all(tmp_path / "original", ["Info.txt", "AudioData/DC/._a01.wav"])
    touch_all(tmp_path / "copy", [f"ALL/{man}_{stem}.wav" for man in MEN for stem in STEMS])
    original, problems = split(parse(tmp_path / "original"))
    copy, more = split(parse(tmp_path / "copy"))
    assert [each.id for each in original] == [each.id for each in copy]
    assert {each.id for each in original} == set(CORPUS.ids)
    assert problems == more == []
    assert len(original) == 480 == CORPUS.utterances
    assert count(original, "emotion") == {
        "anger": 60,
        "disgust": 60,
        "fear": 60,
        "happiness": 60,
        "neutral": 120,
        "sadness": 60,
        "surprise": 60,
    }
    assert count(original, "speaker") == dict.fromkeys(MEN, 120)
    assert count(original, "gender") == {"male": 480}
    for field, known in CORPUS.known.items():
        assert count(original, field) == known


def test_folders_of_emotions_within_those_of_the_men(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, ["dc/anger/a01.wav", "JK/sad/sa02.wav"])))
    assert [each.id for each in utterances] == ["savee/DC_a01", "savee/JK_sa02"]
    assert problems == []


def test_sa_is_sadness_and_su_surprise(tmp_path):
    utterances, _ = split(parse(touch_all(tmp_path, ["DC/sa01.wav", "DC/su01.wav", "KL/a01.wav"])))
    assert [(each.id, each.emotion) for each in utterances] == [
        ("savee/DC_sa01", "sadness"),
        ("savee/DC_su01", "surprise"),
        ("savee/KL_a01", "anger"),
    ]


def test_both_layouts_side_by_side_count_once(tmp_path):
    utterances, (problem,) = split(parse(touch_all(tmp_path, ["AudioData/DC/a01.wav", "ALL/DC_a01.wav"])))
    assert [each.file for each in utterances] == ["ALL/DC_a01.wav"]
    assert problem.harmless


def test_the_folder_of_a_speaker_may_be_given(tmp_path, monkeypatch):
    touch_all(tmp_path, ["DC/a01.wav"])
    assert [each.id for each in split(parse(tmp_path / "DC"))[0]] == ["savee/DC_a01"]
    monkeypatch.chdir(tmp_path / "DC")
    assert [each.id for each in split(parse(tmp_path.__class__()))[0]] == ["savee/DC_a01"]


@pytest.mark.parametrize("name", ["a01", "DC_a16", "DC_n31", "DC_s01", "DC_a00", "XX_a01", "DC_a1"])
def test_foreign_names(name):
    assert from_name(name) is None


def test_without_its_speaker_a_name_identifies_nothing(tmp_path):
    utterances, (problem,) = split(parse(touch_all(tmp_path, ["someone/a01.wav"])))
    assert utterances == []
    assert problem.harmless
