"""``sercli features show CORPUS``: an utterance of each emotion."""

import pytest

from sercli.cli.features import _one_of_each_emotion
from sercli.errors import CorpusError
from sercli.records import Utterance


def said(name, speaker, emotion, duration):
    return Utterance(
        id=f"c/{name}", corpus="c", file=f"{name}.wav", duration=duration, speaker=speaker, emotion=emotion
    )


def test_the_speaker_with_most_emotions_is_shown_at_middling_length():
    utterances = [
        *(said(f"a{i}", "01", "anger", 1.0 + i) for i in range(3)),
        *(said(f"b{i}", "02", "anger", 2.0 + i) for i in range(3)),
        said("b3", "02", "fear", 9.0),
        said("a4", "01", "sadness", 5.0),
        said("a5", "01", "fear", 1.5),
        said("d0", "03", "disgust", 4.0),
        said("x", "01", None, 1.0),
    ]
    chosen = _one_of_each_emotion(utterances, "c")
    # Speaker 01 has three emotions, 02 two; disgust only 03 has.
    assert {emotion: each.id for emotion, each in chosen.items()} == {
        "anger": "c/a1",
        "disgust": "c/d0",
        "fear": "c/a5",
        "sadness": "c/a4",
    }


def test_without_emotions_there_is_nothing_to_choose():
    with pytest.raises(CorpusError, match="has no emotions; name an utterance"):
        _one_of_each_emotion([said("x", "01", None, 1.0)], "c")


def test_a_corpus_gives_a_panel_for_each_emotion(small_workspace, command_line, tmp_path):
    picture = tmp_path / "emotions.png"
    status, out, _ = command_line(
        *("features", "show", "emodb", "--kind", "logmel", "--variants", "v1,v8"),
        *("--out", picture, "--workspace", small_workspace.root),
    )
    assert status == 0
    assert out.startswith(f"{picture}: 1 x 64 x 600")
    assert picture.stat().st_size > 10_000
