import json

import numpy as np
import pytest
from conftest import tone
from starlette.websockets import WebSocketDisconnect

from sercli.inference.streaming import Stream
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
    stream = Stream(bundles["traces"])
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


def test_a_model_that_takes_complete_recordings_says_so(client):
    opened = client("classes")
    with opened.websocket_connect("/v1/stream") as socket:
        code, kind, message = refusal(socket)
    assert (code, kind) == (4422, "no_streams")
    assert "can't follow a stream" in message
    assert opened.get("/v1/model").json()["streams"] is False


def test_other_messages_are_refused(client):
    with client("traces").websocket_connect("/v1/stream") as socket:
        socket.send_text("hello")
        assert refusal(socket)[:2] == (4400, "not_samples")


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
