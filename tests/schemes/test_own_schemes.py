import json

import pytest

from sercli.errors import ConfigError, UnknownNameError
from sercli.plain.yaml import from_yaml, to_yaml
from sercli.records import Utterance
from sercli.schemes import choose, get_scheme, scheme_name
from sercli.schemes.reading import choose_scheme, from_plain, read_file, write_classes


def said(name, emotion, **facts):
    return Utterance(id=name, corpus="c", file=f"{name}.wav", emotion=emotion, **facts)


FIVE = [
    said("a", "anger", style="improvised", session="1", duration=1.0),
    said("b", "happiness", style="scripted", session="1", duration=2.0),
    said("c", "excitement", style="improvised", session="2", duration=3.0),
    said("d", "neutral", session="2", duration=4.0),
    said("e", "guilt", style="improvised", session="3", duration=5.0),
]


def write(tmp_path, text, name="my.yaml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_classes_are_chosen_merged_and_renamed():
    scheme = choose_scheme(None, "anger, happiness+excitement=joy,guilt=remorse")
    selection = choose(FIVE, "c", scheme)[1]
    assert selection.labels == {"a": "anger", "b": "joy", "c": "joy", "e": "remorse"}
    assert selection.classes == ("anger", "joy", "remorse")
    assert selection.left_out == {"neutral": 1}


def test_usual_spellings_of_labels_are_those_of_the_manifest():
    assert choose_scheme(None, "angry,hap+exc=joy").merge == {
        "anger": "anger",
        "happiness": "joy",
        "excitement": "joy",
    }


@pytest.mark.parametrize(
    "text",
    [
        "classes: anger, happiness+excitement=joy, neutral",
        "classes: {neutral: neutral, joy: [excitement, happiness], anger: [anger]}",
        "selection:\nclasses:\n  anger: [anger]\n  joy: [hap, exc]\n  neutral: neu\n",
    ],
)
def test_the_content_is_the_identity_whatever_the_spelling_and_the_path(tmp_path, text):
    typed = choose_scheme(None, "anger,happiness+excitement=joy,neutral")
    for name in ("a.yaml", "b.yml"):
        assert read_file(write(tmp_path, text, name)) == typed
    assert typed.name.startswith("anger-joy-neutral-")


def test_a_name_is_only_for_people(tmp_path):
    one = read_file(write(tmp_path, "name: mine\nclasses: [anger, neutral]"))
    other = choose_scheme(None, "anger,neutral")
    assert (one.title, other.title) == ("mine", "anger-neutral")
    assert one.identity == other.identity
    assert one.name.rpartition("-")[2] == other.name.rpartition("-")[2]
    assert choose_scheme(None, "anger,fear").name.rpartition("-")[2] != other.name.rpartition("-")[2]


def test_what_a_run_records_gives_the_same_scheme_without_the_file(tmp_path):
    path = write(
        tmp_path,
        "name: mine\nclasses: {joy: [happiness, excitement], anger: anger}\ngendered: true\n"
        "selection: {style: improvised, duration: {min: 0.5, max: 10}, session: [2, 1]}\n",
    )
    scheme = read_file(path)
    path.unlink()
    for again in (json.loads(json.dumps(scheme.recorded)), from_yaml(to_yaml(scheme.recorded)).value):
        assert get_scheme(again) == scheme
    assert scheme_name(scheme.recorded) == scheme.name
    assert get_scheme("emodb-7").recorded == get_scheme("emodb-7").identity == "emodb-7"


@pytest.mark.parametrize(
    ("selection", "ids", "left_out"),
    [
        ({"style": "improvised"}, "ace", {"of no known style": 1, "scripted": 1}),
        ({"session": ["1", "3"]}, "abe", {"2": 2}),
        ({"session": 1}, "ab", {"2": 2, "3": 1}),
        ({"duration": {"min": 2, "max": 4}}, "bcd", {"duration above 4": 1, "duration below 2": 1}),
        ({"duration": 3}, "c", {"duration above 3": 2, "duration below 3": 2}),
        ({"style": "improvised", "duration": {"max": 3}}, "ac", None),
        ({"emotion": ["anger", "guilt"]}, "ae", None),
    ],
)
def test_a_selection_by_any_field_without_classes_keeps_every_label(selection, ids, left_out):
    found = choose(FIVE, "c", from_plain({"selection": selection}))[1]
    assert "".join(found.labels) == ids
    assert left_out is None or found.left_out == left_out


def test_an_utterance_that_is_not_selected_needs_no_label():
    utterances = [*FIVE, said("f", None, style="scripted")]
    assert len(choose(utterances, "c", from_plain({"selection": {"style": "improvised"}}))[1].labels) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "a scheme needs classes, targets or a selection"),
        ({"clases": "anger"}, "a scheme has no 'clases'; did you mean classes"),
        ({"classes": ["anger", ["a"]]}, "classes: expected a label or a list of labels"),
        ({"classes": {"joy": []}}, r"classes\.joy: expected a label"),
        ({"classes": {"joy": [True]}}, r"classes\.joy: expected a label"),
        (
            from_yaml("classes: {True: [True]}").value,
            r"classes\.True: expected a label or a list of labels; YAML reads .* write \"yes\" or \"True\"",
        ),
        ({"classes": {"a": [1.5]}}, r'YAML reads 1\.5 .* as a number; put it in quotes, as "1\.5"'),
        ({"selection": {"style": False}}, r"selection\.style: expected a text .* write \"no\" or \"False\""),
        ({"classes": {"a": ["fear"], "b": ["fear"]}}, "label 'fear' is in classes 'a' and 'b'"),
        ({"classes": "a=x,b=x"}, "class 'x' occurs twice; merge labels as a\\+b=x"),
        ({"classes": "a+b,c"}, r"name the class of a\+b, as in a\+b=NAME"),
        ({"classes": "a,,b"}, "'' is no class"),
        ({"classes": "a,b="}, "'b=' is no class"),
        ({"classes": "a,b", "gendered": "yes"}, "gendered: expected true or false"),
        ({"classes": "a,b", "name": "../x"}, "name: use up to 64 letters"),
        ({"classes": "a,b", "name": 2}, r'name: expected a text; write it in quotes, as "2"$'),
        ({"classes": {}}, r"classes: expected classes with their labels, for example anger: \[anger\]$"),
        ({"classes": {}, "targets": "arousal"}, "classes: expected classes"),
        ({"selection": {"stile": "x"}}, "selection has no 'stile'; did you mean style"),
        ({"selection": {"duration": "long"}}, r"selection\.duration: expected a number, or min and max"),
        ({"selection": {"duration": {"least": 1}}}, r"selection\.duration: expected a number"),
        ({"selection": {"duration": {"min": 2, "max": 1}}}, "min 2 is larger than max 1"),
        ({"selection": {"style": {"min": 2}}}, r"selection\.style: expected a text or a list of texts"),
        ({"selection": "improvised"}, "selection: expected conditions by field"),
    ],
)
def test_a_wrong_scheme_names_its_place_and_the_remedy(given, message):
    with pytest.raises(ConfigError, match=message) as error:
        from_plain(given, "my.yaml")
    assert str(error.value).startswith("my.yaml")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": "anger,gilt"}, "no utterance has the label 'gilt'; did you mean guilt"),
        ({"classes": "anger,qq"}, "no utterance has the label 'qq'; the corpus has anger, excitement, guilt"),
        ({"classes": "anger,fear"}, "no utterance has the label 'fear'"),
        ({"selection": {"style": "improvized"}}, "no utterance has 'improvized'; did you mean improvised"),
        ({"selection": {"gender": "female"}}, "no utterance has 'female'; the corpus has no value at all"),
        (
            {"selection": {"duration": {"min": 9}}},
            "selects no utterance of 'c'; left out: duration below",
        ),
    ],
)
def test_labels_and_values_that_a_corpus_lacks_are_refused_with_what_is_near(given, message):
    with pytest.raises(ConfigError, match=message):
        choose(FIVE, "c", from_plain(given))


