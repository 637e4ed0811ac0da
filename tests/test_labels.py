import pytest

from sercli.labels import EMOTIONS, to_label, to_noun, trim


@pytest.mark.parametrize(
    ("label", "noun"),
    [
        ("Happy", "happiness"),
        (" hap ", "happiness"),
        ("ANGER", "anger"),
        ("neutral", "neutral"),
        ("xxx", "undecided"),
        ("boredem", None),
        ("", None),
    ],
)
def test_case_and_blanks_do_not_count_and_an_unknown_label_stays_unknown(label, noun):
    assert to_noun(label) == noun


def test_any_other_text_is_a_label_without_the_blanks_around_it():
    assert [to_label(each) for each in ("Happy", " Guilt ", "schuldgefu\u0308hl")] == [
        "happiness",
        "Guilt",
        "schuldgef\u00fchl",
    ]


def test_invisible_characters_make_no_label_of_its_own():
    assert {to_label(f"an{each}ger{each}") for each in "\u200b\ufeff\u00ad\u200e\u200d"} == {"anger"}
    assert trim("\ufeff Schuld\u00adgefühl\u200b ") == "Schuldgefühl"
    assert trim("می\u200cخندد\u200c") == "می\u200cخندد"  # Persian spells with a joiner


def test_given_spellings_come_first():
    given = {"Boredem": "boredom", "happy": "excitement"}
    assert to_noun("boredem", given) == "boredom"
    assert to_noun("HAPPY", given) == "excitement"


@pytest.mark.parametrize("noun", sorted(EMOTIONS))
def test_every_noun_means_itself(noun):
    assert to_noun(noun) == noun
