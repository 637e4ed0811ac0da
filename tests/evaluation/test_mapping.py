import numpy as np
import pytest

from sercli.errors import ConfigError
from sercli.evaluation.mapping import map_classes

EMODB = ("anger", "boredom", "happiness", "neutral")


def test_classes_stand_for_one_another_by_name():
    found = map_classes(EMODB, ("anger", "disgust", "happiness"))
    assert found.classes == found.shared == ("anger", "happiness")
    assert found.foreign == ("boredom", "neutral")
    assert found.of_corpus == {"anger": "anger", "disgust": None, "happiness": "happiness"}
    assert found.missing == ("disgust",)


def test_foreign_probability_is_dropped_and_the_rest_renormalised():
    found = map_classes(EMODB, ("anger", "happiness"))
    # Of 0.2 and 0.3 remain 0.4 and 0.6; of nothing, halves.
    carried = found.carry(np.array([[0.2, 0.4, 0.3, 0.1], [0.0, 1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(carried, [[0.4, 0.6], [0.5, 0.5]])


def test_foreign_classes_that_are_kept_can_be_said():
    found = map_classes(EMODB, ("anger", "happiness"), keep_foreign=True)
    assert found.classes == ("anger", "happiness", "boredom", "neutral")
    np.testing.assert_allclose(found.carry(np.array([[0.2, 0.4, 0.3, 0.1]])), [[0.2, 0.3, 0.4, 0.1]])


def test_gender_counts_only_where_both_sides_have_it():
    gendered = ("female anger", "female sadness", "male anger", "male sadness")
    plain = map_classes(gendered, ("anger", "sadness"))
    assert plain.shared == ("anger", "sadness")
    np.testing.assert_allclose(plain.carry(np.array([[0.1, 0.2, 0.3, 0.4]])), [[0.4, 0.6]])
    assert map_classes(gendered, gendered).shared == gendered
    other = map_classes(("anger", "sadness"), gendered)
    assert other.of_corpus["male anger"] == "anger"


@pytest.mark.parametrize(
    ("model", "corpus"),
    [
        (("anger", "calm", "neutral"), ("anger", "neutral")),
        (("anger", "neutral"), ("anger", "calm", "neutral")),
    ],
)
def test_calm_is_neutral_where_the_other_side_has_no_calm(model, corpus):
    found = map_classes(model, corpus)
    assert found.shared == ("anger", "neutral")
    assert found.foreign == found.missing == ()


def test_calm_stays_calm_where_both_have_it():
    both = ("anger", "calm", "neutral")
    assert map_classes(both, both).shared == both
    gendered = ("female anger", "female calm", "male anger", "male calm")
    assert map_classes(gendered, both).of_model["male calm"] == "calm"


def test_only_calm_itself_is_neutral():
    found = map_classes(("anger", "not calm", "male calm"), ("anger", "neutral"))
    assert found.of_model == {"anger": "anger", "not calm": "not calm", "male calm": "neutral"}


def test_the_classes_of_one_side_are_listed_by_the_names_of_that_side():
    found = map_classes(("anger", "calm", "happiness"), ("anger", "female fear", "happiness"))
    assert (found.foreign, found.model_only) == (("neutral",), ("calm",))
    stated = found.to_dict()
    assert stated["shared"] == ["anger", "happiness"]
    assert (stated["model_only"], stated["corpus_only"]) == (["calm"], ["female fear"])


def test_excitement_is_not_taken_for_happiness():
    found = map_classes(("anger", "happiness", "neutral"), ("anger", "excitement", "neutral"))
    assert (found.foreign, found.missing) == (("happiness",), ("excitement",))


def test_a_single_class_tells_nothing():
    with pytest.raises(ConfigError, match="anger is the only class in both"):
        map_classes(EMODB, ("anger", "disgust"))
