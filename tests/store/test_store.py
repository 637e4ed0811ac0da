import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import tone

from sercli import audio, manifest
from sercli import store as store_module
from sercli.errors import FeatureError
from sercli.features.logmel3d import LogMel3DConfig, extract
from sercli.preparation import prepare
from sercli.store import FeatureStore
from sercli.store.compute import _grouped, _grouped_by_length, compute, missing

CONFIG = LogMel3DConfig()


@pytest.fixture
def open_store(tmp_path):
    def open_(**settings):
        return FeatureStore(tmp_path / "features", "logmel3d", LogMel3DConfig(**settings))

    return open_


def maps(frames, seed=0):
    return np.random.default_rng(seed).normal(size=(3, 40, frames)).astype(np.float32)


def fill(store, **arrays):
    with store.writing() as writer:
        for name, array in arrays.items():
            writer.append(name, array)


def test_what_is_written_is_read_again_also_by_others(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(7, 1))
    for reader in (store, open_store()):
        np.testing.assert_array_equal(reader["a"], maps(5))
        np.testing.assert_array_equal(reader["b"], maps(7, 1))
        assert reader.frames("b") == 7
        assert len(reader) == 2
        assert reader.damaged() == []


def test_features_are_appended_to_what_is_there(open_store):
    fill(open_store(), a=maps(5))
    store = open_store()
    fill(store, b=maps(3), a=maps(9))
    assert len(store) == 2
    np.testing.assert_array_equal(store["a"], maps(5))
    np.testing.assert_array_equal(store["b"], maps(3))


def test_another_setting_is_another_store(open_store):
    fill(open_store(), a=maps(5))
    assert "a" not in open_store(hop_ms=20)
    assert "a" not in open_store(n_mels=39)


def test_another_version_is_another_store(open_store, monkeypatch):
    fill(open_store(), a=maps(5))
    feature = store_module.get_feature("logmel3d")
    newer = replace(feature, version=2)
    monkeypatch.setattr(store_module, "get_feature", lambda name: newer)
    assert "a" not in open_store()


def test_a_write_that_was_cut_off_is_never_taken_for_whole(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(6))
    shard, index = store.path / "00000.bin", store.path / "index.jsonl"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert set(open_store()._places) == {"a"}
    index.write_bytes(index.read_bytes()[:-5])
    again = open_store()
    assert set(again._places) == {"a"}
    fill(again, c=maps(4))
    np.testing.assert_array_equal(open_store()["a"], maps(5))
    np.testing.assert_array_equal(open_store()["c"], maps(4))


def test_bytes_that_no_index_line_names_are_overwritten(open_store):
    store = open_store()
    fill(store, a=maps(5))
    with (store.path / "00000.bin").open("ab") as file:
        file.write(b"x" * 1001)
    fill(open_store(), b=maps(6))
    np.testing.assert_array_equal(open_store()["b"], maps(6))
    assert (store.path / "00000.bin").stat().st_size == 4 * 3 * 40 * 11


def test_flipped_bits_are_found(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(6))
    content = bytearray((store.path / "00000.bin").read_bytes())
    content[10] ^= 1
    (store.path / "00000.bin").write_bytes(content)
    assert open_store().damaged() == ["a"]


def test_shards_are_limited(open_store, monkeypatch):
    monkeypatch.setattr("sercli.store.writer._SHARD_BYTES", 3000)
    store = open_store()
    fill(store, a=maps(5), b=maps(4), c=maps(3))
    assert sorted(path.name for path in store.path.glob("*.bin")) == ["00000.bin", "00001.bin", "00002.bin"]
    fill(open_store(), d=maps(2))
    for name, frames in {"a": 5, "b": 4, "c": 3, "d": 2}.items():
        np.testing.assert_array_equal(open_store()[name], maps(frames))


