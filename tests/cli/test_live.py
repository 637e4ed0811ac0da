"""``sercli predict --live``: raw samples on standard input, or a microphone."""

import io
import json
import sys
from types import ModuleType

import numpy as np
import pytest
from conftest import tone
from untrained import diccoser, make

from sercli import cli
from sercli.inference.streaming import Stream


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
def run(monkeypatch, capsys, tmp_path):
    def run_(*arguments, stdin=b""):
        monkeypatch.setattr(
            "sys.argv", ["sercli", "predict", *map(str, arguments), "--workspace", str(tmp_path)]
        )
        source = stdin if isinstance(stdin, io.BytesIO) else io.BytesIO(stdin)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(source))
        status = 0
        try:
            cli.main()
        except SystemExit as exit_:
            status = exit_.code or 0
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_


def test_raw_samples_on_standard_input_are_followed(run, bundle):
    samples = tone(1.3, pitch=180)
    status, out, err = run(bundle, "--live", "--json", stdin=pcm(samples))
    lines = [json.loads(line) for line in out.splitlines()]
    stream = Stream(bundle)
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
    assert "1.3 s heard" in err
    assert "40 ms after its first sample" in err
    assert "windows of 1 s" in err


def test_csv_and_a_readable_table(run, bundle):
    header, first, *_ = run(bundle, "--live", "--csv", stdin=pcm(tone(0.1)))[1].splitlines()
    assert header == "start_s,end_s,window_end,arousal,valence"
    assert first.startswith("0.00,0.04,0,")
    header, first, *_ = run(bundle, "--live", stdin=pcm(tone(0.1)))[1].splitlines()
    assert header.split() == ["seconds", "arousal", "valence"]
    assert first.split()[0] == "0.04"


def test_nothing_and_half_a_sample_are_no_error(run, bundle):
    assert run(bundle, "--live", "--csv", stdin=b"") == (0, "start_s,end_s,window_end,arousal,valence\n", "")
    assert run(bundle, "--live", "--csv", stdin=b"\x01")[0] == 0


@pytest.mark.parametrize(
    ("stdin", "message"),
    [(b"RIFF....WAVE", "not an audio file"), (Terminal(), "arecord -q")],
)
def test_what_is_not_raw_samples_is_one_line(run, bundle, stdin, message):
    status, _, err = run(bundle, "--live", stdin=stdin)
    assert (status, err.count("\n")) == (1, 1)
    assert message in err


def test_a_network_that_looks_ahead_says_so(run, tmp_path):
    make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8}).save(tmp_path / "other")
    status, _, err = run(tmp_path / "other", "--live")
    assert (status, "'mdcnn' can't follow a stream" in err) == (1, True)


def test_files_and_a_stream_exclude_each_other(run, bundle):
    assert run(bundle, "a.wav", "--live")[0] == 2


def test_a_microphone_needs_its_extra(run, bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install 'sercli[live]'" in run(bundle, "--microphone")[2]


def test_a_microphone_is_listened_to_until_interrupted(run, bundle, monkeypatch):
    blocks = [pcm(tone(0.04, seed=i)) for i in range(5)]

    class Microphone:
        def __init__(self, rate, size, *, channels, dtype):
            assert (rate, size, channels, dtype) == (16_000, 640, 1, "int16")

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
    assert "0.2 s heard" in err
