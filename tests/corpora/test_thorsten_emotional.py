import hashlib

from corpora.trees import count, split, touch_all, write

from sercli.corpora.thorsten_emotional import CORPUS, parse

STYLES = ("amused", "angry", "disgusted", "drunk", "neutral", "sleepy", "surprised", "whisper")
MISSING = "2cc2cc4a34b961ef1657cc82dbd18875"  # of the whispered ones
NAMES = [MISSING, *(hashlib.md5(f"{number}".encode()).hexdigest() for number in range(299))]
TOP = "thorsten-emotional_v02"


def test_the_release_has_its_published_numbers(tmp_path):
    places = [f"{TOP}/{style}/{name}.wav" for style in STYLES for name in NAMES]
    places.remove(f"{TOP}/whisper/{MISSING}.wav")
    rows = [f'{name}|Satz "{number}".\n' for number, name in enumerate(NAMES)]
    write(tmp_path / TOP / "thorsten-emotional-metadata.csv", "".join(rows))
    utterances, problems = split(parse(touch_all(tmp_path, places)))
    assert problems == []
    assert len({each.id for each in utterances}) == 2399 == CORPUS.utterances
    assert count(utterances, "emotion_raw") == dict.fromkeys(STYLES, 300) | {"whisper": 299}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert count(utterances, "text_id")[MISSING] == 7
    words = {each.transcript for each in utterances if each.text_id == MISSING}
    assert words == {'Satz "0".'}


def test_the_folder_is_the_style(tmp_path):
    touch_all(tmp_path, [f"sleepy/{MISSING}.wav", f"sleepy/{MISSING}x.wav", f"happy/{MISSING}.wav"])
    (found,), (other, foreign) = split(parse(tmp_path))
    assert (found.id, found.emotion) == (f"thorsten-emotional/sleepy_{MISSING}", "tiredness")
    assert foreign.harmless
    assert (other.place, other.harmless) == ("happy", True)
