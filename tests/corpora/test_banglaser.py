from corpora.trees import count, split, touch_all

from sercli.corpora.banglaser import CORPUS, parse
from sercli.corpora.ravdess import parse as read_ravdess

CODES = {"01": "happiness", "02": "sadness", "03": "anger", "04": "surprise", "05": "neutral"}


def places():
    """Three sentences, each three times; 27 of the 34 speakers have neutral recordings too."""
    for actor in range(1, 35):
        for code in CODES:
            if code == "05" and actor > 27:
                continue
            intensity = "02" if code in ("03", "04") else "01"
            for statement in (1, 2, 3):
                for repetition in (1, 2, 3):
                    name = f"03-01-{code}-{intensity}-{statement:02d}-{repetition:02d}-{actor:02d}"
                    yield f"Actor {actor:02d}/{name}.wav"


def test_the_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len(utterances) == 1467 == CORPUS.utterances
    acted = dict.fromkeys(("happiness", "sadness", "anger", "surprise"), 306)
    assert count(utterances, "emotion") == acted | {"neutral": 243} == CORPUS.known["emotion"]
    genders = {each.speaker: each.gender for each in utterances}
    assert sorted(genders.values()) == ["female"] * 17 + ["male"] * 17
    assert genders["33"] == "male"
    assert len({each.text_id for each in utterances}) == 3


def test_the_codes_are_not_those_of_ravdess(tmp_path):
    # Codes 06 to 08 exist there only, so the folder is one of RAVDESS; a foreign name in it changes nothing.
    ravdess = ["r/a/03-01-03-02-01-01-07.wav", "r/b/03-01-06-02-01-01-07.wav", "r/b/other (1).wav"]
    utterances, problems = split(parse(touch_all(tmp_path, ravdess)))
    assert utterances == []
    assert {each.fact for each in problems} == {
        f"{n} recordings: of corpus ravdess, whose names have another meaning; left out" for n in (1, 2)
    }
    own = ["b/03-01-03-02-01-01-07.wav", "b/03-01-04-02-03-01-30.wav"]
    utterances, _ = split(parse(touch_all(tmp_path, own)))
    assert [each.file for each in utterances] == own
    # The folder of BanglaSER is not read as RAVDESS either.
    found, _ = split(read_ravdess(tmp_path))
    assert [each.file for each in found] == ravdess[:2]
