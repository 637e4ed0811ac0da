import json

import numpy as np
import pytest

from sercli import manifest
from sercli.errors import ConfigError, FeatureError, UnknownNameError
from sercli.features.logmel import LogMelConfig
from sercli.features.logmel3d import LogMel3DConfig
from sercli.features.melspec_db import MelSpecDBConfig
from sercli.preparation import prepare
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.store.stores import find_stores, needless, open_stores, remove, repair

SMALL = LogMelConfig(duration_s=0.5, n_mels=8)


@pytest.fixture
def emodb(workspace, build_emodb):
    """Three prepared utterances, and their corpus's folder."""
    root = build_emodb("03a01Fa", "08a02Wb", "16b10Na")
    result = prepare("emodb", root, workspace, partial=True)
    return list(result.utterances), workspace.corpus("emodb"), root


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_half_precision_takes_half_the_disk_and_a_folder_of_its_own(workspace, emodb):
    utterances, folder, _ = emodb
    stores = [FeatureStore(workspace.features, "logmel", SMALL, number) for number in ("float32", "float16")]
    assert compute(stores, utterances, folder) == 6
    whole, half = stores
    assert whole.path != half.path
    assert (half.path / "00000.bin").stat().st_size * 2 == (whole.path / "00000.bin").stat().st_size
    for utterance in utterances:
        assert half[utterance.sha256].dtype == np.float32
        np.testing.assert_allclose(half[utterance.sha256], whole[utterance.sha256], rtol=2**-10)
    again = FeatureStore(workspace.features, "logmel", SMALL, "float16")
    assert again.damaged() == []
    np.testing.assert_array_equal(again[utterances[0].sha256], half[utterances[0].sha256])


def test_what_half_precision_can_not_hold_is_refused(workspace):
    store = FeatureStore(workspace.features, "logmel", SMALL, "float16")
    with store.writing() as writer, pytest.raises(FeatureError, match=r"bad features.* above 65504"):
        writer.append("a", np.full((1, 8, 50), 1e6, np.float32))


def test_several_stores_decode_each_file_once(workspace, emodb, monkeypatch):
    utterances, folder, _ = emodb
    monkeypatch.setattr("sercli.processor.can_fork", lambda: False)  # only this process can be counted
    read = []
    original = __import__("sercli.audio", fromlist=["read"]).read
    monkeypatch.setattr("sercli.audio.read", lambda path, *rest: read.append(path) or original(path, *rest))
    stores = [
        FeatureStore(workspace.features, "logmel", SMALL.model_copy(update={"window_ms": window}))
        for window in (15.0, 20.0, 25.0)
    ]
    compute(stores[:1], utterances[:1], folder)
    assert compute(stores, utterances, folder) == 8
    assert len(read) == 1 + 3


def test_a_flipped_bit_is_found_dropped_and_computed_again(workspace, emodb):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    before = store[utterances[1].sha256].copy()
    size = store.count_bytes(store.frames(utterances[0].sha256))
    flip(store.path / "00000.bin", size + 5)
    store = FeatureStore(workspace.features, "logmel", SMALL)
    damaged = store.damaged()
    assert damaged == [utterances[1].sha256]
    with store.writing() as writer:
        writer.drop(damaged)
    assert utterances[1].sha256 not in store
    assert FeatureStore(workspace.features, "logmel", SMALL).damaged() == []
    assert compute([store], utterances, folder) == 1
    np.testing.assert_array_equal(store[utterances[1].sha256], before)


def test_a_store_cut_short_loses_only_what_was_cut(workspace, emodb):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    shard = store.path / "00000.bin"
    shard.write_bytes(shard.read_bytes()[:-10])
    store = FeatureStore(workspace.features, "logmel", SMALL)
    assert len(store) == 2
    assert compute([store], utterances, folder) == 1
    assert store.damaged() == []


