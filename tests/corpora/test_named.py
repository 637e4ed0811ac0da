import re
from dataclasses import replace
from pathlib import Path

from corpora.trees import split, touch_all

from sercli.corpora._named import cells_of, check_labelled, check_recorded, find_tables, join_rows, read_named
from sercli.records import Problem, Utterance

ANY = Utterance(id="", corpus="c", file="")


def from_name(name):
    """Recordings of this corpus are called u1, u2 and so on."""
    return replace(ANY, id=f"c/{name}") if name.startswith("u") else None


def read(root):
    return split(read_named(root, from_name, "a C file name such as u1.wav"))


def files(root):
    return {each.id: each.file for each in read(root)[0]}


def test_recordings_are_found_at_any_depth_in_the_order_of_their_ids(tmp_path):
    touch_all(tmp_path, ["b/u1.wav", "a/deep/u2.FLAC", "u3.wav"])
    utterances, problems = read(tmp_path)
    assert [(each.id, each.file) for each in utterances] == [
        ("c/u1", "b/u1.wav"),
        ("c/u2", "a/deep/u2.FLAC"),
        ("c/u3", "u3.wav"),
    ]
    assert problems == []


def test_a_foreign_name_among_names_of_the_corpus_is_a_problem(tmp_path):
    touch_all(tmp_path, ["a/u1.wav", "a/x.wav"])
    assert read(tmp_path)[1] == [
        Problem("a/x.wav", "not a C file name such as u1.wav; left out", harmless=True)
    ]


def test_a_folder_of_foreign_names_alone_is_noted(tmp_path):
    touch_all(tmp_path, ["a/u1.wav", "other/x.wav", "other/y.wav", "text/z.txt"])
    fact = "2 recordings, none of which has a C file name such as u1.wav; left out"
    assert read(tmp_path)[1] == [Problem("other", fact, harmless=True)]


def test_hidden_files_are_not_read(tmp_path):
    touch_all(tmp_path, ["a/u1.wav", "a/._u1.wav", "a/.DS_Store", "a/Thumbs.db", "__MACOSX/a/._u1.wav"])
    assert files(tmp_path) == {"c/u1": "a/u1.wav"}
    assert read(tmp_path)[1] == []


def test_of_several_files_of_one_recording_one_is_used(tmp_path):
    touch_all(tmp_path, ["u1.wav", "copy/u1.wav", "copy/u2.wav", "copy/copy/u2.wav"])
    assert files(tmp_path) == {"c/u1": "u1.wav", "c/u2": "copy/u2.wav"}
    fact = "holds 1 recordings again (same names); each recording is used once"
    assert read(tmp_path)[1] == [Problem(place, fact, harmless=True) for place in ("copy", "copy/copy")]


def test_wav_comes_before_other_formats_and_these_before_those_that_can_not_be_read(tmp_path):
    touch_all(tmp_path, ["a/u1.mp3", "b/c/u1.wav", "a/u2.mp4", "b/c/u2.mp3", "a/u3.mp4"])
    assert files(tmp_path) == {"c/u1": "b/c/u1.wav", "c/u2": "b/c/u2.mp3", "c/u3": "a/u3.mp4"}


def test_what_is_left_out_is_noted_with_its_reason(tmp_path):
    touch_all(tmp_path, ["a/u1.wav", "a/u2.wav", "b/u3.wav"])
    found = read_named(
        tmp_path,
        from_name,
        "a C file name",
        leaves_out=lambda path: "films" if path.parent.name == "a" else None,
    )
    utterances, problems = split(found)
    assert [each.id for each in utterances] == ["c/u3"]
    assert problems == [Problem("a", "2 recordings: films; left out", harmless=True)]


def test_words_of_tables_come_before_those_of_the_name(tmp_path):
    touch_all(tmp_path, ["u1.wav", "u2.wav"])
    (first, second), _ = split(read_named(tmp_path, from_name, "a C file name", words={"u2": "Yes."}))
    assert (first.transcript, second.transcript) == (None, "Yes.")


