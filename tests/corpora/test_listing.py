from sercli.corpora import find_base, list_names, place_of, usual_schemes
from sercli.records import Problem
from sercli.schemes import Scheme


def test_a_listing_is_sorted_and_without_what_is_hidden(tmp_path):
    for name in ("b.TXT", "a.wav", "._a.txt", "c"):
        (tmp_path / name).touch()
    assert list_names(tmp_path) == ["a.wav", "b.TXT", "c"]
    assert list_names(tmp_path, (".txt",)) == ["b.TXT"]
    assert list_names(tmp_path / "c") == list_names(tmp_path / "none") == []
    assert place_of(tmp_path / "d" / "c", tmp_path) == "d/c"


def test_the_base_is_the_folder_or_its_only_sub_folder_that_holds_one(tmp_path):
    def holds(folder):
        return (folder / "Session1").is_dir()

    assert find_base(tmp_path, holds) is None
    for name in ("a", "b"):
        (tmp_path / name / "Session1").mkdir(parents=True)
        found = find_base(tmp_path, holds)
        assert name == "b" or found == tmp_path / "a"
    assert found == Problem(".", "more than one copy of the corpus (a, b); give the folder of one")
    (tmp_path / "Session1").mkdir()
    assert find_base(tmp_path, holds) == tmp_path


def test_the_usual_schemes_are_all_emotions_and_four_of_them():
    four = ("anger", "happiness", "neutral", "sadness")
    assert usual_schemes("a-corpus", ["fear", *four, "fear"]) == (
        Scheme("a-corpus-5", "a-corpus", {emotion: emotion for emotion in ("fear", *four)}),
        Scheme("a-corpus-4", "a-corpus", {emotion: emotion for emotion in four}),
    )
