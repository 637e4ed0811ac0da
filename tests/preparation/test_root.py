"""A corpus is read where it begins, if that is a folder above or below the one that was given."""

import tarfile
import zipfile

import pytest
from conftest import tone
from corpora.trees import build_avec, build_iemocap

from sercli.errors import ConfigError, CorpusError
from sercli.preparation import prepare
from sercli.records import Problem

EMODB = ("03a01Fa", "03a01Wa", "08a01Wa")
RAVDESS = ("03-01-05-01-01-01-01", "03-01-03-01-01-01-01", "03-01-05-02-01-01-02")
TURNS = {"Ses01F_impro01_F000": "ang", "Ses01F_impro01_M000": "neu", "Ses01M_script01_1_M000": "sad"}


@pytest.fixture
def ravdess(tmp_path, write_wav):
    def build(flat=False, root=tmp_path / "r"):
        for number, name in enumerate(RAVDESS):
            folder = root if flat else root / f"Actor_{name[-2:]}"
            write_wav(folder / f"{name}.wav", tone(pitch=150 + 30 * number))
        return root

    return build


def ids(source, root, workspace):
    result = prepare(source, root, workspace, partial=True)
    return (
        [utterance.id.partition("/")[2] for utterance in result.utterances],
        [f"{note.title} {note.fact}" for note in result.problems if hasattr(note, "title")],
    )


@pytest.mark.parametrize("inside", ["", "emodb", "EMO DB/download"])
@pytest.mark.parametrize("folder", ["wav", ""])
def test_emodb_is_found_below_and_flattened(tmp_path, build_emodb, workspace, inside, folder):
    source = build_emodb(*EMODB)
    root = tmp_path / "given"
    (root / inside / folder).parent.mkdir(parents=True, exist_ok=True)
    (root / inside).mkdir(parents=True, exist_ok=True)
    (source / "wav").rename(root / inside / (folder or "x"))
    if not folder:
        for path in (root / inside / "x").iterdir():
            path.rename(root / inside / path.name)
        (root / inside / "x").rmdir()
    assert ids("emodb", root, workspace) == (sorted(EMODB), [])


def test_emodb_by_its_folder_of_recordings_or_another_of_its_own(tmp_path, build_emodb, workspace):
    root = build_emodb(*EMODB)
    (root / "lablaut").mkdir()
    assert ids("emodb", root / "wav", workspace) == (sorted(EMODB), [])
    names, (note,) = ids("emodb", root / "lablaut", workspace)
    assert names == sorted(EMODB)
    assert note == f"corpus begins in {root}, above the folder that was given"


def test_of_two_copies_below_each_recording_is_used_once(tmp_path, build_emodb, workspace):
    for name in ("a", "b"):
        build_emodb(*EMODB, root=tmp_path / "two" / "copies" / name)
    result = prepare("emodb", tmp_path / "two", workspace, partial=True)
    assert [utterance.source for utterance in result.utterances] == [
        f"copies/a/wav/{name}.wav" for name in sorted(EMODB)
    ]
    again = "holds 3 recordings again (same names); each recording is used once"
    assert Problem("copies/b/wav", again, harmless=True) in result.problems


@pytest.mark.parametrize("folders", [("anger", "happiness"), ("train/anger", "test/happiness")])
def test_folders_of_emotions_and_parts_are_not_copies(tmp_path, write_wav, workspace, folders):
    for folder, name, pitch in zip(folders, ("03a01Wa", "03a01Fa"), (150, 180), strict=True):
        write_wav(tmp_path / "e" / folder / f"{name}.wav", tone(pitch=pitch))
    assert ids("emodb", tmp_path / "e", workspace) == (["03a01Fa", "03a01Wa"], [])


def test_ravdess_partly_without_its_folders_of_actors_or_within_them(tmp_path, write_wav, workspace):
    places = ["Actor_01/speech/03-01-05-01-01-01-01", "03-01-03-01-01-01-02", "extra/03-01-05-02-01-01-03"]
    for number, place in enumerate(places):
        write_wav(tmp_path / "r" / f"{place}.wav", tone(pitch=150 + 30 * number))
    names, notes = ids("ravdess", tmp_path / "r", workspace)
    assert names == [place.rpartition("/")[2] for place in places]
    assert notes == []


@pytest.mark.parametrize("place", ["r", "r/Actor_01", "."])
def test_ravdess_by_any_of_its_folders(tmp_path, ravdess, workspace, place):
    ravdess()
    names, notes = ids("ravdess", tmp_path / place, workspace)
    assert names == list(RAVDESS[1::-1] if "Actor" in place else (RAVDESS[1], RAVDESS[0], RAVDESS[2]))
    assert notes == []