def test_stores_are_found_with_what_differs_and_what_can_not_be_used(workspace, emodb):
    utterances, folder, _ = emodb
    compute([FeatureStore(workspace.features, "logmel", SMALL)], utterances, folder)
    stale = workspace.features / "logmel3d-v0-0123456789ab"
    stale.mkdir()
    store = FeatureStore(workspace.features, "logmel3d", LogMel3DConfig())
    compute([store], utterances, folder)
    (stale / "feature.json").write_text((store.path / "feature.json").read_text())
    (workspace.features / "junk").mkdir()
    found = {each.path.name: each for each in find_stores(workspace.features)}
    assert found[store.path.name].settings == {}
    assert found["junk"].why == "its feature.json is missing or damaged"
    assert found[stale.name].store is None
    small = next(each for each in found.values() if each.kind == "logmel")
    assert small.settings == {"duration_s": 0.5, "n_mels": 8}
    assert small.size > 0

    names = {each.path.name for each, _ in needless(workspace.features, utterances)}
    assert names == {"junk", stale.name}
    assert len(needless(workspace.features, [])) == 4
    remove(found["junk"])
    assert not (workspace.features / "junk").exists()


def test_a_kind_can_read_the_recording_as_distributed(workspace, tmp_path, write_wav):
    samples = 0.3 * np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)  # above what 16 kHz can hold
    write_wav(tmp_path / "r" / "Actor_01" / "03-01-05-01-01-01-01.wav", samples, rate=48_000)
    utterances = prepare("ravdess", tmp_path / "r", workspace, partial=True).utterances
    folder = workspace.corpus("ravdess")
    config = MelSpecDBConfig(original=True)
    store = FeatureStore(workspace.features, "melspec-db", config)
    with pytest.raises(FeatureError, match=r"name its folder with .* --originals PATH"):
        compute([store], utterances, folder)
    assert compute([store], utterances, folder, originals=tmp_path / "r") == 1
    loudest = store[store.key(utterances[0])][0, :, 40].argmax()
    assert loudest > 110  # 10 kHz of 11.025
    write_wav(tmp_path / "r" / "Actor_01" / "03-01-05-01-01-01-01.wav", samples / 2, rate=48_000)
    other = FeatureStore(workspace.features, "melspec-db", MelSpecDBConfig(original=True, n_mels=64))
    with pytest.raises(
        FeatureError, match="not the recording that ravdess/03-01-05-01-01-01-01 was prepared"
    ):
        compute([other], utterances, folder, originals=tmp_path / "r")


def test_a_read_only_store_can_be_read(workspace, emodb):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    for path in store.path.iterdir():
        path.chmod(0o444)
    reader = FeatureStore(workspace.features, "logmel", SMALL)
    assert reader[utterances[0].sha256].shape == (1, 8, 50)
    assert not reader[utterances[0].sha256].flags.writeable
    assert manifest.read(workspace.manifest("emodb"))[0].sha256 in reader


def test_a_recording_of_several_utterances_is_cut(workspace, tmp_path, write_wav):
    low, high = (0.3 * np.sin(2 * np.pi * f * np.arange(48_000) / 48_000) for f in (500, 5000))
    write_wav(tmp_path / "c" / "both.wav", np.concatenate([low, high]), rate=48_000)
    table = tmp_path / "c" / "list.csv"
    table.write_text("file,start,end,label,speaker\nboth.wav,0,1,anger,a\nboth.wav,1,2,sadness,b\n")
    utterances = prepare("csv", table, workspace, name="two").utterances
    store = FeatureStore(workspace.features, "melspec-db", MelSpecDBConfig(original=True, duration_s=None))
    assert compute([store], utterances, workspace.corpus("two"), originals=tmp_path / "c") == 2
    arrays = [store[store.key(utterance)] for utterance in utterances]
    assert [array.shape[-1] for array in arrays] == [44, 44]
    assert arrays[0][0, :, 20].argmax() < 30 < arrays[1][0, :, 20].argmax()


