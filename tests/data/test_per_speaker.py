"""Features standardised per speaker."""

import numpy as np
import pytest

from sercli.data.items import ComputedFeatures, Item
from sercli.data.parts import Preprocessing, make_dataset, with_groups
from sercli.errors import FeatureError
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import fit

CHOICE = FeatureChoice(kind="logmel3d", statistics="per-speaker")


def material(speakers, seed=0):
    random = np.random.default_rng(seed)
    shape = (*CHOICE.shape, 5)
    items = [Item(f"{number}", 8000, 0, speaker) for number, speaker in enumerate(speakers)]
    arrays = {
        item.id: (random.normal(size=shape) * (2 + ord(item.speaker or "z")) + 7).astype(np.float32)
        for item in items
    }
    return items, ComputedFeatures(arrays)


def preprocessing(arrays):
    return Preprocessing({"x": CHOICE}, SegmentConfig(), {"x": fit(arrays.values(), "per-bin")})


def test_each_speaker_has_mean_zero_and_deviation_one_in_every_bin():
    items, arrays = material("aabba")
    dataset = make_dataset(preprocessing(arrays), items, {"x": arrays})
    rows = [dataset.row(number)["x"] for number in range(5)]
    for speaker in "ab":
        own = [row for row, item in zip(rows, items, strict=True) if item.speaker == speaker]
        joined = np.concatenate(own, axis=-1)
        np.testing.assert_allclose(joined.mean(-1), 0, atol=1e-5)
        np.testing.assert_allclose(joined.std(-1), 1, atol=1e-4)


def test_a_speaker_does_not_depend_on_the_others():
    items, arrays = material("aabb")
    both = make_dataset(preprocessing(arrays), items, {"x": arrays})
    alone = make_dataset(preprocessing(arrays), items[:2], {"x": arrays})
    np.testing.assert_array_equal(both.row(1)["x"], alone.row(1)["x"])


def test_statistics_of_known_speakers_serve_some_of_their_utterances():
    items, arrays = material("aabb")
    known = with_groups(preprocessing(arrays), items, {"x": arrays})
    every = make_dataset(preprocessing(arrays), items, {"x": arrays})
    one = make_dataset(known, [items[2]], {"x": arrays})
    np.testing.assert_array_equal(every.row(2)["x"], one.row(0)["x"])


def test_a_value_that_hardly_varies_is_not_blown_up():
    items, arrays = material("aabb")
    for item in items[:2]:
        arrays[item.id][..., 0, :] = 3 + 1e-4 * np.arange(5)
    dataset = make_dataset(preprocessing(arrays), items, {"x": arrays})
    assert np.abs(dataset.row(0)["x"][..., 0, :]).max() < 1e-3


@pytest.mark.parametrize(
    ("speakers", "message"),
    [
        ("aab", "1 of 2 speakers have fewer than 2 utterances, for example b"),
        (["a", "a", None], "1 utterances have no speaker, for example 2"),
    ],
)
def test_unknown_and_rare_speakers_are_refused_with_the_remedy(speakers, message):
    items, arrays = material(speakers)
    with pytest.raises(FeatureError, match=f"{message}.*features.statistics=per-bin"):
        make_dataset(preprocessing(arrays), items, {"x": arrays})


def test_each_corpus_has_mean_zero_and_deviation_one_whoever_speaks():
    random = np.random.default_rng(0)
    choice = FeatureChoice(kind="logmel3d", statistics="per-corpus")
    items = [Item(f"{corpus}/{number}", 8000, 0, None) for corpus in ("one", "two") for number in range(3)]
    arrays = ComputedFeatures(
        {
            item.id: (random.normal(size=(*choice.shape, 5)) * (3 if item.corpus == "one" else 9) + 7).astype(
                np.float32
            )
            for item in items
        }
    )
    given = Preprocessing({"x": choice}, SegmentConfig(), {"x": fit(arrays.values(), "per-bin")})
    dataset = make_dataset(given, items, {"x": arrays})
    for start in (0, 3):
        joined = np.concatenate([dataset.row(start + number)["x"] for number in range(3)], axis=-1)
        np.testing.assert_allclose(joined.mean(-1), 0, atol=1e-5)
        np.testing.assert_allclose(joined.std(-1), 1, atol=1e-4)
    with pytest.raises(FeatureError, match="1 of 2 corpora have fewer than 2 utterances, for example two"):
        make_dataset(given, items[:4], {"x": arrays})
