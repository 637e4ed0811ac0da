"""Metrics of the service as Prometheus reads them: counters and gauges in the text format, version 0.0.4."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)  # seconds


class Metrics:
    """Counts requests and speech. Nothing here depends on what was said.

    Attributes:
        speech_s: seconds of recordings that were predicted.
        streamed_s: seconds of speech in streams.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        """Begin at zero.

        Args:
            labels: facts about the service, such as its version.
        """
        self._labels = dict(labels)
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0
        self.speech_s = self.streamed_s = 0.0

    def count_request(self, path: str, status: int) -> None:
        """Count an answered request."""
        self._requests[path, status] += 1

    def count_prediction(self, seconds: float, speech_s: float) -> None:
        """Count a predicted recording.

        Args:
            seconds: from the last byte of the recording to the prediction.
            speech_s: length of the recording.
        """
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds += seconds
        self.speech_s += speech_s

    def render(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Return all metrics as text.

        Args:
            gauges: present values, by name: description and value.
        """
        return "\n".join(self._lines(gauges)) + "\n"

    def _lines(self, gauges: Mapping[str, tuple[str, float]]) -> Iterator[str]:
        yield from _head("info", "gauge", "Version and model.")
        yield f"sercli_info{_labels(self._labels)} 1"
        yield from _head("requests_total", "counter", "Requests by path and status.")
        for (path, status), count in sorted(self._requests.items()):
            yield f"sercli_requests_total{_labels({'path': path, 'status': str(status)})} {count}"
        described = "Seconds from the last byte of a recording to its prediction."
        yield from _head("prediction_seconds", "histogram", described)
        total = 0
        for bound, count in zip((*(f"{each:g}" for each in _BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            yield f"sercli_prediction_seconds_bucket{_labels({'le': bound})} {total}"
        yield f"sercli_prediction_seconds_sum {self._seconds:.6f}"
        yield f"sercli_prediction_seconds_count {total}"
        yield from _head("speech_seconds_total", "counter", "Seconds of predicted recordings.")
        yield f"sercli_speech_seconds_total {self.speech_s:.6f}"
        yield from _head("streamed_seconds_total", "counter", "Seconds of speech in streams.")
        yield f"sercli_streamed_seconds_total {self.streamed_s:.6f}"
        for name, (text, value) in gauges.items():
            yield from _head(name, "gauge", text)
            yield f"sercli_{name} {value:g}"


def _head(name: str, kind: str, described: str) -> Iterator[str]:
    yield f"# HELP sercli_{name} {described}"
    yield f"# TYPE sercli_{name} {kind}"


def _labels(values: Mapping[str, str]) -> str:
    escaped = {name: _escape(value) for name, value in values.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
