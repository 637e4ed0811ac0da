"""Whether an encoder is on this machine."""

from small_encoders import encoder_folder

from sercli.encoders import finding
from sercli.errors import ConfigError


def test_a_folder_is_here_and_nothing_is_downloaded_to_find_out(monkeypatch, tmp_path):
    def fail(*_):
        raise AssertionError("downloaded")

    monkeypatch.setattr(finding, "_download", fail)
    monkeypatch.setattr(
        finding, "cached_encoder", lambda name, revision=None: name if "kept" in name else None
    )
    assert finding.is_here(str(encoder_folder("whisper")))
    assert finding.is_here("owner/kept")
    assert not finding.is_here("owner/never-seen")
    assert not finding.is_here(str(tmp_path / "no-such-folder"))


def test_without_the_hub_s_library_no_encoder_of_the_hub_is_here(monkeypatch):
    def absent(*_):
        raise ConfigError("not installed")

    monkeypatch.setattr(finding, "cached_encoder", absent)
    assert not finding.is_here("owner/encoder")
