import struct
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import audio
from sercli.demo import live, rendering
from sercli.demo.answers import Responder
from sercli.demo.live import Live, read_chunk
from sercli.errors import AudioError
from sercli.inference.live import stream_of
from sercli.inference.predict import Predictor
from sercli.inference.streaming import Stream
from sercli.tasks import Outputs
from sercli.web.loaded import load


def follow(follower, samples, rate, size):
    return [follower.feed(samples[i : i + size], rate) for i in range(0, len(samples), size)]


def last_of(found):
    """The last answers of a session."""
    return [each for each in found if each][-1]


def points(line):
    """Points of a line, (parts, points, 2)."""
    return [[tuple(map(float, point.split(","))) for point in part.split()] for part in line.parts]


@pytest.mark.parametrize("name", ["mdcnn", "attpool"])
def test_classes_are_those_of_the_last_window_as_a_recording(listen, bundles, tmp_path, name, talk):
    predictor = Predictor(bundles[name])
    samples = audio.round_to_pcm16(talk(6.0))
    (last,) = last_of(follow(Live(listen(name)), samples, 16_000, 8000))
    path = tmp_path / "last.wav"
    audio.write_pcm16(path, samples[-round(predictor.window_s * 16_000) :], 16_000)
    (expected,) = predictor.predict([path])
    np.testing.assert_allclose(last.step.values, expected.probabilities, atol=1e-6)
    assert (last.step.end - last.step.start, last.step.end) == (predictor.window_s, 6.0)
    assert last.note.startswith(f"predicted from the last {predictor.window_s:.1f} s; ")


def test_what_is_shown_is_calm(listen, bundles, talk):
    samples = audio.round_to_pcm16(talk(5.0))
    (last,) = last_of(follow(Live(listen("mdcnn")), samples, 16_000, 8000))
    stream = stream_of(bundles["mdcnn"], clock=lambda: 0.0)
    expected = stream.feed(samples)[-1]  # the same steps, since its hop is half a second too
    assert last.step.shown == expected.shown
    np.testing.assert_allclose(last.step.smoothed, expected.smoothed, atol=1e-6)
    html = rendering.live([last])
    for name, probability in zip(last.classes, last.step.smoothed, strict=True):
        assert f'<th scope="row">{name}</th>' in html
        assert f">{100 * probability:.1f} %<" in html
    assert f"<strong>{last.step.shown}</strong> <span>{100 * last.probability:.1f} %</span>" in html


def test_an_unsure_class_is_marked(listen, talk):
    listener = listen("mdcnn")
    for least, unsure in ((1.0, True), (0.0, False)):
        listener.models[0].predictor.unsure_below = least
        (last,) = last_of(follow(Live(listener), talk(1.0), 16_000, 8000))
        assert last.unsure == unsure
        assert (">unsure<" in rendering.live([last])) == unsure


def test_silence_has_no_emotion_and_interrupts_the_lines(listen, talk):
    follower = Live(listen("both", "traces"))
    quiet = np.zeros(32_000, np.float32)
    answers = last_of(follow(follower, np.concatenate([talk(2.0), quiet]), 16_000, 8000))
    assert all(each.step.silent and each.step.shown is None for each in answers)
    html = rendering.live(answers)
    assert html.count("<strong>silence</strong>") == 2
    assert "%" not in html
    assert all(line.value is None for each in answers for line in each.lines)
    answers = last_of(follow(follower, talk(2.0), 16_000, 8000))
    for each in answers:
        assert [len(line.parts) for line in each.lines] == [2, 2]
    # The first part ended a second into the silence, three seconds ago; ten of 300 points are a second.
    *_, (x, _) = points(answers[1].lines[0])[0]
    assert x == pytest.approx(300 - 30.0, abs=0.5)


