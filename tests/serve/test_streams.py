import json

import numpy as np
import pytest
from conftest import tone
from starlette.websockets import WebSocketDisconnect

from sercli.inference.live import stream_of
from sercli.inference.steadiness import Steadiness
from sercli.web.limits import Limits


def pcm(samples):
    return (np.clip(samples, -1, 1) * 32_767).astype("<i2")


def refusal(socket):
    """Return the close code, and the kind of the error that was sent before."""
    error = json.loads(socket.receive_text())["error"]
    with pytest.raises(WebSocketDisconnect) as caught:
        socket.receive_text()
    return caught.value.code, error["kind"], error["message"]


@pytest.mark.parametrize("size", [77, 3200, 1 << 20])
def test_frames_are_those_of_the_stream(client, bundles, size):
    samples = pcm(tone(1.33))
    stream = stream_of(bundles["traces"])
    frames = [*stream.feed(samples * np.float32(1 / 32_768)), *stream.finish()]
    data = samples.tobytes()
    with client("traces").websocket_connect("/v1/stream") as socket:
        for start in range(0, len(data), size):  # odd sizes cut samples in two
            socket.send_bytes(data[start : start + size])
        socket.send_text("end")
        answers = [json.loads(socket.receive_text()) for _ in frames]
        assert socket.receive() == {"type": "websocket.close", "code": 1000, "reason": ""}
    for answer, frame in zip(answers, frames, strict=True):
        assert (answer["start_s"], answer["end_s"]) == (frame.start, frame.end)
        assert answer["window_end"] == frame.last
        np.testing.assert_allclose([answer[name] for name in stream.names], frame.values, atol=1e-5)


def test_a_model_that_looks_at_windows_answers_step_by_step(client):
    samples = np.concatenate([tone(1.5), np.zeros(32_000)])
    with client("classes").websocket_connect("/v1/stream") as socket:
        socket.send_bytes(pcm(samples).tobytes())
        socket.send_text("end")
        answers = [json.loads(socket.receive_text()) for _ in range(6)]
    assert [each["end_s"] for each in answers] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert [each["silent"] for each in answers] == [False, False, False, True, True, True]
    first = answers[0]
    assert first["shown"] == max(("anger", "happiness", "neutral", "sadness"), key=first.get)
    assert (answers[-1]["shown"], answers[-1]["anger"]) == (None, None)


def test_the_options_are_those_of_a_live_prediction(client, bundles):
    options = {"margin": 1.0, "hold_s": 60.0, "smooth_s": 0.0, "silence_db": -20.0}
    samples = pcm(np.concatenate([tone(1.5), 0.05 * tone(1.5, pitch=320.0)]))
    stream = stream_of(bundles["classes"], steadiness=Steadiness(**options))
    steps = [*stream.feed(samples * np.float32(1 / 32_768)), *stream.finish()]
    query = "&".join(f"{name}={value:g}" for name, value in options.items())
    with client().websocket_connect(f"/v1/stream?{query}") as socket:
        socket.send_bytes(samples.tobytes())
        socket.send_text("end")
        answers = [json.loads(socket.receive_text()) for _ in steps]
    assert [each["shown"] for each in answers] == [step.shown for step in steps]
    # Without the options, -60 dB would be silence, and the mean would lag behind.
    assert [each["silent"] for each in answers] == [False, False, True, True, True]
    assert all(each["smoothed"]["anger"] == each["anger"] for each in answers[:2])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("hold=1", "the query has no 'hold'; did you mean hold_s"),
        ("margin=high", "margin=high: use a number"),
        ("margin=1.5", "margin=1.5: use a difference of probabilities from 0 to 1"),
        ("hold_s=-1", "hold_s=-1: use 0 to 60 s"),
        ("smooth_s=nan", "smooth_s=nan: use 0 to 60 s"),
        ("silence_db=3", "silence_db=3: use -200 to 0 dB"),
    ],
)
def test_wrong_options_are_refused(client, query, message):
    opened = client("classes", streams=1)
    with opened.websocket_connect(f"/v1/stream?{query}") as socket:
        code, kind, found = refusal(socket)
    assert (code, kind) == (4422, "options")
    assert message in found
    assert opened.service.idle


def test_other_messages_are_refused(client):
    with client("traces").websocket_connect("/v1/stream") as socket:
        socket.send_text("hello")
        assert refusal(socket)[:2] == (4400, "not_samples")


def test_an_encoded_file_is_refused(client):
    with client("traces").websocket_connect("/v1/stream") as socket:
        socket.send_bytes(b"\x1a")
        socket.send_bytes(b"E\xdf\xa3" + bytes(99))
        code, kind, message = refusal(socket)
    assert (code, kind) == (4400, "not_samples")
    assert message.startswith("the stream is an encoded file, such as WebM; send samples")


def test_too_long_messages_are_refused(client):
    with client("traces").websocket_connect("/v1/stream") as socket:
        socket.send_bytes(b"\0" * ((1 << 20) + 2))
        assert refusal(socket)[:2] == (4413, "too_large")


def test_a_stream_that_pauses_is_closed_and_gives_its_place_back(client, monkeypatch):
    monkeypatch.setattr("sercli.web.requests.SILENT_S", 0.1)
    opened = client("traces", streams=1)
    with opened.websocket_connect("/v1/stream") as socket:
        assert refusal(socket)[:2] == (4408, "late")
    assert opened.service.idle


def test_a_stream_is_as_long_as_a_recording_may_be(client):
    with client("traces", limits=Limits(minutes=0.01)).websocket_connect("/v1/stream") as socket:
        socket.send_bytes(bytes(2 * 9601))
        assert refusal(socket)[:2] == (4413, "too_large")


def test_the_number_of_streams_is_bounded(client):
    opened = client("traces", streams=1)
    with opened.websocket_connect("/v1/stream") as first:
        first.send_bytes(pcm(tone(0.04)).tobytes())
        first.receive_text()
        with opened.websocket_connect("/v1/stream") as second:
            assert refusal(second)[:2] == (4429, "busy")
        assert "sercli_streams 1" in opened.get("/metrics").text
    assert "sercli_streams 0" in opened.get("/metrics").text


def test_streams_are_closed_when_the_service_ends(client):
    opened = client("traces")
    with opened.websocket_connect("/v1/stream") as socket:
        socket.send_bytes(pcm(tone(0.04)).tobytes())
        socket.receive_text()
        opened.portal.call(opened.service.stopping.set)
        assert refusal(socket)[:2] == (4503, "ending")
