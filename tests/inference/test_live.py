"""A stream of any model: its windows are those of a timeline, and the shown class is calm."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import tone
from untrained import ALL, CLASSES, diccoser, make

from sercli.errors import ConfigError, RunError
from sercli.inference.live import SPEAKER, stream_of
from sercli.inference.predict import Predictor
from sercli.inference.recordings import PREPARED, Piece
from sercli.inference.steadiness import Steadied, Steadiness, Step
from sercli.inference.streaming import Stream
from sercli.runs.features import FeatureChoice

WINDOWS = ["mdcnn", "eca", "melcnn", "cnnlstm"]


def speech(seconds):
    parts = [tone(0.7, pitch=110 + 40 * i, seed=i) for i in range(int(seconds / 0.7) + 1)]
    samples = np.concatenate(parts)[: round(seconds * 16_000)]
    return (np.round(samples * 32_768) / 32_768).astype(np.float32)


def still(model, hop_s=None):
    """A stream whose hop never grows, however busy this machine is."""
    return stream_of(model, hop_s, clock=lambda: 0.0)


def follow(stream, samples, size=3000):
    steps = [step for i in range(0, len(samples), size) for step in stream.feed(samples[i : i + size])]
    return steps + stream.finish()


@pytest.fixture(scope="module")
def by_frame():
    return diccoser(traces=False)


def steps_of(rows, hop=0.5, *, silent=(), last=True):
    """Steps with the given probabilities of two classes or values."""
    return [
        Step(0.0, hop * (i + 1), () if i in silent else tuple(row), last, i in silent)
        for i, row in enumerate(rows)
    ]


def shown(tops, steadiness=None, **options):
    steadied = Steadied(("a", "b"), steadiness or Steadiness())
    rows = [(p, 1 - p) for p in tops]
    return "".join(steadied.add(step).shown or "-" for step in steps_of(rows, **options))


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_those_of_a_timeline(name, tmp_path):
    bundle, samples = ALL[name](), speech(4.0)
    window = 1.0 if name == "cnnlstm" else 2.0
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="PCM_16")
    predictor = Predictor(bundle, timeline=True, window_s=window, hop_s=0.5)
    (expected,) = predictor.predict([tmp_path / "a.wav"])
    known = {(each.start, each.end): each.probabilities for each in expected.windows}
    steps = follow(still(predictor), samples)
    found = {(step.start, step.end): step.values for step in steps if step.end - step.start == window}
    assert list(found) == list(known)
    assert len(found) >= 5
    # melcnn reads 22.05 kHz in the corpus, here 16 kHz; the others are the same samples.
    np.testing.assert_allclose(list(found.values()), list(known.values()), rtol=0, atol=1e-5)
    assert np.ptp(list(known.values()), axis=0).max() > 1e-4


def test_the_first_steps_look_at_what_there_is(tmp_path):
    predictor, samples = Predictor(ALL["mdcnn"](), window_s=2.2), speech(2.5)
    first, *_, rest = follow(still(predictor), samples)
    assert (first.start, first.end) == (0.0, 1.2)  # full windows begin at multiples of the hop
    assert (rest.start, rest.end) == pytest.approx((0.3, 2.5))
    soundfile.write(tmp_path / "a.wav", samples[:19_200], 16_000, subtype="PCM_16")
    (expected,) = predictor.predict([tmp_path / "a.wav"])
    np.testing.assert_allclose(first.values, expected.probabilities, atol=1e-5)


@pytest.mark.parametrize("size", [1, 320, 7_001, 10**6])
def test_any_blocks_give_the_same_steps(size):
    predictor, samples = Predictor(ALL["eca"](), window_s=1.0), np.tile(speech(0.4), 5)
    if size == 1:
        samples = samples[:17_000]
    assert follow(still(predictor), samples, size) == follow(still(predictor), samples, 4_000)


def test_a_step_at_the_end_of_a_block_is_that_of_its_window():
    predictor, samples = Predictor(ALL["eca"](), window_s=1.0), speech(4.0)
    stream = still(predictor)
    assert stream.feed(samples[:15_000], at_end=True) == []
    for begin, end in itertools.pairwise((15_000, 17_000, 49_000, 49_500, 64_000)):
        (step,) = stream.feed(samples[begin:end], at_end=True)
        assert (step.start, step.end) == pytest.approx((end / 16_000 - 1, end / 16_000))
        (scores,) = predictor.score([Piece.of_samples(0.0, samples[end - 16_000 : end], [PREPARED])])
        np.testing.assert_allclose(step.values, scores[0], atol=1e-6)
    assert len(stream._source._held) <= 17_000


def test_a_window_may_be_shorter_than_the_usual_hop():
    stream = still(Predictor(ALL["eca"](), window_s=0.4))
    assert stream.hop_s == pytest.approx(0.4)
    assert len(follow(stream, speech(1.0))) == 3


def test_a_stream_begins_again_once_it_is_finished():
    stream, samples = still(Predictor(ALL["eca"](), window_s=1.0)), speech(1.3)
    assert follow(stream, samples) == follow(stream, samples)
    assert stream.finish() == []


def test_a_network_that_only_looks_back_answers_frame_by_frame(by_frame):
    stream = stream_of(by_frame)
    steps = follow(stream, speech(2.1))
    assert stream.by_frame
    assert [step.end for step in steps[:2]] == [0.04, 0.08]
    assert [i for i, step in enumerate(steps) if step.last] == [24, 49]
    for option in ({"hop_s": 0.5}, {"window_s": 0.5}):
        with pytest.raises(ConfigError, match=r"each frame of 40 ms; leave it out"):
            stream_of(Predictor(by_frame, window_s=option.get("window_s")), option.get("hop_s"))


def test_continuous_labels_of_a_network_that_looks_ahead():
    bundle, samples = diccoser(causal_condition=False), speech(2.0)
    steps = follow(still(bundle), samples)
    assert [step.end for step in steps] == [1.0, 1.5, 2.0]
    (trace,) = Predictor(bundle).score([Piece(0.5, {PREPARED: samples[8_000:24_000]})])
    assert trace.shape == (25, 2)
    np.testing.assert_allclose(steps[1].values, trace[-12:].mean(axis=0))  # of the new half second
    assert all(len(step.values) == 2 and step.shown is None for step in steps)


def test_silence_has_no_emotion_and_separates_what_comes_after_it():
    samples = np.concatenate([speech(2.0), np.zeros(32_000, np.float32), speech(2.0)])
    steps = follow(still(Predictor(ALL["mdcnn"](), window_s=2.0)), samples)
    silent = [step.end for step in steps if step.silent]
    assert silent == [3.0, 3.5, 4.0, 4.5]  # from the first full second of silence to a second of speech
    assert all((step.shown, step.values, step.smoothed) == (None, (), ()) for step in steps if step.silent)
    after = next(step for step in steps if step.end > 4.5)
    assert (after.start, after.end) == (3.5, 5.0)
    assert [len(step.values) for step in steps if not step.silent] == [4] * 7
    row = steps[4].to_dict(CLASSES)
    assert (row["silent"], row["shown"], row["anger"]) == (True, None, None)


def test_a_moment_of_speech_after_silence_has_no_emotion_yet():
    for seconds in (0.12, 0.6, 0.94):  # of speech at the end of a step
        samples = np.concatenate([np.zeros(round(16_000 * (3.0 - seconds)), np.float32), speech(3.0)])
        steps = follow(still(Predictor(ALL["mdcnn"](), window_s=2.0)), samples)
        first = next(step for step in steps if step.shown)
        assert 3.0 - seconds + 1.0 <= first.end < 3.0 - seconds + 1.5 + 0.04
    # The end of a stream is answered as a file of its length.
    stream = still(Predictor(ALL["mdcnn"](), window_s=2.0))
    assert stream.feed(speech(0.6)) == []
    assert stream.finish()[0].shown


def test_a_frame_in_silence_keeps_its_values_but_shows_nothing(by_frame):
    samples = np.concatenate([speech(2.0), np.zeros(32_000, np.float32)])
    steps = follow(still(by_frame), samples)
    # From the beginning to a second of speech, and from a second of silence on.
    ends = [step.end for step in steps if not step.silent]
    assert (ends[0], ends[-1]) == pytest.approx((1.0, 2.96))
    assert all(len(step.values) == 4 for step in steps)
    assert {step.shown is None for step in steps if step.silent} == {True}


def test_a_small_lead_changes_the_class_after_a_second_and_a_half():
    assert shown([0.6, 0.45, 0.45, 0.6, 0.45, 0.45, 0.45, 0.45]) == "aaaaaabb"
    # With two classes the lead is 2 * 0.65 - 1 = 0.3.
    assert shown([0.6, 0.35, 0.45, 0.6]) == "abbb"
    assert shown([0.6, 0.36, 0.6, 0.36]) == "aaaa"
    assert shown([0.6, 0.45, 0.6], Steadiness(margin=0.0)) == "aba"
    assert shown([0.6, 0.45, 0.6], Steadiness(hold_s=0.5)) == "aba"


def test_the_time_of_a_lead_counts_and_not_the_number_of_steps():
    assert shown([0.6, *[0.45] * 16], hop=0.1) == "a" * 15 + "bb"
    assert shown([0.6, 0.45], hop=2.0) == "ab"


def test_silence_ends_what_is_shown():
    assert shown([0.6, 0.45, 0, 0.45, 0.6], silent={2}) == "aa-bb"


def test_frames_within_a_window_do_not_change_the_class():
    steadied = Steadied(("a", "b"), Steadiness())
    inner, (end,) = steps_of([(0.6, 0.4), (0.1, 0.9)], last=False), steps_of([(0.1, 0.9)])
    assert [steadied.add(step).shown for step in (*inner, end)] == ["a", "a", "b"]


def test_values_follow_an_exponential_average():
    steadied = Steadied((), Steadiness(smooth_s=1.0))
    found = [steadied.add(step).smoothed[0] for step in steps_of([(0.0,), (1.0,), (1.0,)], hop=np.log(2))]
    assert found == pytest.approx([0.0, 0.5, 0.75])
    plain = Steadied((), Steadiness(smooth_s=0.0))
    assert [plain.add(step).smoothed[0] for step in steps_of([(0.0,), (1.0,)])] == [0.0, 1.0]


def test_the_hop_grows_if_the_computer_is_too_slow():
    now = itertools.count(step=0.6)  # each step takes 0.6 s
    stream = stream_of(Predictor(ALL["eca"](), window_s=2.0), clock=lambda: next(now))
    steps = stream.feed(speech(5.0))
    assert [step.end for step in steps] == [1.0, 1.5, 2.0, 3.0, 4.0, 5.0]
    assert stream.hop_s == stream.latency_s == 1.0  # 0.6 s are at most 80 % of it


def test_one_slow_step_changes_nothing():
    now = itertools.chain([0, 9], itertools.repeat(9))
    stream = stream_of(Predictor(ALL["eca"](), window_s=2.0), clock=lambda: next(now))
    assert len(stream.feed(speech(4.0))) == 7
    assert stream.hop_s == 0.5


def test_a_model_that_standardises_per_speaker_needs_an_enrolment(tmp_path):
    bundle = make("eca", {"x": {"kind": "logmel", "statistics": "per-bin"}}, {"n": 1})
    choice = FeatureChoice(**bundle.inputs["x"].to_dict() | {"statistics": "per-speaker"})
    predictor = Predictor(replace(bundle, inputs={"x": choice}))
    with pytest.raises(ConfigError, match="--enrol"):
        stream_of(predictor)
    for i in range(2):
        soundfile.write(tmp_path / f"{i}.wav", tone(1.0, seed=i), 16_000)
    predictor.enrol((tmp_path / f"{i}.wav", SPEAKER) for i in range(2))
    (step,) = stream_of(predictor).feed(speech(1.0))
    assert sum(step.values) == pytest.approx(1)


def test_scores_that_are_not_finite_end_the_stream():
    bundle = ALL["eca"]()
    for weight in bundle.network.parameters():
        weight.data[:] = np.nan
    with pytest.raises(RunError, match="no finite scores"):
        stream_of(bundle).feed(speech(1.0))


@pytest.mark.parametrize("hop_s", [0.05, 2.5])
def test_a_hop_that_does_not_fit_is_refused(hop_s):
    with pytest.raises(ConfigError, match=r"use 0.1 s up to the length of a window, 2 s"):
        stream_of(Predictor(ALL["eca"](), window_s=2.0), hop_s)


@pytest.mark.parametrize("setting", [{"margin": 2}, {"hold_s": -1}, {"smooth_s": 100}, {"silence_db": 3}])
def test_numbers_out_of_range_are_refused(setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        Steadiness(**setting)


def test_a_block_has_one_channel():
    with pytest.raises(ConfigError, match="mono"):
        stream_of(ALL["eca"]()).feed(np.zeros((2, 640), np.float32))


def test_sound_that_is_not_one_channel_of_finite_floats_is_refused(by_frame):
    feeds = (
        stream_of(by_frame).feed,
        stream_of(Predictor(ALL["eca"]())).feed,
        Stream(by_frame).feed,
        lambda samples: Piece.of_samples(0.0, samples, [PREPARED]),
    )
    refused = {
        "got int16; convert 16-bit integers with samples.astype": np.ones(1_000, np.int16),
        "NaN or infinity": np.full(1_000, np.nan, np.float32),
        "holds NaN or infinity": np.full(1_000, -np.inf),
        "got 2 axes; average the channels": np.zeros((1_000, 2), np.float32),
        "got values up to 20000; if they were 16-bit": np.full(1_000, -20_000, np.float32),
        "got values up to 3; .* else by the peak of the complete": np.linspace(-3, 2, 1_000),
        "an array of NumPy, got list": [0.0, 0.1],
    }
    for feed in feeds:
        for told, samples in refused.items():
            with pytest.raises(ConfigError, match=told):
                feed(samples)
        feed(
            np.linspace(-2, 2, 16_000, dtype=np.float32)
        )  # resampling brings clipped sound beyond full scale
