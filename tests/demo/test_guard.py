import asyncio
import json
import socket

import pytest

from sercli.demo.guard import Guard
from sercli.demo.requests import is_page_request
from sercli.demo.uploads import Uploads
from sercli.web.requests import LateError, TimedBody

UPLOAD, JOIN = "/gradio_api/upload", "/gradio_api/queue/join"
LENGTH = {"content-length": "10"}


async def gradio(scope, receive, send):
    headers = [(b"access-control-allow-origin", b"http://evil.example"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x"})


@pytest.fixture
def ask(tmp_path):
    """Send a request: ask("POST", "/a", {"host": ...}) gives status and headers."""

    def ask_(method, path, headers=None, local="127.0.0.1", app=gradio):
        sent = []

        async def send(message):
            sent.append(message)

        given = {"host": "127.0.0.1:7860"} | (headers or {})
        told = [(name.encode(), value.encode()) for name, value in given.items()]
        guard = Guard(app, Uploads(tmp_path.resolve()), 1000, local)
        asyncio.run(guard({"type": "http", "method": method, "path": path, "headers": told}, None, send))
        return sent[0]["status"], dict(sent[0]["headers"])

    return ask_


def test_an_answer_has_our_policy_and_no_leave_for_other_sites(ask):
    status, headers = ask("GET", "/")
    assert status == 200
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert b"access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/theme.css", "/assets/a-b_c.js", "/gradio_api/heartbeat/x1"])
def test_what_the_page_asks_for_passes(ask, path):
    assert ask("GET", path)[0] == 200
    assert ask("POST", "/gradio_api/stream/0a/close", LENGTH)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/run/answer"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:9/a"),
        ("GET", "/gradio_api/file=http://127.0.0.1:9/a"),
        ("GET", "/gradio_api/file/a"),
        ("GET", "/docs"),
        ("OPTIONS", UPLOAD),
        ("DELETE", "/"),
    ],
)
def test_nothing_else_does(ask, method, path):
    assert ask(method, path, LENGTH)[0] == 404


def test_no_file_but_an_upload_is_shown(ask, tmp_path):
    at = "/gradio_api/file="
    assert ask("GET", f"{at}{tmp_path}/0a/a.wav")[0] == 200
    for path in (tmp_path.parent / "a.wav", f"{tmp_path}/../a.wav", "a.wav", "\0"):
        assert ask("GET", f"{at}{path}")[0] == 404


@pytest.mark.parametrize(
    ("host", "local", "status"),
    [
        ("localhost:7860", "127.0.0.1", 200),
        ("[::1]:7860", "::1", 200),
        ("desk:7860", "Desk", 200),
        ("evil.example", "127.0.0.1", 421),
        ("127.0.0.1.evil.example:7860", "127.0.0.1", 421),
        ("", "127.0.0.1", 421),
        ("[", "127.0.0.1", 421),
        ("speech.example", None, 200),
    ],
)
def test_the_name_is_this_machines_where_only_it_is_served(ask, host, local, status):
    assert ask("GET", "/", {"host": host}, local)[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8888"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("local", ["127.0.0.1", None])
def test_no_other_site_sends_anything(ask, headers, status, local):
    assert ask("POST", UPLOAD, LENGTH | headers, local)[0] == status


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (UPLOAD, {"content-length": "99999999"}, 413),
        (UPLOAD, {}, 411),
        (UPLOAD, {"content-length": "-1"}, 411),
        (UPLOAD, {"content-length": "5", "transfer-encoding": "chunked"}, 411),
        (JOIN, {"content-length": "65536"}, 200),
        (JOIN, {"content-length": "65537"}, 413),
        (UPLOAD, {"content-length": "65537"}, 200),
    ],
)
def test_what_is_too_large_is_refused_unread(ask, path, headers, status):
    assert ask("POST", path, headers)[0] == status


def test_the_folder_does_not_fill_the_disk(ask, tmp_path):
    with (tmp_path / "a.wav").open("wb") as file:
        file.truncate(10 * (1000 + (1 << 20)) - 15)
    assert ask("POST", UPLOAD, {"content-length": "15"})[0] == 200
    assert ask("POST", UPLOAD, {"content-length": "16"})[0] == 507


def upload_scope(visitor, length=1 << 21):
    headers = [(b"content-length", str(length).encode())]
    return {"type": "http", "method": "POST", "path": UPLOAD, "headers": headers, "client": (visitor, 1)}


