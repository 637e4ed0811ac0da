import json

import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop.speechbrain import read, write
from sercli.records import Utterance

# As recipes/IEMOCAP/emotion_recognition/iemocap_prepare.py writes it.
SAMPLE = """{
  "psno1_ang_s084_orgn": {
    "wav": "{data_root}/session1/ang/psno1_ang_s084_orgn.wav",
    "length": 2.4099375,
    "emo": "ang"
  },
  "absolute": {
    "wav": "/data/a.wav",
    "length": 1.0,
    "emo": "neu",
    "spk_id": "03"
  }
}"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "train.json").write_text(SAMPLE)
    return tmp_path / "train.json"


def test_a_foreign_list(path):
    assert list(read(path)) == [
        Utterance(
            id="imported/psno1_ang_s084_orgn",
            corpus="imported",
            file="session1/ang/psno1_ang_s084_orgn.wav",
            duration=2.4099375,
            emotion_raw="ang",
        ),
        Utterance(
            id="imported/absolute",
            corpus="imported",
            file="/data/a.wav",
            duration=1.0,
            speaker="03",
            emotion_raw="neu",
        ),
    ]


def test_speechbrain_can_format_every_string_and_finds_the_same_keys_everywhere(tmp_path):
    utterances = [
        Utterance(id="c/a", corpus="c", file="{a}.wav", transcript="{laughs}", raters=({"note": "}"},)),
        Utterance(id="c/b", corpus="c", file="b.wav", speaker="03", emotion="anger", emotion_raw="W"),
    ]
    write(tmp_path / "train.json", utterances, tmp_path)
    entries = json.loads((tmp_path / "train.json").read_text())
    first, second = entries["c/a"], entries["c/b"]
    assert list(first) == list(second)
    assert "id" not in first
    assert first["wav"].format_map({"data_root": "/root"}) == "/root/{a}.wav"
    assert first["transcript"].format_map({}) == "{laughs}"
    assert first["raters"][0]["note"].format_map({}) == "}"
    assert (first["emo"], second["emo"], first["length"]) == ("", "anger", None)


def test_a_part_in_samples_is_in_seconds(path):
    wav = {"file": "{data_root}/a.wav", "start": 12_000, "stop": 20_000}
    entries = {
        "a": {"wav": wav, "length": 0.5, "emo": "ang"},
        "b": {"wav": wav | {"stop": 56_100}, "duration": 1.0},
        "c": {"wav": {"file": "c.wav"}, "length": 3.0},
        "d": {"wav": wav, "length": 0.7},
        "e": {"wav": wav},
    }
    path.write_text(json.dumps(entries))
    *found, fourth, fifth = read(path)
    assert [(each.file, each.start, each.end) for each in found] == [
        ("a.wav", 0.75, 1.25),
        ("a.wav", pytest.approx(12_000 / 44_100), pytest.approx(56_100 / 44_100)),
        ("c.wav", None, None),
    ]
    for problem in (fourth, fifth):
        assert problem.fact.startswith(
            "'wav' has the samples 12000 to 20000, but 'length' is not the same time"
        )


def test_a_bad_entry_is_a_problem(path):
    path.write_text(
        '{"a": {"wav": "a.wav", "length": NaN}, "b": 3, "c": {"emo": "neu"}, "d": {"wav": "d.wav"}}'
    )
    *problems, last = map(str, read(path))
    assert problems == [
        f"{path}, entry 'a': 'duration' can't be nan",
        f"{path}, entry 'b': not a JSON object",
        f"{path}, entry 'c': names no audio file",
    ]
    assert "imported/d" in last


def test_a_key_that_occurs_twice_is_mentioned(path):
    path.write_text('{"a": {"wav": "a.wav"}, "a": {"wav": "b.wav"}}')
    problem, utterance = read(path)
    assert str(problem) == f"{path}, entry 'a': occurs more than once; the last counts"
    assert utterance.file == "b.wav"


def test_a_file_cut_off_is_refused(path):
    path.write_text(SAMPLE[:-40])
    with pytest.raises(ManifestError, match=r"train.json: damaged JSON \(.*line.*\); write it again"):
        list(read(path))