def test_tables_are_found_below_or_beside(tmp_path):
    touch_all(tmp_path, ["data.tsv", "samples/u1.wav", "samples/more/data.tsv"])
    assert find_tables(tmp_path / "samples", "data.tsv".__eq__) == [tmp_path / "samples/more/data.tsv"]
    (tmp_path / "samples/more/data.tsv").unlink()
    assert find_tables(tmp_path / "samples", "data.tsv".__eq__) == [tmp_path / "data.tsv"]
    assert find_tables(tmp_path / "samples", "other.tsv".__eq__) == []


def test_tables_in_a_named_folder_beside_come_last(tmp_path):
    touch_all(tmp_path, ["data.tsv", "lists/data.tsv", "samples/u1.wav"])
    assert find_tables(tmp_path / "samples", "data.tsv".__eq__, "lists") == [tmp_path / "data.tsv"]
    (tmp_path / "data.tsv").unlink()
    assert find_tables(tmp_path / "samples", "data.tsv".__eq__, "lists") == [tmp_path / "lists/data.tsv"]
    assert find_tables(tmp_path / "samples", "data.tsv".__eq__) == []


def test_recordings_without_a_label_are_one_problem():
    assert list(check_labelled([], "labels.csv", found=False)) == []
    assert list(check_labelled(["a/u1.wav", "a/u2.wav"], "labels.csv", found=True)) == [
        Problem("a/u1.wav", "no known emotion in labels.csv (2 recordings)")
    ]
    assert list(check_labelled(["a/u1.wav"], "labels.csv", found=False)) == [
        Problem(".", "no labels.csv, which has the labels; add it to the folder of the recordings")
    ]


def test_labels_without_a_recording_are_noted_unless_all_have_none():
    fact = "1 labels without a recording, first u2"
    assert list(check_recorded(["u1", "u2"], ["u2"], ".")) == [Problem(".", fact, harmless=True)]
    assert list(check_recorded(["u1"], ["u1"], ".")) == list(check_recorded(["u1"], [], ".")) == []


def test_a_copy_with_other_sound_is_noted(tmp_path):
    for folder, content in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "u1.wav").write_bytes(content)
    _, notes = read(tmp_path)
    (fact,) = (note.fact for note in notes if note.place == "b")
    assert "they are not all alike, u1.wav has other sound than the used one" in fact
    assert not any("other sound" in note.fact for note in notes if note.place != "b")


def test_folders_above_the_corpus_give_no_names(tmp_path):
    def name_of(path):
        return next((f"u{folder[1]}" for folder in path.parts[:-1] if re.fullmatch(r"p\d", folder)), "none")

    def found(root, inner):
        items = read_named(root, from_name, "a name", name_of, inner=inner)
        return [item.id for item in items if isinstance(item, Utterance)]

    (tmp_path / "p1/p2/copy/p3").mkdir(parents=True)
    (tmp_path / "p1/p2/copy/wav").mkdir()
    (tmp_path / "p1/p2/copy/wav/1.wav").touch()
    (tmp_path / "p1/p2/copy/p3/1.wav").touch()
    assert found(tmp_path / "p1/p2/copy", ["p?"]) == ["c/u3"]
    assert found(tmp_path / "p1/p2/copy/p3", ["p?"]) == ["c/u3"]
    assert found(tmp_path / "p1/p2/copy/wav", ["p?"]) == []


def test_rows_of_one_recording_that_differ_are_a_problem():
    one, other = Path("a/t.csv"), Path("old/t.csv")
    rows, problems = join_rows([(one, [("x", 1), ("y", 2), ("x", 1), ("", 3)]), (other, [("y", 2)])])
    assert (rows, problems) == ({"x": 1, "y": 2}, [])
    rows, (problem,) = join_rows([(one, [("x", 1), ("y", 2), ("z", 1), ("z", 2)]), (other, [("y", 3)])])
    assert rows == {"x": 1}
    assert not problem.harmless
    assert problem.fact.startswith("2 recordings have several rows that differ, first z in a/t.csv")


def test_rows_may_differ_in_what_is_not_read():
    tables = [(Path("t.csv"), [("x", {"label": "a ", "words": "1"}), ("x", {"label": "a", "words": "2"})])]
    assert join_rows(tables, cells_of("label"))[1] == []
    assert len(join_rows(tables, cells_of("label", "words"))[1]) == 1
