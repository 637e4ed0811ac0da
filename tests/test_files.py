import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sercli import files
from sercli.errors import SerError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a" / "b.txt"
    files.write_text(path, "first")

    def fail_halfway():
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail_halfway()
    assert path.read_text() == "first"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.txt"]


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    path = tmp_path / "bundle"
    for content in ("old", "new"):
        with files.replacing_folder(path) as folder:
            (folder / content).touch()
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_whose_writing_fails_leaves_the_older_one(tmp_path):
    path = tmp_path / "bundle"
    with files.replacing_folder(path) as folder:
        (folder / "old").touch()

    def fail_halfway():
        with files.replacing_folder(path) as folder:
            (folder / "new").touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        fail_halfway()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_the_folder_that_a_link_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with files.replacing_folder(tmp_path / "link") as folder:
        (folder / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert [entry.name for entry in (tmp_path / "real").iterdir()] == ["new"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "real"]


def test_the_older_folder_comes_back_if_the_last_step_fails(tmp_path, monkeypatch):
    path, rename = tmp_path / "bundle", type(tmp_path).rename
    path.mkdir()
    (path / "old").touch()

    def fail_at_the_end(self, target):
        if self.name.endswith(".tmp"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", fail_at_the_end)
    with pytest.raises(OSError, match="Input/output"), files.replacing_folder(path) as folder:
        (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_a_written_file_is_as_readable_as_a_plain_one(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    files.write_text(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == plain.stat().st_mode


def test_threads_that_write_leave_the_umask_alone(tmp_path):
    before = os.umask(0o022)
    os.umask(before)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: files.write_text(tmp_path / str(i), "x"), range(200)))
    after = os.umask(before)
    assert after == before


def test_a_failed_write_says_what_was_being_written(tmp_path):
    with pytest.raises(OSError, match="No space left") as caught:
        _fail_without_a_place(tmp_path / "a")
    assert caught.value.filename == str(tmp_path / "a")


def _fail_without_a_place(path):
    with files.replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("replacing", [files.replacing, files.replacing_folder])
@pytest.mark.parametrize("second", [False, True])
def test_an_error_names_the_target_and_not_the_temporary_file(tmp_path, replacing, second):
    def fail():
        with replacing(tmp_path / "a") as temporary:
            names = ("source", None, str(temporary / "b")) if second else (str(temporary / "b"),)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *names)

    with pytest.raises(OSError, match="No space left") as caught:
        fail()
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "a"), None)


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.replacing(tmp_path / "a"):
        (tmp_path / "b").read_text()
    assert caught.value.filename == str(tmp_path / "b")


