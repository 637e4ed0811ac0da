"""Trials on a Ray cluster: counted, given out, lost, interrupted; and the same to the bit as here."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from conftest import SMALL

from sercli import cli
from sercli.errors import ConfigError, RunError
from sercli.runs.folder import all_runs
from sercli.studies.cluster.connection import Cluster, connected
from sercli.workspace import Workspace

STUDY = {
    "title": "Small",
    "arch": "mdcnn",
    "on": ["emodb-4"],
    "set": {
        "model": SMALL["model"],
        "training": SMALL["training"] | {"max_epochs": 2, "precision": "32-true"},
    },
    "rows": [{"name": "plain"}, {"name": "attention", "set": {"model.attention": True}}],
}


@pytest.mark.parametrize(
    ("cpus", "gpus", "machine", "trials"),
    [
        (1, 0, {"CPU": 4}, 4),
        (1.5, 0, {"CPU": 4}, 2),
        (0.1, 0, {"CPU": 0.3}, 3),
        (1, 0.5, {"CPU": 4, "GPU": 1}, 2),
        (1, 0.5, {"CPU": 3, "GPU": 2}, 3),
        (1, 0.3, {"CPU": 16, "GPU": 2}, 6),  # three on each GPU, none across two
        (1, 0.1, {"CPU": 16, "GPU": 1}, 10),
        (4, 1, {"CPU": 16, "GPU": 2}, 2),
        (2, 0, {"CPU": 1}, 0),
        (1, 1, {"CPU": 1}, 0),
    ],
)
def test_how_many_trials_fit_on_a_machine(cpus, gpus, machine, trials):
    assert Cluster(cpus, gpus)._room(machine) == trials


def test_threads_are_whole_and_a_share_of_a_gpu_is_a_gpu():
    assert [Cluster(cpus, 0).threads for cpus in (0.5, 1, 2.5)] == [1, 1, 2]
    assert Cluster(1, 0.25).device.accelerator == "cuda"
    assert Cluster(1, 0).device.accelerator == "cpu"


def test_what_can_t_be_asked_for_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="mps"), connected(None, 1, None, "mps"):
        pass
    with pytest.raises(ConfigError, match="leave one of the two out"), connected(None, 1, 0.5, "cpu"):
        pass
    with (
        pytest.raises(ConfigError, match="run the command on one of its machines"),
        connected("ray://h:1", 1, 0),
    ):
        pass
    with (
        pytest.raises(RunError, match=r"127\.0\.0\.1:1: no cluster answers there"),
        connected("127.0.0.1:1", 1, 0),
    ):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'sercli\[ray\]'"), connected(None, 1, 0):
        pass


@pytest.mark.parametrize(
    "options",
    [
        ("--launcher", "ray", "--jobs", "2"),
        ("--launcher", "ray", "--devices", "2"),
        ("--address", "host:6379"),
        ("--gpus-per-trial", "0.5"),
        ("--launcher", "slurm"),
        ("--launcher", "ray", "--gpus-per-trial", "2"),
    ],
)
def test_options_of_the_other_launcher_are_refused(monkeypatch, capsys, options):
    monkeypatch.setattr("sys.argv", ["sercli", "ablate", "mdcnn", *options])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert "Invalid value" in capsys.readouterr().err


class Stream:
    """A task's messages, ready all."""

    def __init__(self, *messages):
        self.messages = iter(messages)

    def __next__(self):
        return next(self.messages)


@pytest.fixture
def tasks(monkeypatch):
    """The tasks of a cluster that answers at once, and what is told of them."""
    pytest.importorskip("ray")
    from sercli.studies.cluster import tasks as ray_tasks

    def get(message):
        if isinstance(message, Exception):
            raise message
        return message

    monkeypatch.setattr(ray_tasks.ray, "get", get)
    told = []

    class Empty(Cluster):
        """A cluster whose machines are all gone."""

        slots = 0

    made = ray_tasks.Tasks(
        Empty(1, 0, told.append),
        ".seen",
        on_begin=lambda plan, trial: told.append("began"),
        on_line=lambda plan, trial, line: told.append(line),
        on_end=lambda plan, trial, reason: told.append(f"ended: {reason}"),
    )
    made.told = told
    return made


class Named:
    """A plan or a trial, as far as it is named."""

    name = "run-1"

    @property
    def run(self):
        return self

    def __str__(self):
        return "fold 1, seed 0"


def take(tasks, *messages):
    """Let a task say its messages, in a new stream or in that which waits."""
    from sercli.studies.cluster.tasks import _Task

    stream = Stream(*messages)
    tasks._running[stream] = tasks._waiting.popleft() if tasks._waiting else _Task(Named(), Named())
    while stream in tasks._running:
        tasks._take(stream)


def test_a_lost_machine_s_trial_runs_again_three_times(tasks):
    from ray.exceptions import NodeDiedError

    from sercli.studies.cluster.messages import Begun, Ended

    take(tasks, Begun("a"), NodeDiedError("Node a is dead. It had an accident. Look at its logs."))
    take(tasks, Begun("b"), Ended(-9))
    take(tasks, Begun("c"))  # the stream ends without an error
    take(tasks, NodeDiedError("Gone."))
    assert tasks.told == [
        "began",
        "run-1, fold 1, seed 0: a was lost (Node a is dead); the trial starts again",
        "began",
        "run-1, fold 1, seed 0: its process on b was killed by signal 9; the trial starts again",
        "began",
        "run-1, fold 1, seed 0: c was lost (without an error); the trial starts again",
        "ended: lost 4 times; the last time a machine was lost (Gone.)",
    ]
    assert not tasks._waiting