def test_one_writer_at_a_time(open_store):
    with open_store().writing(), pytest.raises(FeatureError, match="another process is writing"):
        fill(open_store(), a=maps(5))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (maps(5)[:, :39], r"'logmel3d' gave the shape \(3, 39, 5\), needed is \(3, 40, frames\)"),
        (maps(5)[0], r"'logmel3d' gave the shape \(40, 5\), needed is"),
        (
            maps(5)[..., :0],
            r"\(3, 40, 0\), needed is \(3, 40, frames\) with a frame or more; correct 'extract'",
        ),
        (np.full((3, 40, 2), np.nan, np.float32), "'logmel3d' gave NaN or infinity; correct 'extract'"),
    ],
)
def test_bad_features_are_refused(open_store, bad, told):
    with pytest.raises(FeatureError, match=f"bad features for audio a: .*{told}"):
        fill(open_store(), a=bad)


def test_the_store_says_what_it_holds(open_store):
    store = open_store()
    fill(store, a=maps(1))
    described = json.loads((store.path / "feature.json").read_text())
    assert described["config"] == CONFIG.to_dict()
    assert store.path.name == f"logmel3d-v1-{CONFIG.digest}"


def test_a_corpus_is_computed_once_and_shared_audio_once(open_store, workspace, build_emodb):
    root = build_emodb("03a01Fa", "08a02Wb")
    copy = root / "wav" / "09a01Fa.wav"
    copy.write_bytes((root / "wav" / "03a01Fa.wav").read_bytes())
    utterances = list(prepare("emodb", root, workspace, partial=True).utterances)
    store = open_store()
    assert len(missing(store, utterances)) == 2
    assert compute([store], utterances, workspace.corpus("emodb")) == 2
    assert compute([open_store()], utterances, workspace.corpus("emodb")) == 0
    samples = audio.read(workspace.corpus("emodb") / utterances[0].file)
    np.testing.assert_array_equal(store[utterances[0].sha256], extract(samples, CONFIG))


def test_an_interrupted_computation_keeps_what_it_did(open_store, workspace, build_emodb):
    root = build_emodb("03a01Fa", "08a02Wb", "09a02Wb")
    utterances = list(prepare("emodb", root, workspace, partial=True).utterances)

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute([open_store()], utterances, workspace.corpus("emodb"), interrupt)
    assert compute([open_store()], utterances, workspace.corpus("emodb")) == 1


def test_audio_that_changed_behind_the_manifest_is_refused(open_store, workspace, build_emodb, write_wav):
    result = prepare("emodb", build_emodb("03a01Fa"), workspace, partial=True)
    write_wav(workspace.corpus("emodb") / result.utterances[0].file, tone(0.9))
    with pytest.raises(FeatureError, match=r"03a01Fa\.wav: the audio is not what the manifest describes"):
        compute([open_store()], manifest.read(result.path), workspace.corpus("emodb"))


def test_what_was_cut_off_never_comes_back_as_another_audio_s_features(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(6))
    shard = store.path / "00000.bin"
    shard.write_bytes(shard.read_bytes()[:-100])
    fill(open_store(), c=maps(9, 2))  # lies over all that b's line named
    again = open_store()
    assert "b" not in again
    assert again.damaged() == []
    np.testing.assert_array_equal(again["c"], maps(9, 2))


def test_what_is_not_there_any_more_is_damaged(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(6))
    shard = store.path / "00000.bin"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert open_store().damaged() == ["b"]
    shard.unlink()
    assert open_store().damaged() == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        '["a", -1, 0, 5, 1]',
        '["a", 0, -100, 5, 1]',
        '["a", 0, 0, -5, 1]',
        '["a", 0, 0, 0, 0]',
        '["a", 0, 0.0, 5, 1]',
        '["a", "0", 0, 5, 1]',
        '["a", true, 0, 5, 1]',
        '["a", 0, null, 5, 1]',
        '["a", 1e30, 0, 5, 1]',
        f'["a", {10**30}, 0, 5, 1]',
        f'["a", 0, 0, {10**30}, 1]',
        '["a", 0, 0, 5]',
        '[["a"], 0, 0, 5, 1]',
        "[]",
        "7",
        "\\xff\x00",
    ],
)
def test_a_bad_line_of_the_index_is_passed_over_and_gone_after_the_next_write(open_store, line):
    store = open_store()
    fill(store, a=maps(5))
    index = store.path / "index.jsonl"
    good = index.read_text()
    index.write_text(f"{line}\n{good}{line}\n")
    damaged = open_store()
    np.testing.assert_array_equal(damaged["a"], maps(5))
    assert damaged.unreadable == 2
    assert damaged.damaged() == []
    fill(open_store(), b=maps(6))
    assert open_store().unreadable == 0
    assert index.read_text().startswith(good)
    np.testing.assert_array_equal(open_store()["b"], maps(6))


