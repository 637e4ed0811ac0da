import csv

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.meld import CORPUS, from_name, parse
from sercli.protocols import get_protocol
from sercli.schemes import get_scheme

# Rows by part: neutral, joy, surprise, anger, sadness, disgust, fear; dialogs.
WORDS = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
ROWS = {
    "train": ((4710, 1743, 1205, 1109, 683, 271, 268), 1038),
    "dev": ((470, 163, 150, 153, 111, 22, 40), 114),
    "test": ((1256, 402, 281, 345, 208, 68, 50), 280),
}
FOLDERS = {
    "train": "train/train_splits",
    "dev": "dev/dev_splits_complete",
    "test": "test/output_repeated_splits_test",
}
ROLES = ("Joey", "Ross", "Rachel", "Phoebe", "Monica", "Chandler", "All")
COLUMNS = ("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
COLUMNS += ("Season", "Episode", "StartTime", "EndTime")


def rows(part):
    """Deal the emotions of a part to its dialogs in turn."""
    counts, dialogs = ROWS[part]
    emotions = [word for word, number in zip(WORDS, counts, strict=True) for _ in range(number)]
    for number, word in enumerate(emotions):
        dialog, place = number % dialogs, number // dialogs
        words = f"It’s number {number}, “really”."
        times = ("00:16:16,059", "00:16:21,731")
        yield number + 1, words, ROLES[number % 7], word, "-", dialog, place, dialog % 9 + 1, 21, *times


def write_table(path, content, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream).writerows([COLUMNS, *content])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("MELD.Raw")
    for part, folder in FOLDERS.items():
        own = list(rows(part))
        touch_all(root, [f"{folder}/dia{row[5]}_utt{row[6]}.wav" for row in own])
        inside = root / "train" if part == "train" else root
        write_table(inside / f"{part}_sent_emo.csv", own)
    return root


def test_the_release_has_its_published_numbers(root):
    utterances, problems = split(parse(root))
    assert problems == []
    assert len(utterances) == len({each.id for each in utterances}) == 13_708 == CORPUS.utterances
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    totals = [sum(each) for each in zip(*(counts for counts, _ in ROWS.values()), strict=True)]
    assert count(utterances, "emotion_raw") == dict(zip(WORDS, totals, strict=True))
    assert len({each.dialog for each in utterances}) == 1038 + 114 + 280
    assert count(utterances, "speaker")["Joey"] > 1900
    assert {each.gender for each in utterances} == {None}
    four = get_scheme("meld-4").select(utterances).counts
    assert four == {"anger": 1607, "happiness": 2308, "neutral": 6436, "sadness": 1002}
    labels = get_scheme("meld-7").select(utterances).labels
    (fold,) = get_protocol("meld-official").divide(utterances, labels)
    assert [len(part) for part in (fold.train, fold.dev, fold.test)] == [9989, 1109, 2610]


def test_the_part_belongs_to_the_id_because_dialogs_are_numbered_anew(root):
    utterances, _ = split(parse(root))
    first = [each for each in utterances if each.id.endswith("_dia0_utt0")]
    assert [each.id for each in first] == [f"meld/{part}_dia0_utt0" for part in ("dev", "test", "train")]
    found = first[2]
    assert (found.dialog, found.session, found.part) == ("train_dia0", "season 1 episode 21", "train")
    assert (found.speaker, found.transcript) == ("Joey", "It’s number 0, “really”.")


def test_corrected_films_of_the_test_part_replace_the_others(tmp_path):
    folder = FOLDERS["test"]
    names = ["dia0_utt0.wav", "final_videos_testdia0_utt0.mp3", "dia1_utt0.wav", "._dia1_utt0.wav"]
    touch_all(tmp_path, [f"{folder}/{name}" for name in names])
    write_table(tmp_path / "test_sent_emo.csv", list(rows("test"))[:3])
    utterances, (replaced, without) = split(parse(tmp_path))
    assert [each.id for each in utterances] == ["meld/test_dia0_utt0", "meld/test_dia1_utt0"]
    assert utterances[0].file == f"{folder}/final_videos_testdia0_utt0.mp3"
    assert replaced.fact == "1 recordings: a corrected film replaces it; left out"
    assert without.fact == "1 labels without a recording, first test_dia2_utt0"
    assert replaced.harmless
    assert without.harmless


def test_tables_in_a_windows_encoding(tmp_path):
    touch_all(tmp_path, ["dev_splits_complete/dia0_utt0.wav"])
    write_table(tmp_path / "dev_sent_emo.csv", list(rows("dev"))[:1], "cp1252")
    (found,), _ = split(parse(tmp_path))
    assert found.transcript == "It’s number 0, “really”."


def test_without_labels_nothing_is_read(tmp_path):
    touch_all(tmp_path, ["train_splits/dia0_utt0.wav", "train_splits/dia0_utt1.wav"])
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert problem.fact.startswith("no train_sent_emo.csv")
    write_table(tmp_path / "train_sent_emo.csv", list(rows("train"))[:1])
    utterances, (problem,) = split(parse(tmp_path))
    assert len(utterances) == 1
    assert not problem.harmless
    assert problem.fact == "no known emotion in the tables (1 recordings)"


def test_a_label_that_is_no_known_emotion_has_its_recording(tmp_path):
    touch_all(tmp_path, ["train_splits/dia0_utt0.wav"])
    row = next(rows("train"))
    write_table(tmp_path / "train_sent_emo.csv", [(*row[:3], "bliss", *row[4:])])
    (problem,) = parse(tmp_path)
    assert problem.fact == "no known emotion in the tables (1 recordings)"


@pytest.mark.parametrize("name", ["dia0_utt0", "_dia0_utt0", "train_dia0", "val_dia0_utt0"])
def test_foreign_names(name):
    assert from_name(name) is None
