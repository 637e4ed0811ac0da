import numpy as np
import pytest
from conftest import tone
from untrained import recipe_segments

from sercli.data.segments import Cut, Segmenter
from sercli.errors import ConfigError
from sercli.features import get_feature
from sercli.segments import SegmentConfig
from sercli.statistics import fit

ATTENTION_POOLING = recipe_segments("attpool")


def segmenter(config, kind, **settings):
    feature = get_feature(kind)
    return Segmenter(config, feature, feature.config(**settings))


def test_two_seconds_every_second_and_every_400_ms_in_test():
    cutter = segmenter(ATTENTION_POOLING, "spectrogram")
    samples = 4 * 16_000 + 5_000
    frames = cutter.feature.count_frames(samples, cutter.settings)
    train = cutter.cut("c/u", samples, frames, training=True)
    test = cutter.cut("c/u", samples, frames, training=False)
    assert [segment.span.start for segment in train] == [0, 100, 200]
    assert [segment.span.start for segment in test] == [0, 40, 80, 120, 160, 200]
    assert {segment.span.stop - segment.span.start for segment in train + test} == {197}
    assert {segment.span.after for segment in train} == {3}
    assert [segment.id for segment in train] == ["c/u#0", "c/u#1", "c/u#2"]
    assert {segment.utterance for segment in test} == {"c/u"}


def test_a_segment_of_an_utterance_is_the_features_of_its_samples():
    cutter = segmenter(ATTENTION_POOLING, "spectrogram")
    samples = tone(3.5)
    whole = cutter.feature.extract(samples, cutter.settings)
    for segment in cutter.cut("u", len(samples), whole.shape[-1], training=True):
        first = 160 * segment.span.start
        alone = cutter.feature.extract(samples[first : first + 32_000], cutter.settings)[..., :197]
        expected = cutter.feature.finish(np.pad(alone, [(0, 0), (0, 0), (0, 3)]), cutter.settings)
        np.testing.assert_allclose(cutter.finish(cutter.take(whole, segment)), expected, atol=1e-6)


def test_a_shorter_utterance_is_one_segment_filled_up_with_silence():
    cutter = segmenter(ATTENTION_POOLING, "spectrogram")
    samples = tone(0.7)
    whole = cutter.feature.extract(samples, cutter.settings)
    (segment,) = cutter.cut("u", len(samples), whole.shape[-1], training=False)
    taken = cutter.finish(cutter.take(whole, segment))
    assert taken.shape == (1, 400, 200)
    assert (taken[..., 71:] == 0).all()
    padded = cutter.feature.extract(np.pad(samples, (0, 32_000 - len(samples))), cutter.settings)[..., :197]
    expected = cutter.feature.finish(np.pad(padded, [(0, 0), (0, 0), (0, 3)]), cutter.settings)
    np.testing.assert_allclose(taken, expected, atol=1e-6)


def test_twenty_seconds_every_four_with_their_labels():
    cutter = segmenter(recipe_segments("diccoser", "regression"), "waveform", aggregate="rms")
    samples = 60 * 16_000
    trace = np.stack([np.arange(1500.0), -np.arange(1500.0)], axis=1).astype(np.float32)
    train = cutter.cut("r/1", samples, 1500, training=True)
    cuts = cutter.cut_trace(trace, samples, training=True)
    labels = [cut.values for cut in cuts]
    assert [segment.span.start for segment in train] == list(range(0, 1001, 100))
    assert all(segment.span.stop - segment.span.start == 500 for segment in train)
    assert [label[0, 0] for label in labels] == [segment.span.start for segment in train]
    assert {label.shape for label in labels} == {(500, 2)}
    assert [cut.first for cut in cuts] == [segment.span.start for segment in train]
    assert {cut.valid for cut in cuts} == {500}
    test = cutter.cut("r/1", samples, 1500, training=False)
    assert [(segment.span.start, segment.span.stop) for segment in test] == [
        (0, 500),
        (500, 1000),
        (1000, 1500),
    ]


def test_labels_of_a_padded_tail_repeat_the_last():
    cutter = segmenter(SegmentConfig(size_s=2.0, hop_s=2.0, tail="pad"), "waveform", aggregate="rms")
    trace = np.arange(75.0, dtype=np.float32).repeat(2).reshape(75, 2)
    first, second = cutter.cut_trace(trace, 48_000, training=True)
    assert first.values[-1, 0] == 49
    assert (first.first, first.valid, second.first, second.valid) == (0, 50, 50, 25)
    assert second.values[24, 0] == 74
    assert (second.values[25:, 0] == 74).all()


@pytest.mark.parametrize(
    ("tail", "starts"), [("drop", [0, 100]), ("align", [0, 100, 130]), ("pad", [0, 100, 200])]
)
def test_what_becomes_of_the_tail(tail, starts):
    cutter = segmenter(
        SegmentConfig(size_s=1.0, hop_s=1.0, tail=tail), "logmel", duration_s=None, window_ms=25
    )
    segments = cutter.cut("u", int(2.3 * 16_000), 228, training=True)
    assert [segment.span.start for segment in segments] == starts
    taken = [cutter.take(np.zeros((1, 64, 228), np.float32), segment) for segment in segments]
    assert {array.shape for array in taken} == {(1, 64, 100)}
    if tail == "pad":
        assert taken[-1][0, 0, -1] == pytest.approx(np.log(1e-10))


def test_whole_utterances_are_one_segment():
    cutter = segmenter(SegmentConfig(), "logmel3d")
    (segment,) = cutter.cut("u", 16_000, 99, training=True)
    array = np.ones((3, 40, 99), np.float32)
    assert cutter.take(array, segment) is array or (cutter.take(array, segment) == array).all()


def test_segments_are_not_cut_from_utterances_that_were_cropped():
    with pytest.raises(ConfigError, match="set duration_s of the features to null"):
        segmenter(ATTENTION_POOLING, "logmel")


def test_filling_up_adds_silence_not_what_comes_after_the_segment():
    cutter = segmenter(SegmentConfig(size_s=1.0, hop_s=1.0, frames=120), "logmel3d")
    segments = cutter.cut("u", 32_000, 199, training=True)
    assert [(segment.span.start, segment.span.stop, segment.span.after) for segment in segments] == [
        (0, 100, 20),
        (100, 199, 21),
    ]


def test_a_segment_is_not_filled_up_to_fewer_frames_than_it_has():
    with pytest.raises(ConfigError, match=r"segments.frames=100: a segment of 2 s has 197 frames already"):
        segmenter(SegmentConfig(size_s=2.0, frames=100), "spectrogram")


def test_each_utterance_s_own_statistics_leave_padding_out():
    cutter = segmenter(SegmentConfig(), "logmel")
    samples = tone(1.0)
    features = cutter.feature.extract(samples, cutter.settings)
    start, stop = cutter.feature.span(len(samples), cutter.settings)
    own = fit([features[..., start:stop]], "scalar")
    (segment,) = cutter.cut("u", len(samples), features.shape[-1], training=True)
    taken = Cut(cutter, lambda name: features, (segment,), lambda name: own)[0]
    np.testing.assert_allclose(taken[..., start:stop].mean(), 0, atol=1e-5)
    np.testing.assert_allclose(taken[..., start:stop].std(), 1, rtol=1e-5)
