from corpora.trees import count, split, touch_all

from sercli.corpora.asvp_esd import CORPUS, parse
from sercli.schemes import get_scheme

# Recordings by code. Bonus has three folders, Audio the others; 5080 of those in Audio are speech.
CODES = {"04": 2694, "03": 1868, "02": 1598, "08": 1586, "05": 1453, "06": 1180, "07": 899, "11": 834}
CODES |= {"01": 548, "09": 401, "10": 365, "12": 365, "13": 172, "17": 1}
NOUNS = {"01": "boredom", "02": "neutral", "03": "happiness", "04": "sadness", "05": "anger", "06": "fear"}
NOUNS |= {"07": "disgust", "08": "surprise", "09": "excitement", "10": "pleasure", "11": "pain"}
NOUNS |= {"12": "disappointment", "13": "breath", "17": "other"}
BONUS = {"50": 206, "150": 1073, "200": 60}
ACTORS = [f"actor_{number}" for number in range(1, 127)] + ["actor_0", "actor_"]


def places():
    folders = [f"Bonus/actor_{actor}" for actor, number in BONUS.items() for _ in range(number)]
    folders += [f"Audio/{ACTORS[number % len(ACTORS)]}" for number in range(13_964 - len(folders))]
    codes = [code for code, number in CODES.items() for _ in range(number)]
    for number, (folder, code) in enumerate(zip(folders, codes, strict=True)):
        channel = "01" if 1339 <= number < 1339 + 5080 else "02"
        tail = "021-10-39-118" if number % 400 == 0 else f"01-06-{number % 90:02d}-02-02-01-{number % 60}"
        yield f"{folder}/03-{channel}-{code}-{tail}-{number}.wav"


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places())))
    assert problems == []
    assert len({each.id for each in utterances}) == 13_964 == CORPUS.utterances
    assert count(utterances, "emotion") == {NOUNS[code]: number for code, number in CODES.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert len({each.speaker for each in utterances}) == 131
    assert count(utterances, "speaker")["bonus actor_150"] == 1073
    speech = get_scheme("asvp-esd-13").select(utterances)
    # The one recording of an unknown emotion is the last one, and no speech here.
    assert len(speech.labels) == 5080
    assert len(get_scheme("asvp-esd-13-sounds").select(utterances).labels) == 13_963


def test_the_folder_is_the_speaker_and_belongs_to_the_id(tmp_path):
    name = "03-01-09-02-06-36-02-02-01-39.wav"
    touch_all(tmp_path, [f"Audio/actor_36/{name}", f"Audio/actor_37/{name}", f"Bonus/actor_50/{name}"])
    utterances, problems = split(parse(tmp_path))
    assert problems == []
    assert [each.speaker for each in utterances] == ["actor_36", "actor_37", "bonus actor_50"]
    found = utterances[0]
    assert found.id == "asvp-esd/Audio_actor_36_03-01-09-02-06-36-02-02-01-39"
    assert (found.emotion_raw, found.emotion, found.intensity) == ("01-09", "excitement", "high")
    assert found.gender is None


def test_foreign_names(tmp_path):
    touch_all(tmp_path, ["actor_1/03-01-09-01-06.wav", "actor_1/03-01-14-01-06.wav", "x/03-01-09-01-06.wav"])
    utterances, (foreign, elsewhere) = split(parse(tmp_path))
    assert len(utterances) == 1
    assert (foreign.place, foreign.harmless) == ("actor_1/03-01-14-01-06.wav", True)
    assert (elsewhere.place, elsewhere.harmless) == ("x", True)
