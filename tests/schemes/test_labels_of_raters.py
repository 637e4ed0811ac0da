"""Schemes whose labels are from the votes of raters."""

import pytest

from sercli.errors import ConfigError
from sercli.records import Utterance
from sercli.schemes import choose, get_scheme
from sercli.schemes.reading import choose_scheme, from_plain, read_file


def rated(name, *raters, **facts):
    judged = tuple({"rater": str(i), "emotions": labels.split()} for i, labels in enumerate(raters))
    return Utterance(id=name, corpus="c", file=f"{name}.wav", raters=judged, **{"emotion": "fear"} | facts)


FIVE = [
    rated("a", "anger", "anger", "sadness"),  # a majority
    rated("b", "anger", "sadness"),  # a tie
    rated("c", "anger", "anger", "sadness", "neutral", "fear"),  # a plurality, but no majority
    rated("d", "guilt", "guilt", "anger"),  # a label outside of the classes wins
    rated("e", "excitement", "happiness", "sadness"),  # a tie, unless two labels are one class
]
CLASSES = "anger,sadness,happiness+excitement=joy"


def select(utterances=FIVE, **given):
    return choose(utterances, "c", from_plain({"classes": CLASSES} | given), partial=True)[1]


def test_the_corpus_s_own_label_is_the_default():
    found = select([rated("a", "anger", emotion="sadness"), *FIVE])
    assert found.labels == {"a": "sadness"}
    assert found.raters == {}
    assert found == select([rated("a", "anger", emotion="sadness"), *FIVE], labels="corpus")


def test_majority_leaves_out_what_has_none():
    found = select(labels="majority")
    assert found.labels == {"a": "anger", "e": "joy"}
    assert found.left_out == {"guilt": 1, "without majority": 2}


def test_plurality_leaves_out_ties():
    found = select(labels="plurality")
    assert found.labels == {"a": "anger", "c": "anger", "e": "joy"}
    assert found.left_out == {"guilt": 1, "tie of raters": 1}


def test_votes_selects_as_plurality_and_has_the_classes_of_each_rater():
    found = select(labels="votes")
    plural = select(labels="plurality")
    assert (found.labels, found.left_out, found.raters) == (plural.labels, plural.left_out, plural.raters)
    assert found.classes == ("anger", "joy", "sadness")
    # Neutral and fear are no classes, so two raters of c are left.
    assert found.raters == {"a": ((0,), (0,), (2,)), "c": ((0,), (0,), (2,)), "e": ((1,), (1,), (2,))}


def test_a_rater_who_named_a_class_twice_or_several_classes():
    found = select(
        [rated("a", "happiness excitement sadness", "anger happiness", "happiness")], labels="votes"
    )
    assert found.raters == {"a": ((1, 2), (0, 1), (1,))}


def test_without_classes_each_label_that_wins_is_one():
    found = choose([*FIVE, rated("f", "other", "other", "fear")], "c", None, labels="votes")[1]
    assert found.classes == ("anger", "guilt")
    assert found.labels == {"a": "anger", "c": "anger", "d": "guilt"}
    assert found.left_out == {"other": 1, "tie of raters": 2}
    assert found.raters["c"] == ((0,), (0,))


def test_classes_with_gender():
    utterances = [rated("a", "anger", "sadness", "anger", gender="male")]
    found = select(utterances, labels="votes", gendered=True)
    assert found.labels == {"a": "male anger"}
    assert [found.classes[i] for (i,) in found.raters["a"]] == ["male anger", "male sadness", "male anger"]


def test_utterances_without_raters_are_counted():
    found = select([*FIVE, Utterance(id="f", corpus="c", file="f.wav", emotion="anger")], labels="majority")
    assert found.left_out["without raters"] == 1


def test_a_corpus_without_raters_is_refused():
    silent = [Utterance(id="f", corpus="c", file="f.wav", emotion="anger")]
    with pytest.raises(
        ConfigError, match="'c' has no labels of raters, which labels=votes needs; prepare it"
    ):
        select(silent, labels="votes")


def test_agreement_selects_by_the_labels_of_the_manifest():
    # 2/3, 1/2, 2/5, 2/3, 1/3
    found = choose(FIVE, "c", from_plain({"labels": "plurality", "selection": {"agreement": {"min": 0.5}}}))[
        1
    ]
    assert found.labels == {"a": "anger", "d": "guilt"}
    assert found.left_out == {"agreement below 0.5": 2, "tie of raters": 1}
    silent = Utterance(id="f", corpus="c", file="f.wav", emotion="anger")
    found = choose([*FIVE, silent], "c", from_plain({"selection": {"agreement": {"max": 0.4}}}))[1]
    assert found.labels == {"c": "fear", "e": "fear"}
    assert found.left_out == {"agreement above 0.4": 3, "of no known agreement": 1}


def test_a_label_that_no_rater_gave_is_refused():
    # The manifest's own label does not count, and those of the raters do.
    with pytest.raises(ConfigError, match="no utterance has the label 'wrath'; the corpus has anger, exc"):
        choose(FIVE, "c", from_plain({"classes": "anger,wrath", "labels": "votes"}))
    assert choose(FIVE, "c", from_plain({"classes": "anger,guilt", "labels": "votes"}))[1].classes


def test_the_source_is_part_of_the_content_only_if_it_is_not_the_corpus(tmp_path):
    plain, voted = from_plain({"classes": CLASSES}), from_plain({"classes": CLASSES, "labels": "votes"})
    assert from_plain({"classes": CLASSES, "labels": "corpus"}) == plain
    assert "labels" not in plain.content
    assert voted.content == plain.content | {"labels": "votes"}
    assert voted.name.startswith("anger-joy-sadness-votes-")
    assert get_scheme(voted.recorded) == voted
    (tmp_path / "s.yaml").write_text(
        "labels: votes\nclasses: {anger: anger, sadness: sad, joy: [hap, exc]}\n"
    )
    assert read_file(tmp_path / "s.yaml") == voted


def test_another_source_for_a_scheme_of_any_kind():
    classes = choose_scheme(None, CLASSES)
    voted = from_plain({"classes": CLASSES, "labels": "votes"})
    assert classes.with_labels("votes") == voted
    assert voted.with_labels("corpus") == classes
    assert voted.with_labels("majority").with_labels("votes") == voted
    four = get_scheme("iemocap-4")
    own = four.with_labels("plurality")
    assert (own.merge, own.labels) == (four.merge, "plurality")
    assert own.name.startswith("iemocap-4-plurality-")
    assert own.recorded == {"name": "iemocap-4-plurality", "labels": "plurality"} | four.content
    assert four.with_labels("corpus") is four
    assert get_scheme("every-emotion").with_labels("votes").content == {"labels": "votes"}
    assert len(from_plain({"classes": CLASSES, "name": "x" * 64}).with_labels("votes").title) == 64


def test_an_unknown_source_and_a_scheme_without_classes_are_refused():
    with pytest.raises(ConfigError, match=r"my\.yaml: labels has no 'vote'; did you mean votes"):
        from_plain({"classes": CLASSES, "labels": "vote"}, "my.yaml")
    with pytest.raises(ConfigError, match="labels=votes: scheme 'arousal-valence' has no classes; leave"):
        get_scheme("arousal-valence").with_labels("votes")
