import json

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.m3ed import CORPUS, from_name, parse
from sercli.protocols import get_protocol, shared_speakers
from sercli.raters import labels_of
from sercli.schemes import get_scheme

WORDS = ("Neutral", "Anger", "Sad", "Happy", "Disgust", "Surprise", "Fear")
NOUNS = ("neutral", "anger", "sadness", "happiness", "disgust", "surprise", "fear")
ALL = (10021, 5231, 3957, 2286, 1497, 1050, 395)
TEST = (1853, 736, 734, 358, 218, 234, 65)
VAL = (1042, 681, 489, 303, 134, 120, 50)
SERIES = {"train": 38, "val": 7, "test": 11}


def utterance(role, word):
    judged = {"EmoAnnotator1": word, "EmoAnnotator2": "Happy,Surprise", "EmoAnnotator3": ""}
    judged |= {"final_mul_emo": word, "final_main_emo": word}
    return {"Speaker": role, "Text": "你好", "StartTime": "0", "EndTime": "1", "EmoAnnotation": judged}


def build():
    """Deal the utterances of each part to its series, in dialogs of about 25."""
    table, lists, names = {}, {}, []
    train = [total - test - val for total, test, val in zip(ALL, TEST, VAL, strict=True)]
    for part, counts in (("train", train), ("val", VAL), ("test", TEST)):
        own = [f"{part}{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(SERIES[part])]
        lists[part] = own
        words = [word for word, total in zip(WORDS, counts, strict=True) for _ in range(total)]
        for number, word in enumerate(words):
            series, place = own[number % len(own)], number // len(own)
            key, role = f"{series}_{place // 25 + 1}_{place % 25 + 1}", "AB"[place % 2]
            dialog = table.setdefault(series, {}).setdefault(f"{series}_{place // 25 + 1}", {})
            if not dialog:
                dialog |= {"SpeakerInfo": {each: {"Name": f"n{each}"} for each in "AB"}, "Dialog": {}}
            dialog["Dialog"][key] = utterance(role, word)
            names.append(f"{role}_{key}")
    return table, lists, names


def test_the_release_has_its_published_numbers(tmp_path, monkeypatch):
    table, lists, names = build()
    annotation = tmp_path / "annotation.json"
    annotation.write_text(json.dumps(table))
    paths = [annotation]
    for part, own in lists.items():
        paths.append(tmp_path / "splitInfo" / f"movie_list_{part}.txt")
        paths[-1].parent.mkdir(exist_ok=True)
        paths[-1].write_text("\n".join(own) + "\n")
    # 24 437 files take long on a slow disk: the reader gets their names.
    paths += [tmp_path / "modality_speech" / f"{name}.wav" for name in names]
    monkeypatch.setattr("sercli.corpora._named.walk", lambda folder: paths)
    utterances, problems = split(parse(tmp_path))
    assert problems == []
    assert len(utterances) == 24_437 == CORPUS.utterances
    assert count(utterances, "emotion") == dict(zip(NOUNS, ALL, strict=True))
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    for part, counts in (("test", TEST), ("dev", VAL)):
        of_part = [each for each in utterances if each.part == part]
        assert count(of_part, "emotion") == dict(zip(NOUNS, counts, strict=True))
    assert len({each.session for each in utterances}) == 56
    assert len({each.speaker for each in utterances}) == 112
    folds = get_protocol("m3ed-official").divide(utterances, get_scheme("m3ed-7").select(utterances).labels)
    assert shared_speakers(folds, utterances) == 0


def test_the_facts_of_an_utterance(tmp_path):
    row = {"shaonianpai_1_1": utterance("A", "Sad"), "shaonianpai_1_2": utterance("B", "?")}
    dialog = {"SpeakerInfo": {"A": {"Name": "林", "Gender": "Female"}}, "Dialog": row}
    (tmp_path / "annotation.json").write_text(json.dumps({"shaonianpai": {"shaonianpai_1": dialog}}))
    touch_all(tmp_path, [f"wav/{name}.wav" for name in ("A_shaonianpai_1_1", "B_shaonianpai_1_2")])
    (found,), (problem,) = split(parse(tmp_path))
    assert (found.speaker, found.gender, found.transcript) == ("shaonianpai 林", "female", "你好")
    assert (found.session, found.dialog, found.part) == ("shaonianpai", "shaonianpai_1", None)
    assert labels_of(found) == (("sadness",), ("happiness", "surprise"))
    assert problem.fact == "no known emotion in annotation.json (1 recordings)"
    (tmp_path / "annotation.json").write_text("{")
    utterances, (broken, _) = split(parse(tmp_path))
    assert utterances == []
    assert broken.fact.startswith("not JSON")


@pytest.mark.parametrize("name", ["C_shaonianpai_1_1", "shaonianpai_1_1", "A_shaonianpai_1"])
def test_foreign_names(name):
    assert from_name(name) is None
