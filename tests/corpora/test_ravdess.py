from dataclasses import replace

from sercli.corpora.ravdess import CORPUS, from_name, parse
from sercli.records import Problem, Utterance


def touch(root, *places):
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    return root


def test_the_seven_numbers_are_read(tmp_path):
    (found,) = parse(touch(tmp_path, "Actor_07/03-01-05-02-01-02-07.wav"))
    assert found.id == "ravdess/03-01-05-02-01-02-07"
    assert (found.speaker, found.gender, found.emotion) == ("07", "male", "anger")
    assert (found.intensity, found.text_id) == ("strong", "01")
    assert found.transcript == "Kids are talking by the door."


def test_even_actors_are_women(tmp_path):
    (found,) = parse(touch(tmp_path, "Actor_08/03-01-02-01-02-01-08.flac"))
    assert (found.gender, found.emotion) == ("female", "calm")


def test_a_second_copy_of_the_tree_counts_once(tmp_path):
    name = "Actor_01/03-01-01-01-01-01-01.wav"
    first, second = parse(touch(tmp_path, name, f"audio_speech_actors_01-24/{name}"))
    assert isinstance(first, Utterance)
    assert isinstance(second, Problem)
    assert second.harmless
    assert second.place == f"audio_speech_actors_01-24/{name.partition('/')[0]}"
    assert second.fact == "holds 1 recordings again (same names); each recording is used once"


def test_wav_is_preferred_to_compressed_copies(tmp_path):
    name = "Actor_01/03-01-01-01-01-01-01"
    first, *_ = parse(touch(tmp_path, f"a/{name}.mp3", f"b/{name}.flac", f"z/{name}.wav"))
    assert first.file == f"z/{name}.wav"


def test_songs_and_films_are_passed_over(tmp_path):
    song, film = parse(
        touch(tmp_path, "Actor_01/03-02-01-01-01-01-01.wav", "Actor_02/01-01-01-01-01-01-02.wav")
    )
    assert song.harmless
    assert film.harmless


def test_a_foreign_name_is_a_problem(tmp_path):
    names = ("03-01-08-01-01-01-01.wav", "03-01-09-01-01-01-01.wav", ".DS_Store")
    _, found = parse(touch(tmp_path, *(f"Actor_01/{name}" for name in names)))
    assert not found.harmless
    assert str(found) == (
        "Actor_01/03-01-09-01-01-01-01.wav: not a RAVDESS file name such as 03-01-05-02-01-01-07.wav"
    )


def test_a_name_says_all_but_the_place(tmp_path):
    (found,) = parse(touch(tmp_path, "Actor_08/03-01-02-01-02-01-08.wav"))
    assert from_name("03-01-02-01-02-01-08") == replace(found, file="")
    for other in ("03-02-02-01-02-01-08", "01-01-02-01-02-01-08", "03-01-09-01-02-01-08", "speech"):
        assert from_name(other) is None


def test_the_released_ids_follow_from_the_rule():
    assert len(set(CORPUS.ids)) == CORPUS.utterances == 1440
    assert sum(CORPUS.known["emotion"].values()) == 1440
    assert sum(CORPUS.known["speaker"].values()) == 1440
    assert "ravdess/03-01-01-02-01-01-01" not in CORPUS.ids  # neutral is never strong


def test_the_real_recordings_are_read(recordings):
    found = list(parse(recordings / "ravdess"))
    assert {item.id for item in found} <= set(CORPUS.ids)
    assert len(found) >= 1260
