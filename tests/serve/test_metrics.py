import re

from sercli.serve.metrics import Metrics
from sercli.serve.pages import describe


def test_the_text_is_that_of_the_format():
    metrics = Metrics({"model": 'a "b"\\\n'})
    metrics.count_request("/v1/predict", 200)
    metrics.count_request("/v1/predict", 200)
    metrics.count_request("/health", 503)
    metrics.count_prediction(0.05, 3.0)
    metrics.count_prediction(0.06, 4.0)
    metrics.count_prediction(1000.0, 60.0)
    lines = metrics.render({"streams": ("Open streams.", 2)}).splitlines()
    assert 'sercli_info{model="a \\"b\\"\\\\\\n"} 1' in lines
    assert 'sercli_requests_total{path="/health",status="503"} 1' in lines
    assert 'sercli_requests_total{path="/v1/predict",status="200"} 2' in lines
    buckets = [int(line.split()[-1]) for line in lines if "_bucket{" in line]
    assert buckets == [1, *[2] * 10, 3]
    assert "sercli_prediction_seconds_sum 1000.110000" in lines
    assert "sercli_prediction_seconds_count 3" in lines
    assert "sercli_speech_seconds_total 67.000000" in lines
    assert lines[-3:] == [
        "# HELP sercli_streams Open streams.",
        "# TYPE sercli_streams gauge",
        "sercli_streams 2",
    ]
    sample = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? [0-9.e+]+')
    assert [line for line in lines if line[0] != "#" and not sample.fullmatch(line)] == []


def test_requests_are_counted_by_known_paths(client):
    opened = client()
    for path in ("/health", "/secret/name", "/v1/predict"):
        opened.get(path)
    text = opened.get("/metrics").text
    assert 'path="other",status="404"} 1' in text
    assert 'path="/v1/predict",status="405"} 1' in text
    assert "secret" not in text


def test_the_page_of_the_paths_loads_nothing(client):
    opened = client()
    html, openapi = opened.get("/docs").text, opened.get("/openapi.json").json()
    assert set(openapi["paths"]) == {"/v1/predict", "/v1/model", "/health", "/metrics"}
    assert [each["name"] for each in openapi["paths"]["/v1/predict"]["post"]["parameters"]] == [
        "timeline",
        "window_s",
        "hop_s",
    ]
    for path in openapi["paths"]:
        assert path in html
    assert not re.search(r"src=|<script|<link|https?://", html)
    assert "Retry-After" in html


def test_texts_are_escaped():
    html = describe({"info": {"title": "<b>", "version": "1", "description": "&"}, "paths": {}})
    assert "<b>" not in html
    assert "&amp;" in html


def test_the_model_is_described_without_local_paths(client, bundles):
    answer = client().get("/v1/model")
    told = answer.json()
    assert told["classes"] == ["anger", "happiness", "neutral", "sadness"]
    assert told["warning"] == "Wrong for every second recording."
    assert told["terms"].startswith("For research")
    assert told["facts"]["Licence of the recordings"] == "CC0"
    assert str(bundles["classes"]) not in answer.text
