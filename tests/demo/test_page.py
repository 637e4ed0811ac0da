"""The page itself, in a headless Chromium, served by ``sercli demo`` in a process of its own."""

import io
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from conftest import tone
from untrained import ALL, diccoser

from sercli.errors import ConfigError
from sercli.inference.predict import Predictor
from sercli.inference.writing import to_json
from sercli.voice import VoiceConfig, find_speech

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no chromium", allow_module_level=True)
sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
httpx = pytest.importorskip("httpx")
pytest.importorskip("gradio", reason="gradio is not installed")

# Every address that the server's own process looks up or connects to goes into a file.
_WATCHED = """
import sys
told = open(sys.argv.pop(1), "a", buffering=1)
def watch(event, arguments):
    if event == "socket.getaddrinfo":
        print(arguments[0], file=told)
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        print(arguments[1][0], file=told)
sys.addaudithook(watch)
from sercli.cli import main
main()
"""
_OWN = {"127.0.0.1", "localhost", "None", "::1"}


class Server:
    """``sercli demo`` in a process of its own."""

    def __init__(self, root, *arguments):
        self.told, self.errors, self.temporary = root / "told", root / "errors", root / "temporary"
        self.temporary.mkdir(parents=True)
        environment = os.environ | {"TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1"}
        environment.pop("GRADIO_TEMP_DIR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WATCHED, self.told, "demo", *map(str, arguments), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=self.errors.open("w"),
            env=environment,
            cwd=root,
            text=True,
        )
        self.line = self.process.stdout.readline()
        found = re.match(r"(http://127\.0\.0\.1:\d+/) ", self.line)
        assert found, self.errors.read_text()
        self.address = found[1]

    def files(self):
        """Uploads that lie on the disk."""
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def wait_for_no_files(self, seconds=5):
        until = time.monotonic() + seconds
        while self.files() and time.monotonic() < until:
            time.sleep(0.05)
        assert self.files() == []

    def stop(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of two bundles."""
    root = tmp_path_factory.mktemp("made")
    ALL["mdcnn"]().save(root / "mdcnn")
    diccoser("b").save(root / "traces")
    return root


@pytest.fixture(scope="module")
def server(made, tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    started = Server(root, made / "mdcnn", made / "traces", "--max-mb", "3", "--max-minutes", "1.2")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A Chromium that hears tones from its microphone, and its log of requests."""
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    samples = np.concatenate([tone(0.5, rate=48_000, pitch=120 + 60 * i, seed=i) for i in range(8)])
    soundfile.write(heard, samples, 48_000)
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    ]
    with sync.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def asked():
    """Hosts that any page asked for anything."""
    return set()


@pytest.fixture
def page(server, browser, asked):
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.errors = []
    opened.on("request", lambda request: asked.add(request.url))
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(server.address)
    opened.get_by_role("heading", level=1).wait_for()
    yield opened
    opened.close()
    assert opened.errors == []


def spoken_parts(recording):
    return find_speech(recording.stream(), VoiceConfig())


def upload(page, path):
    page.get_by_role("tab", name="Upload").click()
    page.locator("input[type=file]").first.set_input_files(path)
    return page.locator("#sercli-uploaded")


def record(page):
    """Press Record, once Gradio has fetched the script behind it, which it does when the button is there."""
    button = page.get_by_role("button", name="Record", exact=True).locator("visible=true")
    button.wait_for()
    page.wait_for_timeout(1000)
    button.click()


def card(answers, number):
    return answers.locator("section").nth(number)


def shares(shown):
    rows = [row.inner_text().split() for row in shown.locator(".sercli-bars tr").all()]
    return {row[0]: float(row[1]) for row in rows}


def check(shown, said):
    found = shares(shown)
    assert list(found) == list(said.classes)
    np.testing.assert_allclose(list(found.values()), 100 * np.array(said.probabilities), atol=0.0501)
    assert shown.locator(".sercli-said strong").inner_text() == said.predicted


