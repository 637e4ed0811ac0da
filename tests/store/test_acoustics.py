"""Acoustics of a training part, measured once in a workspace."""

from dataclasses import replace

import pytest

from sercli import audio
from sercli.acoustics import Usual, measure
from sercli.store import acoustics
from sercli.store.acoustics import usual_acoustics


def test_each_recording_is_measured_once_and_without_audio_nothing_is_known(small_workspace, monkeypatch):
    workspace = small_workspace
    utterances = workspace.utterances("emodb")[:24]
    folder = workspace.corpus("emodb")
    found = usual_acoustics(workspace, "emodb", utterances)
    assert found == Usual.of([measure(audio.read(folder / each.file)) for each in utterances])
    assert found.count == 24
    monkeypatch.setattr(acoustics, "measure", lambda samples: pytest.fail("measured again"))
    assert usual_acoustics(workspace, "emodb", utterances[::-1]) == found
    gone = replace(utterances[0], sha256="0" * 64, file="gone.wav")
    assert usual_acoustics(workspace, "emodb", [*utterances, gone]) is None
