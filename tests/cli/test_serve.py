"""What ``sercli serve`` refuses at the start, and real processes of it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import tone
from untrained import diccoser, make

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("python_multipart", reason="python-multipart is not installed")

SECRET = "0123456789abcdef"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("serve") / "bundle"
    make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8}).save(path)
    return path


@pytest.fixture
def run(command_line, tmp_path, monkeypatch):
    monkeypatch.delenv("SERCLI_TOKEN", raising=False)
    return lambda *arguments: command_line("serve", *arguments, "--workspace", tmp_path)


@pytest.fixture
def served(monkeypatch):
    """Arguments that the server was started with, without starting it."""
    seen = []

    def serve(model, settings, host, port, grace_s, ready):
        ready(f"http://{host}:{port}/")
        seen.append((model, settings, host, port, grace_s))
        return signal.SIGTERM, True

    monkeypatch.setattr("sercli.serve.server.serve", serve)
    return seen


def test_a_missing_extra_is_told(run, bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert run(bundle) == (1, "", "error: the service needs 'fastapi': pip install 'sercli[serve]'\n")


def test_the_options_reach_the_server(run, bundle, served):
    status, out, _ = run(bundle, "--max-mb", 5, "--max-minutes", 2, "--queue", 7, "--unsure-below", 0.5)
    assert status == 0
    assert out.startswith("http://127.0.0.1:8000/ serves mdcnn, emodb; its paths are described at")
    ((model, settings, host, port, grace_s),) = served
    assert (settings.limits.size, settings.limits.minutes, settings.places) == (5_000_000, 2, 7)
    assert (settings.token, settings.local, host, port, grace_s) == (None, "127.0.0.1", "127.0.0.1", 8000, 30)
    assert model.predictor.unsure_below == 0.5


def test_other_machines_need_a_token(run, bundle, served, monkeypatch):
    status, _, err = run(bundle, "--host", "0.0.0.0")
    assert (status, served) == (1, [])
    assert "0.0.0.0 is reachable from other machines, so a token is needed: set SERCLI_TOKEN" in err
    monkeypatch.setenv("SERCLI_TOKEN", SECRET)
    assert run(bundle, "--host", "0.0.0.0")[0] == 0
    assert (served[0][1].token, served[0][1].local) == (SECRET, None)


@pytest.mark.parametrize("token", ["short", "0123456789 abcdef", "0123456789abcdé-f", "0123456789abcdef\n"])
def test_a_weak_token_is_refused(run, bundle, served, token):
    status, _, err = run(bundle, "--token", token)
    assert (status, served) == (1, [])
    assert "the token needs 16 or more ASCII characters without blanks" in err


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 1, "the starter model is not installed"),
        (["b", "--queue", "0"], 2, "--queue"),
        (["b", "--max-mb", "0"], 1, "max mb 0: use a number above 0"),
        (["nonsense"], 1, "no runs yet"),
    ],
)
def test_what_is_wrong_is_told(run, served, arguments, status, told, monkeypatch):
    monkeypatch.setattr("sercli.registry._installed", lambda: ())
    found = run(*arguments)
    assert found[0] == status
    assert told in found[2]


def test_a_port_in_use_is_told(run, bundle):
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, _, err = run(bundle, "--port", other.getsockname()[1])
    assert status == 1
    assert "is in use; choose another with --port" in err


@contextmanager
def process(bundle, *options, **environment):
    """Start a real service; yield the process and its port."""
    started = subprocess.Popen(
        [sys.executable, "-m", "sercli", "serve", bundle, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        line = started.stdout.readline()
        yield started, int(re.search(r":(\d+)/ serves", line)[1])
    finally:
        started.terminate()  # killed, it would leave its folder
        started.communicate(timeout=60)


def request(port, method, path, body=None, timeout=60, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request(method, path, body, {"Content-Type": "audio/wav"} | headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def wav(path, seconds):
    soundfile.write(path, np.resize(tone(2.0), round(seconds * 16_000)), 16_000)
    return path.read_bytes()


def folders():
    places = [Path("/dev/shm"), Path(os.environ.get("TMPDIR", "/tmp"))]
    return {path for place in places if place.is_dir() for path in place.glob("sercli-serve-*")}


@pytest.mark.slow
def test_sigterm_finishes_what_waits_refuses_what_is_new_and_leaves_nothing(bundle, tmp_path):
    long, short, before = wav(tmp_path / "long.wav", 600), wav(tmp_path / "short.wav", 1), folders()
    with process(bundle) as (started, port):
        answers = []
        sending = [
            threading.Thread(target=lambda: answers.append(request(port, "POST", "/v1/predict", long)[0]))
            for _ in range(2)
        ]
        for each in sending:
            each.start()
        while b"sercli_queue_recordings 2" not in request(port, "GET", "/metrics")[1]:
            time.sleep(0.02)
        started.send_signal(signal.SIGTERM)
        while (health := request(port, "GET", "/health")[0]) == 200:
            time.sleep(0.02)
        refused = request(port, "POST", "/v1/predict", short)[0]
        for each in sending:
            each.join()
        out, err = started.communicate(timeout=30)
    assert (answers, refused, health) == ([200, 200], 503, 503)
    assert (started.returncode, out, err) == (0, "", "")
    assert folders() == before


@pytest.mark.slow
def test_what_is_not_done_in_time_is_given_up(bundle, tmp_path):
    long, before = wav(tmp_path / "long.wav", 1700), folders()
    with process(bundle, "--grace-s", "0.1") as (started, port):
        answers = []
        sending = threading.Thread(target=lambda: answers.append(request(port, "POST", "/v1/predict", long)))
        sending.start()
        while b"sercli_queue_recordings 1" not in request(port, "GET", "/metrics")[1]:
            time.sleep(0.02)
        started.send_signal(signal.SIGTERM)
        _, err = started.communicate(timeout=20)
        sending.join()
    assert (started.returncode, answers[0][0]) == (1, 503)
    assert "some requests were not finished within 0.1 s" in err
    assert "Traceback" not in err
    assert folders() == before


@pytest.mark.slow
def test_half_open_connections_block_nobody(bundle, tmp_path):
    content = wav(tmp_path / "a.wav", 1)
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\n"
    with process(bundle, "--queue", "1") as (_, port):
        half = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        for number, each in enumerate(half):
            length = b"Content-Length: 50000\r\n\r\nRIFF" if number % 2 else b"Content-Le"
            each.sendall(head + length)
        begun = time.monotonic()
        assert request(port, "POST", "/v1/predict", content)[0] == 200
        assert time.monotonic() - begun < 8  # before any of them is dropped
        for each in half:
            each.settimeout(30)
            assert each.recv(100)[:12] in {b"", b"HTTP/1.1 408"}
            each.close()


@pytest.mark.slow
def test_memory_stays_flat(bundle, tmp_path):
    content = wav(tmp_path / "a.wav", 3)
    with process(bundle) as (started, port):

        def resident_mb():
            status = Path(f"/proc/{started.pid}/status").read_text()
            return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

        if not Path(f"/proc/{started.pid}/status").exists():
            pytest.skip("no /proc")
        for _ in range(40):
            assert request(port, "POST", "/v1/predict", content)[0] == 200
        before = resident_mb()
        for _ in range(200):
            request(port, "POST", "/v1/predict", content)
            request(port, "POST", "/v1/predict", content[:-1])
        assert resident_mb() - before < 20


@pytest.mark.slow
def test_a_websocket_of_a_real_process(tmp_path):
    pytest.importorskip("websockets", reason="websockets is not installed")
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    diccoser("b").save(tmp_path / "traces")
    with process(tmp_path / "traces", SERCLI_TOKEN=SECRET) as (_, port):
        address = f"ws://127.0.0.1:{port}/v1/stream"
        with pytest.raises(InvalidStatus) as caught:
            connect(address)
        assert caught.value.response.status_code == 401
        with connect(address, additional_headers={"Authorization": f"Bearer {SECRET}"}) as stream:
            for _ in range(13):  # longer than any limit of a request's head
                stream.send(bytes(32_000))
                time.sleep(1)
            stream.send("end")
            assert len(list(stream)) == 13 * 25