def test_variants_do_not_take_a_setting_that_they_differ_in(workspace):
    stores = open_stores(workspace.features, "logmel", "v1-v3", {"n_mels": 8}, "float32")
    assert [store.config.window_ms for store in stores.values()] == [15.0, 20.0, 25.0]
    with pytest.raises(ConfigError, match="--set window_ms: v1 of 'logmel' sets it too"):
        open_stores(workspace.features, "logmel", "v1-v3", {"window_ms": 20}, "float32")
    with pytest.raises(UnknownNameError, match="has no 'v2-v3'"):
        open_stores(workspace.features, "logmel", "v1-v2-v3", {}, "float32")


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "line"])
def test_a_store_is_repaired(workspace, emodb, harm):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    before = {utterance.sha256: store[utterance.sha256].copy() for utterance in utterances}
    shard, index = store.path / "00000.bin", store.path / "index.jsonl"
    if harm == "flip":
        flip(shard, 5)
    elif harm == "cut":
        shard.write_bytes(shard.read_bytes()[:-10])
    elif harm == "remove":
        shard.unlink()
    else:
        index.write_text(index.read_text().replace("[", "", 1))
    result = repair(FeatureStore(workspace.features, "logmel", SMALL), workspace)
    assert (result.damaged, result.unreadable) == {"remove": (3, 0), "line": (0, 1)}.get(harm, (1, 0))
    assert result.rebuilt == (3 if harm == "remove" else 1)
    assert not result.problems
    again = FeatureStore(workspace.features, "logmel", SMALL)
    assert repair(again, workspace).sound
    for sha256, array in before.items():
        np.testing.assert_array_equal(again[sha256], array)


def test_what_can_not_be_repaired_is_said(workspace, emodb):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    flip(store.path / "00000.bin", 5)
    (folder / utterances[0].file).unlink()
    result = repair(FeatureStore(workspace.features, "logmel", SMALL), workspace)
    assert (result.damaged, result.rebuilt, result.gone) == (1, 0, 0)
    assert len(result.problems) == 1
    assert "no such file" in result.problems[0]


def test_a_store_that_is_being_written_is_not_removed(workspace, emodb):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    (found,) = find_stores(workspace.features)
    with store.writing(), pytest.raises(FeatureError, match="another process is writing"):
        remove(found)
    remove(found)
    assert not store.path.exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"config": {"window_ms": 35.0}}, "its feature.json describes another store"),
        ({"number": ["x"]}, "this sercli has no such settings of 'logmel'"),
        ({"config": {"windows": 3}}, "this sercli has no such settings of 'logmel'"),
        ({"kind": "no-such"}, "kind 'no-such' is unknown here (name its plug-in with --plugins)"),
        ({"version": 0}, "made by version 0, now 1"),
    ],
)
def test_a_changed_description_is_told_from_an_old_version(workspace, emodb, change, why):
    utterances, folder, _ = emodb
    store = FeatureStore(workspace.features, "logmel", SMALL)
    compute([store], utterances, folder)
    path = store.path / "feature.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (found,) = find_stores(workspace.features)
    assert (found.store, found.why, found.unknown) == (None, why, "unknown here" in why)


def test_equal_prepared_audio_of_other_recordings_is_not_taken_for_the_original(
    workspace, tmp_path, write_wav
):
    samples = 0.3 * np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)
    name = "Actor_01/03-01-05-01-01-01-01.wav"
    write_wav(tmp_path / "r" / name, samples, rate=48_000)
    (first,) = prepare("ravdess", tmp_path / "r", workspace, partial=True).utterances
    again = tmp_path / "again" / "angry" / "x.wav"
    again.parent.mkdir(parents=True)
    again.write_bytes((workspace.corpus("ravdess") / first.file).read_bytes())
    (second,) = prepare("folder", tmp_path / "again", workspace, name="again").utterances
    assert first.sha256 == second.sha256
    store = FeatureStore(workspace.features, "melspec-db", MelSpecDBConfig(original=True))
    compute([store], [first], workspace.corpus("ravdess"), originals=tmp_path / "r")
    assert compute([store], [second], workspace.corpus("again"), originals=tmp_path / "again") == 1
    assert not np.array_equal(store[store.key(first)], store[store.key(second)])
