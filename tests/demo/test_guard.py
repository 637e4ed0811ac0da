import asyncio

import pytest

from sercli.demo.guard import Guard

PAGE = b"""<head><link rel="preconnect" href="https://fonts.googleapis.com" />
<link
  rel="preconnect" href="https://fonts.gstatic.com" crossorigin="anonymous"
/>
<script src="https://cdnjs.cloudflare.com/ajax/x.js" async
></script><script src="./own.js"></script><link rel="stylesheet" href="./own.css"></head>"""


def ask(app, scope, limit=1000):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app, limit)(scope, receive, send))
    return sent


async def page(scope, receive, send):
    assert b"accept-encoding" not in dict(scope["headers"])
    headers = [(b"content-length", str(len(PAGE)).encode()), (b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE[:100], "more_body": True})
    await send({"type": "http.response.body", "body": PAGE[100:]})


async def nobody(scope, receive, send):
    raise AssertionError


def test_what_the_page_would_ask_of_others_is_taken_out():
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", b"br")]}
    start, body = ask(page, scope)
    headers = dict(start["headers"])
    assert b"http" not in body["body"]
    assert b"./own.js" in body["body"]
    assert b"./own.css" in body["body"]
    assert int(headers[b"content-length"]) == len(body["body"])
    assert b"default-src 'self'" in headers[b"content-security-policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [([(b"content-length", b"99999999")], 413), ([], 411), ([(b"content-length", b"-1")], 411)],
)
def test_what_is_too_large_is_refused_unread(headers, status):
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers}
    start, _ = ask(nobody, scope)
    assert start["status"] == status


def test_the_rest_passes():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"x"})

    headers = [(b"content-length", b"10")]
    start, _ = ask(app, {"type": "http", "method": "POST", "path": "/a", "headers": headers})
    assert b"content-security-policy" in dict(start["headers"])
    ask(app, {"type": "lifespan"})
    assert seen == ["http", "lifespan"]
