import pytest

from sercli.errors import ProtocolError
from sercli.protocols import get_protocol, shared_speakers
from sercli.records import Utterance


def said(name, speaker, **facts):
    return Utterance(id=name, corpus="c", file=f"{name}.wav", speaker=speaker, emotion="anger", **facts)


TABLE = [said("a", "1"), said("b", None), said("c", "2"), said("d", None), said("e", "3")]
LABELS = {each.id: "anger" for each in TABLE}


def parts(protocol, utterances=TABLE):
    folds = get_protocol(protocol).divide(utterances, {each.id: "anger" for each in utterances})
    return [("".join(fold.train), "".join(fold.dev), "".join(fold.test)) for fold in folds]


def test_unknown_speakers_only_train_in_manifest_order():
    assert parts("leave-one-speaker-out+unknown-train") == [
        ("bde", "c", "a"),
        ("abd", "e", "c"),
        ("bcd", "a", "e"),
    ]


def test_unknown_speakers_are_left_out():
    assert parts("leave-one-speaker-out+unknown-drop@1") == [
        ("e", "c", "a"),
        ("a", "e", "c"),
        ("c", "a", "e"),
    ]


def test_by_default_they_are_refused_with_the_way_out():
    with pytest.raises(
        ProtocolError, match=r"b: no speaker, as for 1 other of 5, .*--unknown-speakers train"
    ):
        parts("leave-one-speaker-out")


@pytest.mark.parametrize("field", ["session", "dialog"])
def test_an_unknown_speaker_does_not_train_where_the_session_or_dialog_is_tested(field):
    rows = [("a", "1", "x"), ("b", "2", "y"), ("c", "3", "z"), ("n", None, "x"), ("m", None, None)]
    utterances = [said(name, speaker, **{field: value}) for name, speaker, value in rows]
    assert parts("leave-one-speaker-out-no-dev+unknown-train", utterances) == [
        ("bcm", "", "a"),
        ("acnm", "", "b"),
        ("abnm", "", "c"),
    ]


def test_the_treatment_is_a_part_of_the_name_and_the_default_is_not():
    plain = get_protocol("speaker-3-fold")
    assert plain.with_unknown_speakers("error").name == plain.name == "speaker-3-fold@1"
    treated = plain.with_unknown_speakers("train")
    assert treated.name == treated.identity == "speaker-3-fold+unknown-train@1"
    assert treated.short_name == "speaker-3-fold-unknown-train"
    assert get_protocol(treated.name) == treated


def test_a_protocol_that_is_not_speaker_independent_needs_no_treatment():
    with pytest.raises(ProtocolError, match=r"'random-5-fold@1' is not made speaker independent"):
        get_protocol("random-5-fold+unknown-drop")


def test_shared_speakers_are_counted_among_the_known_ones():
    folds = get_protocol("leave-one-speaker-out+unknown-train").divide(TABLE, LABELS)
    assert shared_speakers(folds, TABLE) is None
    assert shared_speakers(folds, TABLE, unknown_train=True) == 0


def test_too_few_known_speakers_are_told():
    with pytest.raises(ProtocolError, match="needs 3 speakers or more"):
        parts("leave-one-speaker-out+unknown-train", TABLE[:4])
