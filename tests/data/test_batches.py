import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sercli.data import UtteranceDataset
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.statistics import Statistics, fit

lengths = st.lists(st.integers(1, 500), min_size=1, max_size=200)


@given(lengths, st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
def test_every_utterance_is_in_one_batch_of_each_epoch(lengths, batch_size, seed, epoch):
    sampler = BucketSampler(lengths, batch_size, seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert len(batches) == len(sampler)
    assert all(len(rows) <= batch_size for rows in batches)


def test_epochs_differ_and_can_be_repeated():
    sampler = BucketSampler(list(range(100)), 8, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    again = BucketSampler(list(range(100)), 8, seed=3)
    again.set_epoch(1)
    assert list(again) == second
    assert list(BucketSampler(list(range(100)), 8, seed=4)) != first


def test_a_batch_holds_similar_lengths():
    lengths = np.random.default_rng(0).integers(100, 900, 512).tolist()

    def padding(batches):
        return sum(len(rows) * max(lengths[row] for row in rows) for rows in batches) / sum(lengths)

    assert padding(BucketSampler(lengths, 16, seed=0)) < 1.15
    assert padding(sorted_batches(lengths, 16)) < 1.05


def test_an_epoch_brings_other_utterances_together():
    # As spread as IEMOCAP's, from under a second to over thirty.
    lengths = np.exp(np.random.default_rng(0).normal(6, 0.6, 1024)).astype(int).tolist()
    sampler = BucketSampler(lengths, 32, seed=0)
    first = {row: set(rows) for rows in sampler for row in rows}
    sampler.set_epoch(1)
    second = {row: set(rows) for rows in sampler for row in rows}
    again = np.mean([len(first[row] & second[row]) / 32 for row in first])
    assert again < 0.3
    padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in sampler)
    assert padded / sum(lengths) < 1.25


def test_the_smallest_batch_is_of_others_in_each_epoch():
    lengths = [*range(100, 164), 1000]
    sampler = BucketSampler(lengths, 16, seed=0)
    alone = []
    for epoch in range(40):
        sampler.set_epoch(epoch)
        alone += min(sampler, key=len)
    assert len(alone) == 40
    assert alone.count(64) < 20
    assert len(set(alone)) > 5


@pytest.fixture
def dataset():
    arrays = [np.full((3, 4, frames), float(frames), np.float32) for frames in (5, 2, 7)]
    return UtteranceDataset({"x": arrays}, {"x": fit(arrays, "none")}, [0, 1, 2], ["a", "b", "c"])


@pytest.mark.parametrize("counts", [(60, 7, 3), (5, 5), (1, 9, 30, 2)])
def test_a_balanced_epoch_has_each_class_equally_often(counts):
    classes = [number for number, count in enumerate(counts) for _ in range(count)]
    lengths = [10 + row % 7 for row in range(len(classes))]
    sampler = BucketSampler(lengths, 4, seed=1, classes=classes)
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        rows = [row for batch in sampler for row in batch]
        assert len(rows) == len(classes)
        drawn = [sum(classes[row] == number for row in rows) for number in range(len(counts))]
        assert max(drawn) - min(drawn) <= 1
        # None occurs twice before all of its class occurred once.
        for number, count in enumerate(counts):
            times = [rows.count(row) for row in range(len(classes)) if classes[row] == number]
            assert max(times) - min(times) <= 1
            assert len(times) == count
        epochs.append(sorted(rows))
    assert epochs[0] != epochs[1] or len(set(counts)) == 1
    assert list(BucketSampler(lengths, 4, seed=1, classes=classes)) == list(
        BucketSampler(lengths, 4, seed=1, classes=classes)
    )


def test_a_batch_is_padded_with_zeros_and_masked(dataset):
    batch = dataset[[2, 1]]
    assert batch.inputs["x"].shape == (2, 3, 4, 7)
    assert batch.mask.tolist() == [[True] * 7, [True] * 2 + [False] * 5]
    assert batch.target.tolist() == [2, 1]
    assert batch.rows.tolist() == [2, 1]
    assert batch.inputs["x"][1, :, :, :2].unique().tolist() == [2.0]
    assert batch.inputs["x"][1, :, :, 2:].unique().tolist() == [0.0]


def test_padding_is_zero_after_standardising():
    arrays = [np.full((1, 1, frames), 5.0, np.float32) for frames in (2, 4)]
    statistics = {"x": Statistics(np.full((1, 1, 1), 3.0, np.float32), np.full((1, 1, 1), 2.0, np.float32))}
    batch = UtteranceDataset({"x": arrays}, statistics, [0, 0], ["a", "b"])[[0, 1]]
    torch.testing.assert_close(batch.inputs["x"][0, 0, 0], torch.tensor([1.0, 1.0, 0.0, 0.0]))
