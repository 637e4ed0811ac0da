import pytest

from sercli.audit import Division, ListedUtterance, Verdict, examine
from sercli.audit.shared import dialogs, same_audio, segments, sessions, speakers, texts, utterances
from sercli.audit.speakers import labels_by_speaker, prefix_speakers
from sercli.corpora.iemocap import from_name
from sercli.records import Utterance


def item(name, path=None, declared=None, corpus="c", **facts):
    utterance = Utterance(id=f"{corpus}/{name}", corpus=corpus, file=path or f"{name}.wav", **facts)
    return ListedUtterance(utterance, declared or utterance.speaker)


def division(train, test, dev=(), **shares):
    return Division("fold", {"train": train, "dev": dev, "test": test}, shares)


@pytest.mark.parametrize(
    ("check", "field"),
    [(speakers, "speaker"), (sessions, "session"), (dialogs, "dialog"), (texts, "text_id")],
)
def test_what_is_on_both_sides_leaks(check, field):
    name = check.__name__
    train = [item("a", **{field: "1"}), item("b", **{field: "2"})]
    assert check(division(train, [item("c", **{field: "3"})])).verdict is Verdict.CLEAN
    leaking = division(train, [item("c", **{field: "2"})])
    finding = check(leaking)
    assert finding.verdict is Verdict.LEAK
    assert "1 " in finding.fact
    assert finding.fact.endswith("in train and test")
    assert finding.examples == ("2",)
    known = check(division(train, [item("c", **{field: "2"})], **{name: "so it is"}))
    assert (known.verdict, known.reason) == (Verdict.KNOWN, "so it is")
    assert check(division([item("a")], [item("c")])).verdict is Verdict.NOT_CHECKED


def test_dev_counts_on_either_side():
    finding = speakers(division([item("a", speaker="1")], [item("b", speaker="2")], [item("c", speaker="2")]))
    assert finding.fact == "1 speaker in dev and test"


def test_speakers_of_two_corpora_may_have_one_name():
    train, test = [item("a", speaker="03")], [item("b", speaker="03", corpus="d")]
    assert speakers(division(train, test)).verdict is Verdict.CLEAN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("spk1", "SPK1"), ("spk1", "SPK1 "), ("07", "7"), ("7.0", "07"), ("7.0", "7"), ("Spk 01", "spk1")],
        *[("spk_007", "SPK_7"), ("Jörg", "JÖRG"), ("0", "00"), ("Ｓ03", "S03")],
        *[
            ("spk_1", "spk1"),
            ("Speaker 1", "1"),
            ("speaker-01", "1.0"),
            ("Actor_03", "3"),
            ("spk.02", "SPK-2"),
        ],
        *[("subject_anna", "Anna"), ("a.b", "a-b")],
    ],
)
def test_speakers_whose_names_differ_only_in_spelling_are_not_clean(one, other):
    finding = speakers(division([item("a", speaker=one)], [item("b", speaker=other)]))
    assert finding.verdict is Verdict.NOT_CHECKED
    assert (
        "1 speaker has names that differ only in case, spaces, leading zeros, signs such as _" in finding.fact
    )
    assert finding.fact.endswith(f"such as {one.strip()} and {other.strip()}: spell them the same way")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("1", "10"), ("spk10", "spk1"), ("1.5", "15"), ("a0", "a"), ("1.05", "1.5")],
        *[("1_1", "11"), ("speakers", "s"), ("actor", "actor1"), ("f1", "m1"), ("-1", "1")],
    ],
)
def test_speakers_whose_names_differ_otherwise_are_clean(one, other):
    assert speakers(division([item("a", speaker=one)], [item("b", speaker=other)])).verdict is Verdict.CLEAN


def test_two_spellings_of_a_speaker_within_one_part_are_clean():
    train = [item("a", speaker="spk1"), item("b", speaker="SPK1")]
    assert speakers(division(train, [item("c", speaker="2")])).verdict is Verdict.CLEAN


def test_names_that_one_part_has_side_by_side_are_two_speakers():
    train = [item("a", speaker="actor_1"), item("b", speaker="speaker_1")]
    assert speakers(division(train, [item("c", speaker="speaker 2")])).verdict is Verdict.CLEAN
    finding = speakers(division(train, [item("c", speaker="1")]))
    assert finding.verdict is Verdict.CLEAN
    finding = speakers(division(train, [item("c", speaker="Actor_01")]))
    assert finding.verdict is Verdict.NOT_CHECKED


