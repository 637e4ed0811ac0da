"""Corpora that are given as archives."""

import io
import re
import tarfile
import zipfile

import pytest

from sercli import files
from sercli.errors import CorpusError
from sercli.preparation import prepare
from sercli.records import Note

TREE = ("Mine v1/happy/a.wav", "Mine v1/sad/b.wav", "Mine v1/sad/c.wav")


@pytest.fixture
def tree(tmp_path, write_wav):
    for name in TREE:
        write_wav(tmp_path / "tree" / name)
    return tmp_path / "tree"


def pack(tree, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in TREE:
                archive.write(tree / name, name)
    else:
        with tarfile.open(
            path, f"w:{path.suffix.removeprefix('.').replace('tar', '').replace('tgz', 'gz')}"
        ) as archive:
            archive.add(tree / "Mine v1", "Mine v1")
    return path


@pytest.mark.parametrize(
    "name", ["My Corpus.zip", "My Corpus.tar", "My Corpus.tar.gz", "My Corpus.tgz", "My Corpus.tar.xz"]
)
def test_an_archive_is_read_as_its_folder(tree, tmp_path, workspace, name):
    result = prepare("folder", pack(tree, tmp_path / name), workspace)
    assert result.corpus == "my-corpus"
    assert [(each.id, each.emotion) for each in result.utterances] == [
        ("my-corpus/Mine v1/happy/a", "happiness"),
        ("my-corpus/Mine v1/sad/b", "sadness"),
        ("my-corpus/Mine v1/sad/c", "sadness"),
    ]
    (note,) = [each for each in result.problems if isinstance(each, Note) and each.title == "archive"]
    assert "downloads/my-corpus/My Corpus, which may be removed" in note.fact


def test_an_archive_is_unpacked_once_until_it_changes(tree, tmp_path, workspace):
    archive = pack(tree, tmp_path / "c.zip")
    assert prepare("folder", archive, workspace).reused == 0
    kept = workspace.root / "downloads/c/c" / TREE[0]
    before = kept.stat().st_mtime_ns
    assert prepare("folder", archive, workspace).reused == 3
    assert kept.stat().st_mtime_ns == before
    archive.unlink()
    (tree / TREE[1]).rename(tree / "Mine v1/happy/d.wav")
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(tree / "Mine v1/happy/d.wav", "happy/d.wav")
        opened.write(tree / TREE[2], "sad/c.wav")
    assert len(prepare("folder", archive, workspace).utterances) == 2


def test_a_corpus_within_an_archive_is_found(tmp_path, workspace, write_wav):
    write_wav(tmp_path / "03a01Fa.wav")
    with zipfile.ZipFile(tmp_path / "emo.zip", "w") as archive:
        archive.write(tmp_path / "03a01Fa.wav", "emodb/wav/03a01Fa.wav")
    result = prepare("emodb", tmp_path / "emo.zip", workspace, partial=True)
    assert [each.id for each in result.utterances] == ["emodb/03a01Fa"]


def tarred(*members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(content)
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (tarred(("sad/a.wav", tarfile.REGTYPE, b"a"), ("../b", tarfile.REGTYPE, b"b")), "outside its folder"),
        (tarred(("/tmp/b", tarfile.REGTYPE, b"b")), "outside its folder"),
        (
            tarred(("sad/a.wav", tarfile.SYMTYPE, b"")),
            "'sad/a.wav' is a link; nothing was unpacked, unpack it by hand",
        ),
        (tarred(("sad/a.wav", tarfile.LNKTYPE, b"")), "is a link"),
        (tarred(("sad/a.wav", tarfile.FIFOTYPE, b"")), "is no file"),
        (
            tarred(("sad/a.wav", tarfile.REGTYPE, bytes(5000)))[:3000],
            "not a complete tar archive .*; copy it again",
        ),
        (b"PK\x03\x04" + bytes(500), "not a complete zip archive .*; copy it again"),
    ],
)
def test_an_archive_that_can_not_be_trusted_leaves_nothing(tmp_path, workspace, content, fact):
    (tmp_path / "c.tar").write_bytes(content)
    with pytest.raises(CorpusError, match=f"c.tar: .*{fact}"):
        prepare("folder", tmp_path / "c.tar", workspace)
    assert [each for each in workspace.root.rglob("*") if each.is_file() and each.name != ".lock"] == []


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a git-lfs pointer .* run `git lfs pull`",
        ),
        (
            b"<!DOCTYPE html><html>Log in</html>",
            r"a web page \(HTML\) .*; download it again, and log in first",
        ),
    ],
)
@pytest.mark.parametrize("source", ["folder", "emodb"])
def test_a_file_in_place_of_an_archive_is_named(tmp_path, workspace, source, content, fact):
    (tmp_path / "corpus.zip").write_bytes(content)
    with pytest.raises(CorpusError, match=f"corpus.zip: it is {fact}"):
        prepare(source, tmp_path / "corpus.zip", workspace)


def test_an_archive_larger_than_the_free_space_is_refused(tree, tmp_path, workspace, monkeypatch):
    archive = pack(tree, tmp_path / "c.zip")
    monkeypatch.setattr(files, "free_bytes", lambda path: 1000)
    with pytest.raises(CorpusError, match=r"would unpack to \d+ bytes, more than .* the disk has free"):
        prepare("folder", archive, workspace)


def test_a_folder_that_holds_only_archives_names_them(tree, tmp_path, workspace):
    (tmp_path / "all").mkdir()
    pack(tree, tmp_path / "all/one.zip")
    (tmp_path / "all/notes.zip").write_text("none")
    for source in ("folder", "ravdess"):
        with pytest.raises(CorpusError, match=re.escape("no recordings, but archives (one.zip); give it")):
            prepare(source, tmp_path / "all", workspace, name="x" if source == "folder" else None)
