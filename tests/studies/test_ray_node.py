"""What a machine of a cluster does, tried without a cluster: processes, parcels, messages."""

import os
import shutil
import signal
import time

import numpy as np
import pytest
from conftest import SMALL

from sercli.devices import Device
from sercli.errors import RunError
from sercli.runs.folder import Trial
from sercli.studies.cluster import messages, node, parcels, process
from sercli.training.jobs import training_command
from sercli.training.plan import make_plan, open_stores
from sercli.training.settings import configure
from sercli.training.trials import compute_features, features_missing, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")
TRAINING = SMALL["training"] | {"max_epochs": 2, "precision": "32-true"}


@pytest.fixture
def place(small_workspace, tmp_path, monkeypatch):
    """A workspace of its own, and a folder of its own for what machines unpack."""
    own = Workspace(tmp_path / "w")
    own.root.mkdir()
    (own.root / "corpora").symlink_to(small_workspace.root / "corpora")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return own


def planned(place, **changes):
    plan = make_plan(configure(SMALL | {"training": TRAINING} | changes, place, CPU), place)
    compute_features(plan)
    return plan


def order_of(plan, mark=".seen", **changes):
    given = {
        "workspace": str(plan.workspace.root),
        "mark": mark,
        "corpus": plan.config.corpus,
        "run": plan.run.name,
        "fold": 2,
        "seed": 0,
        "settings": plan.config.to_dict(),
        "arguments": ["-m", "sercli", *training_command(messages.SETTINGS, messages.WORKSPACE, 2, 0, CPU)],
        "threads": 1,
        "versions": node.deciding_versions(),
    }
    return messages.Order(**given | changes)


def mark(plan):
    plan.workspace.runs.mkdir(exist_ok=True)
    (plan.workspace.runs / ".seen").touch()


def nothing(parcel):
    raise AssertionError(parcel)


def unpacked(plan):
    """Unpack all that a plan's trials need; return its digests by place."""
    found = {}
    for parcel in parcels.parcels_of(plan):
        found[parcel.place] = parcel.digest
        parcels.unpack(parcel.digest, parcels.chunks(parcel))
    return found


def test_what_is_unpacked_is_what_was_packed(place, monkeypatch):
    monkeypatch.setattr(parcels, "_CHUNK_BYTES", 30_000)
    plan = planned(place)
    laid = parcels.lay_out(unpacked(plan))
    assert (laid.manifest("emodb")).read_bytes() == place.manifest("emodb").read_bytes()
    assert laid.facts("emodb") == place.facts("emodb")
    assert not (laid.corpus("emodb") / "audio").exists()
    again = make_plan(plan.config, laid)
    assert again.run.name == plan.run.name
    assert features_missing(again) == 0
    for store, sent in zip(open_stores(plan), open_stores(again), strict=True):
        for utterance in plan.selected():
            key = store.key(utterance)
            np.testing.assert_array_equal(sent[key], store[key])


def test_audio_travels_where_training_changes_it(place):
    plan = planned(place, augment={"noise": {}})
    corpus = parcels.parcels_of(plan)[0]
    assert corpus.digest != parcels.parcels_of(planned(place))[0].digest
    laid = parcels.lay_out(unpacked(plan))
    for utterance in plan.selected():
        sent = laid.corpus("emodb") / utterance.file
        assert sent.read_bytes() == (place.corpus("emodb") / utterance.file).read_bytes()


def test_a_file_of_any_length_arrives_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(parcels, "_CHUNK_BYTES", 4)
    contents = {"none": b"", "less": b"abc", "just": b"abcd", "more": b"abcdefghi", "twice": b"abcdefgh"}
    source, target = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    for name, content in contents.items():
        (source / name).write_bytes(content)
    for chunk in parcels.chunks(parcels._Files("x", "0", source, tuple(contents))):
        for piece in chunk:
            piece.unpack(target)
    assert {path.name: path.read_bytes() for path in (target / "x").iterdir()} == contents


def test_a_parcel_is_unpacked_once_and_whole_or_not_at_all(place):
    corpus, _ = parcels.parcels_of(planned(place))

    def broken():
        yield next(iter(parcels.chunks(corpus)))
        raise RunError("lost")

    with pytest.raises(RunError, match="lost"):
        parcels.unpack(corpus.digest, broken())
    assert not (parcels.node_folder() / "parcels" / corpus.digest).exists()
    parcels.unpack(corpus.digest, parcels.chunks(corpus))
    parcels.unpack(corpus.digest, broken())  # not looked at


def test_a_parcel_s_digest_follows_its_content(place):
    plan = planned(place)
    before = [parcel.digest for parcel in parcels.parcels_of(plan)]
    assert before == [parcel.digest for parcel in parcels.parcels_of(plan)]
    (store,) = open_stores(plan)
    key = store.key(plan.selected()[0])
    changed = store[key] + 1
    with store.writing() as writer:
        writer.drop([key])
        writer.append(key, changed)
    after = [parcel.digest for parcel in parcels.parcels_of(plan)]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_the_mark_decides_whether_a_machine_sees_the_workspace(place):
    plan = planned(place)
    order = order_of(plan)
    assert not node.sees(order)
    assert list(node.train(order, nothing)) == [messages.Lacks(frozenset({"corpora", "features"}))]
    mark(plan)
    assert node.sees(order)
    assert node.parts_unseen(order) == frozenset()
    assert not node.sees(order_of(plan, workspace=str(place.root / "elsewhere")))