@pytest.mark.slow
def test_an_uploaded_recording_is_answered_as_predict_answers_it(page, server, made, write_wav, tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(4.0, rate=44_100), rate=44_100)
    answers = upload(page, path)
    answers.locator("figure img").nth(2).wait_for()
    classes, traces = (next(Predictor(made / name).predict([path])) for name in ("mdcnn", "traces"))
    check(card(answers, 0), classes)
    means = [float(text) for text in card(answers, 1).locator(".sercli-said strong").all_inner_texts()]
    np.testing.assert_allclose(means, traces.trace.mean(axis=0), atol=0.00501)
    titles = [text.split(".")[0] for text in answers.locator("figcaption").all_inner_texts()]
    assert titles == ["Attention", "Over time", "Spectrogram"]
    for picture in answers.locator("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
        assert picture.get_attribute("alt")
    assert answers.get_attribute("aria-live") == "polite"
    server.wait_for_no_files()


@pytest.mark.slow
def test_a_real_recording_too(page, server, made, recordings_folder):
    path = sorted((recordings_folder / "emodb").rglob("*.wav"))[0]
    answers = upload(page, path)
    answers.locator("figure img").nth(2).wait_for()
    check(card(answers, 0), next(Predictor(made / "mdcnn").predict([path])))
    server.wait_for_no_files()


@pytest.mark.slow
def test_a_long_recording_has_its_timeline(page, write_wav, tmp_path):
    path = write_wav(tmp_path / "long.wav", np.concatenate([tone(1.0, seed=i) for i in range(62)]))
    answers = upload(page, path)
    captions = answers.locator("figcaption")
    captions.nth(3).wait_for(timeout=60_000)
    told = captions.all_inner_texts()
    assert re.match(r"Over time\. 0\.0 to [\d.]+ s ", told[0])
    assert "the window with the highest probability of" in told[1]
    assert "The first 60 s" in told[3]
    parts = answers.locator(".sercli-spans").nth(1).locator("button")
    assert parts.count() == 6
    _watch_player(page)
    parts.nth(1).click()
    page.wait_for_function("window.player?.currentTime > 10.2")
    assert page.evaluate("player.currentTime") < 20
    assert page.evaluate("player.duration") == pytest.approx(62, abs=0.1)
    assert parts.nth(1).get_attribute("aria-pressed") == "true"
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function("player.currentTime > 40.2")
    assert parts.nth(4).get_attribute("aria-pressed") == "true"
    page.evaluate("player.currentTime = 49.5")
    page.wait_for_function("player.paused")  # at the end of the part
    assert page.evaluate("player.currentTime") == pytest.approx(50, abs=0.3)
    assert answers.locator("[aria-pressed=true]").count() == 0
    assert page.locator(".sercli-unplayed").all_inner_texts() == ["", ""]


def _check_that_a_long_list_ends_between_rows(button):
    """Copy a button until its list scrolls: each row must be wholly within the list or below it."""
    rows = button.evaluate(
        "button => {const list = button.parentElement, copy = list.cloneNode(true);"
        "for (let i = 0; i < 60; i++) copy.append(button.cloneNode(true)); list.after(copy);"
        "const end = copy.getBoundingClientRect().bottom;"
        "const rows = [...copy.children].map(each => each.getBoundingClientRect());"
        "copy.remove(); return rows.map(each => [each.top - end, each.bottom - end]);}"
    )
    assert rows[-1][0] > 0
    assert all(bottom <= 0 or top >= 0 for top, bottom in rows)


def _watch_player(page):
    """Keep the player of the page's script as ``window.player``."""
    page.evaluate(
        "() => {const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function() {window.player = this; return play.call(this);}}"
    )


@pytest.mark.slow
def test_an_answer_is_saved_as_files(page, made, write_wav, tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    links = upload(page, path).locator("a[download]")
    links.nth(3).wait_for()
    saved = {}
    for link in links.all():
        with page.expect_download() as download:
            link.click()
        saved[download.value.suggested_filename] = Path(download.value.path()).read_text()
    names = [f"a-{model}-emodb.{kind}" for model in ("mdcnn", "diccoser") for kind in ("csv", "json")]
    assert list(saved) == names
    (said,) = Predictor(made / "mdcnn").predict([path])
    assert saved["a-mdcnn-emodb.json"] == to_json(replace(said, file="a.wav")) + "\n"


@pytest.mark.slow
def test_only_spoken_parts_are_answered_if_the_box_is_ticked(page, server, made, write_wav, tmp_path):
    quiet = np.zeros(16_000, np.float32)
    path = write_wav(tmp_path / "a.wav", np.concatenate([quiet, tone(2.0), quiet, tone(1.5, seed=3), quiet]))
    page.get_by_role("tab", name="Upload").click()
    box = page.get_by_role("checkbox", name="Answer only the spoken parts").locator("visible=true")
    box.wait_for()
    box.focus()
    page.keyboard.press("Space")
    assert box.is_checked()
    answers = upload(page, path)
    answers.locator("figure img").nth(1).wait_for()
    (said,) = Predictor(made / "mdcnn").predict([path], turns=spoken_parts)
    check(card(answers, 0), said)
    parts = answers.locator(".sercli-spans button")
    assert parts.count() == len(said.windows) == 2
    _check_that_a_long_list_ends_between_rows(parts.first)
    _watch_player(page)
    parts.nth(1).click()
    page.wait_for_function("window.player?.currentTime > 4.2")
    page.get_by_text("This model follows the complete recording").wait_for()
    server.wait_for_no_files()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(
    ("kind", "codec"), [("m4a", "aac"), ("webm", "libopus"), ("3gp", "aac"), ("ogg", "libopus")]
)
def test_what_phones_record_is_answered(page, server, write_wav, tmp_path, kind, codec):
    path, sent = write_wav(tmp_path / "a.wav", tone(2.0)), tmp_path / f"sent.{kind}"
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-c:a", codec, "-strict", "-2", str(sent)]
    subprocess.run(command, check=True)
    answers = upload(page, sent)
    answers.locator("figure img").nth(2).wait_for()
    (seconds,) = re.findall(r"([\d.]+) s of audio", card(answers, 0).inner_text())
    assert float(seconds) == pytest.approx(2.0, abs=0.15)  # encoders add some silence
    server.wait_for_no_files()


def controls(page):
    """The controls that can get the focus, by their number in the document, with role and name."""
    session = page.context.new_cdp_session(page)
    found = {}
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        role = node["role"]["value"]
        facts = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
        if not node["ignored"] and facts.get("focusable") and role not in {"RootWebArea", "option"}:
            found[node["backendDOMNodeId"]] = (role, node.get("name", {}).get("value", ""))
    return found


def reached(page):
    """The controls that the tab key reaches, from the beginning of the page, by their number."""
    session, numbers = page.context.new_cdp_session(page), []
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.tabIndex = undefined")
    page.evaluate("document.body.removeAttribute('tabindex')")
    for _ in range(60):
        page.keyboard.press("Tab")
        found = session.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]
        if found["className"] == "HTMLBodyElement":
            break
        node = session.send("DOM.describeNode", {"objectId": found["objectId"]})["node"]
        numbers.append(node["backendNodeId"])
    return numbers


@pytest.mark.slow
def test_all_controls_have_names_and_are_reached_by_the_keyboard(page, write_wav, tmp_path):
    path = write_wav(tmp_path / "a.wav", np.concatenate([tone(1.0, seed=i) for i in range(62)]))
    for tab in ("Record", "Live", "Upload", "answered"):
        if tab == "answered":
            upload(page, path).locator("figure img").nth(3).wait_for(timeout=60_000)
        else:
            page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(1500)  # Gradio fetches the script of the control
        found, order = controls(page), reached(page)
        assert all(name.strip() for _, name in found.values()), found
        boxes = [role for role, _ in found.values() if role == "checkbox"]
        assert len(boxes) == (tab != "Live")
        # Arrow keys reach all but the first part of a recording.
        parts = [each for each, (_, name) in found.items() if re.search(r"[\d.]+ to [\d.]+ s", name)]
        missed = [found[each] for each in found if each not in {*order, *parts}]
        assert missed == []
        assert len(set(order) & set(parts)) == (2 if tab == "answered" else 0)
        assert len(order) == len(set(order))
    names = [name for _, name in found.values()]
    for name in ("Play", "Clear", "Download the answer of mdcnn, emodb as CSV"):
        assert name in names
    assert page.evaluate("document.documentElement.lang") == "en"
    images = page.locator("#sercli-uploaded img").all()
    assert all(each.get_attribute("alt") for each in images)
    folded = page.get_by_role("button", name="The models: corpus, licence, test results")
    assert folded.get_attribute("aria-expanded") == "false"
    folded.press("Enter")
    page.get_by_text("Trained on").first.wait_for()
    assert folded.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("tabpanel", name="Upload").count() == 1


@pytest.mark.slow
def test_what_is_recorded_is_answered(page, server):
    record(page)
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop", exact=True).locator("visible=true").click()
    answers = page.locator("#sercli-recorded")
    answers.locator("figure img").nth(2).wait_for()
    assert sum(shares(card(answers, 0)).values()) == pytest.approx(100, abs=0.3)
    (seconds,) = re.findall(r"([\d.]+) s of audio", card(answers, 0).inner_text())
    assert 0.8 < float(seconds) < 4
    server.wait_for_no_files()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"no audio at all" * 99, "The file can't be read as audio"),
        ("long", "Longer than the limit of 1.2 minutes"),
        ("large", "exceeds? the maximum allowed size"),
    ],
)
def test_what_can_t_be_answered_is_told_plainly(page, server, tmp_path, content, message):
    path = tmp_path / "sent.wav"
    if content == "long":
        soundfile.write(path, np.zeros(8000 * 90, np.float32), 8000)
    else:
        path.write_bytes(b"RIFF" + bytes(4_000_000) if content == "large" else content)
    upload(page, path)
    page.get_by_text(re.compile(message)).first.wait_for()
    assert "Traceback" not in page.inner_text("body")
    assert str(server.temporary) not in page.inner_text("body")
    server.wait_for_no_files()
    assert "Traceback" not in server.errors.read_text()


