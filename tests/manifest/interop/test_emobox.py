import json
import re
from pathlib import Path

import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop import recognise
from sercli.manifest.interop.emobox import read, recognises
from sercli.records import Problem, Utterance

# As data/iemocap/fold_1/iemocap_test_fold_1.jsonl writes them.
LINE = {
    "key": "iemocap-Ses01F_impro04_F000",
    "dataset": "iemocap",
    "wav": "downloads/iemocap/Session1/sentences/wav/Ses01F_impro04/Ses01F_impro04_F000.wav",
    "type": "raw",
    "sample_rate": 16000,
    "num_frame": 70312.0,
    "task": "category",
    "length": 4.3945,
    "emo": "neu",
    "channel": 1,
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "iemocap.jsonl"


def write_lines(path, *lines):
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")


def test_a_foreign_list_gives_its_own_keys_and_labels(path):
    write_lines(path, LINE)
    assert list(read(path)) == [
        Utterance(
            id="imported/iemocap-Ses01F_impro04_F000",
            corpus="imported",
            file=LINE["wav"],
            duration=4.3945,
            sample_rate=16_000,
            emotion_raw="neu",
        )
    ]


def test_the_older_keys_are_read(path):
    # As data/emodb/fold_1/emodb_train_fold1.jsonl writes them.
    write_lines(
        path,
        {
            "key": "emodb-03a01Wa",
            "dataset": "emodb",
            "audio": "downloads/emodb/wav/03a01Wa.wav",
            "type": "raw",
        }
        | {"sample_rate": 16000, "num_frame": 30045.0, "task": "category", "label": "anger"},
    )
    assert recognise(path) == "emobox"
    (found,) = read(path)
    assert (found.id, found.emotion_raw) == ("imported/emodb-03a01Wa", "anger")
    assert (found.file, found.sample_rate) == ("downloads/emodb/wav/03a01Wa.wav", 16_000)


def test_a_foreign_emotion_is_no_noun_of_ours(path):
    write_lines(path, LINE | {"emotion": "anger", "id": 7, "source": "somewhere"})
    (found,) = read(path)
    assert (found.emotion, found.emotion_raw, found.source) == (None, "neu", None)
    assert found.id == "imported/iemocap-Ses01F_impro04_F000"


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ('{"key": "a", "wav": "a.wav", "le', "not a JSON object .cut short"),
        ("[1, 2]", "not a JSON object"),
        (LINE, "the id 'imported/iemocap-Ses01F_impro04_F000' occurs more than once"),
        ({"key": "b", "emo": "neu"}, "names no audio file"),
        ({"key": "b", "wav": ["a.wav"]}, r"'file' can't be \['a.wav'\]"),
        ({"key": {}, "wav": "a.wav"}, "'key' can't be {}"),
        ({"key": "b", "wav": "b.wav", "length": float("nan")}, "'duration' can't be nan"),
        ({"key": "b", "wav": "b.wav", "length": -1}, "'duration' can't be -1"),
        ({"key": "b", "wav": "b.wav", "length": 10**400}, "'duration' can't be 10"),
        ({"key": "b", "wav": "b.wav", "sample_rate": 16000.5}, "'sample_rate' can't be 16000.5"),
        ({"key": "b", "wav": "b.wav", "speaker": True}, "'speaker' can't be True"),
        (
            {"id": "c/b", "corpus": "c", "wav": "b.wav", "raters": [{"valence": float("nan")}]},
            r"'raters' can't be \[{'valence': nan}\]",
        ),
        ('{"key": "b", "wav": "b.wav", "speaker": "\\ud800"}', "'speaker' can't be"),
        ({"key": "b", "wav": "b.wav", "start": 0.9, "end": 0.2}, "start 0.9 s and end 0.2 s leave nothing"),
    ],
)
def test_a_bad_line_is_a_problem_and_the_rest_is_read(path, line, fact):
    write_lines(path, LINE, line, LINE | {"key": "last"})
    first, second, third = read(path)
    assert (first.id[-4:], third.id) == ("F000", "imported/last")
    assert isinstance(second, Problem)
    assert second.place == f"{path}:2"
    assert re.match(fact, second.fact)


def test_numbers_of_foreign_lists_become_text_where_text_belongs(path):
    write_lines(path, LINE | {"speaker": 3, "session": "01"}, LINE | {"key": "b", "speaker": 3.0, "emo": 1.5})
    first, second = read(path)
    assert (first.speaker, first.session) == ("3", "01")
    assert (second.speaker, second.emotion_raw) == ("3", "1.5")