def test_a_trial_that_fails_by_itself_does_not_run_again(tasks):
    from sercli.studies.cluster.messages import Begun, Ended, Printed

    take(
        tasks,
        Begun("a"),
        Printed("epoch 1", None),
        Ended(1, ("warned", "error: the loss is no number\n", "\n")),
    )
    assert tasks.told == ["began", "epoch 1", "ended: the loss is no number"]
    assert not tasks._waiting


def test_other_software_ends_the_command(tasks):
    from sercli.studies.cluster.messages import Unfit

    with pytest.raises(RunError, match="has torch 1"):
        take(tasks, Unfit("a: has torch 1"))


def test_it_is_said_once_that_no_machine_is_left(tasks):
    tasks._look()
    tasks._look()
    assert tasks.told == ["no machine is large enough for a trial any more; waiting until one joins"]


@pytest.fixture(scope="module")
def cluster():
    """A cluster of this machine, one CPU large, with a folder of its own for temporary files."""
    utils = pytest.importorskip("ray.cluster_utils")
    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")  # Ray's sockets need a short path
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        yield made
        made.shutdown()
    assert subprocess.run(["pgrep", "-f", folder], capture_output=True, text=True, check=False).stdout == ""
    shutil.rmtree(folder)


@pytest.fixture
def place(small_workspace, tmp_path):
    """A workspace with the small corpus and runs of its own, and a study beside it."""
    own = Workspace(tmp_path / "w")
    own.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (own.root / name).symlink_to(small_workspace.root / name)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return own


def command(place, *options):
    return [
        *(sys.executable, "-m", "sercli", "ablate", "small.yaml", "--accelerator", "cpu"),
        *("--workspace", str(place.root), *options),
    ]


def start(place, *options):
    """Start the command where the study lies."""
    return subprocess.Popen(
        command(place, *options),
        cwd=Path(place.root).parent if Path(place.root).is_dir() else None,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def on(cluster):
    return "--launcher", "ray", "--address", cluster.address


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out, err


def predictions(place):
    trials = [trial for run in all_runs(place) for trial in run.trials()]
    return {trial.path: trial.predictions_file.read_bytes() for trial in trials if trial.finished}


def wait_for(what, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def at_work(place):
    """Trials that have finished an epoch and are under way."""
    trials = [trial for run in all_runs(place) for trial in run.trials()]
    return [trial for trial in trials if trial.history_file.exists() and not trial.finished]


def processes(place):
    return subprocess.run(
        ["pgrep", "-f", f"train --here.*{place.root}"], capture_output=True, text=True, check=False
    ).stdout.split()


@pytest.mark.slow
def test_a_machine_is_lost_and_predictions_are_those_of_one_machine(cluster, place):
    options = ("--fold", "1-3", "--rows", "plain", "--max-epochs", "60")
    finish(start(place, *options))
    expected = predictions(place)
    assert len(expected) == 3
    for run in all_runs(place):
        run.remove()
    second = cluster.add_node(num_cpus=1)
    with start(place, *options, *on(cluster)) as process:
        wait_for(lambda: len(at_work(place)) == 2)
        cluster.remove_node(second, allow_graceful=False)
        out, err = finish(process)
    assert "Ray, 2 machines, 2 trials at once, 1 CPU each" in out
    assert err.count("the trial starts again") == 1
    assert len(err.splitlines()) == 1, err
    assert "finished: 3 of 3 trials" in out
    assert predictions(place) == expected


@pytest.mark.slow
def test_where_the_workspace_is_not_seen_all_travels(cluster, place, tmp_path):
    """For the cluster's processes this name of the workspace leads elsewhere."""
    finish(start(place, "--fold", "1-2", "--rows", "plain"))
    expected = predictions(place)
    for run in all_runs(place):
        run.remove()
    process = subprocess.Popen(
        command(Workspace("/proc/self/cwd/w"), "--fold", "1-2", "--rows", "plain", *on(cluster)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    finish(process)
    assert predictions(place) == expected
    assert all(trial.history() for run in all_runs(place) for trial in run.trials())
    (parcels,) = Path(os.environ["RAY_TMPDIR"]).glob("sercli-*/parcels")
    assert len([path for path in parcels.iterdir() if path.is_dir()]) == 2
    assert not [path for path in place.runs.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_nothing_is_left_at_work(cluster, place, how):
    with start(place, "--fold", "1-2", "--max-epochs", "5000", *on(cluster)) as process:
        wait_for(lambda: at_work(place))
        process.send_signal(how)
        _, err = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err.splitlines()[-1].startswith("interrupted; run the same command again to resume")
        assert "Traceback" not in err
    wait_for(lambda: not processes(place), 30)
    assert not [path for run in all_runs(place) for path in run.path.rglob("*.tmp")] or how == signal.SIGKILL


@pytest.mark.slow
def test_what_does_not_fit_is_told(cluster, place):
    process = start(place, "--cpus-per-trial", "64", *on(cluster))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.startswith("error: no machine of the cluster has 64 CPU for a trial; see `ray status`")
