from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.aesdd import CORPUS, from_name, parse
from sercli.preparation import prepare

FOLDERS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
MISSING = {"h11 (3)", "f02 (4)", "d18 (5)", "s05 (3)"}  # the last one exists, but can't be read
# Nine names have a letter, all of speaker 5. One has no take without a letter, by the numbers by emotion.
TAKES = {"a": 1, "d": 3, "f": 1, "s": 3}
ONLY_LETTERS = "s10 (5)"


def released():
    names = {f"{letter}{text:02d} ({s})" for letter, text, s in product(FOLDERS, range(1, 21), range(1, 7))}
    names -= MISSING | {ONLY_LETTERS}
    names |= {f"{letter}{text:02d} (5)a" for letter, n in TAKES.items() for text in range(1, n + 1)}
    names.add(f"{ONLY_LETTERS}b")
    # Five names write the speaker 1 with a zero.
    odd = {"f10 (1)", "f11 (1)", "f12 (1)", "f13 (1)", "d03 (1)"}
    return names - odd | {name.replace("(1)", "(01)") for name in odd}


def test_the_public_list_has_its_numbers(tmp_path):
    places = [f"{FOLDERS[name[0]]}/{name}.wav" for name in released()]
    utterances, problems = split(parse(touch_all(tmp_path, places)))
    assert problems == []
    assert len(utterances) == 604 == CORPUS.utterances
    assert count(utterances, "emotion") == {
        "anger": 121,
        "disgust": 122,
        "fear": 120,
        "happiness": 119,
        "sadness": 122,
    }
    assert count(utterances, "speaker") == {"1": 100, "2": 100, "3": 98, "4": 99, "5": 107, "6": 100}
    assert count(utterances, "gender") == {None: 604}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert not any(" " in each.id or "(" in each.id for each in utterances)


@pytest.mark.parametrize(
    ("stem", "name", "speaker"),
    [
        ("a03 (3)", "a03_3", "3"),
        ("a03(3)", "a03_3", "3"),
        ("f10 (01)", "f10_1", "1"),
        ("s01 (5)a", "s01_5a", "5"),
        ("s01 (12)", "s01_12", "12"),
    ],
)
def test_blanks_and_zeros_do_not_matter(stem, name, speaker):
    found = from_name(stem)
    assert (found.id, found.speaker) == (f"aesdd/{name}", speaker)


def test_the_last_utterance_is_improvised():
    assert (from_name("a20 (1)").style, from_name("a20 (1)").text_id) == ("improvised", None)
    assert (from_name("a19 (1)").style, from_name("a19 (1)").text_id) == ("scripted", "19")


@pytest.mark.parametrize("name", ["a03", "a21 (1)", "a00 (1)", "n03 (1)", "a03 (0)", "a03 (1)c", "a03_1"])
def test_foreign_names(name):
    assert from_name(name) is None


def test_the_file_that_can_not_be_read_is_noted_and_numbers_of_a_list_refuse_no_copy(
    tmp_path, workspace, write_wav, command_line
):
    root = tmp_path / "c"
    write_wav(root / "sadness" / "s04 (3).wav")
    (root / "sadness" / "s05 (3).wav").write_bytes(b"\0" * 100)
    result = prepare("aesdd", root, workspace)
    assert [each.id for each in result.utterances] == ["aesdd/s04_3"]
    (problem,) = result.problems
    assert str(problem) == "sadness/s05 (3).wav: the released file can't be read; left out"
    assert result.differences[0] == "1 of 604 utterances"
    status, out, _ = command_line("prepare", "aesdd", root, "--workspace", workspace.root)
    assert status == 0
    assert "  counts from the readable files of a public list; the database grows\n" in out
