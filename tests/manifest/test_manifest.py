import dataclasses

import pytest

from sercli import manifest
from sercli.errors import ManifestError
from sercli.records import Utterance

FULL = Utterance(
    id="c/ü",
    corpus="c",
    file="audio/ü.wav",
    speaker="03",
    valence=2.5,
    duration=1.25,
    raters=({"rater": "E1", "emotion": ["Happiness", "Excited"]},),
)


def test_what_is_written_is_read_again(tmp_path):
    utterances = [FULL, Utterance(id="c/b", corpus="c", file="b.wav")]
    manifest.write(tmp_path / "m.jsonl", utterances)
    assert manifest.read(tmp_path / "m.jsonl") == utterances


def test_speakers_stay_text(tmp_path):
    manifest.write(tmp_path / "m.jsonl", [FULL])
    assert manifest.read(tmp_path / "m.jsonl")[0].speaker == "03"


def test_the_digest_changes_with_a_label(tmp_path):
    manifest.write(tmp_path / "a", [FULL])
    manifest.write(tmp_path / "b", [dataclasses.replace(FULL, emotion="anger")])
    manifest.write(tmp_path / "c", [FULL])
    assert manifest.digest(tmp_path / "a") == manifest.digest(tmp_path / "c")
    assert manifest.digest(tmp_path / "a") != manifest.digest(tmp_path / "b")


def test_an_id_that_occurs_twice_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="the id 'c/ü' occurs more than once"):
        manifest.write(tmp_path / "m.jsonl", [FULL, FULL])
    assert not (tmp_path / "m.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("{not json", "not JSON"),
        ("[1]", "not an utterance"),
        ('{"id": "a", "corpus": "c"}', "no 'file'"),
        ('{"id": "a", "corpus": "c", "file": "f", "mood": 1}', "unknown field 'mood'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, fact):
    path = tmp_path / "m.jsonl"
    manifest.write(path, [FULL])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        manifest.read(path)
    assert str(caught.value).startswith(f"{path}:2: {fact}")


def test_a_manifest_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(ManifestError, match="make it with `sercli prepare`"):
        manifest.read(tmp_path / "m.jsonl")
