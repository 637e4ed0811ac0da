import numpy as np
import pytest
import torch

from sercli.augmentations import Augmentation, AugmentationConfig, get_augmentation
from sercli.data import UtteranceDataset
from sercli.data.augment import Augmenter
from sercli.data.segments import TraceCut
from sercli.errors import RunError
from sercli.statistics import fit

FRAMES = 12


class Rows(list):
    """Rows whose recomputed features are their samples, one frame a sample."""

    def compute(self, row, samples):
        return np.broadcast_to(samples, (1, 2, len(samples))).astype(np.float32)

    @property
    def lengths(self):
        return [array.shape[-1] for array in self]


def rows(offset=0.0):
    return Rows(np.full((1, 2, FRAMES), 10.0 * row + offset, np.float32) for row in range(4))


def samples(row):
    return np.linspace(0.1, 1, FRAMES + row, dtype=np.float32)


def dataset(*names, sources=None, seed=0, settings=None, target=(0, 1, 0, 1)):
    chosen = [get_augmentation(name) for name in names]
    configs = [
        entry.config(**(settings or {}).get(name, {})) for name, entry in zip(names, chosen, strict=True)
    ]
    inputs = {"x": rows()}
    by_name = dict(zip(names, zip(chosen, configs, strict=True), strict=True))
    augmenter = Augmenter(by_name, seed, {"x": 0.0}, sources or [inputs], samples)
    return UtteranceDataset(inputs, {"x": fit([], "none")}, list(target), list("abcd"), augmenter=augmenter)


def test_equal_seeds_epochs_and_rows_give_equal_batches_and_others_differ():
    first, again, other = dataset("noise"), dataset("noise"), dataset("noise", seed=1)
    batch = first[[0, 1, 2, 3]].inputs["x"]
    assert torch.equal(batch, again[[0, 1, 2, 3]].inputs["x"])
    assert not torch.equal(batch, other[[0, 1, 2, 3]].inputs["x"])
    first.set_epoch(1)
    later = first[[0, 1, 2, 3]].inputs["x"]
    assert not torch.equal(batch, later)
    again.set_epoch(1)
    assert torch.equal(later, again[[0, 1, 2, 3]].inputs["x"])


def test_a_row_varies_alike_whichever_batch_it_is_in():
    data = dataset("gain")
    alone = data[[2]].inputs["x"]
    together = data[[0, 2]].inputs["x"][1:, ..., : alone.shape[-1]]
    assert torch.equal(alone, together)


def test_changed_audio_changes_the_length_and_the_mask():
    data = dataset("speed", settings={"speed": {"factors": (2.0,)}})
    batch = data[[0, 3]]
    lengths = batch.mask.sum(1).tolist()
    assert lengths == [pytest.approx(FRAMES / 2, abs=1), pytest.approx((FRAMES + 3) / 2, abs=1)]


def test_one_source_is_drawn_for_each_row():
    sources = [{"x": rows(offset)} for offset in (0.0, 1.0, 2.0)]
    data = dataset("stft-multi", sources=sources)
    drawn = set()
    for epoch in range(8):
        data.set_epoch(epoch)
        x = data[[0, 1, 2, 3]].inputs["x"]
        assert torch.equal(x - x % 10, torch.arange(4.0)[:, None, None, None].expand_as(x) * 10)
        drawn |= set((x % 10).flatten().tolist())
    assert drawn == {0.0, 1.0, 2.0}


def test_mixed_utterances_keep_the_larger_share_of_themselves():
    data = dataset("mixup", settings={"mixup": {"alpha": 5.0}})
    batch = data[[0, 1, 2, 3]]
    assert 0.5 <= batch.share < 1
    own = torch.arange(4.0) * 10
    partner = (batch.inputs["x"][:, 0, 0, 0] - batch.share * own) / (1 - batch.share)
    index = (partner / 10).round().long()
    torch.testing.assert_close(partner, index * 10.0, atol=1e-3, rtol=0)
    assert batch.other.tolist() == data.classes[index].tolist()


@pytest.mark.parametrize(
    ("stage", "apply", "told"),
    [
        ("samples", lambda samples, random, config: samples[:0], r"is \(0,\); let 'apply' return an array"),
        ("samples", lambda samples, random, config: samples[None], r"is \(1, 12\); let"),
        ("samples", lambda samples, random, config: None, "is of type NoneType; let"),
        ("samples", lambda samples, random, config: samples * np.nan, "has NaN or infinity; let"),
        ("features", lambda arrays, *_: {"x": arrays["x"][..., 1:]}, r"is \(1, 2, 11\); let .* \(1, 2, 12\)"),
        ("features", lambda arrays, *_: {"x": arrays["x"] + np.inf}, "has NaN or infinity"),
        ("standard", lambda array, frames, random, config: array[0], r"is \(2, 12\); let .* \(1, 2, 12\)"),
        ("batch", lambda count, random, config: (np.arange(count + 1), 0.5), r"is \(2,\); let .* \(1,\)"),
        ("batch", lambda count, random, config: (np.arange(count), np.nan), "share of nan"),
    ],
)
def test_an_augmentation_of_one_s_own_that_returns_something_else_is_named(stage, apply, told):
    entry = Augmentation(AugmentationConfig, stage, "a test", apply)
    chosen = {"mine": (entry, entry.config())}
    inputs = {"x": rows()}
    augmenter = Augmenter(chosen, 0, {"x": 0.0}, [inputs], samples)
    data = UtteranceDataset(inputs, {"x": fit([], "none")}, [0, 1, 0, 1], list("abcd"), augmenter=augmenter)
    with pytest.raises(RunError, match=rf"^augmentation 'mine': (its result|it keeps a) {told}"):
        data[[0]]


def test_labels_by_frame_are_padded_and_masked():
    inputs = {"x": [np.zeros((1, 4), np.float32), np.zeros((1, 6), np.float32)]}
    traces = [
        TraceCut(np.full((2, 2), 0.5, np.float32), 0, 2),
        TraceCut(np.full((3, 2), -1.0, np.float32), 3, 1),
    ]
    batch = UtteranceDataset(inputs, {"x": fit([], "none")}, traces, ["a", "a"])[[0, 1]]
    assert batch.target.shape == (2, 3, 2)
    assert batch.target[0].tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]]
    assert batch.target_mask.tolist() == [[True, True, False], [True, False, False]]
    assert batch.utterances.tolist() == [0, 0]