def test_a_scheme_that_selects_nothing_lists_the_labels_of_the_corpus():
    fact = "scheme 'common-4' selects no utterance of 'c'; left out: guilt 1; choose another --scheme, or "
    with pytest.raises(ConfigError, match=rf"^{fact}--classes with labels of the corpus \(guilt\)$"):
        choose([each for each in FIVE if each.emotion == "guilt"], "c", "common-4")


def test_one_scheme_fits_corpora_of_which_one_lacks_a_merged_noun():
    scheme = choose_scheme(None, "anger,happiness+amusement=joy")
    assert choose(FIVE, "c", scheme)[1].counts == {"anger": 1, "joy": 1}


def test_of_a_part_of_a_corpus_a_class_may_be_missing():
    scheme = choose_scheme(None, "anger,fear")
    assert choose(FIVE, "c", scheme, partial=True)[1].counts == {"anger": 1, "fear": 0}


def test_a_recorded_scheme_opens_no_file(tmp_path):
    path = write(tmp_path, "classes: [anger, neutral]")
    with pytest.raises(UnknownNameError):
        get_scheme(str(path))
    assert scheme_name({"clases": "a,b"}) == "unknown"


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: No such file"):
        choose_scheme(str(tmp_path / "no.yaml"), None)
    with pytest.raises(ConfigError, match=r"my\.yaml:2: not valid YAML"):
        read_file(write(tmp_path, "classes: [anger"))
    with pytest.raises(ConfigError, match="give one of them"):
        choose_scheme("emodb-7", "anger,neutral")


def test_classes_are_written_as_they_are_read():
    text = "anger,excitement+happiness=joy,guilt=remorse"
    assert write_classes(choose_scheme(None, text).content["classes"]) == text
    assert write_classes({"a+b": ["a+b"], "c": ["c"]}) is None


def test_numbers_and_words_of_yaml_are_names_of_classes_as_they_are_written():
    scheme = from_plain(from_yaml('classes: {0: [0], no: [3], "True": ["no"]}').value)
    assert scheme.merge == {"0": "0", "3": "no", "no": "True"}


def test_numbers_with_an_exponent_are_numbers(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "selection: {duration: {min: 5e-1, max: 3e0}}\ntargets: {intensity: {low: 1e0, high: 2}}\n"
    )
    scheme = read_file(file)
    (condition,), (target,) = scheme.selection, scheme.targets
    assert (condition.low, condition.high) == (0.5, 3.0)
    assert target.codes == (("low", 1.0), ("high", 2.0))
    for wrong in ("5e", True, "nan"):
        with pytest.raises(ConfigError, match=r"selection\.duration: expected a number"):
            from_plain({"selection": {"duration": {"min": wrong}}})
