import pytest

from sercli.errors import ManifestError, UnknownNameError
from sercli.labels import EMOTIONS, SCHEMES, get_scheme
from sercli.records import Utterance


def said(name, emotion, gender=None):
    return Utterance(id=name, corpus="c", file=f"{name}.wav", emotion=emotion, gender=gender)


def test_a_scheme_merges_and_counts_what_it_leaves_out():
    utterances = [said("a", "calm"), said("b", "neutral"), said("c", "fear"), said("d", "anger")]
    selection = get_scheme("ravdess-4").select(utterances)
    assert selection.labels == {"a": "neutral", "b": "neutral", "d": "anger"}
    assert selection.left_out == {"fear": 1}
    assert selection.counts == {"anger": 1, "happiness": 0, "neutral": 2, "sadness": 0}


def test_calm_can_be_left_out_instead():
    selection = get_scheme("ravdess-4-nocalm").select([said("a", "calm"), said("b", "neutral")])
    assert selection.labels == {"b": "neutral"}


def test_a_gendered_scheme_names_both():
    selection = get_scheme("ravdess-14").select([said("a", "calm", "female"), said("b", "fear", "male")])
    assert selection.labels == {"a": "female neutral", "b": "male fear"}
    assert len(selection.classes) == 14


def test_a_gendered_scheme_needs_the_gender():
    with pytest.raises(ManifestError, match="a: no gender, which scheme 'ravdess-14' needs"):
        get_scheme("ravdess-14").select([said("a", "calm")])


@pytest.mark.parametrize("emotion", [None, "Happy", "boredem"])
def test_an_unknown_label_is_an_error_never_a_silent_drop(emotion):
    with pytest.raises(ManifestError, match=f"a: emotion '{emotion}' is none of"):
        get_scheme("emodb-4").select([said("a", emotion)])


def test_an_unknown_scheme_lists_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean emodb-7, emodb-4"):
        get_scheme("emodb-5")


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_merges_known_emotions_into_sorted_classes(name):
    scheme = SCHEMES[name]
    assert set(scheme.merge) <= EMOTIONS
    assert list(scheme.classes) == sorted(scheme.classes)
    assert name.startswith(scheme.corpus)
