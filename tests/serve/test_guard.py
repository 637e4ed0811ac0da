import asyncio
import json

import pytest
from conftest import tone

from sercli.serve.app import build_app
from sercli.web.limits import Limits

TOKEN = "0123456789abcdef-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": TOKEN}, {"authorization": "Bearer x"}, {"authorization": "Bearer \xff"}],
)
def test_without_the_token_nothing_is_answered(client, headers):
    opened = client(token=TOKEN)
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/v1/model", "/metrics", "/v1/predict", "/nothing"):
        answer = opened.get(path, headers=raw)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN not in answer.text
    assert opened.post("/v1/predict", content=b"x", headers=raw).status_code == 401
    assert [opened.get(path, headers=raw).status_code for path in ("/health", "/docs", "/openapi.json")] == [
        200
    ] * 3


def test_with_the_token_all_is_answered(client):
    opened = client(token=TOKEN)
    assert [opened.get(path, headers=BEARER).status_code for path in ("/v1/model", "/metrics")] == [200] * 2


def test_a_websocket_needs_the_token_too(client):
    from starlette.testclient import WebSocketDenialResponse

    opened = client("traces", token=TOKEN)
    with pytest.raises(WebSocketDenialResponse) as caught, opened.websocket_connect("/v1/stream"):
        pass
    assert (caught.value.status_code, caught.value.json()["error"]["kind"]) == (401, "token")
    with opened.websocket_connect("/v1/stream", headers=BEARER) as socket:
        socket.send_text("end")
        assert socket.receive()["code"] == 1000


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8000", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example", 421), ("[", 421)],
)
def test_on_loopback_only_its_own_names_are_answered(client, host, status):
    assert client(local="127.0.0.1").get("/v1/model", headers={"host": host}).status_code == status


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_pages_of_other_sites_send_nothing(client, headers):
    from starlette.testclient import WebSocketDenialResponse

    opened = client("traces")
    assert opened.post("/v1/predict", content=b"x", headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDenialResponse) as caught,
        opened.websocket_connect("/v1/stream", headers=headers),
    ):
        pass
    assert caught.value.status_code == 403


def exchange(app, messages, headers, *, path="/v1/predict", pause=0.0, method="POST"):
    """Send a request message by message; after the last one, nothing more comes. Return what is sent."""
    sent = []

    async def receive():
        await asyncio.sleep(pause)
        if messages:
            return messages.pop(0)
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "raw_path": path.encode(),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("x", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    return sent[0]["status"], json.loads(sent[1]["body"])["error"]["kind"]


def body(size, more=True):
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (411, "no_length")),
        ({"transfer-encoding": "chunked"}, (411, "no_length")),
        ({"content-length": "-1"}, (411, "no_length")),
        ({"content-length": "\u0661"}, (411, "no_length")),
        ({"content-length": "9" * 30}, (413, "too_large")),
    ],
)
def test_a_length_that_is_missing_or_too_large_is_refused_before_the_body(service, headers, expected):
    app = build_app(service(limits=Limits(mb=1)))
    assert exchange(app, [], headers) == expected


@pytest.mark.parametrize("kind", ["audio/wav", "multipart/form-data; boundary=x"])
def test_an_upload_that_stops_is_dropped_and_leaves_nothing(service, folder, monkeypatch, kind):
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.05)
    made = service()
    headers = {"content-length": "5000", "content-type": kind}
    begun = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.wav"\r\n\r\nRIFF'
    messages = [body(0) | {"body": begun}]
    assert exchange(build_app(made), messages, headers) == (408, "late")
    assert (made.idle, made.stored, made.queue.taken, list(folder.iterdir())) == (True, 0, 0, [])


def test_half_open_uploads_take_no_place(client, folder, monkeypatch, tmp_path, write_wav):
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.5)
    opened = client(places=1)
    content = write_wav(tmp_path / "a.wav", tone(0.3)).read_bytes()

    def half():
        import time

        yield content[:100]
        time.sleep(0.3)
        assert opened.service.queue.taken == 0
        yield content[100:]

    headers = {"content-type": "audio/wav", "content-length": str(len(content))}
    answer = opened.post("/v1/predict", content=half(), headers=headers)
    assert answer.status_code == 200


def test_what_is_stored_at_once_is_bounded(service):
    made = service(limits=Limits(mb=0.001))
    made.stored = made.settings.stored_bytes - 10
    headers = {"content-length": "900", "content-type": "audio/wav"}
    assert exchange(build_app(made), [body(900)], headers) == (429, "busy")
    assert made.stored == made.settings.stored_bytes - 10


def test_a_body_that_is_longer_than_stated_is_refused(service):
    made = service(limits=Limits(mb=0.001))
    headers = {"content-length": "900", "content-type": "audio/wav"}
    assert exchange(build_app(made), [body(900), body(900)], headers) == (413, "too_large")


def test_while_it_ends_new_requests_are_refused(client):
    opened = client("traces")
    opened.service.stopping.set()
    answer = opened.post("/v1/predict", content=b"x")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "ending")
    health = opened.get("/health")
    assert (health.status_code, health.json()) == (503, {"live": True, "ready": False})
    assert "sercli_ready 0" in opened.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v2/predict", 404, "not_found"),
        ("GET", "/v1/predict", 405, "method"),
        ("POST", "/health", 405, "method"),
        ("DELETE", "/v1/model", 411, "no_length"),
    ],
)
def test_other_paths_and_methods_have_json_errors(client, method, path, status, kind):
    answer = client().request(method, path, content=b"" if method == "POST" else None)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
