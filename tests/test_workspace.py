"""A corpus that is not prepared: the message names the command for its kind."""

import re

import pytest

from sercli.errors import CorpusError
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
