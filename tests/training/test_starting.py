"""Processes as forks of a template; here the template imports nothing and runs a line of Python."""

import sys
import time
from pathlib import Path

import pytest

from sercli.training import starting
from sercli.training.jobs import failure_reason
from sercli.training.starting import Interpreters, Template, make_starter

LIGHT = """
import atexit, os, signal, sys, time
from sercli import cli
from sercli.cli.template import template
from sercli.training import template as module
module._IMPORTED = ()
cli.main = lambda: exec(sys.argv[1])
template()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks only on Linux")


@pytest.fixture(scope="module")
def template():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starting, "_TEMPLATE", (sys.executable, "-c", LIGHT))
        made = Template({"PYTHONPATH": ":".join(sys.path)})
        yield made
        made.close()


def end(process):
    lines = [line.strip() for line in process.lines()]
    return (lines, *process.finish())


def run(template, code):
    return end(template.start([code]))


def test_forks_print_side_by_side_and_end_with_their_own_status(template):
    slow = template.start(["time.sleep(0.2); print('late'); sys.exit(3)"])
    assert run(template, "print('early'); print('why', file=sys.stderr)") == (["early"], 0, ["why\n"])
    assert end(slow) == (["late"], 3, [])
    assert run(template, "print(sys.stdin.read() == '')") == (["True"], 0, [])
    assert run(template, "sys.exit('error: no')")[1:] == (1, ["error: no\n"])
    assert run(template, "atexit.register(print, 'bye')") == (["bye"], 0, [])


def test_a_crash_ends_one_fork_only(template):
    other = template.start(["time.sleep(0.2); print('alive')"])
    lines, status, errors = run(template, "os.kill(os.getpid(), signal.SIGKILL)")
    assert (lines, status, errors) == ([], -9, [])
    assert failure_reason(status, ["a warning\n"]) == "its process was killed by signal 9 (Killed)"
    assert run(template, "os.abort()")[1] == -6
    lines, status, errors = run(template, "1 / 0")
    assert (lines, status, errors[-1]) == ([], 1, "ZeroDivisionError: division by zero\n")
    assert end(other) == (["alive"], 0, [])


def test_nothing_carries_over_and_the_template_does_not_grow(template):
    code = "print('kept' in sys.modules); sys.modules['kept'] = bytearray(1 << 25)"
    held = []
    for _ in range(20):
        assert run(template, code) == (["False"], 0, [])
        process = Path(f"/proc/{template._server._process.pid}")
        resident = int((process / "statm").read_text().split()[1]) * 4096
        held.append((resident, len(list((process / "fd").iterdir()))))
    assert held[-1][0] - held[0][0] < 1 << 20
    assert held[-1][1] == held[0][1]


@pytest.mark.parametrize("wait", [True, False])
def test_an_interrupt_reaches_forks_even_before_they_begin(template, wait):
    forks = [template.start(["print('begun', flush=True); time.sleep(30)"]) for _ in range(2)]
    if wait:
        assert [next(fork.lines()) for fork in forks] == ["begun\n"] * 2
    started = time.monotonic()
    template.send_signal(2)
    for fork in forks:
        list(fork.lines())
        status, errors = fork.finish()
        assert status != 0
        assert errors[-1] == "KeyboardInterrupt\n"
    assert time.monotonic() - started < 10


def test_a_template_that_was_killed_is_replaced(template):
    orphan = template.start(
        ["parent = os.getppid(); print('begun', flush=True)\nwhile os.getppid() == parent: time.sleep(0.02)"]
    )
    assert next(orphan.lines()) == "begun\n"
    template._server._process.kill()
    assert list(orphan.lines()) == []
    assert orphan.finish() == (-9, [])
    assert run(template, "print(1)") == (["1"], 0, [])


def test_a_template_that_cannot_start_gives_its_reason(monkeypatch):
    monkeypatch.setattr(starting, "_TEMPLATE", (sys.executable, "-c", "import nothing_of_that_name"))
    made = Template({})
    lines, status, errors = run(made, "print(1)")
    assert (lines, failure_reason(status, errors)) == (
        [],
        "ModuleNotFoundError: No module named 'nothing_of_that_name'",
    )
    made.close()


def test_lightning_gets_a_command_of_its_own_to_run_again_for_each_device():
    assert isinstance(make_starter({}, several_devices=True), Interpreters)


def test_new_interpreters_report_alike():
    made = Interpreters({"PYTHONPATH": ":".join(sys.path)})
    lines, status, errors = end(made.start(["--version"]))
    assert (lines[0].split()[0], status, errors) == ("sercli", 0, [])
    assert end(made.start(["no-such-command"]))[1] == 2
    made.send_signal(2)  # nothing runs any more
    made.close()
