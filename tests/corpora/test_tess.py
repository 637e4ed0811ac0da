from dataclasses import replace
from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.tess import CORPUS, from_name, parse
from sercli.protocols import get_protocol

# 200 words of letters, as the release has; the words themselves are not known here.
WORDS = ["".join(letters) for letters in product("bdfgk", "aeiou", "lmnprstv")]
FOLDERS = {
    "OAF": "OAF_angry OAF_disgust OAF_Fear OAF_happy OAF_neutral OAF_Pleasant_surprise OAF_Sad",
    "YAF": "YAF_angry YAF_disgust YAF_fear YAF_happy YAF_neutral YAF_pleasant_surprised YAF_sad",
}
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")


def kaggle(top=""):
    return [
        f"{top}{folder}/{speaker}_{word}_{emotion}.wav"
        for speaker, folders in FOLDERS.items()
        for folder, emotion in zip(folders.split(), EMOTIONS, strict=True)
        for word in WORDS
    ]


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, kaggle())))
    assert len(utterances) == 2800 == CORPUS.utterances
    emotions = ("anger", "disgust", "fear", "happiness", "neutral", "surprise", "sadness")
    assert count(utterances, "speaker", "emotion") == dict.fromkeys(product(FOLDERS, emotions), 200)
    assert count(utterances, "gender") == {"female": 2800}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert problems == []


def test_the_tree_that_holds_itself_counts_once_with_the_ids_of_the_flat_one(tmp_path):
    places = kaggle()
    touch_all(tmp_path / "flat", [place.rpartition("/")[2] for place in places])
    touch_all(tmp_path / "twice", places + kaggle("TESS Toronto emotional speech set data/"))
    flat, _ = split(parse(tmp_path / "flat"))
    twice, problems = split(parse(tmp_path / "twice"))
    assert [each.id for each in twice] == [each.id for each in flat]
    assert len(problems) == 14
    assert all(problem.harmless for problem in problems)
    assert all(each.file.count("/") == 1 for each in twice)


def test_the_three_parts_of_a_name():
    found = from_name("OAF_back_angry")
    assert (found.id, found.speaker, found.gender) == ("tess/OAF_back_angry", "OAF", "female")
    assert (found.emotion, found.text_id) == ("anger", "back")
    assert found.transcript == "Say the word back."


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("YAF_back_pleasant_surprise", "YAF_back_ps"),
        ("YAF_back_pleasant_surprised", "YAF_back_ps"),
        ("OAF_back_Fear", "OAF_back_fear"),
        ("OA_bite_neutral", "OAF_bite_neutral"),
    ],
)
def test_other_spellings_have_the_same_id(name, usual):
    assert from_name(name).id == f"tess/{usual}"
    assert from_name(name) == replace(from_name(usual), file="")


@pytest.mark.parametrize(
    "name", ["OAF_back", "MAF_back_angry", "OAF_back_calm", "OAF_b4ck_angry", "back_angry"]
)
def test_foreign_names(name):
    assert from_name(name) is None


def test_two_speakers_are_each_tested_once_without_a_dev_part(tmp_path):
    utterances, _ = split(parse(touch_all(tmp_path, ["OAF_back_angry.wav", "YAF_back_sad.wav"])))
    labels = {each.id: each.emotion for each in utterances}
    folds = get_protocol(CORPUS.default_protocol).divide(utterances, labels)
    assert [(fold.name, fold.dev) for fold in folds] == [("speaker OAF", ()), ("speaker YAF", ())]