def test_an_upload_takes_the_room_of_what_has_arrived_of_it(tmp_path):
    guard, done, seen = Guard(gradio, Uploads(tmp_path.resolve()), 1 << 20), asyncio.Event(), []

    async def never():
        await done.wait()
        return {"type": "http.request", "body": b"x"}

    async def send(message):
        seen.append(message.get("status"))

    async def together():
        guard.app = reading
        tasks = [
            asyncio.create_task(guard(upload_scope(f"10.0.0.{number}"), never, send)) for number in range(40)
        ]
        await asyncio.sleep(0)
        guard.app = gradio
        await guard(upload_scope("10.0.0.99"), never, send)  # is served meanwhile
        assert seen == [200, None]
        done.set()
        await asyncio.gather(*tasks)

    asyncio.run(together())
    assert seen.count(200) == 41
    assert not guard._arriving


def test_a_visitor_sends_a_limited_number_of_uploads_at_once(tmp_path):
    guard, done, seen = Guard(reading, Uploads(tmp_path.resolve()), 1 << 20), asyncio.Event(), []

    async def never():
        await done.wait()
        return {"type": "http.request", "body": b"x"}

    async def send(message):
        seen.append(message.get("status"))

    async def together():
        visitors = [*("10.0.0.1" for _ in range(66)), "10.0.0.2"]
        tasks = [asyncio.create_task(guard(upload_scope(each), never, send)) for each in visitors]
        await asyncio.sleep(0)
        assert seen == [429, None] * 2
        done.set()
        await asyncio.gather(*tasks)

    asyncio.run(together())
    assert seen.count(200) == 65


def test_an_upload_ends_when_the_folder_is_full(tmp_path):
    parts, seen = iter(range(9)), []

    async def receive():
        if next(parts) == 2:  # others fill the folder meanwhile
            with (tmp_path / "a.wav").open("wb") as file:
                file.truncate(10 * (1000 + (1 << 20)) + 1)
        return {"type": "http.request", "body": bytes(1 << 19), "more_body": True}

    async def send(message):
        seen.append(message.get("status"))

    guard = Guard(reading, Uploads(tmp_path.resolve()), 1000)
    asyncio.run(guard(upload_scope("10.0.0.1", 1 << 20), receive, send))
    assert seen == [507, None]
    assert next(parts) == 4
    assert not guard._arriving


def test_a_body_that_does_not_come_holds_no_place(tmp_path, monkeypatch):
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.05)
    guard, length = Guard(reading, Uploads(tmp_path.resolve()), 1000), str(1 << 20).encode()
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [(b"content-length", length)]}
    seen = []

    async def receive():
        if "begun" in seen:
            await asyncio.sleep(60)
        seen.append("begun")
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        seen.append(message.get("status"))

    asyncio.run(guard(scope, receive, send))
    assert seen == ["begun", 408, None]
    assert not guard._arriving


async def reading(scope, receive, send):
    """Read the body to its end, and answer even where that fails, as Gradio does."""
    try:
        while (await receive()).get("more_body"):
            pass
    except Exception:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        raise
    await gradio(scope, receive, send)


def test_a_body_may_come_slowly_but_not_for_ever(monkeypatch):
    monkeypatch.setattr("sercli.web.requests.SLOW_S", 0.2)
    messages = []

    async def receive():
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": len(messages) < 100}

    async def all_of(patient):
        while True:
            messages.append(await patient.receive())
            if not messages[-1]["more_body"]:
                return

    with pytest.raises(LateError):
        asyncio.run(all_of(TimedBody(receive, 0)))
    assert 2 <= len(messages) <= 8
    messages[:] = [None] * 96
    asyncio.run(all_of(TimedBody(receive, 0)))
    assert len(messages) == 101


def test_once_it_has_come_the_answer_may_take_its_time(monkeypatch):
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.2)

    async def receive():
        await asyncio.sleep(0.0 if first.pop() else 0.4)
        return {"type": "http.request", "body": b""}

    async def twice(patient):
        return [await patient.receive() for _ in range(2)]

    first = [False, True]
    assert len(asyncio.run(twice(TimedBody(receive, 0)))) == 2


