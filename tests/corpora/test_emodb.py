from collections import Counter
from dataclasses import replace

import pytest

from sercli.corpora.emodb import CORPUS, EmodbConfig, from_name, parse
from sercli.records import Problem, Utterance


def touch(root, *names, folder="wav"):
    (root / folder).mkdir()
    for name in names:
        (root / folder / name).touch()
    return root


def split(found):
    found = list(found)
    return (
        [item.id.removeprefix("emodb/") for item in found if isinstance(item, Utterance)],
        [item for item in found if isinstance(item, Problem)],
    )


ALL = EmodbConfig(ambiguous=True)
TABLE = "db.emotion.categories.ambiguous.csv"
MANY = [f"{s:02d}{t}{e}{v}" for s in range(3, 17) for t in ("a01", "b02") for e in "WLEAFTN" for v in "abcd"]


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


def test_a_name_says_all_but_the_place(tmp_path):
    (found,) = parse(touch(tmp_path, "03a01Fa.wav"))
    assert from_name("03a01Fa") == replace(found, file="") == from_name("03a01Faxx")
    assert from_name("03a01Fax") is None
    assert from_name("readme") is None


def test_what_the_table_of_version_2_names_is_left_out_unless_asked_for(tmp_path):
    root = touch(tmp_path, "03a01Fa.wav", "03a01Wb.wav", "03a02Fc.wav")
    header = "file,emotion,emotion.confidence,emotion.naturalness\n"
    (root / TABLE).write_text(f"{header}wav/03a01Wb.wav,anger,0.4,0.5\nwav/03a02Fc.wav,happiness,0.7,0.3\n")
    ids, problems = split(parse(root))
    assert ids == ["03a01Fa"]
    fact = (
        "EMO-DB 2.0: 2 added recordings on which fewer than 80 % of listeners agreed; "
        "left out, add --set ambiguous=true to take them"
    )
    assert problems == [Problem(TABLE, fact, harmless=True)]
    assert split(parse(root, ALL)) == (["03a01Fa", "03a01Wb", "03a02Fc"], [])


def test_names_with_two_crosses_are_of_version_2(tmp_path):
    root = touch(tmp_path, "03a01Fa.wav", "03a01Wbxx.wav")
    ids, (problem,) = split(parse(root))
    assert ids == ["03a01Fa"]
    assert problem.harmless
    assert problem.fact.startswith("EMO-DB 2.0: 1 added recordings")
    _, added = parse(root, ALL)
    assert (added.id, added.file) == ("emodb/03a01Wb", "wav/03a01Wbxx.wav")


def test_two_crosses_on_every_name_tell_nothing(tmp_path):
    assert split(parse(touch(tmp_path, "03a01Faxx.wav", "03a01Wbxx.wav"))) == (["03a01Fa", "03a01Wb"], [])


@pytest.mark.parametrize("name", ["laryngo", "wav_laryng"])
def test_laryngograms_are_mentioned_once(tmp_path, name):
    root = touch(touch(tmp_path, "03a01Fa.wav"), "03a01Fa.wav", "03a01Wb.wav", folder=name)
    for options in (EmodbConfig(), ALL):
        ids, (problem,) = split(parse(root, options))
        assert ids == ["03a01Fa"]
        assert str(problem) == f"{name}: 2 recordings: laryngograms of EMO-DB 2.0; left out"
        assert problem.harmless


def test_more_than_the_classic_files_without_a_table_is_a_problem(tmp_path):
    root = touch(tmp_path, *(f"{name}.wav" for name in MANY[:536]))
    ids, (problem,) = split(parse(root))
    assert len(ids) == 536
    assert not problem.harmless
    assert "536 files, more than the classic 535, and no table lists the classic ones" in problem.fact
    assert split(parse(root, ALL))[1] == []
    (root / TABLE).write_text(f"file,emotion\nwav/{MANY[0]}.wav,anger\n")
    ids, (problem,) = split(parse(root))
    assert (len(ids), problem.harmless) == (535, True)


def test_the_listening_test_is_read_with_its_padding(tmp_path):
    root = touch(tmp_path, "03a01Fa.wav", "03a01Nc.wav", "03a01Wa.wav")
    # As distributed: latin-1, tabs, decimal commas, no-break spaces.
    table = "Satz\terkannt\tnatürlich\r\n03a01Fa.wav\t\xa090,00\t\xa0\xa070,5\r\n\r\n03a01Nc.wav\t100\t0,00"
    (root / "erkennung.txt").write_bytes(table.encode("latin-1"))
    first, second, third = parse(root)
    assert first.raters == ({"rater": "listening test", "recognised": 90.0, "natural": 70.5},)
    assert second.raters == ({"rater": "listening test", "recognised": 100.0, "natural": 0.0},)
    assert third.raters is None


def test_lines_of_the_listening_test_that_can_not_be_read_are_mentioned(tmp_path):
    root = touch(tmp_path, "03a01Fa.wav")
    table = "Satz\terkannt\tnatürlich\n03a01Fa.wav\t90,0\n03a01Fa.wav\tx\t1\n03a01Fa.wav\t101\t1\n"
    (root / "erkennung.txt").write_text(table, encoding="latin-1")
    found, problem = parse(root)
    assert found.raters is None
    fact = "line 2 (and 2 more) is not a file name and two percentages; ignored"
    assert problem == Problem("erkennung.txt", fact, harmless=True)


def test_the_added_recordings_are_told_with_every_figure():
    assert CORPUS.options().notice is None
    assert ALL.notice.startswith("EMO-DB 2.0, ")
    assert ALL.notice.endswith("not comparable with those on the classic 535.")
    assert ALL.to_dict() == {"ambiguous": True}


def test_the_known_counts_add_up():
    assert sum(CORPUS.known["emotion"].values()) == CORPUS.utterances == 535
    assert sum(CORPUS.known["speaker"].values()) == 535


def test_the_real_recordings_are_read(recordings):
    found = list(parse(recordings / "emodb"))
    assert all(isinstance(item, Utterance) for item in found)
    counts = Counter(utterance.emotion for utterance in found)
    for emotion in ("anger", "happiness", "neutral", "sadness"):
        assert counts[emotion] == CORPUS.known["emotion"][emotion]