@pytest.mark.parametrize("inside", ["", "audio files/all"])
def test_flattened_ravdess_is_read_by_its_names(tmp_path, ravdess, workspace, inside):
    ravdess(flat=True, root=tmp_path / "r" / inside)
    assert ids("ravdess", tmp_path / "r", workspace) == ([RAVDESS[1], RAVDESS[0], RAVDESS[2]], [])


@pytest.mark.parametrize("given", ["", "Session1", "Session1/dialog", "Session1/sentences"])
def test_iemocap_by_a_folder_of_its_only_session(tmp_path, workspace, given):
    root = build_iemocap(tmp_path / "IEMOCAP_full_release", TURNS)
    names, notes = ids("iemocap", root / given, workspace)
    assert sorted(names) == sorted(TURNS)
    assert notes == ([f"corpus begins in {root}, above the folder that was given"] if given else [])


def test_iemocap_by_one_of_several_sessions_names_the_folder_above(tmp_path, workspace):
    root = build_iemocap(tmp_path / "i", TURNS | {"Ses02F_impro01_F000": "ang"})
    with pytest.raises(
        CorpusError, match=f"Session1: a part of corpus 'iemocap', which begins in {root}; run"
    ):
        prepare("iemocap", root / "Session1", workspace)
    outer = tmp_path / "a" / "b" / "i"
    outer.parent.mkdir(parents=True)
    root.rename(outer)
    names, notes = ids("iemocap", tmp_path / "a", workspace)
    assert len(names) == 4
    assert notes == ["corpus begins in b, below the folder that was given"]


@pytest.mark.parametrize("flat", [False, True])
def test_iemocap_without_its_folder_wav_or_those_of_dialogs(tmp_path, workspace, flat):
    root = build_iemocap(tmp_path / "i", TURNS)
    sentences = root / "Session1" / "sentences"
    for dialog in sorted((sentences / "wav").iterdir()):
        if flat:
            for path in dialog.iterdir():
                path.rename(sentences / "wav" / path.name)
            dialog.rmdir()
        else:
            dialog.rename(sentences / dialog.name)
    if not flat:
        (sentences / "wav").rmdir()
    names, (note,) = ids("iemocap", root, workspace)
    assert sorted(names) == sorted(TURNS)
    assert ("by their names" in note) == flat


def test_recola_by_its_recordings(tmp_path, workspace):
    root = build_avec(tmp_path / "avec", ["train_1", "dev_2"])
    for given in ("recordings_audio", "ratings_gold_standard"):
        names, notes = ids("recola", root / given, workspace)
        assert names == ["dev_2", "train_1"]
        assert notes == [f"corpus begins in {root}, above the folder that was given"]


def test_nothing_is_looked_for_above_a_folder_of_another_name(tmp_path, build_emodb, workspace):
    root = build_emodb(*EMODB)
    (root / "elsewhere").mkdir()
    with pytest.raises(CorpusError, match="elsewhere: the folder is empty"):
        prepare("emodb", root / "elsewhere", workspace)


@pytest.mark.parametrize("source", ["emodb", "folder", "recola"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("c.zip", "zip"),
        ("c", "zip"),
        ("c.tar", "tar"),
        ("c.tgz", "tar.gz"),
        ("c.tar.xz", "tar.xz"),
        ("c.7z", "7z"),
    ],
)
def test_an_archive_without_recordings_is_named(tmp_path, workspace, source, name, kind):
    (tmp_path / "a.txt").write_text("a")
    path = tmp_path / name
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "a.txt")
    elif kind == "7z":
        path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    else:
        with tarfile.open(path, {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}[kind]) as archive:
            archive.add(tmp_path / "a.txt")
    fact = rf"{name}: a 7z archive, not a folder; unpack it" if kind == "7z" else "no recordings"
    with pytest.raises(CorpusError, match=fact):
        prepare(source, path, workspace, name="mine" if source == "folder" else None)


def test_a_corpus_without_a_safe_source_says_who_gives_it_out(workspace):
    with pytest.raises(
        ConfigError, match=r"'emodb' can't be downloaded: get it from its authors, http://emodb"
    ):
        prepare("emodb", None, workspace, download=True)
    with pytest.raises(ConfigError, match=r"'iemocap' can't be downloaded: get it from USC SAIL, https"):
        prepare("iemocap", None, workspace, download=True)
