import struct

import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import audio
from sercli.demo import live, rendering
from sercli.demo.live import Live, read_chunk
from sercli.errors import AudioError
from sercli.inference.predict import Predictor
from sercli.inference.streaming import Stream


def follow(follower, samples, rate, size):
    return [follower.feed(samples[i : i + size], rate) for i in range(0, len(samples), size)]


@pytest.mark.parametrize("name", ["mdcnn", "attpool"])
def test_classes_are_those_of_the_last_seconds_as_a_recording(listen, bundles, tmp_path, name, talk):
    predictor = Predictor(bundles[name])
    samples = audio.round_to_pcm16(talk(6.0))
    ((last,),) = [each for each in follow(Live(listen(name)), samples, 16_000, 1600) if each][-1:]
    path = tmp_path / "last.wav"
    audio.write_pcm16(path, samples[-round(predictor.window_s * 16_000) :], 16_000)
    (expected,) = predictor.predict([path])
    assert last.prediction.probabilities == expected.probabilities
    assert last.note == f"the last {predictor.window_s:.1f} s"


def test_values_are_those_of_the_last_seconds(listen, bundles, talk):
    live = Live(listen("values"))
    *_, answers = [live.feed(part, 16_000) for part in np.array_split(talk(3.0), 6)]
    html = rendering.live(answers)
    assert "warmth <strong>" in html
    assert "%" not in html.partition("<section")[2].partition("</section>")[0]


def test_continuous_labels_are_those_of_the_whole_stream(listen, bundles, talk):
    samples = talk(3.0)
    ((last,),) = [each for each in follow(Live(listen("traces")), samples, 16_000, 1600) if each][-1:]
    frames = Stream(bundles["traces"]).feed(samples)
    expected = np.array([frame.values for frame in frames])[-25:].mean(axis=0)
    np.testing.assert_allclose([value for _, value in last.values], expected, atol=1e-5)
    assert [name for name, _ in last.values] == ["arousal", "valence"]
    assert len(last.lines[0][1].split()) == len(frames)


def test_the_browsers_rate_is_resampled_as_it_comes(listen, bundles, talk):
    samples = talk(3.0)
    fast = audio.resample(samples, 16_000, 48_000)
    follower = Live(listen("traces"))
    follow(follower, fast, 48_000, 4800)
    rows = np.array(follower._followers[0].rows)
    frames = np.array([frame.values for frame in Stream(bundles["traces"]).feed(samples)])
    assert 60 <= len(rows) <= len(frames)
    # Sampled up and down again: the same but for the filters.
    assert np.corrcoef(rows[:, 0], frames[: len(rows), 0])[0, 1] > 0.98


def test_it_answers_every_half_second_once_a_second_is_heard(listen, talk):
    answered = [bool(each) for each in follow(Live(listen("mdcnn")), talk(2.5), 16_000, 1600)]
    assert [i for i, said in enumerate(answered) if said] == [9, 14, 19, 24]


def test_while_the_network_is_busy_it_listens_on(listen, bundles, talk):
    listener = listen("traces")
    follower, samples = Live(listener), talk(3.0)
    with listener.busy:
        assert follow(follower, samples[:32_000], 16_000, 1600) == [None] * 20
    follow(follower, samples[32_000:], 16_000, 1600)
    expected = Stream(bundles["traces"]).feed(samples)
    rows = follower._followers[0].rows  # what is less than a step waits for more
    assert len(expected) - 13 < len(rows) <= len(expected)
    np.testing.assert_allclose(rows, [frame.values for frame in expected[: len(rows)]], atol=1e-5)


def test_after_a_pause_somebody_begins_anew(listen, monkeypatch, talk):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    follower = Live(listen("mdcnn", "traces"))
    follow(follower, talk(2.0), 16_000, 1600)
    now[0] = 10.0
    assert follow(follower, talk(0.9, seed=5), 16_000, 1600) == [None] * 9
    first, second = follower.feed(talk(0.1), 16_000)
    assert first.note == "the last 1.0 s"
    assert len(second.lines[0][1].split()) == 25


def test_who_looks_ahead_says_why_it_can_t_follow(bundles, listen, tmp_path, talk):
    from untrained import make

    from sercli.demo.answers import Responder
    from sercli.segments import SegmentConfig
    from sercli.web.loaded import load

    inputs = {"x": {"kind": "waveform"}}
    segments = SegmentConfig(size_s=1.0, hop_s=1.0, tail="pad")
    make("cnnlstm", inputs, {"hidden_size": 8, "task": "regression"}, segments=segments, traces=True).save(
        tmp_path / "b"
    )
    other = listen("mdcnn")
    listener = Responder(load([tmp_path / "b"]), other.uploads, other.limits)
    ((heard,),) = [each for each in follow(Live(listener), talk(1.0), 16_000, 1600) if each]
    assert heard.note.startswith("This model can't answer live: 'cnnlstm' can't follow a stream")


def test_nothing_is_left_on_the_disk(listen, tmp_path, talk):
    follow(Live(listen("mdcnn", "traces")), talk(3.0), 16_000, 1600)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_slow_answer_is_no_pause(listen, monkeypatch, talk):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    follower = Live(listen("mdcnn"))
    answer = follower._followers[0].answer

    def slow(*given):
        now[0] += 4.0
        return answer(*given)

    monkeypatch.setattr(follower._followers[0], "answer", slow)
    notes = [said[0].note for said in follow(follower, talk(2.0), 16_000, 8000) if said]
    assert notes == ["the last 1.0 s", "the last 1.5 s", "the last 2.0 s"]


def test_what_waits_for_a_busy_network_is_bounded(listen, talk):
    listener = listen("traces")
    follower = Live(listener)
    with listener.busy:
        follow(follower, np.zeros(200 * 16_000, np.float32), 16_000, 160_000)
    assert follower._waiting_s <= 70


def test_a_chunk_of_a_stream_is_read_though_its_header_counts_wrongly(tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav", tone(0.1), rate=48_000)
    content = path.read_bytes()
    expected, _ = audio.decode(path)
    for length in (0, 0xFFFFFFD3, 0xFFFFFFFF):
        path.write_bytes(content[:40] + length.to_bytes(4, "little") + content[44:])
        samples, rate = read_chunk(path)
        np.testing.assert_array_equal(samples, expected)
        assert rate == 48_000


@pytest.mark.parametrize(
    ("rate", "channels", "seconds"),
    [
        (1, 1, 0.0),
        (7999, 1, 0.0),
        (192_001, 1, 0.0),
        (4_000_000_000, 1, 0.0),
        (16_000, 3, 0.0),
        (16_000, 0, 0.0),
        (16_000, 1, 10.1),
        (192_000, 2, 3.0),
    ],
)
def test_no_other_chunk_is_decoded(tmp_path, monkeypatch, rate, channels, seconds):
    monkeypatch.setattr(live.audio, "decode", lambda *_, **__: pytest.fail("it was decoded"))
    path, body = tmp_path / "a.wav", bytes(max(4000, int(seconds * rate * channels * 2)))
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, 0, 2, 16)
    path.write_bytes(b"RIFF" + bytes(4) + b"WAVEfmt " + form + b"data" + bytes(4) + body)
    with pytest.raises(AudioError, match="not a chunk of a stream"):
        read_chunk(path)


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_no_other_format_is_decoded(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.zeros(16_000), 16_000)
    with pytest.raises(AudioError, match="not a chunk of a stream"):
        read_chunk(path)
    path.write_bytes(b"webm")
    with pytest.raises(AudioError, match="not a chunk of a stream"):
        read_chunk(path)
