import json
from collections import Counter
from itertools import cycle

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.shemo import CORPUS, ShemoConfig, from_name, parse
from sercli.errors import CorpusError
from sercli.preparation import prepare

# Published: emotions of women and men.
WOMEN = {"A": 455, "N": 284, "S": 271, "W": 120, "H": 111, "F": 22}
MEN = {"A": 604, "N": 744, "S": 178, "W": 105, "H": 90, "F": 16}
NOUNS = {
    "A": "anger",
    "N": "neutral",
    "S": "sadness",
    "W": "surprise",
    "H": "happiness",
    "F": "fear",
}
WORDS = {"A": "angry", "N": "neutral", "S": "sad", "W": "surprised", "H": "happy", "F": "fearful"}
# Letters of the names without a row in the table of revised labels.
WITHOUT_ROW = {"S": 89, "W": 26, "A": 25, "N": 10, "F": 9, "H": 3}
# Labels of the rows without a recording of that name: rows by label, minus those that agree.
RENAMED = {
    "A": 1042 - 1034,
    "N": 1160 - 1018,
    "S": 362 - 360,
    "W": 201 - 199,
    "H": 203 - 198,
    "F": 32 - 29,
}


def deal(gender, emotions, speakers):
    """Name recordings with the numbers by emotion, dealt to speakers in turn, at most 99 of each kind."""
    taken, turn = Counter(), cycle(range(1, speakers + 1))
    for letter, number in emotions.items():
        for _ in range(number):
            key = f"{gender}{next(turn):02d}{letter}"
            taken[key] += 1
            yield f"{key}{taken[key]:02d}"


NAMES = [*deal("F", WOMEN, 31), *deal("M", MEN, 56)]
PLACES = [f"{'female' if name[0] == 'F' else 'male'}/{name}.wav" for name in NAMES]


def write_table(root):
    """Write the revised edition: 2838 rows that agree with a name, 162 of names that no recording has."""
    left = Counter(WITHOUT_ROW)
    rows = {}
    for name in NAMES:
        if left[name[3]] > 0:
            left[name[3]] -= 1
        else:
            rows[name] = {"speaker_id": name[:3], "emotion": WORDS[name[3]], "transcript": f"text of {name}"}
    for letter, number in RENAMED.items():
        for index in range(number):
            rows[f"F09{letter}{index + 300}"] = {"emotion": WORDS[letter], "transcript": "x"}
    (root / "shemo.json").write_text(json.dumps(rows), encoding="utf-8")
    return rows


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, PLACES)))
    assert len(utterances) == 3000 == CORPUS.utterances
    assert count(utterances, "gender", "emotion") == {
        **{("female", NOUNS[letter]): number for letter, number in WOMEN.items()},
        **{("male", NOUNS[letter]): number for letter, number in MEN.items()},
    }
    genders = {each.speaker: each.gender for each in utterances}
    assert Counter(genders.values()) == {"female": 31, "male": 56}
    for field in ("emotion", "gender"):
        assert count(utterances, field) == CORPUS.known[field]
    assert set(genders) == set(CORPUS.known["speaker"])
    assert problems == []


def test_the_known_numbers_by_speaker():
    known = CORPUS.known["speaker"]
    some = ("F01", "F08", "F21", "F31", "M01", "M12", "M32", "M56")
    assert [known[speaker] for speaker in some] == [73, 2, 174, 12, 4, 180, 14, 7]
    assert sum(number for speaker, number in known.items() if speaker[0] == "F") == 1263


def test_the_revised_table_is_reported_and_the_names_are_the_labels(tmp_path):
    rows = write_table(touch_all(tmp_path, PLACES))
    assert len(rows) == 3000
    utterances, (note,) = split(parse(tmp_path))
    assert count(utterances, "emotion") == CORPUS.known["emotion"]
    assert note.title == "labels"
    assert "shemo.json has 3000 rows of revised labels: 2838 recordings have a row" in note.fact
    assert "162 have no such row" in note.fact
    assert "all labels are those of the file names" in note.fact
    (first,) = (each for each in utterances if each.id == f"shemo/{next(iter(rows))}")
    assert first.transcript == f"text of {next(iter(rows))}"
    assert sum(each.transcript is None for each in utterances) == 162


def test_only_recordings_whose_label_was_kept(tmp_path):
    write_table(touch_all(tmp_path, PLACES))
    utterances, (note,) = split(parse(tmp_path, ShemoConfig(revised=True)))
    kept = {
        "anger": 1034,
        "neutral": 1018,
        "sadness": 360,
        "surprise": 199,
        "happiness": 198,
        "fear": 29,
    }
    assert count(utterances, "emotion") == kept
    assert "these are left out (revised=true)" in note.fact
    release = CORPUS.release(utterances)
    assert (release.utterances, release.known) == (2838, {"emotion": kept})
    assert CORPUS.release(split(parse(tmp_path))[0]) is CORPUS
    assert "not comparable" in ShemoConfig(revised=True).notice
    assert ShemoConfig().notice is None


def test_without_the_table_the_revised_labels_can_not_be_used(tmp_path, workspace):
    touch_all(tmp_path, PLACES[:3])
    with pytest.raises(CorpusError, match=r"no shemo.json; add it, or leave revised=true out"):
        prepare("shemo", tmp_path, workspace, partial=True, settings={"revised": True})


@pytest.mark.parametrize("text", ["{", "[1]", '{"F01A01": 3}'])
def test_a_damaged_table_is_noted_and_not_used(tmp_path, text):
    touch_all(tmp_path, PLACES[:1])
    (tmp_path / "shemo.json").write_text(text)
    (found,), (problem,) = split(parse(tmp_path))
    assert found.emotion == "anger"
    assert str(problem) == "shemo.json: not a table of rows by name in JSON; ignored"
    assert problem.harmless


def test_transcripts_of_the_first_release_are_read(tmp_path):
    touch_all(tmp_path, ["female/F01A01.wav", "transcript/final text/F01A01.ort"])
    (tmp_path / "transcript/final text/F01A01.ort").write_text("\ufeffسلام\n", encoding="utf-8")
    assert split(parse(tmp_path))[0][0].transcript == "سلام"


def test_the_first_f_is_a_woman_and_the_second_one_fear():
    found = from_name("F08F01")
    assert (found.speaker, found.gender, found.emotion) == ("F08", "female", "fear")
    found = from_name("M08W01")
    assert (found.speaker, found.gender, found.emotion) == ("M08", "male", "surprise")


@pytest.mark.parametrize("name", ["F32A01", "M57A01", "F00A01", "F01X01", "F01A1", "X01A01", "F01A001"])
def test_foreign_names(name):
    assert from_name(name) is None
