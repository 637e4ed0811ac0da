from itertools import pairwise

import numpy as np
import pytest

from sercli.audio import write_pcm16
from sercli.corpora import _voice, get_corpus
from sercli.corpora.synth_continuous import CORPUS, parse, read_trace, talk
from sercli.errors import CorpusError
from sercli.records import Problem, Utterance

SPEAKER = _voice.SPEAKERS[4]


@pytest.fixture(scope="module")
def spoken():
    """Ten seconds of the first male voice, and its trace."""
    return talk(SPEAKER, 10, _voice.generator("test"))


@pytest.fixture
def generated(tmp_path, monkeypatch):
    """The corpus with every recording cut to a second, so that writing it takes no time."""
    samples, trace = np.zeros(16_000, dtype=np.float32), np.linspace(-1, 1, 50).reshape(25, 2)
    monkeypatch.setattr("sercli.corpora.synth_continuous.talk", lambda *_: (samples, trace))
    CORPUS.generate(tmp_path)
    return tmp_path


def test_each_recording_names_its_speaker_and_its_trace(generated):
    found = list(CORPUS.parse(generated))
    assert get_corpus("synth-continuous") is CORPUS
    assert len(found) == CORPUS.utterances == 8
    assert tuple(item.id for item in found) == CORPUS.ids
    assert {item.speaker: 1 for item in found} == CORPUS.known["speaker"]
    first = found[0]
    assert (first.id, first.file, first.trace) == (
        "synth-continuous/F01-r1",
        "wav/F01-r1.wav",
        "traces/F01-r1.csv",
    )
    assert (first.speaker, first.gender, first.emotion) == ("F01", "female", None)


def test_a_trace_has_a_row_every_40_ms_from_zero(generated):
    lines = (generated / "traces" / "F01-r1.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["time,arousal,valence", "0.00,-1.0000,-0.9592", "0.04,-0.9184,-0.8776"]
    assert len(lines) == 1 + 25
    assert lines[-1].startswith("0.96,")


def test_the_folder_says_that_it_proves_nothing(generated):
    readme = (generated / "README.txt").read_text(encoding="utf-8")
    assert "prove nothing about people" in readme
    assert CORPUS.licence in readme


def test_a_foreign_name_and_a_missing_trace_are_problems(generated):
    (generated / "wav" / "noise.wav").touch()
    (generated / "traces" / "F02-r1.csv").unlink()
    found = list(CORPUS.parse(generated))
    assert [item for item in found if isinstance(item, Problem)] == [
        Problem("wav/F02-r1.wav", "its annotation traces/F02-r1.csv is missing"),
        Problem("wav/noise.wav", "not a name of the continuous synthetic corpus such as F01-r1.wav"),
    ]
    assert len(found) == 9


def test_audio_and_trace_are_equally_long(spoken):
    samples, trace = spoken
    assert samples.shape == (160_000,)
    assert trace.shape == (250, 2)


def test_the_trace_is_smooth_and_stays_in_range(spoken):
    _, trace = spoken
    assert np.abs(trace).max() <= 1
    # The fastest wave takes 6 s, so 40 ms never move the curve by a tenth of the scale of 2.
    assert max(np.abs(later - earlier).max() for earlier, later in pairwise(trace)) < 0.2
    assert trace.std(axis=0).min() > 0.05


def test_levels_are_those_of_speech(spoken):
    samples, _ = spoken
    assert np.abs(samples).max() < 0.95
    assert 0.01 < samples.std() < 0.2


def test_talking_the_same_twice_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        samples, trace = talk(SPEAKER, 3, _voice.generator("test", "twice"))
        write_pcm16(tmp_path / f"{name}.wav", samples, 16_000)
        np.save(tmp_path / f"{name}.npy", trace)
    for kind in ("wav", "npy"):
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()


def test_the_voice_follows_the_curve():
    # Without chance, and with arousal stepping from -1 to 1 half way, the second half is louder.
    arousal = np.repeat([-1.0, 1.0], 400)
    cues = _voice.express(SPEAKER, arousal, np.zeros(800), dict.fromkeys(_voice.CUES, 0.0))
    rng = _voice.generator("test", "step")
    vowel = _voice.SpokenSound("a", 800, 0.0, 0.0, False)
    samples = _voice.speak(SPEAKER, [vowel], cues, rng)
    quiet, loud = samples[:30_000].std(), samples[-30_000:].std()
    step = float(cues["level"][-1] - cues["level"][0])
    assert step > 4  # the slope of 3.6 dB, times 0.6 or more, times the way from -1 to 1
    assert 20 * np.log10(loud / quiet) > step - 3


def test_a_trace_is_read_as_it_was_written(generated):
    first = next(each for each in parse(generated) if isinstance(each, Utterance))
    trace = read_trace(generated, first)
    assert trace.shape == (25, 2)
    np.testing.assert_allclose(trace, np.linspace(-1, 1, 50).reshape(25, 2), atol=5e-5)


def test_a_damaged_trace_is_a_corpus_error(generated):
    first = next(each for each in parse(generated) if isinstance(each, Utterance))
    (generated / first.trace).write_text("time,arousal,valence\n0.00,much\n")
    with pytest.raises(CorpusError, match="missing, or not a table of time"):
        read_trace(generated, first)