def test_values_have_lines_on_the_scale_of_the_training_part(listen, talk):
    (last,) = last_of(follow(Live(listen("values")), talk(3.0), 16_000, 8000))
    assert [line.name for line in last.lines] == ["arousal", "valence", "warmth", "power"]
    warmth = last.lines[2]
    assert (warmth.low, warmth.high) == (0.0, 6.0)  # 3 deviations of 1 around the mean of 3
    assert warmth.value == last.step.smoothed[2]
    ((*before, (x, y)),) = points(warmth)
    assert len(before) == 4  # answers at 1, 1.5, 2, 2.5 and 3 s; half a second is 5 of 300 points
    assert (x, y) == (300.0, pytest.approx(60 - 10 * warmth.value, abs=0.051))
    assert [b - a for (a, _), (b, _) in pairwise(before)] == pytest.approx(
        [5.0] * 3, abs=0.11
    )  # half a second
    html = rendering.live([last])
    assert f"<span>warmth</span>\n<strong>{warmth.value:.2f}</strong>" in html
    assert 'aria-label="warmth in the last half minute, from 0 to 6"' in html
    assert "%" not in html


def test_points_by_hand():
    assert (
        live._points([(-30.0, 1.0), (-15.0, 0.0), (0.0, -2.0)], -1.0, 1.0) == "0.0,0.0 150.0,30.0 300.0,60.0"
    )
    assert live._ends(Outputs((), ("arousal",), per_frame=True)) == [(-1.0, 1.0)]


def test_continuous_labels_are_those_of_the_whole_stream(listen, bundles, talk):
    samples = talk(3.0)
    (last,) = last_of(follow(Live(listen("traces")), samples, 16_000, 8000))
    frames = np.array([frame.values for frame in Stream(bundles["traces"]).feed(samples)])
    smoothed = frames[0]
    for row in frames[1:]:
        smoothed = np.exp(-0.04) * smoothed + (1 - np.exp(-0.04)) * row
    np.testing.assert_allclose([line.value for line in last.lines], smoothed, atol=1e-5)
    assert [line.name for line in last.lines] == ["arousal", "valence"]
    ((*_, newest),) = drawn = points(last.lines[0])
    assert [len(part) for part in drawn] == [len(frames)]
    assert newest == (300.0, pytest.approx(30 - 30 * smoothed[0], abs=0.051))
    assert last.note == "predicted for each 40 ms; the values are averaged over about a second"


def test_lines_show_half_a_minute(listen):
    follower = Live(listen("traces"))
    follow(follower, np.tile(tone(1.0), 32), 16_000, 160_000)
    ends = [step.end for step in follower._followers[0]._steps]
    assert ends[-1] == 32.0
    assert ends[0] == pytest.approx(2.0)


def test_a_network_that_looks_ahead_follows_by_windows(listen, tmp_path, talk):
    from untrained import make

    from sercli.segments import SegmentConfig

    inputs = {"x": {"kind": "waveform"}}
    segments = SegmentConfig(size_s=1.0, hop_s=1.0, tail="pad")
    make("cnnlstm", inputs, {"hidden_size": 8, "task": "regression"}, segments=segments, traces=True).save(
        tmp_path / "b"
    )
    other = listen("mdcnn")
    listener = Responder(load([tmp_path / "b"]), other.uploads, other.limits)
    (last,) = last_of(follow(Live(listener), talk(2.0), 16_000, 8000))
    assert last.note.startswith("predicted from the last 1.0 s")
    assert [len(part) for line in last.lines for part in points(line)] == [3, 3]


def test_the_browsers_rate_is_resampled_as_it_comes(listen, bundles, talk):
    samples = talk(3.0)
    fast = audio.resample(samples, 16_000, 48_000)
    follower = Live(listen("traces"))
    follow(follower, fast, 48_000, 4800)
    rows = np.array([step.values for step in follower._followers[0]._steps])
    frames = np.array([frame.values for frame in Stream(bundles["traces"]).feed(samples)])
    assert 60 <= len(rows) <= len(frames)
    # Sampled up and down again: the same but for the filters.
    assert np.corrcoef(rows[:, 0], frames[: len(rows), 0])[0, 1] > 0.98