@pytest.mark.slow
def test_what_must_be_told_stands_on_the_page(page):
    page.get_by_text("AI Act").first.wait_for()
    assert "not know what a person feels" in page.inner_text("body")
    page.get_by_text("The models: corpus, licence, test results").click()
    page.get_by_text("sercli export").first.wait_for()


@pytest.mark.slow
def test_a_phone_shows_all_of_it(page, write_wav, tmp_path):
    width = 320
    page.set_viewport_size({"width": width, "height": 700})
    upload(page, write_wav(tmp_path / "a.wav", tone(1.0))).locator("figure img").nth(2).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_requests_made_by_hand_reach_nothing_else(server, write_wav, tmp_path):
    precious = write_wav(tmp_path / "precious.wav")
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/a.wav"
        for function in functions(server.address, "audio", "checkbox"):
            for path in (str(precious), address):
                for more in ({}, {"is_stream": True}):
                    file = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}} | more
                    told = _join(server.address, function, file)
                    assert "send it again" in told or '"error": null' in told
                    assert str(tmp_path) not in told
        with pytest.raises(TimeoutError):
            trap.accept()
    assert precious.exists()
    assert httpx.get(f"{server.address}gradio_api/file={precious}").status_code == 404


def functions(address, *inputs):
    """Numbers of the page's functions that have inputs of some types."""
    config = httpx.get(f"{address}config", timeout=30).json()
    types = {each["id"]: each["type"] for each in config["components"]}
    return [
        each["id"]
        for each in config["dependencies"]
        if tuple(types[number] for number in each["inputs"]) == inputs
    ]