def test_of_what_was_not_sent_a_machine_asks_for_it(place):
    plan = planned(place)
    named = {parcel.place: parcel.digest for parcel in parcels.parcels_of(plan)}
    order = order_of(plan, parcels=named)
    assert list(node.train(order, nothing, sent=list(named.values())[:1])) == [
        messages.Lacks(frozenset({"corpora", "features"}))
    ]


def test_a_bundle_to_start_from_is_looked_for_apart(place, tmp_path):
    plan = planned(place)
    mark(plan)
    order = order_of(plan, settings=plan.config.to_dict() | {"init": f"{tmp_path}/b#0123456789ab"})
    assert node.parts_unseen(order) == {messages.INIT}
    assert list(node.train(order, nothing)) == [messages.Lacks(frozenset({messages.INIT}))]


def test_other_software_is_refused(place):
    versions = dict(node.deciding_versions())
    (message,) = node.train(order_of(planned(place), versions=versions | {"torch": "1.0"}), nothing)
    assert isinstance(message, messages.Unfit)
    assert f"has torch {versions['torch']} instead of 1.0; install the same" in message.reason
    assert not any("+" in version for version in versions.values())


def told(plan, script):
    """Let a machine run a script instead of a training."""
    mark(plan)
    return list(node.train(order_of(plan, threads=3, arguments=["-c", script]), nothing))


def test_lines_status_and_threads_come_through(place, monkeypatch):
    script = "import os; print('  epoch 1'); print(os.environ['OMP_NUM_THREADS'])"
    begun, *said, done = told(planned(place), script)
    assert isinstance(begun, messages.Begun)
    assert said == [messages.Printed("epoch 1", None), messages.Printed("3", None)]
    assert done == messages.Ended(0)


def test_a_trial_that_fails_says_why_and_one_that_is_killed_is_lost(place, monkeypatch):
    plan = planned(place)
    failing = "import sys; sys.exit('error: the loss is no number')"
    assert told(plan, failing)[-1] == messages.Ended(1, ("error: the loss is no number\n",))
    assert told(plan, "import os; os.kill(os.getpid(), 9)")[-1] == messages.Ended(-9)


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_task_that_is_cancelled_leaves_no_process(place, monkeypatch, stubborn):
    """Ray's workers block the interrupt, and what they start would too."""
    monkeypatch.setattr(process, "_GRACE_S", 0.5)
    plan = planned(place)
    mark(plan)
    ignore = "signal.signal(signal.SIGINT, signal.SIG_IGN);" if stubborn else ""
    script = f"import os, signal, time;{ignore}print(os.getpid(), flush=True)\nwhile True: time.sleep(0.05)"
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        stream = node.train(order_of(plan, arguments=["-c", script]), nothing)
        next(stream)
        pid = int(next(stream).line)
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        stream.close()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_lost_machine_left_at_work_is_waited_for(place, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr(node, "_LOCKED_S", 0.3)
    trial = Trial(place.root / "fold-01" / "seed-0", 1, 0)
    trial.path.mkdir(parents=True)
    with FileLock(trial.path / ".lock"):
        started = time.monotonic()
        node._wait_for(trial)
        assert time.monotonic() - started >= 0.3
    started = time.monotonic()
    node._wait_for(trial)
    assert time.monotonic() - started < 0.3


@pytest.mark.slow
def test_a_trial_trained_out_of_sight_is_the_same_and_comes_back_whole(place, tmp_path, monkeypatch):
    """The weights that it starts from lie out of sight too, and are named as ever when it is back."""
    pytest.importorskip("ray")
    from sercli.studies.cluster.tasks import receive

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    first = planned(place)
    train_trials(make_plan(first.config, place, "1"), CPU, report=lambda line: None)
    shutil.copytree(first.run.trial(1, 0).bundle, tmp_path / "start")
    plan = make_plan(planned(place, init=str(tmp_path / "start")).config, place, "2")
    (trial,) = plan.trials
    mark(plan)
    *_, done = node.train(order_of(plan), nothing)
    assert done == messages.Ended(0)
    expected = {path.name: path.read_bytes() for path in trial.path.glob("*.*")}
    shutil.rmtree(trial.path)
    packed = parcels.parcels_of(plan)
    sent = {parcel.digest: list(parcels.chunks(parcel)) for parcel in packed}
    order = order_of(plan, mark="unseen", parcels={parcel.place: parcel.digest for parcel in packed})
    shutil.rmtree(tmp_path / "start")
    *said, done = node.train(order, sent.__getitem__, sent=list(sent))
    assert done.status == 0
    assert not trial.path.exists()
    assert said[-1].history.count("\n") == 3
    receive(plan, trial, done.files)
    assert trial.finished
    found = {path.name: path.read_bytes() for path in trial.path.glob("*.*")}
    assert found.keys() == expected.keys()
    for name in expected.keys() - {"metrics.json", "history.csv"}:  # which hold seconds
        assert found[name] == expected[name], name
    assert {path.name for path in trial.bundle.iterdir()} == {"bundle.json", "weights.safetensors"}


def test_a_machine_without_room_is_broken_and_not_the_trial(place):
    def full(parcel):
        raise OSError(28, "No space left on device")

    plan = planned(place)
    given = {parcel.place: parcel.digest for parcel in parcels.parcels_of(plan)}
    order = order_of(plan, mark=".never", parcels=given)
    (said,) = node.train(order, full, sent=tuple(given.values()))
    assert isinstance(said, messages.Broken)
    assert "No space left on device" in said.reason


def test_other_software_is_named_even_if_it_is_missing():
    assert "nosuch missing instead of 1" in node.disagreement({"nosuch": "1"})
