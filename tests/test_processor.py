"""Work shared out among cores: order, errors, interruption and killed processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from sercli.errors import AudioError
from sercli.processor import can_fork, shared_out


def _python(code: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: under pytest there may be other threads, and then nothing is forked.
    return subprocess.run(
        [sys.executable, "-c", dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_results_come_in_order_and_lazily() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with shared_out(lambda number: np.full(3, number**2), items()) as results:
        first = [int(next(results)[0]) for _ in range(10)]
    assert first == [number**2 for number in range(10)]
    assert len(taken) < 100  # not far ahead of the caller


def test_an_error_reaches_the_caller() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise AudioError("x.wav: damaged")
        return number

    with pytest.raises(AudioError, match=r"^x\.wav: damaged$"), shared_out(work, range(9)) as results:
        list(results)


def test_nothing_is_forked_beside_other_threads() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert not can_fork()
        with shared_out(lambda _: os.getpid(), range(8)) as results:
            assert set(results) == {os.getpid()}
    finally:
        end.set()
        thread.join()


_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are only forked on Linux")


@_LINUX
def test_processes_work_and_their_errors_stay_short() -> None:
    done = _python(
        """
        import os, time
        from sercli.errors import AudioError
        from sercli.processor import can_fork, shared_out

        def work(number):
            time.sleep(0.01)
            if number == 40:
                raise AudioError("x.wav: damaged")
            return os.getpid(), number

        begun = []
        assert can_fork()
        with shared_out(work, range(40), begin=lambda: begun.append(1)) as results:
            pids, numbers = zip(*results)
        assert numbers == tuple(range(40)) and os.getpid() not in pids and not begun
        assert can_fork()  # no thread is left over
        try:
            with shared_out(work, range(50)) as results:
                list(results)
        except AudioError as error:
            print(error)
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "x.wav: damaged\n", "")


@_LINUX
def test_a_killed_process_is_an_error_that_says_so() -> None:
    done = _python(
        """
        import os, signal
        from sercli.errors import SerError
        from sercli.processor import shared_out

        try:
            with shared_out(lambda number: os.kill(os.getpid(), signal.SIGKILL), range(9)) as results:
                list(results)
        except SerError as error:
            print(error)
        """
    )
    assert done.returncode == 0
    assert "was killed, probably because memory was not enough" in done.stdout


@_LINUX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_first_one(tmp_path: Path, number: signal.Signals) -> None:
    code = """
        import os, sys, time
        from pathlib import Path
        from sercli.processor import shared_out

        def work(number):
            (Path(sys.argv[1]) / str(os.getpid())).touch()
            time.sleep(0.3)

        with shared_out(work, range(999)) as results:
            list(results)
        """
    process = subprocess.Popen(
        [sys.executable, "-c", dedent(code), str(tmp_path)], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    # A terminal sends Ctrl-C to all processes.
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=30)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert pids
    assert not any(_runs(pid) for pid in pids)
    assert errors.count(b"Traceback") == (number == signal.SIGINT)  # of the first process alone


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
