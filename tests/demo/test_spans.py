import base64
import json
import re

import numpy as np
import pytest
from conftest import tone

from sercli.demo.spans import spans_of
from sercli.inference.prediction import Prediction, Window


def saved(html):
    """Files that a page offers: content by name."""
    found = re.findall(r'download="([^"]+)" href="data:[^;]+;charset=utf-8;base64,([^"]+)"', html)
    return {name: base64.b64decode(content).decode() for name, content in found}


def test_parts_are_the_stretches_of_equal_class():
    shares = [(0.9, 0.1), (0.7, 0.3), (0.2, 0.8)]
    windows = tuple(Window(2.0 * i, 2.0 * i + 4.0, share) for i, share in enumerate(shares))
    first, second = spans_of(Prediction("a.wav", 8.0, ("anger", "joy"), (0.6, 0.4), windows=windows))
    assert (first.start, first.end, first.text) == (0.0, 5.0, "anger 80.0 %")  # halfway between centres 4, 6
    assert (second.start, second.end, second.text) == (5.0, 8.0, "joy 80.0 %")


def test_parts_without_classes_are_the_windows():
    windows = (Window(0.0, 4.0, values=(3.0, 2.5)), Window(2.0, 6.0, values=(1.0, -0.25)))
    found = spans_of(Prediction("a.wav", 6.0, windows=windows, dimensions=("arousal", "valence")))
    assert [(each.start, each.end) for each in found] == [(0.0, 3.0), (3.0, 6.0)]
    assert [each.text for each in found] == ["arousal 3.00, valence 2.50", "arousal 1.00, valence -0.25"]


@pytest.mark.parametrize(
    ("seconds", "ends"), [(9.0, [9.0]), (14.0, [14.0]), (15.0, [10.0, 15.0]), (31.0, [10.0, 20.0, 31.0])]
)
def test_parts_of_a_trace_have_ten_seconds(seconds, ends):
    trace = np.repeat(np.arange(1 + seconds // 10), 250)[: round(25 * seconds), None]
    found = spans_of(Prediction("a.wav", seconds, dimensions=("arousal",), trace=trace))
    assert [each.end for each in found] == ends
    assert [each.start for each in found] == [0.0, *ends[:-1]]
    last = trace[round(25 * found[-1].start) :].mean()
    assert found[-1].text == f"arousal {last:+.2f}"


def test_parts_are_the_turns():
    windows = (Window(0.5, 2.0, (0.9, 0.1)), Window(3.0, 4.0, (0.8, 0.2)))
    said = Prediction("a.wav", 8.0, ("anger", "joy"), (0.86, 0.14), windows=windows, by_turn=True)
    assert [(each.start, each.end, each.text) for each in spans_of(said)] == [
        (0.5, 2.0, "anger 90.0 %"),
        (3.0, 4.0, "anger 80.0 %"),
    ]
    assert spans_of(Prediction("a.wav", 8.0, ("anger", "joy"), by_turn=True)) == ()


def test_a_short_recording_is_one_part():
    (only,) = spans_of(Prediction("a.wav", 2.5, ("anger",), (1.0,)))
    assert (only.start, only.end, only.text) == (0.0, 2.5, "")


@pytest.mark.parametrize(
    ("name", "seconds", "options"),
    [
        ("mdcnn", 2.0, ()),
        ("mdcnn", 62.0, ("--timeline",)),
        ("mdcnn", 3.0, ("--vad",)),
        ("traces", 2.0, ()),
        ("values", 2.0, ()),
    ],
)
def test_files_have_the_lines_of_predict(
    listen, send, bundles, talk, command_line, monkeypatch, name, seconds, options
):
    path = send(talk(seconds))
    monkeypatch.chdir(path.parent)
    expected = {
        kind: command_line("predict", bundles[name], "a.wav", f"--{kind}", *options)[1]
        for kind in ("csv", "json")
    }
    _, first, html = listen(name).answer(path, spoken="--vad" in options)
    assert saved(first) == {}
    found = saved(html)
    assert [file.split(".")[-1] for file in found] == ["csv", "json"]
    assert all(re.fullmatch(r"a-[a-z]+-emodb\.(csv|json)", file) for file in found)
    for file, content in found.items():
        assert content == expected[file.split(".")[-1]]


def test_several_recordings_are_in_one_file(listen, send, tmp_path):
    paths = [send(tone(1.0 + 0.2 * i, pitch=150 + 60 * i), f"{i}.wav") for i in range(3)]
    *_, html = listen("speakers").answer_several(paths)
    csv, lines = saved(html).values()
    assert [line.split(",")[0] for line in csv.splitlines()] == ["file", "0.wav", "1.wav", "2.wav"]
    assert [json.loads(line)["file"] for line in lines.splitlines()] == ["0.wav", "1.wav", "2.wav"]
    assert str(tmp_path) not in csv + lines
    assert html.count('data-recording="0123abcd"') == 3


def test_equal_names_among_several_are_kept_apart(listen, send, tmp_path):
    keep, first = tmp_path / "kept", send(tone(1.0))
    second = first.parent.parent / "4567cdef" / "a.wav"
    second.parent.mkdir()
    second.write_bytes(send(tone(2.0, pitch=400), "b.wav").read_bytes())
    list(listen("speakers", keep=keep).answer_several([first, second]))
    told = [json.loads((folder / "answers.json").read_text()) for folder in sorted(keep.iterdir())]
    assert [answer["duration_s"] for (answer,) in told] == [1.0, 2.0]
