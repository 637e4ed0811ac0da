"""Of several processes that need the same features one computes them, and the others wait for it."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from sercli import manifest
from sercli.features.logmel import LogMelConfig
from sercli.features.logmel3d import LogMel3DConfig
from sercli.preparation import prepare
from sercli.store import FeatureStore
from sercli.store.compute import compute, missing


@pytest.fixture
def prepared(workspace, build_emodb):
    """Eight utterances, and a function that opens one of two stores."""
    root = build_emodb(*(f"{s}a01{e}a" for s in ("03", "08") for e in "WFNT"))
    result = prepare("emodb", root, workspace, partial=True)
    configs = {"logmel3d": LogMel3DConfig(), "logmel": LogMelConfig()}
    utterances = list(manifest.read(result.path))
    return (
        utterances,
        workspace.corpus("emodb"),
        lambda kind: FeatureStore(workspace.features, kind, configs[kind]),
    )


@pytest.mark.parametrize("done_by_the_other", [0, 3, 8])
def test_what_another_process_has_computed_meanwhile_is_not_computed_again(prepared, done_by_the_other):
    utterances, folder, open_store = prepared
    arrays = FeatureStore(folder.parent / "apart", "logmel3d", open_store("logmel3d").config)
    compute([arrays], utterances, folder)
    holding, go_on = threading.Event(), threading.Event()

    def other():
        store = open_store("logmel3d")
        with store.writing() as writer:
            holding.set()
            assert go_on.wait(20)
            for utterance in utterances[:done_by_the_other]:
                writer.append(utterance.sha256, arrays[utterance.sha256])

    thread = threading.Thread(target=other)
    thread.start()
    assert holding.wait(20)
    store = open_store("logmel3d")
    assert compute([store], utterances, folder, waiting=go_on.set) == 8 - done_by_the_other
    thread.join()
    assert not missing(store, utterances)
    for utterance in utterances:
        np.testing.assert_array_equal(store[utterance.sha256], arrays[utterance.sha256])


def test_no_two_processes_wait_for_each_other(prepared):
    utterances, folder, open_store = prepared
    computed = []

    def work(*kinds):
        computed.append(compute([open_store(kind) for kind in kinds], utterances, folder))

    orders = [("logmel3d", "logmel"), ("logmel", "logmel3d"), ("logmel",), ("logmel3d", "logmel")]
    threads = [threading.Thread(target=work, args=order) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert sum(computed) == 2 * 8


def test_the_command_says_that_it_waits(prepared, workspace):
    store = prepared[2]("logmel3d")
    with store.writing():
        command = [sys.executable, "-m", "sercli", "features", "emodb", "--workspace", str(workspace.root)]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stderr.readline().startswith("another process is computing the same features; waiting")
        assert process.poll() is None
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "8 computed" in out


@pytest.mark.slow
def test_two_trainings_begin_at_once_on_a_fresh_workspace(prepared, workspace):
    settings = ["--scheme", "emodb-4", "--protocol", "leave-one-speaker-out-no-dev", "--max-epochs", "1"]
    settings += ["--corpus", "emodb", "--accelerator", "cpu", "--workspace", str(workspace.root)]
    commands = [
        [sys.executable, "-m", "sercli", "train", "--arch", "mdcnn", *settings, "--fold", fold]
        for fold in "12"
    ]
    processes = [
        subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for command in commands
    ]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert "finished: " in out
