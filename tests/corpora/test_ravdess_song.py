from itertools import product

from corpora.trees import count, split, touch_all

from sercli.corpora import get_corpus
from sercli.corpora.ravdess_song import CORPUS, parse

NOUNS = ("neutral", "calm", "happiness", "sadness", "anger", "fear")


def released():
    """23 actors, six emotions, two intensities (neutral: one), two statements, two repetitions."""
    for actor, emotion, intensity, statement, repetition in product(
        range(1, 25), range(1, 7), (1, 2), (1, 2), (1, 2)
    ):
        if actor == 18 or (emotion, intensity) == (1, 2):
            continue
        name = f"03-02-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}"
        yield f"Actor_{actor:02d}/{name}.wav"


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, released())))
    assert problems == []
    assert len(utterances) == 1012 == CORPUS.utterances
    assert {each.id for each in utterances} == set(CORPUS.ids)
    assert count(utterances, "emotion") == dict.fromkeys(NOUNS, 184) | {"neutral": 92}
    assert count(utterances, "speaker") == {f"{n:02d}": 44 for n in range(1, 25) if n != 18}
    genders = {each.speaker: each.gender for each in utterances}
    assert list(genders.values()).count("female") == 11
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known


def test_songs_and_speech_in_one_folder_are_kept_apart(tmp_path):
    speech, song = "Actor_01/03-01-05-01-01-01-01.wav", "Actor_01/03-02-05-01-01-01-01.wav"
    touch_all(tmp_path, [speech, song])
    (sung,), (problem,) = split(parse(tmp_path))
    assert (sung.file, problem.harmless) == (song, True)
    assert problem.fact == "1 recordings: speech (corpus ravdess) or a film's sound; left out"
    (spoken,), _ = split(get_corpus("ravdess").parse(tmp_path))
    assert spoken.file == speech
