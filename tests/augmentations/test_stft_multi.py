import pytest

from sercli.augmentations import get_augmentation
from sercli.augmentations.stft_multi import ASCENDING, DESCENDING, VARIANTS, StftMultiConfig
from sercli.errors import ConfigError
from sercli.features import get_feature


def test_the_variants_are_those_of_the_feature():
    assert tuple(get_feature("logmel").variants) == VARIANTS


def test_the_papers_sets():
    assert list(ASCENDING) == ["v1", *(f"v1-v{i}" for i in range(2, 9))]
    assert list(DESCENDING) == ["v8", *(f"v8-v{i}" for i in range(7, 0, -1))]
    assert {config.test for config in ASCENDING.values()} == {"v1"}
    assert {config.test for config in DESCENDING.values()} == {"v8"}
    assert ASCENDING["v1"].train == ("v1",)
    assert ASCENDING["v1-v3"].train == ("v1", "v2", "v3")
    assert DESCENDING["v8-v6"].train == ("v8", "v7", "v6")
    assert sorted(DESCENDING["v8-v1"].train) == list(ASCENDING["v1-v8"].train) == list(VARIANTS)


def test_there_is_nothing_to_apply():
    assert get_augmentation("stft-multi").apply is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": []}, "train: name at least one variant, such as v8"),
        ({"train": ["v1", "v2", "v1"]}, "train: v1 is named twice; leave one out"),
        ({"train": ["v1", ""]}, "train.1: string should have at least 1 character, got ''"),
        ({"test": ""}, "test: string should have at least 1 character, got ''"),
        ({"each": "both"}, "each: input should be 'all' or 'random', got 'both'"),
    ],
)
def test_sets_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError) as refusal:
        StftMultiConfig(**settings)
    assert str(refusal.value) == message
