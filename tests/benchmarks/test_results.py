import dataclasses
import json

import pytest

from benchmarks import Row
from benchmarks._machine import Machine, examine, flags
from benchmarks._results import Results, read
from sercli.errors import ConfigError

MACHINE = Machine("A processor", 2, 1, ("avx2",), None, None, "Linux", {"torch": "2.13.0"}, None, 0.5)


def results(**stages):
    return Results(MACHINE, False, stages)


def test_rows_tell_their_ratio_in_words():
    assert Row("a", 1.0, "s", "3 % of all", 2.5, "librosa").told == "2.5 x as fast as librosa, 3 % of all"
    assert Row("a", 1.0, "s", "", 0.9967, "librosa").told == "0.997 x as fast as librosa"
    assert Row("a", 1.0, "s", "3 % of all").told == "3 % of all"
    assert Row("a", 1.0, "s").told == ""


def test_ratios_are_grouped_by_stage_and_the_peer_is_said_once():
    found = results(
        predict=[Row("mdcnn: sercli", 1, "x", "", 1.1, "librosa"), Row("mdcnn: librosa", 1, "x")],
        features=[
            Row("one: sercli", 1, "x", "", 2, "librosa"),
            Row("two: ours", 1, "x", "", 3, "torchaudio"),
        ],
        startup=[Row("sercli --help", 1, "ms")],
    ).compared()
    assert found == {
        "predict, against librosa": {"mdcnn": 1.1},
        "features": {"one, against librosa": 2, "two, against torchaudio": 3},
    }


def test_without_peers_there_is_nothing_to_draw():
    with pytest.raises(ConfigError, match="nothing to draw: no peers in startup"):
        results(startup=[Row("a", 1, "ms")]).compared()


def test_what_is_kept_is_read_back(tmp_path):
    found = results(train=[Row("a", 1.0, "s", "", 2.0, "b"), Row("c", 1.0, "s")])
    (tmp_path / "r.json").write_text(json.dumps(found.to_dict()))
    assert read(tmp_path / "r.json") == found


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"machine": {}, "quick": false, "stages": {}}', "\xff", '{"startup": []}']
)
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"r\.json: not what `python -m benchmarks --json` prints"):
        read(path)


def test_the_machine_is_told():
    here = examine()
    assert here.cores >= 1
    assert here.versions["torch"]
    json.dumps(dataclasses.asdict(here))
    assert MACHINE.lines() == {
        "processor": "A processor, 2 cores, 1 used by torch, avx2",
        "memory": "unknown",
        "gpu": "none",
        "system": "Linux",
        "versions": "sercli unknown, python unknown, torch 2.13.0",
        "load": "0.5 in the minute before",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16 avx512f\n", ("avx2", "avx512f", "amx_bf16")),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", ("asimd", "bf16")),
        ("processor\t: 0\n", ()),
    ],
)
def test_flags_that_matter_are_picked(tmp_path, text, found):
    (tmp_path / "cpuinfo").write_text(text)
    assert flags(tmp_path / "cpuinfo") == found
    assert flags(tmp_path / "none") == ()