def test_blanks_around_a_speaker_do_not_count_and_a_leak_remains_one():
    train = [item("a", speaker="spk1 "), item("b", speaker="07")]
    finding = speakers(division(train, [item("c", speaker=" spk1"), item("d", speaker="7")]))
    assert finding.verdict is Verdict.LEAK
    assert "such as 07 and 7" in finding.fact


def test_the_same_utterance_in_two_parts_leaks_and_twice_in_one_is_told():
    assert utterances(division([item("a")], [item("a")])).verdict is Verdict.LEAK
    twice = utterances(division([item("a"), item("a")], [item("b")]))
    assert twice.verdict is Verdict.CLEAN
    assert "1 occur more than once within a part" in twice.fact


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_seg1.wav", "x_seg2.wav"),
        ("d/x-chunk003.wav", "d/x-chunk17.wav"),
        ("x.wav", "x_noise0.005.wav"),
        ("x_aug_2.wav", "x.wav"),
        ("x_0.00-1.50.wav", "x_1.50-3.00.wav"),
        ("x_pitch_seg4.wav", "x_seg5.wav"),
    ],
)
def test_pieces_and_altered_copies_of_a_recording_are_recognised(one, other):
    assert segments(division([item("a", path=one)], [item("b", path=other)])).verdict is Verdict.LEAK


@pytest.mark.parametrize(
    ("one", "other"),
    [("03a01Fa.wav", "03a01Fb.wav"), ("x_1.wav", "x_2.wav"), ("d/x_seg1.wav", "e/x_seg1.wav")],
)
def test_other_recordings_are_not_taken_for_pieces(one, other):
    assert segments(division([item("a", path=one)], [item("b", path=other)])).verdict is Verdict.CLEAN


def test_altered_copies_without_times_are_pieces_of_one_recording():
    train, test = [item("a", path="audio/a.wav", source="r.wav")], [item("b", source="r.wav")]
    assert segments(division(train, test)).verdict is Verdict.LEAK


def test_equal_audio_in_two_parts_leaks_whatever_its_header():
    train = [item("a", sha256="1", source_sha256="x"), item("b", sha256="2", source_sha256="y")]
    finding = same_audio(division(train, [item("c", sha256="2", source_sha256="z", emotion="anger")]))
    assert finding.verdict is Verdict.LEAK
    assert (
        "1 recordings under several names in two parts (0 byte for byte, 1 in samples only)" in finding.fact
    )
    assert finding.examples == ("c/b = c/c (labelled differently)",)


def test_equal_audio_within_a_part_is_told_but_leaks_nothing():
    train = [item("a", sha256="1", source_sha256="x"), item("b", sha256="1", source_sha256="x")]
    finding = same_audio(division(train, [item("c", sha256="2"), item("d")]))
    assert finding.verdict is Verdict.CLEAN
    assert "1 under several names within a part (1 byte for byte" in finding.fact
    assert "the audio of 1 was not found" in finding.fact


def test_labels_that_the_speaker_tells_leak():
    one_class_each = [
        item(f"{s}{i}", speaker=s, emotion=e)
        for s, e in (("1", "anger"), ("2", "fear"), ("3", "calm"))
        for i in range(9)
    ]
    finding = labels_by_speaker(division(one_class_each[:18], one_class_each[18:]))
    assert finding.verdict is Verdict.LEAK
    assert "right for 100.0 % of utterances" in finding.fact
    assert "3 of 3 speakers occur in one class only" in finding.fact


def test_labels_that_everyone_says_do_not():
    everyone = [
        item(f"{s}{e}{i}", speaker=s, emotion=e) for s in "1234" for e in ("anger", "fear") for i in range(5)
    ]
    finding = labels_by_speaker(division(everyone[:20], everyone[20:]))
    assert finding.verdict is Verdict.CLEAN
    assert "right for 50.0 % of utterances" in finding.fact


def test_one_utterance_a_speaker_tells_nothing():
    few = [item(s, speaker=s, emotion=e) for s, e in zip("12345678", ("anger", "fear") * 4, strict=True)]
    assert labels_by_speaker(division(few[:4], few[4:])).verdict is Verdict.NOT_CHECKED


def turn(name, declared=None):
    return ListedUtterance(from_name(name), declared)


PAIR = ["Ses01F_impro01_F000", "Ses01F_impro01_M000", "Ses01M_impro01_F000", "Ses01M_impro01_M000"]


def test_speakers_declared_by_prefix_leak():
    train = [turn(name, name[:6]) for name in PAIR]
    test = [turn(name.replace("Ses01", "Ses02"), name[:6].replace("Ses01", "Ses02")) for name in PAIR]
    finding = prefix_speakers(division(train, test))
    assert finding.verdict is Verdict.LEAK
    assert "wrong for 4 of 8 turns" in finding.fact


