from itertools import product

from corpora.trees import count, split, touch_all

from sercli.corpora.casia import CORPUS, from_name, parse

SPEAKERS = {"liuchanhg": "female", "zhaoquanyin": "female", "wangzhe": "male", "ZhaoZuoxiang": "male"}
EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}


def test_the_open_part_has_its_published_numbers(tmp_path):
    parts = product(SPEAKERS, EMOTIONS, range(201, 251))
    utterances, problems = split(parse(touch_all(tmp_path, [f"CASIA/{s}/{e}/{n}.wav" for s, e, n in parts])))
    assert problems == []
    assert len(utterances) == 1200 == CORPUS.utterances
    assert {each.id for each in utterances} == set(CORPUS.ids)
    assert count(utterances, "emotion") == dict.fromkeys(EMOTIONS.values(), 200)
    assert count(utterances, "speaker") == {speaker.lower(): 300 for speaker in SPEAKERS}
    genders = {each.speaker: each.gender for each in utterances}
    assert genders == {speaker.lower(): gender for speaker, gender in SPEAKERS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_the_name_alone_identifies_nothing(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, ["neutral/239.wav"])))
    assert utterances == []
    assert all(problem.harmless for problem in problems)
    assert from_name("wangzhe_neutral_251") is None
    assert from_name("wangzhe_neutral_200") is None
