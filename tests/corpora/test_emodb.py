from collections import Counter

from sercli.corpora.emodb import CORPUS, parse
from sercli.records import Problem, Utterance


def touch(root, *names):
    (root / "wav").mkdir()
    for name in names:
        (root / "wav" / name).touch()
    return root


def test_the_sixth_character_is_the_emotion(tmp_path):
    first, second = parse(touch(tmp_path, "16b10Wb.wav", "03a01Fa.wav"))
    assert (first.id, first.speaker, first.emotion) == ("emodb/03a01Fa", "03", "happiness")
    assert (second.file, second.emotion, second.gender) == ("wav/16b10Wb.wav", "anger", "female")
    assert second.transcript == "Die wird auf dem Platz sein, wo wir sie immer hinlegen."


def test_a_foreign_name_is_a_problem_and_hidden_files_are_not(tmp_path):
    found = list(parse(touch(tmp_path, "03a01Fa.wav", "readme.wav", "._03a01Fa.wav", "notes.txt")))
    assert found[1] == Problem("wav/readme.wav", "not an EMO-DB file name such as 03a01Fa.wav")
    assert len(found) == 2


def test_files_may_lie_without_a_wav_folder(tmp_path):
    (tmp_path / "03a01Fa.flac").touch()
    assert [utterance.file for utterance in parse(tmp_path)] == ["03a01Fa.flac"]


def test_the_known_counts_add_up():
    assert sum(CORPUS.known["emotion"].values()) == CORPUS.utterances == 535
    assert sum(CORPUS.known["speaker"].values()) == 535


def test_the_real_recordings_are_read(recordings):
    found = list(parse(recordings / "emodb"))
    assert all(isinstance(item, Utterance) for item in found)
    counts = Counter(utterance.emotion for utterance in found)
    for emotion in ("anger", "happiness", "neutral", "sadness"):
        assert counts[emotion] == CORPUS.known["emotion"][emotion]
