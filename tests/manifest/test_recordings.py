"""Recordings whose names a list spells otherwise than the disk."""

import pytest

from sercli.manifest.recordings import Found, Missing, Recordings, describe_renamed


@pytest.fixture
def base(tmp_path):
    for name in ("wav/s1/a.wav", "wav/s2/a.wav", "wav/s1/J\u00f6rg.wav", "wav/s2/b.flac", "top.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file", "how"),
    [
        ("wav/s1/a.wav", "wav/s1/a.wav", ""),
        ("wav\\s1\\a.wav", "wav/s1/a.wav", ""),
        ("wav/s1/a", "wav/s1/a.wav", "the suffix"),
        ("wav/s2/b.wav", "wav/s2/b.flac", "the suffix"),
        ("wav/s2/b.mp4", "wav/s2/b.flac", "the suffix"),
        ("WAV/S1/A.WAV", "wav/s1/a.wav", "case"),
        ("wav/s1/a.WAV", "wav/s1/a.wav", "case"),
        ("wav/s1/A", "wav/s1/a.wav", "the suffix and case"),
        ("wav/s1/Jo\u0308rg.wav", "wav/s1/J\u00f6rg.wav", "how accents are coded"),
        ("C:\\Users\\Ada\\corpus\\wav\\s1\\a.wav", "wav/s1/a.wav", "the folders before them"),
        ("/home/other/data/wav/s2/a.wav", "wav/s2/a.wav", "the folders before them"),
        ("//server/share/wav/s2/a.wav", "wav/s2/a.wav", "the folders before them"),
        ("downloads/corpus/wav/s2/a.wav", "wav/s2/a.wav", "the folders before them"),
        ("s2/a.wav", "wav/s2/a.wav", "the folders before them"),
        ("D:/x/top.wav", "top.wav", "the folders before them"),
        ("file:///home/o/wav/s1/J%C3%B6rg.wav", "wav/s1/J\u00f6rg.wav", "the folders before them"),
        ("b.flac", "wav/s2/b.flac", "the folders before them"),
        ("/x/WAV/s1/a", "wav/s1/a.wav", "the folders before them and the suffix and case"),
    ],
)  # fmt: skip
def test_a_name_is_found_however_it_is_spelled(base, name, file, how):
    assert Recordings(base).find([name]) == {name: Found(file, how)}


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("a.wav", "wav/s1/a.wav and wav/s2/a.wav have that name"),
        ("wav/s1/Joerg.wav", "the nearest name is wav/s1/J\u00f6rg.wav"),
        ("wav/s3/b.flac", "the nearest name is wav/s2/b.flac"),
        ("../wav/s1/a", ""),
        ("nothing/like/it.wav", ""),
    ],
)
def test_a_name_that_may_mean_several_files_or_none_is_not_found(base, name, fact):
    assert Recordings(base).find([name]) == {name: Missing(fact)}


def test_a_percent_encoded_name_is_decoded_only_if_it_is_not_there_itself(base):
    for name in ("wav/my call.wav", "wav/J\u00f6 1.wav", "wav/a%20b.wav", "wav/a b.wav"):
        (base / name).touch()
    names = [
        "wav/my%20call.wav",
        "x/wav/J%c3%b6%201",
        "wav/a%20b.wav",
        "wav/%2E%2E/none.wav",
        "wav/my%20cal.wav",
    ]
    found = Recordings(base).find(names)
    assert list(found.values()) == [
        Found("wav/my call.wav", "percent-encoding"),
        Found("wav/J\u00f6 1.wav", "the folders before them and the suffix and percent-encoding"),
        Found("wav/a%20b.wav"),
        Missing(),
        Missing("the nearest name is wav/my call.wav"),
    ]
    several = Recordings(base).find(["wav/my%20call.wav", "wav/my call.wav"])
    assert "wav/my call.wav names that file as well" in several["wav/my%20call.wav"].fact


def test_a_name_without_suffix_is_not_the_folder_beside_the_file(base):
    (base / "wav/s1.wav").touch()
    assert Recordings(base).find(["wav/s1"]) == {"wav/s1": Found("wav/s1.wav", "the suffix")}


def test_two_names_never_lead_to_one_file(base):
    found = Recordings(base).find(["x/s1/a.wav", "y/s1/a.wav", "wav/s2/a", "wav/s2/a.wav"])
    assert found["wav/s2/a.wav"] == Found("wav/s2/a.wav")
    assert {
        found[name].fact.partition(" has a similar name")[0]
        for name in found
        if isinstance(found[name], Missing)
    } == {
        "wav/s1/a.wav",
        "wav/s2/a.wav",
    }


def test_other_folders_of_the_list_do_not_all_stand_for_the_top(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).touch()
    found = Recordings(tmp_path).find(["s1/a.wav", "s2/b.wav"])
    assert {type(each) for each in found.values()} == {Missing}
    assert Recordings(tmp_path).find(["s1/a.wav", "s1/b.wav"])["s1/b.wav"] == Found(
        "b.wav", "the folders before them"
    )


def test_each_way_of_differing_is_said_once(base):
    found = Recordings(base).find(["wav/s1/a", "wav/s2/a", "wav/s2/b.flac"])
    (note,) = describe_renamed(found, "t.csv")
    assert (
        note.fact
        == "2 names found under a spelling that differs in the suffix, such as wav/s1/a -> wav/s1/a.wav"
    )


def test_a_film_is_found_and_its_sound_is_preferred(tmp_path):
    for name in ("a.mp4", "b.mp4", "b.wav", "c.m4a", "c.webm"):
        (tmp_path / name).touch()
    found = Recordings(tmp_path).find(["a.wav", "b", "c"])
    assert found["a.wav"] == Found("a.mp4", "the suffix")
    assert found["b"] == Found("b.wav", "the suffix")
    assert found["c"] == Missing("c.m4a and c.webm have that name")
