"""A stream gives, block by block, what the whole signal's consecutive windows give."""

import numpy as np
import pytest
import torch
from conftest import tone
from untrained import diccoser, make

from sercli.errors import ConfigError
from sercli.inference import score
from sercli.inference.recordings import Piece, dataset_of, extract
from sercli.inference.streaming import FRAME, Stream
from sercli.models import architecture_names, get_architecture


def speech(seconds, seed=0):
    parts = [tone(0.7, pitch=110 + 40 * i, seed=seed + i) for i in range(int(seconds / 0.7) + 1)]
    return np.concatenate(parts)[: round(seconds * 16_000)]


def whole(bundle, samples):
    return score(
        bundle.network, dataset_of(bundle, [extract(bundle, Piece(0.0, {0: samples}))]), bundle.outputs
    )[0]


def follow(stream, samples, sizes):
    frames, place, i = [], 0, 0
    while place < len(samples):
        frames += stream.feed(samples[place : place + sizes[i % len(sizes)]])
        place += sizes[i % len(sizes)]
        i += 1
    return frames + stream.finish()


def values(frames):
    return np.array([frame.values for frame in frames])


VARIANTS = [(variant, fed) for variant in "abcd" for fed in ("raw", "logmel")]


@pytest.fixture(scope="module", params=VARIANTS, ids="-".join)
def scored(request):
    """A bundle, a recording, and its frames from one pass."""
    bundle, samples = diccoser(*request.param), speech(2.6)
    return bundle, samples, whole(bundle, samples)


@pytest.mark.parametrize("sizes", [(1, 3000, 7), (640,), (16_000,), (10**6,), (641, 1279)])
def test_any_blocks_give_the_frames_of_the_whole_signal(scored, sizes):
    bundle, samples, expected = scored
    frames = follow(Stream(bundle), samples, sizes)
    assert len(frames) == len(expected) == 65
    np.testing.assert_allclose(values(frames), expected, rtol=0, atol=1e-5)
    assert [frame.start for frame in frames[:3]] == [0.0, 0.04, 0.08]
    assert [i for i, frame in enumerate(frames) if frame.last] == [24, 49]
    assert expected.std(axis=0).min() > 1e-3


@pytest.mark.parametrize(
    "settings",
    [{"variant": "c", "max_of": "abs"}, {"norm_per_branch": True}, {"fed": "logmel", "logmel_pool": "front"}],
)
def test_other_settings_too(settings):
    bundle, samples = diccoser(**settings), speech(1.5)
    found = values(follow(Stream(bundle), samples, (1000,)))
    np.testing.assert_allclose(found, whole(bundle, samples)[: len(found)], rtol=0, atol=1e-5)


@pytest.mark.parametrize("fed", ["raw", "logmel"])
def test_a_classifiers_last_frame_of_a_window_is_what_it_says_of_the_window(fed):
    bundle, samples = diccoser(fed=fed, traces=False), speech(3.0)
    frames = follow(Stream(bundle), samples, (700,))
    ends = values([frame for frame in frames if frame.last])
    assert ends.shape == (3, 4)
    for i, found in enumerate(ends):
        piece = Piece(0.0, {0: samples[16_000 * i : 16_000 * (i + 1)]})
        batch = dataset_of(bundle, [extract(bundle, piece)])[[0]]
        with torch.no_grad():
            expected = bundle.network(**batch.inputs, mask=batch.mask).softmax(dim=1)[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(values(frames).sum(axis=1), 1)


def test_real_speech_is_followed(recordings_folder):
    from sercli import audio

    path = sorted((recordings_folder / "emodb").rglob("*.wav"))[0]
    samples = audio.read(path)
    for fed in ("raw", "logmel"):
        bundle = diccoser(fed=fed)
        found, expected = values(follow(Stream(bundle), samples, (480,))), whole(bundle, samples)
        shared = min(len(found), len(expected))  # the stream fills up a last partial frame
        assert shared >= max(len(found), len(expected)) - 1
        np.testing.assert_allclose(found[:shared], expected[:shared], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("fed", "ahead"), [("raw", 0), ("logmel", 320)])
def test_a_frame_is_told_as_soon_as_its_samples_are_there(fed, ahead):
    stream = Stream(diccoser(fed=fed))
    assert stream.latency_s == (FRAME + ahead) / 16_000
    assert stream.feed(speech(1.0)[: FRAME + ahead - 1]) == []
    (frame,) = stream.feed(np.zeros(1, np.float32))
    assert (frame.start, frame.end) == (0.0, 0.04)


def test_it_begins_anew_once_it_is_finished():
    stream, samples = Stream(diccoser()), speech(1.3)
    first = follow(stream, samples, (999,))
    assert follow(stream, samples, (999,)) == first
    assert stream.finish() == []


def test_memory_does_not_grow_with_the_stream():
    stream = Stream(diccoser())
    for _ in range(100):
        stream.feed(speech(0.1))
    assert len(stream._held) < FRAME
    assert sum(past.shape[2] for past in stream._network.state._past.values()) < 1000


def test_who_looks_ahead_says_so():
    with pytest.raises(ConfigError, match="its convolutions are centred"):
        Stream(make("cnnlstm", {"x": {"kind": "waveform", "duration_s": 1.0}}, {"hidden_size": 8}))
    with pytest.raises(ConfigError, match="looks a frame"):
        Stream(diccoser(causal_condition=False))
    with pytest.raises(ConfigError, match="can't follow a stream"):
        Stream(make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8}))
    with pytest.raises(ConfigError, match="mono"):
        Stream(diccoser()).feed(np.zeros((2, 640), np.float32))


@pytest.mark.parametrize("name", architecture_names())
def test_every_architecture_follows_or_says_why_not(name):
    stream = get_architecture(name).stream
    assert callable(stream) or len(stream) > 10