@pytest.mark.parametrize("spell", [lambda name: name[:5] + name[-4], lambda name: f"spk{name[4]}{name[-4]}"])
def test_true_speakers_are_clean_however_they_are_spelled(spell):
    train = [turn(name, spell(name)) for name in PAIR]
    test = [turn(name.replace("Ses01", "Ses02"), spell(name.replace("Ses01", "Ses02"))) for name in PAIR]
    assert prefix_speakers(division(train, test)).verdict is Verdict.CLEAN


def test_parts_divided_by_prefix_leak_though_no_speaker_is_declared():
    finding = prefix_speakers(division([turn(name) for name in PAIR[:2]], [turn(name) for name in PAIR[2:]]))
    assert finding.verdict is Verdict.LEAK
    assert "1 sessions are divided by the dialogs' prefix" in finding.fact
    assert (
        speakers(division([turn(n) for n in PAIR[:2]], [turn(n) for n in PAIR[2:]])).verdict is Verdict.LEAK
    )


def test_what_train_and_test_share_is_graver_than_what_dev_and_test_do():
    two = [item("b", speaker="2")], [item("c", speaker="2")]
    dev = division([item("a", speaker="1")], two[0], two[1])
    test = division([item("a", speaker="1")], [item("b", speaker="1")])
    assert {f.check: f for f in examine([dev, test])}["speakers"].fact == "1 speaker in train and test"


def test_equal_words_of_two_speakers_are_a_text_but_short_answers_are_none():
    def said(name, words, **facts):
        return item(name, transcript=words, **facts)

    long = "Das will sie am Mittwoch abgeben."
    assert texts(division([said("a", long)], [said("b", long.upper())])).verdict is Verdict.LEAK
    assert texts(division([said("a", "Okay.")], [said("b", "okay.")])).verdict is Verdict.NOT_CHECKED
    improvised = [said(n, long, style="improvised") for n in "ab"]
    assert texts(division(improvised[:1], improvised[1:])).verdict is Verdict.NOT_CHECKED


def test_cuts_that_do_not_overlap_are_told_and_those_that_do_leak():
    first = item("a", path="x.wav", source="r.wav", start=0.0, end=2.0)
    later = item("b", path="y.wav", source="r.wav", start=2.0, end=4.0)
    torn = item("c", path="z.wav", source="r.wav", start=1.5, end=3.0)
    apart = segments(division([first], [later]))
    assert apart.verdict is Verdict.CLEAN
    assert (
        apart.fact
        == "1 recording, no overlapping pieces in two parts; pieces of 1 recording are in several parts"
    )
    assert dialogs(division([first], [later])).verdict is Verdict.NOT_CHECKED
    assert speakers(division([first], [later])).verdict is Verdict.NOT_CHECKED
    assert "several parts" not in segments(division([first, later], [item("d")])).fact
    assert segments(division([first], [torn])).verdict is Verdict.LEAK


def test_few_speakers_of_one_class_among_many_are_told_and_leak():
    mixed = [
        item(f"{s}{i}", speaker=s, emotion=("anger", "fear")[i % 2]) for s in "abcdef" for i in range(20)
    ]
    single = [item(f"{s}{i}", speaker=s, emotion="anger") for s in "xy" for i in range(20)]
    finding = labels_by_speaker(division(mixed, single))
    assert finding.verdict is Verdict.LEAK
    assert "2 of 8 speakers occur in one class only" in finding.fact
    assert "0 of 6 speakers" in labels_by_speaker(division(mixed[:60], mixed[60:])).fact


def test_a_prepared_table_whose_speakers_are_prefixes_is_found_out():
    def turn_of(name):
        return item(name, path=f"audio/{name}.wav", source=f"{name}.wav", speaker=name[:6])

    names = [name.replace("Ses01", f"Ses0{s}") for s in (1, 2) for name in PAIR]
    finding = prefix_speakers(division([turn_of(n) for n in names[:4]], [turn_of(n) for n in names[4:]]))
    assert finding.verdict is Verdict.LEAK


def test_of_several_divisions_the_gravest_is_told():
    clean = division([item("a", speaker="1")], [item("b", speaker="2")])
    leaking = division([item("a", speaker="1")], [item("b", speaker="1")])
    found = {finding.check: finding for finding in examine([clean, leaking, clean])}
    assert found["speakers"].verdict is Verdict.LEAK
    assert found["speakers"].divisions == 1
    assert found["prefix speakers"].verdict is Verdict.NOT_CHECKED