@pytest.mark.parametrize("nothing", [float("nan"), None, "", " ", "nan", "NaN", "NA", " N/A", "None", "null"])
def test_a_name_that_is_pandas_word_for_nothing_is_absent(path, nothing):
    names = dict.fromkeys(("speaker", "session", "dialog", "gender", "text_id"), nothing)
    write_lines(
        path, LINE | names, LINE | {"key": "b", "speaker": nothing, "speaker_id": "03", "text": "None"}
    )
    first, second = read(path)
    assert {getattr(first, name) for name in names} == {None}
    assert (second.speaker, second.transcript) == ("03", "None")


def test_the_blanks_around_text_are_no_part_of_it_but_in_lists_of_ours(path):
    padded = {"wav": " a.wav ", "speaker": "        EB0", "gender": " F", "emo": "neu "}
    ours = {
        "id": "c/ b",
        "corpus": "c",
        "wav": " b.wav",
        "file": " b.wav",
        "speaker": " NA ",
        "text_id": "NA",
    }
    write_lines(path, LINE | padded | {"key": " k"}, LINE | ours)
    first, second = read(path)
    assert (first.id, first.file, first.speaker, first.gender) == ("imported/k", "a.wav", "EB0", "female")
    assert first.emotion_raw == "neu"
    assert (second.id, second.file, second.speaker, second.text_id) == ("c/ b", " b.wav", " NA ", "NA")


def test_another_encoding_is_read_and_named(path):
    path.write_bytes(b'{"key": "a", "wav": "\xe4.wav"}\n')
    assert recognises(path)
    said, found = read(path)
    assert (said.fact, said.harmless) == (
        "not UTF-8, read as Latin-1; if names or labels look wrong, save it as UTF-8",
        True,
    )
    assert found.file == "ä.wav"


@pytest.mark.parametrize("beside", [".", ".."])
def test_a_label_map_gives_the_labels(tmp_path, beside):
    path = tmp_path / "fold" / "list.jsonl"
    path.parent.mkdir()
    write_lines(path, LINE, LINE | {"key": "b", "emo": "qq"})
    place = path.parent / beside / "label_map.json"
    place.write_text('{"neu": "Neutral"}')
    note, *found = read(path)
    assert [each.emotion_raw for each in found] == ["Neutral", "qq"]
    assert (Path(note.place).samefile(place), note.harmless) == (True, True)
    assert note.fact.startswith("label_map.json has no name for 'qq', which the list has")
    wrong = {"[1]": "no JSON object", "{": "no JSON object", '{"neu": 3}': "the entry 'neu' is 3"}
    for text, fact in wrong.items():
        place.write_text(text)
        with pytest.raises(
            ManifestError, match=rf"label_map\.json: {fact}; expected a label for each spelling"
        ):
            list(read(path))


@pytest.mark.parametrize(
    ("labels", "label_map", "expected"),
    [
        ((0, 1.0, "1"), {"0": "Angry", "1": "Sad"}, ["Angry", "Sad", "Sad"]),
        ((0, 1), {"Angry": 0, "Sad": 1}, ["Angry", "Sad"]),
        (("w", "t"), {"Angry": "w", "Sad": "t", "Happy": "f"}, ["Angry", "Sad"]),
        (("Angry", "sad"), {"W": "Angry", "T": "sad"}, ["Angry", "sad"]),  # names already
        (("Angry", "T"), {"W": "Angry", "T": "sad"}, ["Angry", "sad"]),
        ((None, "", "T"), {"T": "sad"}, [None, None, "sad"]),
    ],
)
def test_a_label_map_of_numbers_or_one_turned_round_is_understood(tmp_path, labels, label_map, expected):
    path = tmp_path / "list.jsonl"
    write_lines(path, *(LINE | {"key": f"k{number}", "emo": label} for number, label in enumerate(labels)))
    (tmp_path / "label_map.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(label_map).encode())
    assert [each.emotion_raw for each in read(path)] == expected


@pytest.mark.parametrize(
    ("labels", "label_map", "unknown"),
    [
        (("w", "t"), {"W": "Angry", "T": "Sad"}, "'w', 't'"),
        (("w", "t"), {"wut": "w", "leid": "t"}, "'w', 't'"),  # may be names or codes
        ((0, 1), {"Angry": 0, "Happy": 1, "Fear": 1}, "'1'"),
    ],
)
def test_labels_that_a_label_map_does_not_explain_are_pointed_out(tmp_path, labels, label_map, unknown):
    path = tmp_path / "list.jsonl"
    write_lines(path, *(LINE | {"key": f"k{number}", "emo": label} for number, label in enumerate(labels)))
    (tmp_path / "label_map.json").write_text(json.dumps(label_map))
    note, *found = read(path)
    assert len(found) == len(labels)
    assert note.place == str(tmp_path / "label_map.json")
    assert note.fact.startswith(f"label_map.json has no name for {unknown}, which the list has")
