import errno
import hashlib
import io
import json
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sercli.corpora import Download
from sercli.errors import CorpusError
from sercli.preparation.download import fetch


def zipped(members, compression=zipfile.ZIP_STORED):
    """Zip members, given as name (or ZipInfo) and bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content, compression)
    return stream.getvalue()


# Longer than the buffers on the way, so that a transfer can break off in the middle.
NOISE = os.urandom(300_000)
CONTENT = zipped([("wav/03a01Fa.wav", NOISE), ("readme.txt", b"hello")])


class Server(ThreadingHTTPServer):
    """Serves ``content`` under any path; keeps the Range and If-Range of each request."""

    content = CONTENT
    etag = '"one"'
    ranges = True  # whether it knows the header Range
    cut = None  # bytes after which it hangs up
    status = 200
    chunked = False
    location = None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []

    def url(self, path="files/small.zip?download=1"):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        server.requests.append((wanted, condition))
        body, status = server.content, server.status
        headers = {"ETag": server.etag} if server.etag else {}
        if server.location:
            headers["Location"] = server.location
        elif wanted and server.ranges and condition in {None, server.etag}:
            start, total = int(wanted.removeprefix("bytes=").removesuffix("-")), len(body)
            status = 206 if start < total else 416
            headers["Content-Range"] = (
                f"bytes {start}-{total - 1}/{total}" if start < total else f"bytes */{total}"
            )
            body = body[start:] if start < total else b""
        headers |= {} if server.chunked else {"Content-Length": str(len(body))}
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[: server.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def md5(content=CONTENT):
    return hashlib.md5(content).hexdigest()


def broken_off(server, folder, after=100_000, **known):
    """Begin a download that breaks off, and mend the server."""
    server.cut = after
    with pytest.raises(CorpusError, match=rf"after {after} of {len(CONTENT)} bytes; run again to resume it"):
        fetch(Download(server.url(), **known), folder)
    server.cut = None


def test_an_archive_is_fetched_and_unpacked_once(server, tmp_path):
    calls = []
    download = Download(server.url(), size=len(CONTENT), md5=md5())
    folder = fetch(download, tmp_path / "new", lambda *at: calls.append(at))
    assert folder == tmp_path / "new" / "small"
    assert (folder / "wav" / "03a01Fa.wav").read_bytes() == NOISE
    assert (folder / "readme.txt").read_text() == "hello"
    assert calls[0] == (0, len(CONTENT))
    assert calls[-1] == (len(CONTENT), len(CONTENT))
    assert names(folder.parent) == ["small", "small.json"]
    assert json.loads((tmp_path / "new" / "small.json").read_text()) == {
        "url": download.url,
        "size": len(CONTENT),
        "md5": md5(),
    }
    assert fetch(download, tmp_path / "new") == folder
    assert server.requests == [(None, None)]


def test_where_no_md5_is_published_the_sha256_is_recorded(server, tmp_path):
    fetch(Download(server.url()), tmp_path)
    record = json.loads((tmp_path / "small.json").read_text())
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("record", [None, "{", '{"url": "http://elsewhere/small.zip"}'])
def test_a_folder_without_its_record_is_fetched_anew(server, tmp_path, record):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "stale").touch()
    if record:
        (tmp_path / "small.json").write_text(record)
    assert names(fetch(Download(server.url()), tmp_path)) == ["readme.txt", "wav"]


def test_a_transfer_that_broke_off_goes_on(server, tmp_path):
    broken_off(server, tmp_path)
    assert (tmp_path / "small.zip.part").stat().st_size == 100_000
    assert not (tmp_path / "small").exists()
    calls = []
    folder = fetch(Download(server.url()), tmp_path, lambda *at: calls.append(at))
    assert server.requests[1:] == [("bytes=100000-", '"one"')]
    assert calls[0] == (100_000, len(CONTENT))
    assert (folder / "wav" / "03a01Fa.wav").read_bytes() == NOISE
    assert names(tmp_path) == ["small", "small.json"]


def test_a_server_that_ignores_ranges_starts_over(server, tmp_path):
    broken_off(server, tmp_path)
    server.ranges = False
    assert (fetch(Download(server.url()), tmp_path) / "wav" / "03a01Fa.wav").read_bytes() == NOISE


def test_an_archive_that_changed_meanwhile_starts_over(server, tmp_path):
    broken_off(server, tmp_path)
    server.content, server.etag = zipped([("b.txt", b"other" * 50_000)]), '"two"'
    assert names(fetch(Download(server.url()), tmp_path)) == ["b.txt"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_version_it_goes_on_only_where_the_md5_would_tell(server, tmp_path, etag):
    server.etag = etag
    broken_off(server, tmp_path)
    fetch(Download(server.url()), tmp_path)
    assert server.requests[1] == (None, None)
    broken_off(server, tmp_path / "checked", md5=md5())
    fetch(Download(server.url(), md5=md5()), tmp_path / "checked")
    assert server.requests[3] == ("bytes=100000-", None)


def test_a_run_killed_before_unpacking_does_not_transfer_again(server, tmp_path):
    (tmp_path / "small.zip.part").write_bytes(CONTENT)
    state = {"url": server.url(), "validator": '"one"', "size": 0}  # of a server that told no size
    (tmp_path / "small.zip.part.json").write_text(json.dumps(state))
    (tmp_path / ".small.abcdefgh.tmp").mkdir()
    fetch(Download(server.url()), tmp_path)
    assert server.requests == [(f"bytes={len(CONTENT)}-", '"one"')]  # answered 416: nothing more
    assert names(tmp_path) == ["small", "small.json"]


def test_a_part_longer_than_the_archive_is_of_another(server, tmp_path):
    (tmp_path / "small.zip.part").write_bytes(CONTENT + b"more")
    state = {"url": server.url(), "validator": '"one"', "size": 0}
    (tmp_path / "small.zip.part.json").write_text(json.dumps(state))
    fetch(Download(server.url()), tmp_path)
    assert [wanted for wanted, _ in server.requests] == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_server_that_tells_no_size_will_do(server, tmp_path):
    server.chunked = True
    calls = []
    fetch(Download(server.url()), tmp_path, lambda *at: calls.append(at))
    assert calls[-1] == (len(CONTENT), 0)


def test_a_wrong_md5_removes_what_was_fetched(server, tmp_path):
    with pytest.raises(CorpusError, match=f"small.zip.*: its md5 is {md5()}, not {'0' * 32}; .*by hand"):
        fetch(Download(server.url(), md5="0" * 32), tmp_path)
    assert names(tmp_path) == []


def test_another_size_than_published_is_not_even_transferred(server, tmp_path):
    with pytest.raises(CorpusError, match=rf"{len(CONTENT)} bytes, not 12; this is not the archive"):
        fetch(Download(server.url(), size=12), tmp_path)
    assert names(tmp_path) == []


def test_a_refusal_names_the_address_and_the_remedy(server, tmp_path):
    server.status = 404
    with pytest.raises(CorpusError, match=r"http://127.*small.zip.*: the server answers 404 .*by hand"):
        fetch(Download(server.url()), tmp_path)


def test_a_server_that_is_not_there_is_a_users_error(server, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(CorpusError, match=r"http://127.0.0.1:1/a.zip: .*refused.*; check the connection"):
        fetch(Download("http://127.0.0.1:1/a.zip"), tmp_path)


def test_a_server_that_falls_silent_is_a_users_error(server, tmp_path, monkeypatch):
    monkeypatch.setattr("sercli.preparation.download._TIMEOUT_S", 0.1)
    monkeypatch.setattr(Handler, "do_GET", lambda self: threading.Event().wait(0.5))
    with pytest.raises(CorpusError, match="timed out"):
        fetch(Download(server.url()), tmp_path)


@pytest.mark.parametrize("url", ["ftp://a/b.zip", "file:///b.zip", "http://a/b.tar.gz", "https://a/.."])
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(CorpusError, match="only "):
        fetch(Download(url), tmp_path)


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/small.zip", "file:///etc/passwd"])
def test_a_redirection_may_not_leave_http(server, tmp_path, location):
    server.status, server.location = 302, location
    with pytest.raises(CorpusError, match=r"unknown url type: ftp|answers 302 .*not allowed"):
        fetch(Download(server.url()), tmp_path)
    assert names(tmp_path) == []


def link():
    info = zipfile.ZipInfo("wav")
    info.external_attr = 0o120777 << 16
    return info


def encrypted():
    content = bytearray(zipped([("a.txt", b"hello")]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (zipped([("a.txt", b""), ("../b.txt", b"")]), "'../b.txt' would be written outside"),
        (zipped([("/tmp/b.txt", b"")]), "outside"),
        (zipped([("a\\..\\..\\b.txt", b"")]), "outside"),
        (zipped([("C:/b.txt", b"")]), "outside"),
        (zipped([("__MACOSX/../../b.txt", b"")]), "outside"),
        (zipped([(link(), b"/etc")]), "'wav' is a link"),
        (encrypted(), "is encrypted"),
        (zipped([("a.txt", bytes(1_000_000))], zipfile.ZIP_DEFLATED), "would unpack to 1000000 bytes"),
        (CONTENT[:200_000], "not a complete zip archive"),
        (CONTENT.replace(NOISE[:50], bytes(50)), "not a complete zip archive .*CRC"),
        (b"<html>not found</html>", "not a complete zip archive"),
        (b"", "not a complete zip archive"),
    ],
)
def test_an_archive_that_can_not_be_trusted_leaves_nothing(server, tmp_path, content, fact):
    server.content = content
    with pytest.raises(CorpusError, match=f"small.zip.*{fact}"):
        fetch(Download(server.url()), tmp_path / "here")
    assert names(tmp_path) == ["here"]
    assert names(tmp_path / "here") == []


def test_what_a_mac_leaves_in_archives_is_not_unpacked(server, tmp_path):
    litter = ["__MACOSX/wav/._a.wav", "wav/._a.wav", ".DS_Store", "wav/.DS_Store"]
    server.content = zipped([(name, b"") for name in [*litter, "wav/a.wav"]])
    folder = fetch(Download(server.url()), tmp_path)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == ["wav", "wav/a.wav"]


def test_a_full_disk_while_unpacking_names_the_place_and_keeps_the_archive(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", full)
        with pytest.raises(OSError, match="No space left") as caught:
            fetch(Download(server.url()), tmp_path)
    assert caught.value.filename == str(tmp_path / "small")
    assert names(tmp_path) == ["small.zip.part", "small.zip.part.json"]
    fetch(Download(server.url()), tmp_path)
    assert len(server.requests) == 1