def test_a_target_that_can_not_be_made_is_named(tmp_path, monkeypatch):
    def refuse(name, *_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(PermissionError) as caught:
        files.write_text(tmp_path / "a", "x")
    assert caught.value.filename == str(tmp_path / "a")


def test_what_is_in_the_place_of_a_folder_is_described(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nothing")
    (tmp_path / "good").symlink_to(tmp_path)
    for below in ("", "a/b"):
        assert files.find_obstacle(tmp_path / "file" / below) == f"{tmp_path}/file: a file, not a folder"
        assert files.find_obstacle(tmp_path / "link" / below) == (
            f"{tmp_path}/link: a link that leads to no folder"
        )
        assert files.find_obstacle(tmp_path / "good" / below) is None
        assert files.find_obstacle(tmp_path / "new" / below) is None


def test_a_folder_that_can_not_be_deleted_is_named(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "metrics.json")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(
        SerError, match=r"run: can't be deleted completely \(Permission denied\); get permission"
    ):
        files.remove_folder(tmp_path / "run")


@pytest.mark.parametrize("at", ["rmtree", "rename"])
def test_nothing_is_left_behind_by_ctrl_c_at_the_end(tmp_path, monkeypatch, at):
    path = tmp_path / "bundle"
    path.mkdir()
    (path / "old").touch()
    whole = {"rmtree": shutil.rmtree, "rename": type(tmp_path).rename}[at]
    pending = [KeyboardInterrupt()]

    def interrupted(place, *more, **keys):
        if pending and Path(place).name.endswith({"rmtree": ".old", "rename": ".tmp"}[at]):
            raise pending.pop()
        return whole(place, *more, **keys)

    monkeypatch.setattr(shutil if at == "rmtree" else type(tmp_path), at, interrupted)
    with pytest.raises(KeyboardInterrupt), files.replacing_folder(path) as folder:
        (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == [{"rmtree": "new", "rename": "old"}[at]]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_what_somebody_puts_there_meanwhile_costs_nobody_anything(tmp_path, monkeypatch):
    path, rename = tmp_path / "bundle", type(tmp_path).rename
    path.mkdir()
    (path / "old").touch()

    def quicker(self, target):
        if self.name.endswith(".tmp"):
            path.mkdir()
            (path / "theirs").touch()
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", quicker)
    with pytest.raises(OSError, match="not empty"), files.replacing_folder(path) as folder:
        (folder / "new").touch()
    assert sorted(each.name for each in tmp_path.rglob("*") if each.is_file()) == ["old", "theirs"]


KILLED = """
import os, signal, sys
from pathlib import Path
from sercli import files
path, how = Path(sys.argv[1]), sys.argv[2]
with (files.replacing_folder if how == "folder" else files.replacing)(path) as temporary:
    (temporary / "a" if how == "folder" else temporary).write_text("half")
    print(temporary, flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def writing(tmp_path):
    """Start a process that writes a file or folder and waits; it kills itself when its input ends."""
    processes = []

    def start(path, how):
        command = [sys.executable, "-c", KILLED, str(path), how]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def afresh(monkeypatch):
    """Act as a command that has just begun."""

    def begin():
        monkeypatch.setattr(files, "_left_behind", {})

    begin()
    return begin


def write(path, how):
    with (files.replacing_folder if how == "folder" else files.replacing)(path) as temporary:
        (temporary / "b" if how == "folder" else temporary).write_text("complete")


@pytest.mark.parametrize("how", ["file", "folder"])
def test_what_a_killed_command_left_is_swept_and_what_a_living_one_writes_is_not(
    tmp_path, writing, afresh, how
):
    path = tmp_path / "deep" / "target.bin"
    process, temporary = writing(path, how)
    write(path, how)
    assert temporary.exists()
    process.communicate()
    assert process.returncode == -9
    assert temporary.exists()
    afresh()
    write(path.with_name("another"), how)  # of another target nothing is touched
    assert temporary.exists()
    write(path, how)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["another", "target.bin"]


def test_names_of_other_programs_stay(tmp_path, afresh):
    names = [".x.tmp", ".x.12345678", "x.abcdefgh.tmp", ".x.ABCDEFGH.tmp", ".x.abc.tmp", ".y.abcdefgh.tmp"]
    for name in [*names, ".x.abcdefgh.tmp"]:
        (tmp_path / name).touch()
    files.write_text(tmp_path / "x", "x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([*names, "x"])


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_a_folder_that_was_put_aside_is_put_back_unless_another_took_its_place(
    tmp_path, afresh, taken, begun
):
    (tmp_path / ".bundle.abcdefgh.old").mkdir()
    (tmp_path / ".bundle.abcdefgh.old" / "older").touch()
    if begun:
        (tmp_path / ".bundle.abcdefgh.tmp").mkdir()
    if taken:
        (tmp_path / "bundle").mkdir()
    files._remove_left_behind(tmp_path / "bundle")
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]
    assert [entry.name for entry in (tmp_path / "bundle").iterdir()] == ([] if taken else ["older"])


def test_a_tree_of_ours_is_swept_and_what_is_written_there_stays(tmp_path, writing):
    process, living = writing(tmp_path / "a" / "b" / "living.wav", "file")
    for name in ("a/.x.wav.abcdefgh.tmp", "a/b/.y.wav.a_cd3fgh.tmp", ".z.abcdefgh.tmp/inside/q"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / ".bundle.abcdefgh.old").mkdir()
    (tmp_path / "a" / "x.wav").touch()
    files.sweep(tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert found == sorted(["a", "a/b", "a/bundle", "a/x.wav", living.relative_to(tmp_path).as_posix()])
    process.communicate()
    files.sweep(tmp_path)
    assert not living.exists()


@pytest.mark.parametrize("where", ["audio", "traces", "."])
def test_preparing_again_sweeps_what_a_killed_one_left(workspace, build_emodb, where):
    from sercli.preparation import prepare

    root = build_emodb("03a01Fa", "03a01Wa")
    prepare("emodb", root, workspace, partial=True)
    left = workspace.corpus("emodb") / where / ".03a01Fa.wav.k3jf0a_1.tmp"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    prepare("emodb", root, workspace, partial=True)
    assert not left.exists()


def test_many_who_write_and_sweep_at_once_lose_nothing(tmp_path, monkeypatch):
    class Never(dict):
        def __contains__(self, key):
            return False  # each write looks anew

    monkeypatch.setattr(files, "_left_behind", Never())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: files.write_text(tmp_path / "x", str(i)), range(400)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
