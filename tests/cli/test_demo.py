"""What ``sercli demo`` refuses before it serves anything; the page is tested in ``tests/demo``."""

import socket
import sys

import pytest
from untrained import make


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "bundle"
    make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8}).save(path)
    return path


@pytest.fixture
def run(command_line, tmp_path):
    return lambda *arguments: command_line("demo", *arguments, "--workspace", tmp_path)


@pytest.fixture
def served(monkeypatch):
    """Arguments that the server was started with, without starting it."""
    pytest.importorskip("gradio")
    seen = []

    def serve(loaded, host, port, limits, keep, ready):
        ready(f"http://{host}:{port}/")
        seen.append((loaded, host, port, limits, keep))

    monkeypatch.setattr("sercli.demo.server.serve", serve)
    return seen


def test_a_missing_extra_is_told(run, bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert run(bundle) == (1, "", "error: the page needs 'gradio': pip install 'sercli[demo]'\n")


def test_a_port_in_use_is_told(run, bundle):
    pytest.importorskip("gradio")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, err = run(bundle, "--port", port)
    assert (status, err) == (
        1,
        f"error: port {port} is in use; choose another with --port, or a free one with --port 0\n",
    )


def test_an_address_of_another_machine_is_told(run, bundle):
    pytest.importorskip("gradio")
    status, _, err = run(bundle, "--host", "192.0.2.1", "--port", 0)
    assert status == 1
    assert "error: can't serve at 192.0.2.1:0" in err


def test_on_loopback_there_is_nothing_to_warn_of(run, bundle, served):
    status, out, err = run(bundle, bundle, "--max-mb", 5, "--max-minutes", 2)
    names = f"mdcnn, emodb, fold ?, seed ? ({bundle}) and mdcnn, emodb, fold ?, seed ? ({bundle})"
    assert (status, err) == (0, "")
    assert out == f"http://127.0.0.1:7860/ serves {names}; press Ctrl-C to stop\n"
    ((loaded, host, port, limits, keep),) = served
    assert (len(loaded), host, port, limits.size, limits.minutes, keep) == (
        2,
        "127.0.0.1",
        7860,
        5_000_000,
        2,
        None,
    )


def test_another_address_is_warned_of(run, bundle, served):
    assert "anyone who can reach it can send audio" in run(bundle, "--host", "0.0.0.0")[2]
    assert run(bundle, "--host", "localhost")[2] == ""
    assert run(bundle, "--host", "127.0.0.2")[2] == ""


def test_keeping_is_told(run, bundle, served, tmp_path):
    assert f"note: recordings are saved in {tmp_path / 'kept'}" in run(bundle, "--keep", tmp_path / "kept")[2]
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 1, "the starter model is not installed"),
        (["b", "--share"], 2, "No such option"),
        (["b", "--port", "70000"], 2, "less than or equal to 65535"),
        (["b", "--max-minutes", "0"], 1, "max minutes 0: use a number above 0"),
        (["nonsense"], 1, "no runs yet"),
    ],
)
def test_what_is_wrong_is_told(run, served, arguments, status, told):
    found = run(*arguments)
    assert found[0] == status
    assert told in found[2]
