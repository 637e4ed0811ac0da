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


def _with(name, text):
    """A line with a value put in as it is spelled."""
    fields = {"id": '"a"', "corpus": '"c"', "file": '"f"'} | {name: text}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


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
        ("[" * 100_000 + "]" * 100_000, "not JSON (nested too deeply)"),
        ('{"id": ' * 70 + "1" + "}" * 70, "not JSON (nested too deeply)"),
        (_with("duration", "9" * 5000), "not JSON (a whole number of 5000 digits has more than 64 bits)"),
        (_with("sample_rate", "9" * 30), "not JSON (a whole number of 30 digits has more than 64 bits)"),
        (_with("duration", "NaN"), "not JSON (NaN is not a number)"),
        (_with("duration", "Infinity"), "not JSON (Infinity is not a number)"),
        (_with("valence", "-Infinity"), "not JSON (-Infinity is not a number)"),
        (_with("start", "1e999"), "not JSON (1e999 is beyond the largest number)"),
        (_with("raters", '[{"rater": "a", "valence": NaN}]'), "not JSON (NaN is not a number)"),
        (_with("duration", "true"), "'duration' can't be True"),
        (_with("sample_rate", "false"), "'sample_rate' can't be False"),
        (_with("duration", "-1.5"), "'duration' can't be -1.5"),
        (_with("duration", "1e300"), "'duration' can't be 1e"),
        (_with("speaker", r'"\ud800"'), "'speaker' can't be"),
        (_with("duration", '"1.5"'), "'duration' can't be '1.5'"),
        (_with("speaker", "3"), "'speaker' can't be 3"),
        (_with("file", '"../../outside.wav"'), "'file': '../../outside.wav' is outside the corpus folder"),
        (_with("file", '"audio/../../x.wav"'), "'file': 'audio/../../x.wav' is outside the corpus folder"),
        (_with("file", '"/etc/passwd"'), "'file': '/etc/passwd' is outside the corpus folder"),
        (_with("file", r'"..\\x.wav"'), r"'file': '..\x.wav' is outside the corpus folder"),
        (_with("file", r'"C:\\x.wav"'), r"'file': 'C:\x.wav' is outside the corpus folder"),
        (_with("file", '""'), "'file': '' is outside the corpus folder"),
        (_with("trace", '"../other/traces/x.npy"'), "'trace': '../other/traces/x.npy' is outside the corpus"),
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


def test_a_manifest_without_utterances_is_refused(tmp_path):
    for number, text in enumerate(("", "\n\n")):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ManifestError, match=r"\.jsonl: holds no utterance; prepare the corpus again"):
            manifest.read(path)
