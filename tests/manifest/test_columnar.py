import json

import pytest

from sercli.errors import ManifestError
from sercli.manifest.columnar import describe_shard, read_shard
from sercli.manifest.tables import read_table
from sercli.records import Problem

pa = pytest.importorskip("pyarrow")
ipc = pytest.importorskip("pyarrow.ipc")
parquet = pytest.importorskip("pyarrow.parquet")

FEATURES = {"label": {"names": ["anger", "sadness"], "_type": "ClassLabel"}, "audio": {"_type": "Audio"}}


def table(described=True):
    made = pa.table(
        {
            "audio": pa.array([{"bytes": b"RIFFx", "path": "a.wav"}, {"bytes": b"fLaC", "path": None}]),
            "label": [0, 1],
            "score": [0.5, float("nan")],
            "votes": [["anger", "fear"], []],
            "hash": [b"\x00", b"\x01"],
        }
    )
    described = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()} if described else None
    return made.replace_schema_metadata(described)


@pytest.fixture(params=["parquet", "arrow"])
def path(tmp_path, request):
    path = tmp_path / f"train.{request.param}"
    if request.param == "parquet":
        parquet.write_table(table(), path)
    else:
        with ipc.new_stream(path, table().schema) as sink:
            sink.write_table(table())
    return path


def test_the_names_of_classes_and_the_recordings_are_found(path):
    shard = describe_shard(path)
    assert (shard.rows, shard.recordings) == (2, "audio")
    assert shard.columns == ("audio", "label", "score", "votes")
    first, second = read_shard(shard, recordings=True)
    assert first == {
        "audio": {"path": "a.wav", "bytes": b"RIFFx"}, "label": "anger", "score": 0.5,
        "votes": ["anger", "fear"],
    }  # fmt: skip
    assert (second["label"], second["score"], second["audio"]) == (
        "sadness", None, {"path": None, "bytes": b"fLaC"},
    )  # fmt: skip
    assert next(read_shard(shard))["audio"] == {"path": "a.wav"}


@pytest.mark.parametrize(
    ("names", "label"),
    [("{'0': anger, '1': sadness}", "anger"), ("[anger, sadness]", "anger"), ("{'1': sadness}", 0), ("7", 0)],
)
def test_the_card_of_a_data_set_names_classes_that_the_file_does_not(tmp_path, names, label):
    (tmp_path / "data").mkdir()
    card = f"dataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label: {{names: {names}}}\n"
    (tmp_path / "README.md").write_text(f"---\n{card}---\n# Recordings\n")
    parquet.write_table(table(described=False), tmp_path / "data" / "x.parquet")
    shard = describe_shard(tmp_path / "data" / "x.parquet")
    assert next(read_shard(shard))["label"] == label


def test_cards_of_several_configurations_must_agree(tmp_path):
    parquet.write_table(table(described=False), tmp_path / "x.parquet")
    one = "- features: [{name: label, dtype: {class_label: {names: [anger, sadness]}}}]\n"
    for configs, label in ((one + one, "anger"), (one + one.replace("anger", "fear"), 0)):
        (tmp_path / "README.md").write_text(f"---\ndataset_info:\n{configs}---\n")
        assert next(read_shard(describe_shard(tmp_path / "x.parquet")))["label"] == label


def test_numbers_without_names_stay_numbers(tmp_path):
    parquet.write_table(table(described=False), tmp_path / "x.parquet")
    assert next(read_shard(describe_shard(tmp_path / "x.parquet")))["label"] == 0


def test_parquet_is_a_table(tmp_path):
    parquet.write_table(
        pa.table({"file": ["a.wav", "b.wav"], "emotion": ["sad", None]}), tmp_path / "x.parquet"
    )
    found = read_table(tmp_path / "x.parquet")
    assert found.columns == ("file", "emotion")
    assert [(row.place, row.values) for row in found.rows] == [
        ("x.parquet, entry 1", {"file": "a.wav", "emotion": "sad"}),
        ("x.parquet, entry 2", {"file": "b.wav", "emotion": None}),
    ]


def test_a_damaged_file_is_named(tmp_path):
    parquet.write_table(table(), tmp_path / "x.parquet")
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[-200:-20] = bytes(180)
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ManifestError, match=r"x\.parquet: a damaged Parquet or Arrow file"):
        describe_shard(tmp_path / "x.parquet")
    (problem,) = read_table(tmp_path / "x.parquet").items
    assert isinstance(problem, Problem)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    parquet.write_table(table(), tmp_path / "x.parquet")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (problem,) = read_table(tmp_path / "x.parquet").items
    assert "needs pyarrow: pip install 'sercli[parquet]', or save the table as CSV" in problem.fact
