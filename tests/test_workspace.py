"""A corpus that is not prepared: the message names the command for its kind; places that are no folder."""

import re

import pytest

from sercli.errors import ConfigError, CorpusError
from sercli.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("ravdess", "is not prepared; run `sercli prepare ravdess PATH`"),
        ("synth", "is not prepared; run `sercli prepare synth`"),
        (
            "crema_d",
            "did you mean crema-d? (a corpus of your own: `sercli prepare folder PATH --name crema_d`)",
        ),
        ("mime", "did you mean mine? (a corpus of your own:"),
        ("xyz", "`sercli corpora` lists those supported (a corpus of your own:"),
    ],
)
def test_the_command_that_prepares_it_is_named(tmp_path, name, remedy):
    workspace = Workspace(tmp_path)
    workspace.manifest("mine").parent.mkdir(parents=True)
    workspace.manifest("mine").touch()
    with pytest.raises(CorpusError, match=re.escape(f"corpus '{name}' ") + ".*" + re.escape(remedy)):
        workspace.require(name)


def test_a_file_or_a_link_to_nothing_is_no_workspace(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nothing")
    for name, fact in (("file", "a file, not a folder"), ("link", "a link that leads to no folder")):
        with pytest.raises(ConfigError, match=f"{name}: {fact}; remove it, or choose another --workspace"):
            Workspace(tmp_path / name)
