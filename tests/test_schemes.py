from dataclasses import replace

import pytest

from sercli.corpora import get_corpus
from sercli.errors import ConfigError, ManifestError, UnknownNameError
from sercli.labels import EMOTIONS
from sercli.records import Utterance
from sercli.schemes import choose, get_scheme, scheme_names, schemes_of
from sercli.tasks import REGRESSION


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
    with pytest.raises(ManifestError, match="a: no gender, and scheme 'ravdess-14' needs female or male"):
        get_scheme("ravdess-14").select([said("a", "calm")])


def test_no_label_is_an_error_and_an_unknown_one_is_counted():
    with pytest.raises(ManifestError, match="a: no emotion"):
        get_scheme("emodb-4").select([said("a", None)])
    assert get_scheme("emodb-4").select([said("a", "guilt")]).left_out == {"guilt": 1}
    assert get_scheme("every-emotion").select([said("a", "guilt")]).classes == ("guilt",)


def test_an_unknown_scheme_lists_the_nearest():
    with pytest.raises(UnknownNameError, match="emodb-7, emodb-4"):
        get_scheme("emodb-5")


@pytest.mark.parametrize("name", scheme_names())
def test_every_scheme_merges_known_emotions_into_sorted_classes(name):
    scheme = get_scheme(name)
    classes = scheme.select([]).classes
    assert list(classes) == sorted(classes)
    if scheme.merge is None:
        assert scheme.corpus is None
    else:
        own = get_corpus(scheme.corpus).known.get("emotion", {}) if scheme.corpus else {}
        assert set(scheme.merge) <= EMOTIONS | set(own)  # some corpora have styles, such as whisper
    assert scheme.corpus is None or name.startswith(scheme.corpus)
    assert len({sum(counts.values()) for counts in scheme.known.values()}) <= 1


def test_the_schemes_of_iemocap_have_their_published_sizes():
    own = [scheme for scheme in schemes_of("iemocap") if scheme.corpus]
    sizes = [sum(next(iter(scheme.known.values())).values()) for scheme in own]
    assert sizes == [2280, 2943, 2659, 5531, 7380, 5531, 10039, 5531]


def test_a_style_is_selected_and_the_other_counted():
    said_so = [
        replace(said(name, emotion), style=style)
        for name, emotion, style in (
            ("a", "excitement", "improvised"),
            ("b", "anger", "improvised"),
            ("c", "anger", "scripted"),
            ("d", "undecided", "improvised"),
        )
    ]
    assert get_scheme("iemocap-impro4").select(said_so).left_out == {
        "excitement": 1,
        "scripted": 1,
        "undecided": 1,
    }
    assert get_scheme("iemocap-impro4-merged").select(said_so).labels == {"a": "happiness", "b": "anger"}
    assert get_scheme("iemocap-4").select(said_so).labels == {"a": "happiness", "b": "anger", "c": "anger"}


def test_every_emotion_that_occurs_is_a_class_but_other_and_undecided():
    selection = get_scheme("every-emotion").select(
        [said("a", "shame"), said("b", "undecided"), said("c", "anger")]
    )
    assert selection.classes == ("anger", "shame")
    assert selection.left_out == {"undecided": 1}


def test_general_schemes_come_after_a_corpus_s_own():
    assert schemes_of("emodb")[0].name == "emodb-7"
    assert [scheme.name for scheme in schemes_of("mine")] == [
        *("every-emotion", "common-4", "arousal-valence"),
        "dimensions",
    ]


def test_the_scheme_of_another_corpus_is_refused():
    with pytest.raises(ConfigError, match="'ravdess-4' is made for corpus 'ravdess', not for 'emodb'"):
        choose([said("a", "anger")], "emodb", "ravdess-4")
    assert choose([said("a", "anger")], "mine", None)[0] == "every-emotion"


def test_of_continuous_labels_all_is_selected():
    traced = [replace(said("a", None), trace="a.npy")]
    assert choose(traced, "recola", None)[1].labels == {"a": ""}
    with pytest.raises(ConfigError, match="corpus 'recola' has no emotions"):
        choose(traced, "recola", "common-4")


def test_continuous_labels_are_a_scheme_of_their_own():
    utterances = [Utterance(id=f"r/{i}", corpus="r", file=f"{i}.wav", trace=t) for i, t in enumerate("ab")]
    name, selection = choose(utterances, "r", None)
    assert name == "arousal-valence"
    assert (selection.classes, selection.outputs.dimensions) == ((), ("arousal", "valence"))
    assert selection.outputs.task is REGRESSION
    assert list(selection.labels) == ["r/0", "r/1"]
    with pytest.raises(ConfigError, match="no emotions"):
        choose(utterances, "r", "common-4")
    with pytest.raises(ConfigError, match="no continuous labels"):
        choose([said("a", "anger")], "emodb", "arousal-valence")