FILE = {"path": "/tmp/a.wav", "meta": {"_type": "gradio.FileData"}}
INPUTS = {0: ("recording",), 1: (), 4: ("recording", "state"), 5: ("recording", "switch")}
ASKED = {"data": [FILE], "fn_index": 0, "session_hash": "a", "event_data": None, "trigger_id": 4}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"data": [None]},
        {"data": [FILE | {"url": "http://127.0.0.1/a", "orig_name": "a.wav", "size": 12, "mime_type": ""}]},
        {"data": [FILE | {"is_stream": True}, None], "fn_index": 4},
        {"data": [], "fn_index": 1},
        {"data": [FILE, True], "fn_index": 5},
        {"data": [None, False], "fn_index": 5},
    ],
)
def test_what_the_page_asks_of_its_queue_is_known(change):
    assert is_page_request(json.dumps(ASKED | change).encode(), INPUTS)


@pytest.mark.parametrize(
    "change",
    [
        {"data": []},
        {"data": [FILE, FILE]},
        {"data": FILE},
        {"data": ["/tmp/a.wav"]},
        {"data": [0]},
        {"data": [[]]},
        {"data": [{}]},
        {"data": [FILE | {"path": None}]},
        {"data": [FILE | {"path": "\0"}]},
        {"data": [FILE | {"path": "a" * 300}]},
        {"data": [FILE | {"path": "a/" * 3000}]},
        {"data": [FILE | {"size": "big"}]},
        {"data": [FILE | {"size": True}]},
        {"data": [FILE | {"is_stream": "maybe"}]},
        {"data": [FILE | {"meta": {}}]},
        {"data": [FILE | {"more": 1}]},
        {"data": [FILE, {"live": 1}], "fn_index": 4},
        {"data": [FILE, FILE], "fn_index": 4},
        {"data": [FILE, True], "fn_index": 4},
        {"data": [FILE], "fn_index": 5},
        {"data": [FILE, None], "fn_index": 5},
        {"data": [FILE, 1], "fn_index": 5},
        {"data": [FILE, "true"], "fn_index": 5},
        {"data": [FILE, FILE], "fn_index": 5},
        {"data": [True, True], "fn_index": 5},
        {"fn_index": 9},
        {"fn_index": True},
        {"fn_index": "0"},
        {"fn_index": None},
        {"session_hash": None},
        {"session_hash": {}},
        {"event_data": {"target": 1}},
    ],
)
def test_nothing_else_reaches_the_queue(change):
    assert not is_page_request(json.dumps(ASKED | change).encode(), INPUTS)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff", b"[" * 60_000, b'{"data": ' + b"9" * 6000 + b"}"]
)
def test_what_is_no_json_neither(body):
    assert not is_page_request(body, INPUTS)


@pytest.mark.parametrize(("data", "status"), [([FILE], 200), ([FILE, FILE], 400), ({}, 400)])
def test_the_guard_looks_into_requests_to_the_queue(tmp_path, data, status):
    body = json.dumps(ASKED | {"data": data}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": JOIN, "headers": headers}
    given, sent = [body[:20], body[20:]], []

    async def receive():
        part = given.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(given)}

    async def send(message):
        sent.append(message)

    async def echo(scope, receive, send):
        messages = [await receive()]
        while messages[-1]["more_body"]:
            messages.append(await receive())
        told = b"".join(message["body"] for message in messages)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": told})

    asyncio.run(Guard(echo, Uploads(tmp_path.resolve()), 1000, inputs=INPUTS)(scope, receive, send))
    assert sent[0]["status"] == status
    assert (sent[1]["body"] == body) == (status == 200)


def test_a_connection_whose_head_does_not_end_is_closed(monkeypatch):
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.2)
    from sercli.web.sockets import TimedProtocol

    async def app(scope, receive, send):
        await asyncio.sleep(0.4)  # an answer may take longer
        await gradio(scope, receive, send)

    async def talk(lines):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(lines)
        told = await asyncio.wait_for(reader.read(12), 5)
        writer.close()
        return told

    async def both():
        nonlocal port
        config = uvicorn.Config(app, http=TimedProtocol, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as source:
            port = source.getsockname()[1]
            serving = asyncio.create_task(server._serve([source]))
            while not server.started:
                await asyncio.sleep(0.01)
            told = await asyncio.gather(
                talk(b"GET / HTTP/1.1\r\nHos"), talk(b""), talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            )
            server.should_exit = True
            await serving
        return told

    port = 0
    assert asyncio.run(both()) == [b"", b"", b"HTTP/1.1 200"]


def test_the_server_itself_is_left_alone(tmp_path):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    async def send(message):
        seen.append(message["type"])

    guard = Guard(app, Uploads(tmp_path), 1000)
    for kind in ("lifespan", "websocket"):
        asyncio.run(guard({"type": kind, "path": "/"}, None, send))
    assert seen == ["lifespan", "websocket.close"]