def _join(address, function, file, visitor="byhand"):
    query = {"data": [file, False], "fn_index": function, "session_hash": visitor}
    assert httpx.post(f"{address}gradio_api/queue/join", json=query, timeout=60).status_code == 200
    events = f"{address}gradio_api/queue/data?session_hash={visitor}"
    with httpx.stream("GET", events, timeout=120) as lines:
        for line in lines.iter_lines():
            if "process_completed" in line:
                return json.dumps(json.loads(line.removeprefix("data: "))["output"])
    return ""


def test_requests_made_by_hand_print_no_traceback(server):
    at = f"{server.address}gradio_api/"
    for data in ([], [0], [{}], [[]], ["a.wav"], [{"path": "\0", "meta": {"_type": "gradio.FileData"}}], {}):
        query = {"data": data, "fn_index": 0, "session_hash": "byhand"}
        assert httpx.post(f"{at}queue/join", json=query).status_code == 400
    form = {"content-type": "multipart/form-data; boundary=a"}
    assert httpx.post(f"{at}upload", content=b"--b", headers=form).status_code == 400
    assert server.errors.read_text() == ""


def test_each_of_several_who_sent_the_same_is_answered(server):
    file = io.BytesIO()
    soundfile.write(file, tone(1.0), 16_000, format="WAV")

    def send(number):
        files = {"files": ("a.wav", file.getvalue())}
        return httpx.post(f"{server.address}gradio_api/upload", files=files, timeout=30).json()

    with ThreadPoolExecutor(3) as together:
        sent = list(together.map(send, range(3)))
    assert len({path for (path,) in sent}) == 3
    first, *_ = functions(server.address, "audio", "checkbox")

    def ask(number):
        file = {"path": sent[number][0], "meta": {"_type": "gradio.FileData"}}
        return _join(server.address, first, file, visitor=f"visitor{number}")

    with ThreadPoolExecutor(3) as together:
        for told in together.map(ask, range(3)):
            assert "anger" in told
            assert "send it again" not in told
    server.wait_for_no_files()


