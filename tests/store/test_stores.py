import numpy as np
import pytest

from sercli import manifest
from sercli.errors import FeatureError
from sercli.features.logmel import LogMelConfig
from sercli.features.logmel3d import LogMel3DConfig
from sercli.features.melspec_db import MelSpecDBConfig
from sercli.preparation import prepare
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.store.stores import drop_damaged, find_stores, needless, remove

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
    with store.writing() as writer, pytest.raises(FeatureError, match="bad features"):
        writer.append("a", np.full((1, 8, 50), 1e6, np.float32))


def test_several_stores_decode_each_file_once(workspace, emodb, monkeypatch):
    utterances, folder, _ = emodb
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
    assert drop_damaged(store) == [utterances[1].sha256]
    assert utterances[1].sha256 not in store
    assert drop_damaged(FeatureStore(workspace.features, "logmel", SMALL)) == []
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

    in_use = {utterance.sha256 for utterance in utterances}
    names = {each.path.name for each, _ in needless(workspace.features, in_use)}
    assert names == {"junk", stale.name}
    assert len(needless(workspace.features, set())) == 4
    remove(found["junk"])
    assert not (workspace.features / "junk").exists()


def test_a_kind_can_read_the_recording_as_distributed(workspace, tmp_path, write_wav):
    samples = 0.3 * np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)  # above what 16 kHz can hold
    write_wav(tmp_path / "r" / "Actor_01" / "03-01-05-01-01-01-01.wav", samples, rate=48_000)
    utterances = prepare("ravdess", tmp_path / "r", workspace, partial=True).utterances
    folder = workspace.corpus("ravdess")
    config = MelSpecDBConfig(original=True)
    store = FeatureStore(workspace.features, "melspec-db", config)
    with pytest.raises(FeatureError, match=r"say where it lies with .* --originals PATH"):
        compute([store], utterances, folder)
    assert compute([store], utterances, folder, originals=tmp_path / "r") == 1
    loudest = store[utterances[0].sha256][0, :, 40].argmax()
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
