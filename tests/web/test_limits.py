from contextlib import suppress

import pytest
from conftest import tone

from sercli.errors import AudioError
from sercli.web import limits
from sercli.web.limits import Limits, TooLongError, explain, private_folder, without_path


def test_the_folder_is_private_and_goes_with_all_in_it():
    with suppress(KeyboardInterrupt), private_folder() as place:
        assert place.stat().st_mode & 0o077 == 0
        (place / "a").mkdir()
        (place / "a" / "b.wav").write_bytes(b"x")
        raise KeyboardInterrupt
    assert not place.exists()


def test_the_folder_is_in_memory_if_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_MEMORY", tmp_path)
    with private_folder("serve", 1) as place:
        assert (place.parent, place.name[:13]) == (tmp_path.resolve(), "sercli-serve-")
    with private_folder("serve", 1 << 80) as place:
        assert place.parent != tmp_path.resolve()
    monkeypatch.setattr(limits, "_MEMORY", tmp_path / "absent")
    with private_folder("serve", 1) as place:
        assert place.is_dir()


def test_a_recording_within_the_limits_has_its_length(tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav", tone(1.5))
    assert Limits(minutes=0.025).check(path) == 1.5
    with pytest.raises(TooLongError, match=r"longer than the limit of 0\.02 minutes"):
        Limits(minutes=0.02).check(path)
    with pytest.raises(AudioError, match=r"0\.0 MB; the limit is 0\.01 MB"):
        Limits(mb=0.01).check(path)


def test_errors_name_no_path_of_the_server(tmp_path):
    path = tmp_path / "a.wav"
    assert without_path(path, f"{path}: cut short; see {path}", "it") == "cut short; see it"
    assert explain(path, AudioError(f"{path}: cut short")) == "Cut short."
