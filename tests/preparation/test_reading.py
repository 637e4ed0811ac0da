import os
from dataclasses import replace
from pathlib import Path

import pytest

from sercli.corpora import Corpus, get_corpus
from sercli.errors import ConfigError, CorpusError
from sercli.preparation import _reading
from sercli.preparation._place import Place, describe_nothing_found, find_place, name_for
from sercli.records import Note, Problem, Utterance


def place(root, source="csv", audio_root=None, **settings):
    corpus = get_corpus(source)
    return find_place(source, corpus, root, audio_root, corpus.chosen(settings), "mine")


def read(where):
    """Read a corpus, without the notes of how its list was understood."""
    utterances, problems, _ = _reading.read(where)
    return utterances, [problem for problem in problems if not isinstance(problem, Note)]


def listed(folder, *rows, files=()):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    table = folder / "t.csv"
    table.write_text("\n".join(["file,emotion,start,end,id", *rows]))
    return table


def named(found):
    return [(utterance.id, utterance.file) for utterance in found[0]]


def test_an_utterance_without_an_id_is_named_by_its_file_and_cut(tmp_path):
    rows = [
        "a b/x.y.wav,sad,,,", "r.wav,sad,0.1,1000.0625,", "r.wav,sad,1000.0625,,", "r.wav,sad,,3,",
        "r.wav,sad,,,u 1",
    ]  # fmt: skip
    utterances, problems = read(place(listed(tmp_path, *rows, files=["a b/x.y.wav", "r.wav"])))
    assert [u.id for u in utterances] == [
        "mine/a b/x.y", "mine/r_0.1-1000.0625", "mine/r_1000.0625-", "mine/r_0-3", "mine/u 1",
    ]  # fmt: skip
    assert {u.corpus for u in utterances} == {"mine"}
    assert problems == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"speaker": 3}, "its speaker is 3; give text in the reader of corpus 'own'"),
        ({"duration": "1"}, "its duration is '1'; give a number in the reader of corpus 'own'"),
        (
            {"valence": float("nan")},
            "its valence is nan; give a finite number, or None where there is none in",
        ),
        ({"ratings": {"warmth": float("inf")}}, "its ratings are {'warmth': inf}; give only text and finite"),
        ({"raters": ({"valence": float("nan")},)}, "its raters are ({'valence': nan},); give only text and"),
        ({"id": "a"}, "its id is 'a', its corpus 'own'; give an id that begins with 'own/', and the corpus"),
        ({"corpus": "mini"}, "its id is 'own/a', its corpus 'mini'; give an id that begins with 'own/'"),
    ],
)
def test_what_a_reader_of_ones_own_does_wrong_is_told_with_the_file(tmp_path, changes, told):
    given = {"id": "own/a", "corpus": "own", "file": "a.wav", "emotion": "anger"} | changes
    corpus = Corpus(lambda root: iter([Utterance(**given)]), "Own", "me", "none", "a.wav")
    with pytest.raises(CorpusError) as error:
        read(Place(corpus, (), "own", tmp_path, tmp_path))
    assert str(error.value).startswith(f"{tmp_path / 'a.wav'}: {told}")


def test_parts_of_a_file_need_a_reader_that_cuts(tmp_path):
    parts = [
        Utterance(id=f"own/a#{k}", corpus="own", file="a.wav", start=k * 0.5, end=k * 0.5 + 0.5)
        for k in (0, 1)
    ]
    corpus = Corpus(lambda root: iter(parts), "Own", "me", "none", "a.wav")
    with pytest.raises(CorpusError, match=r"a\.wav: two utterances have different times.*; write cuts=True"):
        read(Place(corpus, (), "own", tmp_path, tmp_path))
    assert len(read(Place(replace(corpus, cuts=True), (), "own", tmp_path, tmp_path))[0]) == 2


def test_absolute_paths_within_the_folder_are_made_relative(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    table = listed(real, f"{real}/x.wav,sad,,,", f"{link}/d/../y.wav,sad,,,", files=["x.wav", "y.wav"])
    assert named(read(place(link / table.name))) == [("mine/x", "x.wav"), ("mine/y", "y.wav")]


def test_a_folder_may_be_named_by_a_way_up(tmp_path, monkeypatch):
    listed(tmp_path, "x.wav,sad,,,", files=["x.wav", "tables/here"])
    (tmp_path / "t.csv").rename(tmp_path / "tables" / "t.csv")
    monkeypatch.chdir(tmp_path / "tables")
    assert named(read(place(Path("t.csv"), audio_root=Path("..")))) == [("mine/x", "x.wav")]
    listed(tmp_path, "x.wav,sad,,,")
    assert named(read(place(Path("../t.csv")))) == [("mine/x", "x.wav")]


@pytest.mark.parametrize(
    ("row", "place_", "fact"),
    [
        ("/etc/passwd,sad,,,", "/etc/passwd", "is outside {}; name the folder that holds all audio"),
        ("../x.wav,sad,,,", "../x.wav", "is outside {}; name the folder that holds all audio"),
        ("a/../../x.wav,sad,,,", "../x.wav", "is outside {}; name the folder that holds all audio"),
        (".,sad,,,", ".", "is outside {}; name the folder that holds all audio"),
        ("no.wav,sad,,,", "no.wav", "no such file; if the audio is in another folder, name the folder"),
        ("x.wav,sad,,,../../x", "x.wav", "its id 'mine/../../x' can't name a file"),
        ("x.wav,sad,,,/x", "x.wav", "its id 'mine//x' can't name a file"),
        ("x.wav,sad,,,a\\b", "x.wav", "its id 'mine/a\\b' can't name a file"),
        ('x.wav,sad,,,"a\nb"', "x.wav", "its id 'mine/a?b' can't name a file"),
        (f"x.wav,sad,,,{'a' * 221}", "x.wav", f"its id 'mine/{'a' * 221}' can't name a file"),
        ("y.flac,sad,,,", "y.flac", "the same utterance as y.wav (id mine/y)"),
    ],
)
def test_what_can_not_be_prepared_is_named_and_the_rest_is_kept(tmp_path, row, place_, fact):
    table = listed(tmp_path, "y.wav,sad,,,", row, files=["x.wav", "y.wav", "y.flac"])
    utterances, problems = read(place(table))
    assert [u.id for u in utterances] == ["mine/y"]
    (problem,) = problems
    assert problem.place == place_
    assert problem.fact.startswith(fact.format(tmp_path))
    assert not problem.harmless


def test_a_link_out_of_the_folder_is_followed_and_told_once(tmp_path):
    (tmp_path / "r.wav").touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c/r.wav").symlink_to(tmp_path / "r.wav")
    utterances, problems = read(place(listed(tmp_path / "c", "r.wav,sad,0,1,", "r.wav,sad,1,2,")))
    assert len(utterances) == 2
    assert problems == [Problem("r.wav", "a link out of the corpus's folder; followed", harmless=True)]


def test_names_that_are_not_utf_8_are_told_in_one_printable_line(tmp_path):
    (tmp_path / "sad").mkdir()
    (tmp_path / "sad" / "ok.wav").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/sad/m\xfcde.wav")).touch()
    (tmp_path / "sad" / "a\nb.wav").touch()
    utterances, problems = read(place(tmp_path, "folder"))
    assert [u.file for u in utterances] == ["sad/ok.wav"]
    assert [problem.place for problem in problems] == ["sad/a?b.wav", "sad/m?de.wav"]
    assert all(problem.fact.isprintable() for problem in problems)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("sad/a\tb.wav", "a control character, such as a tab or a line break"),
        ("sad/\x1b/b.wav", "a control character, such as a tab or a line break"),
        (f"sad/{'a' * 250}.wav", "a name of more than 220 bytes"),
        ("sad/a\\b.wav", "a backslash"),
    ],
)
def test_a_file_whose_path_can_not_become_an_id_is_to_be_renamed(tmp_path, name, fault):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    found = [read(place(tmp_path, "folder"))[1]]
    if "\\" not in name:  # which a table may have in place of a slash
        found.append(read(place(listed(tmp_path, f'"{name}",sad,,,')))[1])
    for (problem,) in found:
        assert problem.fact == f"its path has {fault}; rename the file or its folder"


