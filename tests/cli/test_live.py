"""``sercli predict --live``: raw samples on standard input, or a microphone."""

import csv
import io
import json
import re
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from conftest import tone
from untrained import diccoser, make

from sercli.bundle import Bundle
from sercli.cli import _live
from sercli.cli._bars import Bars
from sercli.inference.live import stream_of
from sercli.inference.steadiness import Step
from sercli.runs.features import FeatureChoice


def pcm(samples):
    return (samples * 32_768).astype("<i2").tobytes()


class Terminal(io.BytesIO):
    def isatty(self):
        return True


@pytest.fixture
def bundle(tmp_path):
    diccoser().save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def run(monkeypatch, command_line, tmp_path):
    def run_(*arguments, stdin=b""):
        source = stdin if isinstance(stdin, io.BytesIO) else io.BytesIO(stdin)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(source))
        return command_line("predict", *arguments, "--workspace", tmp_path)

    return run_


def test_raw_samples_on_standard_input_are_followed(run, bundle):
    samples = tone(1.3, pitch=180)
    status, out, err = run(bundle, "--live", "--json", stdin=pcm(samples))
    lines = [json.loads(line) for line in out.splitlines()]
    stream = stream_of(bundle)
    kept = np.frombuffer(pcm(samples), "<i2").astype(np.float32) / 32_768
    expected = stream.feed(kept) + stream.finish()
    assert status == 0
    assert len(lines) == 33
    assert [line["window_end"] for line in lines].count(True) == 1
    np.testing.assert_allclose(
        [[line["arousal"], line["valence"]] for line in lines],
        [frame.values for frame in expected],
        atol=1e-5,
    )
    assert "1.3 s of audio" in err
    assert "windows of 1 s" in err
    computing = float(re.search(r"([\d.]+) s of computing", err)[1])
    factor = float(re.search(r"real-time factor ([\d.]+)", err)[1])
    assert factor == pytest.approx(computing / 1.3, abs=0.01)


def test_csv_and_a_readable_table(run, bundle):
    header, first, *_ = run(bundle, "--live", "--csv", stdin=pcm(tone(0.1)))[1].splitlines()
    assert header == "start_s,end_s,window_end,silent,arousal,valence"
    assert first.startswith("0.00,0.04,0,0,")
    header, first, *_ = run(bundle, "--live", stdin=pcm(tone(0.1)))[1].splitlines()
    assert header.split() == ["seconds", "arousal", "valence"]
    assert first.split()[0] == "0.04"


def test_nothing_and_half_a_sample_are_no_error(run, bundle):
    assert run(bundle, "--live", "--csv", stdin=b"") == (
        0,
        "start_s,end_s,window_end,silent,arousal,valence\n",
        "",
    )
    assert run(bundle, "--live", "--csv", stdin=b"\x01")[0] == 0


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"RIFF....WAVE", "not an audio file"),
        (b"\x1aE\xdf\xa3" + bytes(900), "not an audio file"),
        (Terminal(), "arecord -q"),
    ],
)
def test_what_is_not_raw_samples_is_one_line(run, bundle, stdin, message):
    status, _, err = run(bundle, "--live", stdin=stdin)
    assert (status, err.count("\n")) == (1, 1)
    assert message in err


@pytest.fixture
def windows(tmp_path):
    make("eca", {"x": {"kind": "logmel"}}, {"n": 1}).save(tmp_path / "windows")
    return tmp_path / "windows"


def test_a_network_that_looks_at_windows_answers_step_by_step(run, windows):
    samples = np.concatenate([tone(1.5), np.zeros(32_000)])
    arguments = (windows, "--live", "--window-s", 2, "--hop-s", 0.5)
    status, out, err = run(*arguments, "--csv", stdin=pcm(samples))
    header, *rows = csv.reader(io.StringIO(out))
    assert status == 0
    assert header[:5] == ["start_s", "end_s", "window_end", "silent", "shown"]
    assert rows[0][:3] == ["0.00", "1.00", "1"]
    assert rows[0][4] == max(zip(rows[0][5:], header[5:], strict=True))[1]
    assert (rows[-1][3], set(rows[-1][4:])) == ("1", {""})
    assert "windows of 2 s" in err
    last = json.loads(run(*arguments, "--json", stdin=pcm(samples))[1].splitlines()[-1])
    assert (last["silent"], last["shown"], last["anger"], last["smoothed"]) == (True, None, None, None)
    header, first, *_, end = run(*arguments, stdin=pcm(samples))[1].splitlines()
    assert header.split() == ["seconds", "shown", "anger", "happiness", "neutral", "sadness"]
    assert first.split()[:2] == ["1.00", rows[0][4]]
    assert end.split() == ["3.50", "silence"]