@pytest.mark.slow
def test_uploads_that_stop_half_way_block_nobody(server):
    host, port = urlsplit(server.address).netloc.split(":")
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 3000000\r\n"
        "Content-Type: multipart/form-data; boundary=a\r\n\r\n--a\r\nContent-Disposition: form-data; "
        'name="files"; filename="a.wav"\r\n\r\n'
    ).encode()
    connections = [socket.create_connection((host, int(port))) for _ in range(20)]
    for each in connections:
        each.sendall(head + bytes(100_000))
    file = io.BytesIO()
    soundfile.write(file, tone(1.0), 16_000, format="WAV")
    files = {"files": ("a.wav", file.getvalue())}
    (path,) = httpx.post(f"{server.address}gradio_api/upload", files=files, timeout=30).json()
    assert select.select(connections, [], [], 0)[0] == []  # they are all open meanwhile
    first, *_ = functions(server.address, "audio", "checkbox")
    assert "anger" in _join(server.address, first, {"path": path, "meta": {"_type": "gradio.FileData"}})
    answers = []
    for each in connections:
        each.settimeout(20)
        answers.append(each.recv(12)[9:])
        each.close()
    assert answers == [b"408"] * 20
    server.wait_for_no_files(60)  # nobody waits for what has arrived of them: it is swept


@pytest.mark.slow
def test_fifty_visitors_at_once_and_memory_stays_flat(made, tmp_path):
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    server = Server(tmp_path, made / "mdcnn")
    first, *_ = functions(server.address, "audio", "checkbox")

    def visit(number):
        file = io.BytesIO()
        soundfile.write(file, tone(1.0, pitch=100 + 10 * number), 16_000, format="WAV")
        files = {"files": ("a.wav", file.getvalue())}
        (path,) = httpx.post(f"{server.address}gradio_api/upload", files=files, timeout=120).json()
        recording = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return _join(server.address, first, recording, visitor=f"v{uuid4().hex}")

    sizes = []
    with ThreadPoolExecutor(50) as together:
        for _ in range(4):
            told = list(together.map(visit, range(50)))
            assert sum("Download the answer" in each for each in told) == 50
            sizes.append(psutil.Process(server.process.pid).memory_info().rss / 1e6)
    server.wait_for_no_files()
    assert server.stop() == 130
    assert server.errors.read_text() == ""
    # The allocator keeps some of what many threads used at once, in any round; a leak grows in each.
    assert sizes[3] - sizes[1] < 2 * 60, sizes  # MB
    assert min(later - earlier for earlier, later in pairwise(sizes[1:])) < 30, sizes  # MB


def test_uploads_beyond_the_limit_are_refused_unread(server):
    at = f"{server.address}gradio_api/upload"
    assert httpx.post(at, content=bytes(5_000_000)).status_code == 413
    assert httpx.post(at, content=(each for each in [b"x"])).status_code == 411
    assert httpx.post(at, files={"files": ("a.wav", bytes(3_500_000))}).status_code == 413
    server.wait_for_no_files()


def test_what_the_page_does_not_ask_for_is_closed(server):
    at = f"{server.address}gradio_api/"
    file = {"files": ("a.wav", b"RIFF")}
    assert httpx.post(f"{at}process_recording", files=file).status_code == 404
    assert httpx.post(f"{at}upload", files=file, headers={"Origin": "http://evil.example"}).status_code == 403
    assert httpx.get(server.address, headers={"Host": "evil.example"}).status_code == 421
    found = httpx.get(f"{server.address}config", headers={"Origin": "http://evil.example"})
    assert not any(name.startswith("access-control") for name in found.headers)
    assert server.files() == []


def test_a_chunk_that_claims_to_be_hours_long_costs_nothing(server):
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 0, b"WAVEfmt ", 16, 1, 1, 1, 2, 2, 16, b"data", 0)
    sent = httpx.post(
        f"{server.address}gradio_api/upload", files={"files": ("a.wav", header + bytes(40_000))}
    )
    (live,) = functions(server.address, "audio", "state")
    file = {"path": sent.json()[0], "is_stream": True, "meta": {"_type": "gradio.FileData"}}
    begun = time.monotonic()
    query = {"data": [file, None], "fn_index": live, "session_hash": "chunk"}
    assert httpx.post(f"{server.address}gradio_api/queue/join", json=query).status_code == 200
    server.wait_for_no_files()
    assert time.monotonic() - begun < 5


@pytest.mark.slow
def test_nobody_else_is_page_request_for_anything(page, server, asked):
    page.get_by_role("tab", name="Live").click()
    page.wait_for_timeout(300)
    hosts = {urlsplit(url).hostname for url in asked if urlsplit(url).scheme not in {"blob", "data"}}
    assert hosts == {"127.0.0.1"}
    assert set(server.told.read_text().split()) <= _OWN


@pytest.mark.slow
def test_live_the_answer_follows(page, server):
    page.get_by_role("tab", name="Live").click()
    record(page)
    live = page.locator("#sercli-live")
    card(live, 1).locator("polyline").nth(1).wait_for()
    count = "document.querySelector('#sercli-live polyline').points.numberOfItems"
    before = page.evaluate(count)
    page.wait_for_function(f"{count} > {before} + 10")
    card(live, 0).locator(".sercli-bars").wait_for()
    assert sum(shares(card(live, 0)).values()) == pytest.approx(100, abs=0.3)
    assert "arousal" in card(live, 1).inner_text()
    assert "averaged over about a second" in card(live, 0).inner_text()
    page.get_by_role("button", name="Stop", exact=True).locator("visible=true").click()
    server.wait_for_no_files(20)  # chunks that came after the end are swept


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_cleanly_with_its_folder(made, tmp_path, number, status):
    server = Server(tmp_path, made / "mdcnn")
    assert server.line.endswith(" serves mdcnn, emodb; press Ctrl-C to stop\n")
    (folder,) = server.temporary.glob("sercli-demo-*")
    path = Path(shutil.copy(__file__, folder / "left.wav"))
    with httpx.stream("GET", f"{server.address}gradio_api/heartbeat/open"):  # a page that stays open
        assert server.stop(number) == status
    assert not path.exists()
    assert list(server.temporary.iterdir()) == []
    assert server.process.stdout.read() == ""
    assert server.errors.read_text() == ""


@pytest.mark.slow  # importing Gradio takes seconds
def test_a_gradio_that_lacks_what_is_replaced_is_refused(monkeypatch):
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    from sercli.demo import page as ours

    with pytest.raises(ConfigError, match=r"pip install 'gradio>=6\.31,<7'"):
        ours._set_existing(object(), "has_launched", True)
