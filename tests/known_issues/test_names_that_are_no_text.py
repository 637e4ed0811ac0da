"""A file whose name is no text, or can be none, ended the whole batch with a traceback."""

import csv
import io
import json
import os

import pytest
import soundfile
from conftest import tone
from untrained import ALL

from sercli import audio, cli
from sercli.errors import AudioError
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction
from sercli.inference.writing import printable, to_json
from sercli.records import Problem

LATIN = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    place = tmp_path_factory.mktemp("bundle") / "b"
    ALL["mdcnn-half"]().save(place)
    return place


@pytest.fixture
def latin(tmp_path):
    """A recording whose name is Latin-1, which UTF-8 can't read."""
    soundfile.write(tmp_path / "plain.wav", tone(0.5), 16_000)
    try:
        (tmp_path / "plain.wav").rename(tmp_path / LATIN)
    except OSError:
        pytest.skip("this file system takes names of text only")
    return tmp_path / LATIN


def test_such_a_recording_is_read_like_any(latin):
    assert audio.header(latin).frames == 8000
    assert audio.is_prepared(latin)
    assert len(audio.read(latin)) == len(audio.decode(latin)[0]) == sum(map(len, audio.stream(latin))) == 8000


@pytest.mark.parametrize("name", ["a\0b.wav", "\ud800.wav", "absent\udce9.wav"])
def test_a_name_that_no_file_has_is_told(name, tmp_path):
    for read in (
        audio.read,
        audio.header,
        audio.decode,
        audio.is_prepared,
        lambda path: list(audio.stream(path)),
    ):
        with pytest.raises(AudioError):
            read(tmp_path / name)


def test_the_batch_goes_on(bundle, latin):
    said = list(Predictor(bundle).predict(["a\0b.wav", "\ud800", latin, latin]))
    assert [type(each) for each in said] == [Problem, Problem, Prediction, Prediction]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("options", [[], ["--csv"], ["--json"]])
def test_a_list_of_such_names_is_predicted_and_printed(bundle, latin, monkeypatch, encoding, options):
    monkeypatch.chdir(latin.parent)
    given = io.TextIOWrapper(io.BytesIO(b"caf\xe9.wav\na\0b.wav\n"), "utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2))
    monkeypatch.setattr("sys.argv", ["sercli", "predict", str(bundle), "-", *options])
    for name, stream in (("stdin", given), ("stdout", out), ("stderr", err)):
        monkeypatch.setattr(f"sys.{name}", stream)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    for stream in (out, err):
        stream.flush()
    said, told = (stream.buffer.getvalue().decode(encoding) for stream in (out, err))
    assert told == "error: a\\x00b.wav: can't be read (embedded null byte)\n1 of 2 files failed\n"
    if options == ["--json"]:
        assert json.loads(said)["file"] == LATIN
    elif options == ["--csv"]:
        (row,) = csv.DictReader(io.StringIO(said))
        assert row["file"] == r"caf\udce9.wav"
    else:
        assert said.splitlines()[1].startswith(r"caf\udce9.wav")


def test_a_name_can_not_break_a_line():
    assert printable("a\nb\x1b[2J\u202ec") == r"a\nb\x1b[2J\u202ec"
    assert printable("Ärger 喜び") == "Ärger 喜び"
    assert printable("Ärger", "ascii") == r"\xc4rger"
    said = Prediction("喜び.wav", 1.0, classes=("a", "b"), probabilities=(0.5, 0.5))
    assert "喜び" in to_json(said)
    assert json.loads(to_json(said, encoding="ascii").encode("ascii"))["file"] == "喜び.wav"
    odd = Prediction(LATIN, 1.0, classes=("a",), probabilities=(1.0,))
    assert json.loads(to_json(odd))["file"] == LATIN
