import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sercli import files


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
