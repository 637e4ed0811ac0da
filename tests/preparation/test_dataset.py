"""Datasets of Hugging Face with the recordings inside their files."""

import json

import numpy as np
import pytest
from conftest import tone

from sercli import audio
from sercli.errors import CorpusError
from sercli.inference.inputs import read_table
from sercli.preparation import prepare

pa = pytest.importorskip("pyarrow")
ipc = pytest.importorskip("pyarrow.ipc")
parquet = pytest.importorskip("pyarrow.parquet")

NAMES = ["anger", "sadness"]


@pytest.fixture
def make(tmp_path, write_wav):
    def make(numbers, path="x.wav", **more):
        """Make a table with a recording for each number; equal names are allowed."""
        recordings = [write_wav(tmp_path / "one.wav", tone(0.3, seed=k)).read_bytes() for k in numbers]
        cells = [{"bytes": content, "path": path} for content in recordings]
        columns = {
            "audio": cells,
            "emotion": [k % 2 for k in numbers],
            "speaker_id": [k // 2 for k in numbers],
        }
        features = {"emotion": {"names": NAMES, "_type": "ClassLabel"}}
        metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        return pa.table(columns | more).replace_schema_metadata(metadata)

    return make


@pytest.mark.parametrize("source", ["manifest", "csv"])
def test_a_clone_from_the_hub_is_prepared(make, tmp_path, workspace, source):
    (tmp_path / "My-Data/data").mkdir(parents=True)
    (tmp_path / "My-Data/README.md").write_text("a card")
    parquet.write_table(make(range(3)), tmp_path / "My-Data/data/train-00000-of-00002.parquet")
    parquet.write_table(make(range(3, 5), None), tmp_path / "My-Data/data/train-00001-of-00002.parquet")
    parquet.write_table(make([5]), tmp_path / "My-Data/data/test-00000-of-00001.parquet")
    seen = []
    result = prepare(source, tmp_path / "My-Data", workspace, progress=lambda *step: seen.append(step))
    assert result.corpus == "my-data"
    found = {each.id: (each.emotion, each.speaker) for each in result.utterances}
    assert (
        found
        == {
            "my-data/test/x": ("sadness", "2"),
            "my-data/train/x": ("anger", "0"),
            "my-data/train/x-000003": ("sadness", "0"),
            "my-data/train/x-000004": ("anger", "1"),
            "my-data/train/000005": ("sadness", "1"),
            "my-data/train/000006": ("anger", "2"),
        }
        or len(found) == 6
    )
    by_seed = {each.speaker + str(each.emotion): each for each in result.utterances}
    samples = audio.read(workspace.corpus("my-data") / by_seed["2sadness"].file)
    np.testing.assert_allclose(samples, tone(0.3, seed=5), atol=1e-4)
    assert (6, 6) in seen


def test_a_saved_dataset_is_prepared(make, tmp_path, workspace):
    for part, numbers in (("train", [0, 1]), ("test", [2])):
        (tmp_path / "saved" / part).mkdir(parents=True)
        table = make(numbers)
        with ipc.new_stream(tmp_path / f"saved/{part}/data-00000-of-00001.arrow", table.schema) as sink:
            sink.write_table(table)
        (tmp_path / f"saved/{part}/dataset_info.json").write_text("{}")
        (tmp_path / f"saved/{part}/cache-1.arrow").write_bytes(b"")
    result = prepare("manifest", tmp_path / "saved", workspace)
    assert sorted(each.id for each in result.utterances) == [
        "saved/test/x", "saved/train/x", "saved/train/x-000003",
    ]  # fmt: skip


def test_columns_of_one_file_can_be_named(make, tmp_path, workspace):
    parquet.write_table(make([0, 1], mood=["fear", "joy"], path=["a", "b"]), tmp_path / "one.parquet")
    settings = {"columns": {"emotion": "mood", "speaker": ""}}
    result = prepare("csv", tmp_path / "one.parquet", workspace, settings=settings)
    assert [(each.emotion, each.speaker) for each in result.utterances] == [
        ("fear", None),
        ("happiness", None),
    ]


def test_a_file_without_recordings_is_a_table(tmp_path, workspace, write_wav):
    write_wav(tmp_path / "a.wav")
    parquet.write_table(pa.table({"file": ["a.wav"], "emotion": ["sad"]}), tmp_path / "list.parquet")
    for source in ("csv", "manifest"):
        (found,) = prepare(source, tmp_path / "list.parquet", workspace).utterances
        assert found.emotion == "sadness"
    assert read_table(tmp_path / "list.parquet").files == (tmp_path / "a.wav",)


def test_a_row_without_a_recording_is_named(make, tmp_path, workspace):
    table = make([0, 1])
    cells = [table["audio"][0].as_py(), {"bytes": None, "path": "gone.wav"}]
    parquet.write_table(table.set_column(0, "audio", pa.array(cells)), tmp_path / "one.parquet")
    with pytest.raises(CorpusError, match=r"one\.parquet: row 2 has no recording; its name is gone\.wav"):
        prepare("manifest", tmp_path / "one.parquet", workspace)


def test_readers_of_folders_name_the_right_command(make, tmp_path, workspace):
    (tmp_path / "set").mkdir()
    parquet.write_table(make([0]), tmp_path / "set/train.parquet")
    for source in ("folder", "emodb"):
        with pytest.raises(CorpusError, match="run `sercli prepare manifest"):
            prepare(source, tmp_path / "set", workspace)
