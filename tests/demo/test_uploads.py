import os
import shutil
import time

import pytest

from sercli.demo import uploads


def test_only_what_is_old_is_swept(tmp_path):
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"x")
    place = tmp_path / "uploads"
    for name in ("old/a.wav", "new/b.wav"):
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(b"x")
    (place / "link").symlink_to(outside)
    before = time.time() - 100
    for each in (outside, place / "old/a.wav", place / "old"):
        os.utime(each, (before, before))
    uploads.sweep(place, 50)
    assert not (place / "old/a.wav").exists()
    assert (place / "new/b.wav").exists()
    for _ in range(2):  # a folder has just changed when its file went
        time.sleep(0.01)
        uploads.sweep(place, 0)
    assert list(place.iterdir()) == []
    assert outside.exists()


@pytest.mark.parametrize(("idle", "left"), [(1000.0, False), (0.0, True)])
def test_while_something_is_answered_the_others_wait(tmp_path, monkeypatch, idle, left):
    monkeypatch.setattr(uploads, "_SWEEP_S", 0.01)
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    os.utime(path, (time.time() - 100, time.time() - 100))
    with uploads.sweeping(tmp_path, lambda: idle):
        time.sleep(0.1)
    assert path.exists() == left


def test_half_of_an_upload_is_swept_while_others_are_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "_SWEEP_S", 0.01)
    half, growing, live = (tmp_path / name for name in ("tmpab_d12xy", "tmp12345678", "tmpab_d12xz.wav"))
    for path in (half, growing, live):
        path.write_bytes(b"x")
    for path in (half, live):
        os.utime(path, (time.time() - 31, time.time() - 31))
    with uploads.sweeping(tmp_path, lambda: 0.0):
        time.sleep(0.1)
    assert [path.exists() for path in (half, growing, live)] == [False, True, True]


def test_a_folder_that_is_deleted_meanwhile_stops_nothing(tmp_path, monkeypatch):
    for name in ("gone/a.wav", "kept/b.wav", "tmp12345678"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"xyz")
    scandir = os.scandir

    def scan(path):
        if str(path).endswith("gone"):
            shutil.rmtree(path, ignore_errors=True)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    assert uploads.Uploads(tmp_path).size() == 6
    (tmp_path / "gone").mkdir()
    uploads.sweep(tmp_path, 50)
    uploads.sweep(tmp_path, 0)
    time.sleep(0.01)
    uploads.sweep(tmp_path, 0)
    uploads.sweep(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []
