import asyncio
import json
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import torch
from conftest import tone
from starlette.testclient import TestClient

from sercli import audio
from sercli.bundle import Bundle
from sercli.inference.predict import Predictor
from sercli.serve.app import build_app
from sercli.serve.options import Options
from sercli.serve.service import Service, Settings
from sercli.web.limits import Limits
from sercli.web.loaded import LoadedModel

WAV = {"content-type": "audio/wav"}
FORM = "multipart/form-data; boundary=x"


def expected_for(bundle, path, **options):
    (found,) = Predictor(bundle, **options).predict([path])
    return json.loads(json.dumps(found.to_dict() | {"file": "the recording"}))


def post(client, path, query="", **headers):
    return client.post(f"/v1/predict{query}", content=path.read_bytes(), headers=WAV | headers)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Recordings of one sound in several formats, by suffix."""
    folder = tmp_path_factory.mktemp("recordings")
    fast = np.stack([tone(1.5, 48_000), tone(1.5, 48_000, seed=1)], axis=1)
    soundfile.write(folder / "a.wav", fast, 48_000)
    for suffix in ("flac", "mp3", "ogg"):
        soundfile.write(folder / f"a.{suffix}", tone(1.5), 16_000)
    return folder


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_the_answer_is_that_of_predict(client, bundles, recordings, suffix, folder):
    path = recordings / f"a.{suffix}"
    opened = client()
    answer = post(opened, path)
    assert (answer.status_code, answer.json()) == (200, expected_for(bundles["classes"], path))
    form = opened.post("/v1/predict", files={"file": (path.name, path.read_bytes())})
    assert form.json() == answer.json()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_format_that_ffmpeg_decodes_is_answered_and_nothing_of_it_is_kept(
    client, bundles, recordings, tmp_path, folder, monkeypatch
):
    path = tmp_path / "a.m4a"
    command = ["ffmpeg", "-v", "error", "-i", recordings / "a.wav", path]
    subprocess.run(command, check=True)
    expected = expected_for(bundles["classes"], path)
    audio.forget(path)
    from sercli.audio import _ffmpeg

    before = len(_ffmpeg._cache._files)
    opened = client()
    assert post(opened, path).json() == expected
    assert (list(folder.iterdir()), len(_ffmpeg._cache._files)) == ([], before)
    short = client(limits=Limits(minutes=1 / 60))
    refused = post(short, path)
    assert (refused.status_code, refused.json()["error"]["kind"]) == (422, "too_long")
    assert len(_ffmpeg._cache._files) == before


def test_continuous_labels_are_answered_too(client, bundles, recordings):
    answer = post(client("traces"), recordings / "a.flac")
    assert answer.json() == expected_for(bundles["traces"], recordings / "a.flac")


def test_the_options_are_those_of_predict(client, bundles, recordings):
    path = recordings / "a.flac"
    answer = post(client(), path, "?timeline=true&window_s=0.6&hop_s=0.3")
    expected = expected_for(bundles["classes"], path, timeline=True, window_s=0.6, hop_s=0.3)
    assert answer.json() == expected
    assert len(expected["windows"]) == 4


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?windows=1", "the query has no 'windows'; did you mean window_s"),
        ("?window_s=abc", "window_s=abc: use a number"),
        ("?timeline=maybe", "timeline=maybe: use true or false"),
        ("?window_s=nan", "window_s=nan: use 0.1 to 3600 s"),
        ("?window_s=1&hop_s=2", "hop_s=2: longer than a window of 1 s"),
        ("?window_s=3600&hop_s=0.1", "overlap more than 20 times; use 180 or more"),
        ("?timeline=false&window_s=1", "a window or hop without a timeline"),
    ],
)
def test_wrong_options_are_refused(client, recordings, query, message):
    answer = post(client(), recordings / "a.flac", query)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "options")
    assert message in answer.json()["error"]["message"]


def test_silence_is_answered_and_marked_as_in_predict(client, tmp_path, write_wav):
    answer = post(client(), write_wav(tmp_path / "a.wav", np.zeros(16_000, np.float32)))
    assert answer.status_code == 200
    assert "only silence" in answer.json()["unlike"]


def wav(samples, rate=16_000, subtype="PCM_16"):
    from io import BytesIO

    target = BytesIO()
    soundfile.write(target, samples, rate, subtype=subtype, format="WAV")
    return target.getvalue()


HUGE = np.full(8000, 1e38, np.float32)
STUB = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.mark.parametrize(
    ("content", "status", "kind", "message"),
    [
        (b"", 400, "undecodable", "the recording: the file is empty (0 bytes)"),
        (b"<!doctype html><html>", 400, "undecodable", "web page"),
        (STUB, 400, "undecodable", "git-lfs"),
        (b"\0" * 5000, 400, "undecodable", "the recording: not readable as audio"),
        (wav(tone(1.0))[:20_000], 400, "undecodable", "cut short"),
        (wav(tone(1.0))[:30], 400, "undecodable", "cut short"),
        (wav(HUGE, subtype="FLOAT"), 422, "not_predictable", "beyond full scale"),
        (
            wav(np.full(8000, np.nan), subtype="FLOAT"),
            422,
            "not_predictable",
            "not numbers (NaN or infinity)",
        ),
        (wav(tone(0.01)), 422, "not_predictable", "too short to hold speech"),
        (wav(tone(4.0)), 422, "too_long", "longer than the limit of 0.05 minutes"),
        (b"x" * 300_000, 413, "too_large", "the limit is 0.2 MB"),
    ],
)
def test_what_can_t_be_answered_has_its_status(client, folder, content, status, kind, message):
    opened = client(limits=Limits(mb=0.2, minutes=0.05))
    for sent in ({"content": content, "headers": WAV}, {"files": {"file": ("a.wav", content)}}):
        answer = opened.post("/v1/predict", **sent)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind), answer.text
        assert message in answer.json()["error"]["message"]
        assert str(folder) not in answer.text
        assert "\n" not in answer.text.rstrip("\n")
    assert list(folder.iterdir()) == []
    assert (opened.service.stored, opened.service.queue.taken, opened.service.idle) == (0, 0, True)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_another_kind_of_body_is_refused(client, kind):
    answer = client().post("/v1/predict", content=b"{}", headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (415, "media_type")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"files": [("a", ("a.wav", b"1")), ("b", ("b.wav", b"2"))]}, "the form has 2 files ('a', 'b')"),
        ({"files": {"file": ("a.wav", b"1")}, "data": {"more": "text"}}, "has text in the field 'more'"),
        ({"files": {"file": (None, b"a.wav")}}, "the field 'file' of the form holds text, no file; send one"),
        ({"files": [(f"{i}", ("a.wav", b"1")) for i in range(20)]}, "is damaged, or has more than 8 fields"),
        ({"content": b"--x--\r\n", "headers": {"content-type": FORM}}, "the form is empty"),
        ({"content": b"--y\r\n", "headers": {"content-type": FORM}}, "the form is damaged"),
        ({"content": b"", "headers": {"content-type": "multipart/form-data"}}, "the form is damaged"),
    ],
)
def test_a_form_with_other_than_one_file_is_refused(client, folder, sent, message):
    answer = client().post("/v1/predict", **sent)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "form")
    assert message in answer.json()["error"]["message"]
    assert list(folder.iterdir()) == []


def test_a_network_without_finite_scores_is_an_error_never_an_answer(bundles, folder, recordings):
    bundle = Bundle.load(bundles["classes"])
    with torch.no_grad():
        for parameter in bundle.network.parameters():
            parameter.fill_(1e38)
    service = Service(LoadedModel("m", bundles["classes"], Predictor(bundle), "", {}), Settings(), folder)
    with TestClient(build_app(service), raise_server_exceptions=False) as client:
        answer = post(client, recordings / "a.flac")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "no_scores")
    assert "nan" not in answer.text.lower()


def test_thirty_at_once_are_answered_each_with_its_own(client, bundles, tmp_path, write_wav):
    paths = [write_wav(tmp_path / f"{i}.wav", tone(0.3 + 0.02 * i, pitch=100 + 10 * i)) for i in range(30)]
    expected = [each.to_dict() for each in Predictor(bundles["classes"]).predict(paths)]
    opened = client(places=30)
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda path: post(opened, path), paths))
    for answer, wanted in zip(answers, expected, strict=True):
        found = answer.json()
        assert (found["duration_s"], found["predicted"]) == (wanted["duration_s"], wanted["predicted"])
        # Neighbours share a batch, which changes the last digits.
        np.testing.assert_allclose(
            list(found["probabilities"].values()), list(wanted["probabilities"].values()), atol=1e-5
        )


def test_a_full_queue_refuses_and_says_when_to_come_again(client, recordings, monkeypatch):
    opened = client(places=2)
    release, begun = threading.Event(), threading.Event()
    predictor = opened.service.model.predictor
    usual = predictor.predict

    def slow(paths):
        begun.set()
        assert release.wait(20)
        return usual(paths)

    monkeypatch.setattr(predictor, "predict", slow)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(post, opened, recordings / "a.flac") for _ in range(2)]
        assert begun.wait(20)
        while opened.service.queue.taken < 2:
            time.sleep(0.01)
        refused = post(opened, recordings / "a.flac")
        assert opened.get("/health").json() == {"live": True, "ready": True}
        assert "sercli_queue_recordings 2" in opened.get("/metrics").text
        release.set()
        assert [each.result().status_code for each in waiting] == [200, 200]
    assert (refused.status_code, refused.json()["error"]["kind"]) == (429, "busy")
    assert "2 recordings wait, and the limit is 2; try again in" in refused.json()["error"]["message"]
    assert int(refused.headers["retry-after"]) >= 1
    assert post(opened, recordings / "a.flac").status_code == 200


def test_a_fault_of_our_own_ends_one_answer_and_not_the_service(client, recordings, monkeypatch, caplog):
    opened = client()

    def broken(paths):
        raise KeyError("bug")

    with monkeypatch.context() as patched:
        patched.setattr(opened.service.model.predictor, "predict", broken)
        answer = post(opened, recordings / "a.flac")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "internal")
    assert "bug" not in answer.text
    assert post(opened, recordings / "a.flac").status_code == 200


def test_a_full_disk_is_told(client, recordings, monkeypatch):
    def full(self, mode):
        raise OSError(28, "No space left on device")

    opened, content = client(), (recordings / "a.flac").read_bytes()
    monkeypatch.setattr("pathlib.Path.open", full)
    answer = opened.post("/v1/predict", content=content, headers=WAV)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (507, "storage")
    assert "No space left" in answer.json()["error"]["message"]


def test_a_model_that_compares_recordings_is_refused_at_the_start(service):
    from sercli.errors import ConfigError

    with pytest.raises(ConfigError, match="a request has one recording"):
        service("speakers")


def test_what_is_decoded_for_somebody_who_has_left_is_deleted(service, monkeypatch, folder):
    forgotten, begun, release = [], threading.Event(), threading.Event()
    made = service()

    def slow(self, path):
        begun.set()
        assert release.wait(20)
        forgotten.append("decoded")
        return 1.0

    monkeypatch.setattr(Limits, "check", slow)
    monkeypatch.setattr(audio, "forget", lambda path: forgotten.append(path.name))

    async def work():
        async with made.running():
            task = asyncio.ensure_future(made.predict(folder / "a.m4a", Options()))
            await asyncio.to_thread(begun.wait)
            task.cancel()
            await asyncio.wait({task})
            assert forgotten == []
            release.set()
            while len(forgotten) < 2:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(work(), 30))
    assert forgotten == ["decoded", "a.m4a"]