def test_a_speaker_is_enrolled(run, tmp_path, windows, write_wav):
    bundle = Bundle.load(windows)
    choice = FeatureChoice(**bundle.inputs["x"].to_dict() | {"statistics": "per-speaker"})
    replace(bundle, inputs={"x": choice}).save(tmp_path / "own")
    status, _, err = run(tmp_path / "own", "--live", stdin=pcm(tone(1.0)))
    assert (status, "name them with --enrol" in err) == (1, True)
    for i in range(2):
        write_wav(tmp_path / "me" / f"{i}.wav", tone(1.0, seed=i))
    status, out, _ = run(
        tmp_path / "own", "--live", "--csv", "--enrol", tmp_path / "me", stdin=pcm(tone(1.0))
    )
    assert (status, len(out.splitlines())) == (0, 2)
    status, _, err = run(windows, "--live", "--enrol", tmp_path / "me", stdin=pcm(tone(1.0)))
    assert (status, "enrol nothing" in err) == (1, True)


@pytest.mark.parametrize("options", [["--window-s", 2], ["--hop-s", 1]])
def test_frames_have_no_window_and_no_hop(run, bundle, options):
    status, out, err = run(bundle, *options, "--live", stdin=pcm(tone(0.1)))
    assert (status, out) == (1, "")
    assert "leave it out" in err


def test_options_of_a_stream_need_one(run, bundle, tmp_path):
    status, _, err = run(bundle, tmp_path / "a.wav", "--margin", 0.1)
    assert (status, "--margin needs --live" in " ".join(err.split())) == (2, True)


def test_a_terminal_shows_a_bar_for_each_class():
    bars = Bars(("anger", "joy", "valence"), ("anger", "joy"))
    assert list(bars.lines()) == ["listening"]
    bars.add([Step(0.0, 1.5, (0.2, 0.8, 3.1), last=True, shown="joy", smoothed=(0.5, 0.5, 3.0))])
    assert list(bars.lines()) == [
        "     1.5 s  joy",
        "  anger    " + "█" * 15 + " " * 15 + "  50.0 %",
        "> joy      " + "█" * 15 + " " * 15 + "  50.0 %",
        "  valence      3.00",
    ]
    bars.add([Step(0.0, 2.5, (), last=True, silent=True)])
    assert list(bars.lines()) == ["     2.5 s  silence", "  anger  ", "  joy    ", "  valence"]


@pytest.mark.parametrize(
    "options",
    [["a.wav"], ["--timeline"], ["--unsure-below", 0.5], ["--out", "a"],
     ["--picture", "a.png"], ["--table", "a.csv"], ["--column", "b"], ["--accelerator", "cpu"],
     ["--batch-size", 2]],
)  # fmt: skip
def test_what_a_stream_would_pass_over_is_refused(run, bundle, options):
    status, out, err = run(bundle, *options, "--live", stdin=pcm(tone(0.1)))
    name = options[0] if options[0].startswith("--") else "files"
    assert (status, out) == (2, "")
    assert f"leave {name} out" in " ".join(err.replace("│", " ").split())


def test_names_with_commas_are_quoted(run, tmp_path):
    from sercli.tasks import Outputs

    classes = ("anger", "joy, loud", 'so "so"', "sadness")
    replace(diccoser(traces=False), outputs=Outputs(classes)).save(tmp_path / "odd")
    header, *rows = csv.reader(io.StringIO(run(tmp_path / "odd", "--live", "--csv", stdin=pcm(tone(1)))[1]))
    assert header == ["start_s", "end_s", "window_end", "silent", "shown", *classes]
    assert {len(row) for row in rows} == {9}


@pytest.mark.parametrize(("fed", "delay"), [("raw", 40), ("logmel", 60)])
def test_the_delay_is_that_of_the_samples(run, tmp_path, monkeypatch, fed, delay):
    """Each frame is told when just so many samples are read as the delay says."""
    diccoser("a", fed).save(tmp_path / "b")
    read, seen = [0], []

    class Slow(io.BytesIO):
        def read(self, size=-1):
            found = super().read(size)
            read[0] += len(found) // 2
            return found

        def readable(self):
            return True

    def tell(steps, stream, **_):
        seen.extend((step.start, read[0]) for step in steps)

    monkeypatch.setattr(_live, "_print", tell)
    err = run(tmp_path / "b", "--live", stdin=Slow(pcm(tone(0.9))))[2]
    assert f"is printed {delay} ms after its first sample" in err
    waits = [1000 * (count / 16_000 - start) for start, count in seen]
    assert max(waits) == pytest.approx(delay)


def test_a_microphone_needs_its_extra(run, bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install 'sercli[live]'" in run(bundle, "--microphone")[2]


def test_a_microphone_is_listened_to_until_interrupted(run, bundle, monkeypatch):
    blocks = [pcm(tone(0.02, seed=i)) for i in range(10)]

    class Microphone:
        def __init__(self, rate, size, *, channels, dtype):
            assert (rate, size, channels, dtype) == (16_000, 320, 1, "int16")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, size):
            if not blocks:
                raise KeyboardInterrupt
            return blocks.pop(0), len(blocks) == 2

    fake = ModuleType("sounddevice")
    fake.RawInputStream, fake.PortAudioError = Microphone, RuntimeError
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    status, out, err = run(bundle, "--microphone", "--csv")
    assert (status, len(out.splitlines())) == (130, 6)
    assert "samples were lost" in err
    assert "0.2 s of audio" in err
