from collections import Counter

import numpy as np
import pytest

from sercli.audio import write_pcm16
from sercli.corpora import _voice, get_corpus
from sercli.corpora.synth import CORPUS, say
from sercli.records import Problem

SPEAKERS = {speaker.name: speaker for speaker in _voice.SPEAKERS}
# Autocorrelation of the window that `pitch_of` uses.
LAG_WINDOW = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(1024), 2048)) ** 2)[:400]
NEUTRAL = {name: np.asarray(cue.neutral) for name, cue in _voice.CUES.items()}


def touch(root, *names):
    (root / "wav").mkdir()
    for name in names:
        (root / "wav" / name).touch()
    return root


@pytest.fixture(scope="module")
def said():
    """The third text by every speaker in every emotion: a sixth of the corpus."""
    return {
        (name, emotion): say(speaker, "t03", emotion, "a")
        for name, speaker in SPEAKERS.items()
        for emotion in CORPUS.known["emotion"]
    }


def pitch_of(samples):
    """Autocorrelation pitch in hertz: median over the loud 64 ms windows."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::160]
    level = windows.std(axis=1)
    found = []
    for window in windows[level > np.quantile(level, 0.6)]:
        spectrum = np.fft.rfft(window * np.hanning(1024), 2048)
        # The window's own autocorrelation would favour short lags, hence octaves too high.
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:400] / LAG_WINDOW
        lags = np.arange(40, 267)  # 400 Hz to 60 Hz
        found.append(16_000 / lags[correlation[lags].argmax()])
    return float(np.median(found))


def test_a_name_tells_speaker_text_emotion_and_take(tmp_path):
    first, second = CORPUS.parse(touch(tmp_path, "M02-t01-sadness-a.wav", "F01-t03-anger-a.wav"))
    assert (first.id, first.corpus, first.file) == (
        "synth/F01-t03-anger-a",
        "synth",
        "wav/F01-t03-anger-a.wav",
    )
    assert (first.speaker, first.gender, first.text_id, first.emotion) == ("F01", "female", "t03", "anger")
    assert (first.transcript, first.style, first.emotion_raw) == ("pono kasi lemu fa", "scripted", "anger")
    assert (second.speaker, second.gender, second.emotion) == ("M02", "male", "sadness")


@pytest.mark.parametrize(
    "name", ["readme.wav", "F01-t03-rage-a.wav", "F01-t99-anger-a.wav", "X01-t03-anger-a.wav"]
)
def test_a_foreign_name_is_a_problem_and_the_rest_is_read(tmp_path, name):
    found = list(CORPUS.parse(touch(tmp_path, name, "F01-t03-anger-a.wav")))
    problem = Problem(f"wav/{name}", "not a name of the synthetic corpus such as F01-t03-anger-a.wav")
    assert problem in found
    assert [item.id for item in found if item != problem] == ["synth/F01-t03-anger-a"]


def test_the_known_counts_agree_with_the_names(tmp_path):
    names = [f"{name.removeprefix('synth/')}.wav" for name in CORPUS.ids]
    found = list(CORPUS.parse(touch(tmp_path, *names)))
    assert get_corpus("synth") is CORPUS
    assert CORPUS.utterances == len(found) == 192  # 8 speakers, 6 texts, 4 emotions
    assert sorted(CORPUS.ids) == [item.id for item in found]
    assert Counter(item.emotion for item in found) == CORPUS.known["emotion"]
    assert Counter(item.speaker for item in found) == CORPUS.known["speaker"]
    assert Counter(item.gender for item in found) == {"female": 96, "male": 96}


def test_generating_writes_the_files_that_the_ids_name(tmp_path, monkeypatch):
    silence = np.zeros(160, dtype=np.float32)
    monkeypatch.setattr("sercli.corpora.synth.say", lambda *_: silence)
    CORPUS.generate(tmp_path)
    assert sorted(item.id for item in CORPUS.parse(tmp_path)) == sorted(CORPUS.ids)
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "prove nothing about people" in readme
    assert CORPUS.licence in readme


def test_saying_the_same_twice_gives_the_same_bytes(tmp_path):
    for take in ("first", "second"):
        write_pcm16(tmp_path / f"{take}.wav", say(SPEAKERS["M03"], "t05", "happiness", "a"), 16_000)
    assert (tmp_path / "first.wav").read_bytes() == (tmp_path / "second.wav").read_bytes()


def test_no_two_utterances_are_equal(said):
    assert len({samples.tobytes() for samples in said.values()}) == len(said) == 32


def test_the_generator_hangs_on_the_names_alone():
    # SHA-256 of "a/b" begins c14cddc033f64b9d; Python's own hash would differ in every process.
    expected = np.random.Generator(
        np.random.PCG64(int.from_bytes(bytes.fromhex("c14cddc033f64b9d"), "little"))
    )
    assert _voice.generator("a", "b").integers(2**62) == expected.integers(2**62)


def test_levels_and_lengths_are_those_of_speech(said):
    for samples in said.values():
        assert samples.dtype == np.float32
        assert 0.01 < np.abs(samples).max() < 0.95
        assert 0.002 < samples.std() < 0.3
        assert abs(samples.mean()) < 0.01
        assert 0.9 < len(samples) / 16_000 < 2.1


@pytest.mark.parametrize("name", sorted(SPEAKERS))
def test_a_voice_has_the_pitch_it_is_asked_for(name):
    speaker = SPEAKERS[name]
    monotone = NEUTRAL | {"range": np.asarray(0.0), "final": np.asarray(0.0), "pitch": np.asarray(2.0)}
    rng = _voice.generator("test", name)
    samples = _voice.speak(speaker, _voice.spell("mala lani", 1.0, rng), monotone, rng)
    # Two semitones up is a factor of 2^(2/12) = 1.1225; the voice wanders by half a semitone (3 %).
    assert pitch_of(samples) == pytest.approx(1.1225 * speaker.pitch, rel=0.05)


def test_a_vowel_has_its_formants():
    # A whispered vowel shows the resonances without harmonics between which they could hide.
    whisper = NEUTRAL | {"breath": np.asarray(60.0)}
    rng = _voice.generator("test", "formants")
    vowel = _voice.SpokenSound("i", 400, 0.0, 0.0, False)
    samples = _voice.speak(SPEAKERS["M01"], [vowel], whisper | {"level": np.asarray(-60.0)}, rng)
    frames = samples[: len(samples) // 512 * 512].reshape(-1, 512) * np.hanning(512)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)
    hertz = np.fft.rfftfreq(512, 1 / 16_000)
    for formant, low, high in ((270, 150, 1000), (2290, 1200, 2650), (3010, 2650, 3200)):
        band = (hertz > low) & (hertz < high)
        assert hertz[band][power[band].argmax()] == pytest.approx(formant, abs=80)


def test_anger_is_higher_and_louder_than_sadness_in_most_voices(said):
    higher = [pitch_of(said[name, "anger"]) > pitch_of(said[name, "sadness"]) for name in SPEAKERS]
    louder = [said[name, "anger"].std() > said[name, "sadness"].std() for name in SPEAKERS]
    assert sum(higher) >= 7
    assert sum(louder) >= 5