@pytest.mark.parametrize(
    ("size", "ends"),
    [
        (1600, [1.0, 1.5, 2.0, 2.5]),
        (7990, [1.498125, 1.9975, 2.496875]),  # the first two pieces are a moment shorter than a second
        (16_000, [1.0, 2.0, 2.5]),
    ],
)
def test_it_answers_every_half_second_at_the_end_of_what_has_come(listen, talk, size, ends):
    found = follow(Live(listen("mdcnn")), talk(2.5), 16_000, size)
    assert [each[0].step.end for each in found if each] == pytest.approx(ends)


def test_while_the_network_is_busy_it_listens_on(listen, bundles, talk, monkeypatch):
    monkeypatch.setattr(live, "_TURN_S", 0.0)
    listener = listen("traces")
    follower, samples = Live(listener), talk(3.0)
    with listener.busy:
        assert follow(follower, samples[:32_000], 16_000, 1600) == [None] * 20
    follow(follower, samples[32_000:], 16_000, 1600)
    expected = Stream(bundles["traces"]).feed(samples)
    steps = follower._followers[0]._steps  # what is less than a step waits for more
    assert len(expected) - 13 < len(steps) <= len(expected)
    np.testing.assert_allclose(
        [step.values for step in steps], [frame.values for frame in expected[: len(steps)]], atol=1e-5
    )


def test_after_waiting_for_long_windows_are_answered_once(listen, talk, monkeypatch):
    monkeypatch.setattr(live, "_TURN_S", 0.0)
    listener = listen("mdcnn")
    follower, applied = Live(listener), []
    score = listener.models[0].predictor.score
    monkeypatch.setattr(
        listener.models[0].predictor, "score", lambda *given: applied.append(given) or score(*given)
    )
    with listener.busy:
        follow(follower, talk(9.0), 16_000, 16_000)
    (last,) = follower.feed(talk(1.0), 16_000)
    assert len(applied) == 1
    assert (last.step.start, last.step.end) == (10.0 - listener.models[0].predictor.window_s, 10.0)


def test_after_a_pause_somebody_begins_anew(listen, monkeypatch, talk):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    follower = Live(listen("mdcnn", "traces"))
    follow(follower, talk(2.0), 16_000, 8000)
    now[0] = 10.0
    first, second = follower.feed(talk(1.0), 16_000)
    assert (first.step.start, first.step.end) == (0.0, 1.0)
    assert [len(part) for part in points(second.lines[0])] == [25]


def test_scores_that_are_not_finite_are_reported_and_a_new_stream_begins(listen, talk):
    listener = listen("mdcnn")
    follower, predictor = Live(listener), listener.models[0].predictor
    weights = [weight.data.clone() for weight in predictor._network.parameters()]
    for weight in predictor._network.parameters():
        weight.data[:] = np.nan
    (said,) = follower.feed(talk(1.0), 16_000)
    assert said.step is None
    assert "no finite scores" in said.note
    assert "No answer: at 0.00 s" in rendering.live([said])
    for weight, before in zip(predictor._network.parameters(), weights, strict=True):
        weight.data[:] = before
    (said,) = follower.feed(talk(1.0), 16_000)
    assert said.step.end == 1.0


def test_nothing_is_left_on_the_disk(listen, tmp_path, talk):
    follow(Live(listen("mdcnn", "traces")), talk(3.0), 16_000, 8000)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_slow_answer_is_no_pause(listen, monkeypatch, talk):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    follower = Live(listen("mdcnn"))
    add = follower._followers[0].add

    def slow(*given):
        now[0] += 4.0
        return add(*given)

    monkeypatch.setattr(follower._followers[0], "add", slow)
    ends = [said[0].step.end for said in follow(follower, talk(2.0), 16_000, 8000) if said]
    assert ends == [1.0, 1.5, 2.0]


def test_what_waits_for_a_busy_network_is_bounded(listen, monkeypatch):
    monkeypatch.setattr(live, "_TURN_S", 0.0)
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
