import asyncio

import pytest

from sercli.demo.folder import Uploads
from sercli.demo.guard import Guard

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


def test_uploads_on_their_way_are_counted(tmp_path):
    guard, length = Guard(gradio, Uploads(tmp_path.resolve()), 1000), str(1 << 20).encode()
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [(b"content-length", length)]}
    seen = []

    async def together():
        done = asyncio.Event()

        async def slow(scope, receive, send):
            await done.wait()
            await gradio(scope, receive, send)

        async def send(message):
            seen.append(message.get("status"))

        guard.app = slow
        tasks = [asyncio.create_task(guard(scope, None, send)) for _ in range(11)]
        await asyncio.sleep(0)
        assert seen == [507, None]
        done.set()
        await asyncio.gather(*tasks)

    asyncio.run(together())
    assert seen.count(200) == 10


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