def test_of_two_lines_on_one_audio_the_last_holds(open_store):
    store = open_store()
    fill(store, a=maps(5), b=maps(5, 1))
    index = store.path / "index.jsonl"
    first, second = index.read_text().splitlines()
    index.write_text(f"{first}\n{second}\n{second.replace(json.dumps('b'), json.dumps('a'))}\n")
    np.testing.assert_array_equal(open_store()["a"], maps(5, 1))


def test_frames_of_what_is_not_there_is_an_error_of_one_line(open_store):
    with pytest.raises(FeatureError, match="no features of audio a"):
        open_store().frames("a")


def test_a_damaged_description_is_written_anew(open_store):
    store = open_store()
    fill(store, a=maps(5))
    path = store.path / "feature.json"
    good = path.read_bytes()
    path.write_bytes(good[:20])
    fill(open_store(), b=maps(5))
    assert path.read_bytes() == good


def test_a_slow_computation_is_flushed_by_time(open_store, monkeypatch):
    monkeypatch.setattr("sercli.store.writer._FLUSH_SECONDS", 0.0)
    with open_store().writing() as writer:
        writer.append("a", maps(5))
        assert "a" in open_store()


def test_one_store_opened_twice_is_computed_once(open_store, workspace, build_emodb):
    utterances = list(prepare("emodb", build_emodb("03a01Fa"), workspace, partial=True).utterances)
    first, second = open_store(), open_store()
    assert compute([first, second], utterances, workspace.corpus("emodb")) == 1
    sha256 = utterances[0].sha256
    np.testing.assert_array_equal(first[sha256], second[sha256])


def test_groups_hold_few_long_utterances():
    assert [len(group) for group in _grouped({str(i): 2.0 for i in range(20)})] == [8, 8, 4]
    assert _grouped({"a": 600.0, "b": 600.0, "c": 1.0, "d": 20.0}) == [["a"], ["b"], ["c", "d"]]
    assert _grouped({}) == []


def test_batches_of_similar_length_give_the_same_and_go_on_after_an_interruption(
    tmp_path, workspace, build_emodb
):
    from small_encoders import encoder_folder

    from sercli.features.pretrained import PretrainedConfig

    root = build_emodb("03a01Fa", "03a01Wa", "03a02Fa", "08a01Na")
    utterances = list(prepare("emodb", root, workspace, partial=True).utterances)
    config = PretrainedConfig(model=str(encoder_folder("wav2vec2")))
    alone, batched = (FeatureStore(tmp_path / name, "pretrained", config) for name in ("alone", "batched"))
    compute([alone], utterances, workspace.corpus("emodb"))
    compute([batched], utterances[:1], workspace.corpus("emodb"), device="cpu:0")
    # A device with a number counts as one that computes batches.
    assert compute([batched], utterances, workspace.corpus("emodb"), device="cpu:0") == 3
    for sha256 in alone.hashes:
        np.testing.assert_allclose(batched[sha256], alone[sha256], rtol=0, atol=1e-4)


def test_groups_by_length_are_sorted():
    assert _grouped_by_length({"a": 3.0, "b": 1.0, "c": 239.5}) == [["b", "a"], ["c"]]