def test_text_that_no_file_can_hold_is_a_problem(tmp_path):
    (tmp_path / "x.wav").touch()
    (tmp_path / "t.jsonl").write_text('{"file": "x.wav", "emotion": "sad", "speaker": "\\ud800"}')
    assert read(place(tmp_path / "t.jsonl"))[1][0].fact.startswith("its name or another value is not UTF-8")


def test_a_line_of_a_table_that_lies_elsewhere_is_named_with_its_folder(tmp_path):
    (tmp_path / "tables").mkdir()
    table = listed(tmp_path / "tables", "x.wav,?,,,", "x.wav,?,0,1,")
    found = place(table, audio_root=tmp_path)
    utterances, problems = read(found)
    assert utterances == []
    assert problems[0].place == f"{tmp_path}/tables/t.csv:2"
    assert describe_nothing_found("csv", found, problems) == (
        f"{tmp_path}/tables/t.csv:2: label '?' means that no emotion is known; "
        "give its emotion with --map '?=EMOTION' (and 1 more)"
    )


def test_a_place_that_is_not_there_says_what_to_give(tmp_path):
    with pytest.raises(
        CorpusError, match=r"no.csv: no such file; give a table with columns file and emotion"
    ):
        place(tmp_path / "no.csv")
    with pytest.raises(CorpusError, match="no such folder; --audio-root names the folder of the audio"):
        place(listed(tmp_path), audio_root=tmp_path / "no")
    with pytest.raises(CorpusError, match="--audio-root is for tables; corpus 'folder' is one folder"):
        place(tmp_path, "folder", audio_root=tmp_path)


def test_a_corpus_is_named_by_its_folder_or_as_given():
    folder, emodb = get_corpus("folder"), get_corpus("emodb")
    assert name_for("folder", folder, None, Path("x/My Corpus (2)")) == "my-corpus-2"
    assert name_for("folder", folder, "mine", None) == "mine"
    assert name_for("emodb", emodb, "emodb", None) == "emodb"
    for given, message in (
        ("emodb", "is the name of a supported corpus"),
        ("../x", "small letters"),
        ("Ä", "small letters"),
        ("a" * 201, "at most 200"),
    ):
        with pytest.raises(ConfigError, match=message):
            name_for("folder", folder, given, None)
    with pytest.raises(ConfigError, match="leave --name out"):
        name_for("emodb", emodb, "mine", None)


@pytest.mark.parametrize(
    ("files", "source", "proposed"),
    [
        (["Actor_01/03-01-05-01-01-01-01.wav"], "tess", "ravdess"),  # ASVP-ESD would take it, too
        (["Actor_01/03-01-05-01-01-01-01.wav"], "folder", "ravdess"),
        (["x/OAF_back_angry.wav"], "folder", "tess"),
        (["x/OAF_back_angry.wav", "x/other.wav"], "folder", None),
    ],
)
def test_the_corpus_that_recognises_the_recordings_is_proposed(tmp_path, files, source, proposed):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    found = (
        place(tmp_path, source)
        if source == "folder"
        else find_place(source, get_corpus(source), tmp_path, None, get_corpus(source).chosen({}), None)
    )
    utterances, problems = read(found)
    assert utterances == []
    told = describe_nothing_found(source, found, problems)
    assert (f"run `sercli prepare {proposed} {tmp_path}`" in told) == (proposed is not None)
