from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import KFold

from sercli import protocols
from sercli.audit import Verdict, examine
from sercli.audit.protocol import divisions
from sercli.errors import ProtocolError, UnknownNameError
from sercli.protocols import fold_digest, get_protocol, lists, shared_speakers
from sercli.records import Utterance
from sercli.runs.config import RunConfig
from sercli.studies import get_study


def corpus(speakers, each=2, name="c", sessions=None):
    utterances = [
        Utterance(
            id=f"{s}-{i}",
            corpus=name,
            file="f",
            speaker=s,
            gender="female" if s[-1] in "F13579" else "male",
            session=sessions(s) if sessions else None,
        )
        for s in speakers
        for i in range(each)
    ]
    return utterances, {utterance.id: "anger" for utterance in utterances}


IEMOCAP = [f"Ses0{session}{letter}" for session in range(1, 6) for letter in "FM"]


def divide(name, *arguments):
    return get_protocol(name).divide(*arguments)


def test_each_speaker_is_tested_once_and_the_next_one_is_dev():
    folds = divide("leave-one-speaker-out", *corpus(["03", "08", "09", "10"]))
    assert [fold.name for fold in folds] == ["speaker 03", "speaker 08", "speaker 09", "speaker 10"]
    assert folds[3].test == ("10-0", "10-1")
    assert folds[3].dev == ("03-0", "03-1")
    assert folds[3].train == ("08-0", "08-1", "09-0", "09-1")


def test_ten_speakers_give_eight_one_one():
    folds = divide("leave-one-speaker-out@1", *corpus([f"{i:02d}" for i in range(10)], each=1))
    assert {(len(f.train), len(f.dev), len(f.test)) for f in folds} == {(8, 1, 1)}


def test_without_dev_the_other_nine_train():
    folds = divide("leave-one-speaker-out-no-dev", *corpus([f"{i:02d}" for i in range(10)], each=1))
    assert {(len(f.train), len(f.dev), len(f.test)) for f in folds} == {(9, 0, 1)}


def test_everything_trains_and_nothing_is_tested():
    utterances, labels = corpus(["03", "08"])
    del labels["03-1"]
    (fold,) = divide("train-on-all", utterances[::-1], labels)
    assert (fold.name, fold.train, fold.dev, fold.test) == ("all", ("08-1", "08-0", "03-0"), (), ())
    unknown = [replace(each, speaker=None) for each in utterances]
    assert divide("train-on-all", unknown[::-1], labels) == [fold]
    with pytest.raises(ProtocolError, match="train-on-all: no utterance to train on"):
        divide("train-on-all", utterances, {})


def test_it_is_known_by_its_name_alone():
    assert [protocols.is_untested(name) for name in ("train-on-all", "train-on-all@1")] == [True, True]
    others = ("leave-one-speaker-out@1", "lists:/none/train-on-all.csv#01234567@1", "random-5-fold", "None")
    assert not any(protocols.is_untested(name) for name in others)


def test_five_sessions_give_three_one_one():
    utterances, labels = corpus(IEMOCAP, sessions=lambda s: s[:5])
    folds = divide("leave-one-session-out", utterances, labels)
    assert [fold.name for fold in folds] == [f"session Ses0{i}" for i in range(1, 6)]
    assert set(folds[4].dev) == {"Ses01F-0", "Ses01F-1", "Ses01M-0", "Ses01M-1"}
    assert {(len(f.train), len(f.dev), len(f.test)) for f in folds} == {(12, 4, 4)}


def test_of_a_left_out_session_one_actor_is_dev_and_the_other_tested():
    utterances, labels = corpus(IEMOCAP, name="iemocap", sessions=lambda s: s[:5])
    folds = divide("iemocap-impro4-speaker10@1", utterances, labels)
    assert len(folds) == 10
    assert folds[2].name == "speaker Ses02F"
    assert folds[2].test == ("Ses02F-0", "Ses02F-1")
    assert folds[2].dev == ("Ses02M-0", "Ses02M-1")
    assert not any(name.startswith("Ses02") for name in folds[2].train)
    assert len(folds[2].train) == 16


def test_fold_2_of_iemocap_s_ten_validates_on_the_woman_of_session_1():
    """MDCNN's figure 6 validates on her and trains on sessions 2 to 5; its study draws fold 2."""
    utterances, labels = corpus(IEMOCAP[::-1], name="iemocap", sessions=lambda s: s[:5])
    fold = divide("iemocap-impro4-speaker10", utterances, labels)[1]
    of = {utterance.id: utterance for utterance in utterances}
    assert {(of[name].session, of[name].gender) for name in fold.dev} == {("Ses01", "female")}
    assert {(of[name].session, of[name].gender) for name in fold.test} == {("Ses01", "male")}
    assert {of[name].session for name in fold.train} == {f"Ses0{i}" for i in range(2, 6)}
    assert get_study("mdcnn-spp").display.curves_fold == 2


def test_five_groups_of_iemocap_s_speakers_are_its_sessions():
    utterances, labels = corpus(IEMOCAP, sessions=lambda s: s[:5])
    folds = divide("speaker-5-fold", utterances, labels)
    assert [fold.name for fold in folds] == [f"speakers Ses0{i}F Ses0{i}M" for i in range(1, 6)]


@pytest.mark.parametrize("k", [3, 5, 10])
def test_groups_of_speakers_are_balanced_by_gender(k):
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 22)], each=1)
    folds = divide(f"speaker-{k}-fold", utterances, labels)
    gender = {utterance.id: utterance.gender for utterance in utterances}
    women = [sum(gender[name] == "female" for name in fold.test) for fold in folds]
    men = [len(fold.test) - count for fold, count in zip(folds, women, strict=True)]
    assert len(folds) == k
    assert max(women) - min(women) <= 1
    assert max(men) - min(men) <= 1
    assert sorted(name for fold in folds for name in fold.test) == sorted(labels)


@pytest.mark.parametrize("k", [3, 5])
def test_without_dev_the_groups_are_the_same_and_their_dev_part_trains(k):
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 22)])
    folds = divide(f"speaker-{k}-fold-no-dev", utterances, labels)
    for fold, twin in zip(folds, divide(f"speaker-{k}-fold", utterances, labels), strict=True):
        assert (fold.name, fold.test) == (twin.name, twin.test)
        assert fold.dev == ()
        assert sorted(fold.train) == sorted(twin.train + twin.dev)


def test_two_groups_suffice_without_dev():
    folds = divide("speaker-2-fold-no-dev", *corpus(["03", "08", "09", "10"]))
    assert [fold.name for fold in folds] == ["speakers 03 08", "speakers 09 10"]


def test_random_folds_are_scikit_learn_s():
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 12)], each=3)
    folds = divide("random-5-fold", utterances, labels)
    names = np.array(sorted(labels))
    expected = KFold(5, shuffle=True, random_state=0).split(names)
    for fold, (train, test) in zip(folds, expected, strict=True):
        assert set(fold.test) == set(names[test])
        assert set(fold.train) == set(names[train])


def test_stratified_parts_hold_as_much_of_each_class():
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 12)], each=3)
    labels = {name: "anger" if name.endswith("0") else "neutral" for name in labels}
    folds = divide("stratified-4-fold", utterances, labels)
    for label in ("anger", "neutral"):
        counts = [sum(labels[name] == label for name in fold.test) for fold in folds]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(("name", "tested"), [("ravdess-blind-22-24", 180), ("ravdess-blind-24", 60)])
def test_the_blind_actors_are_tested(name, tested):
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 25)], each=60, name="ravdess")
    (fold,) = divide(name, utterances, labels)
    assert (len(fold.train), len(fold.dev), len(fold.test)) == (1440 - tested, 0, tested)
    assert min(fold.test) == ("22-0" if tested == 180 else "24-0")
    assert len(divide("ravdess-random-eighth", utterances, labels)[0].test) == 180


def test_missing_blind_actors_are_named_with_the_protocol_that_would_run():
    utterances, labels = corpus([f"{i:02d}" for i in range(1, 22)], name="ravdess")
    message = "the corpus lacks 22, 23, 24; speaker-5-fold-no-dev works"
    with pytest.raises(ProtocolError, match=message):
        divide("ravdess-blind-22-24", utterances, labels)


def test_the_recordings_of_avec_make_folds_of_4_4_4_3_3():
    names = [f"{part}_{i}" for part in ("train", "dev") for i in range(1, 10)]
    utterances = [Utterance(id=name, corpus="recola", file="f", speaker=name) for name in names]
    folds = divide("recola-5-fold", utterances, dict.fromkeys(names, ""))
    assert [len(fold.dev) + len(fold.test) for fold in folds] == [4, 4, 4, 3, 3]
    assert [len(fold.test) for fold in folds] == [2, 2, 2, 2, 2]
    assert set(folds[0].dev + folds[0].test) == {"dev_1", "dev_6", "train_2", "train_7"}
    assert [fold.test for fold in folds] == [
        ("train_2", "train_7"),
        ("dev_2", "dev_7"),
        ("train_4", "train_9"),
        ("dev_4", "dev_9"),
        ("train_1", "train_6"),
    ]
    assert folds[1].name == "recordings dev_2 dev_7"
    assert folds[3].dev == ("train_5",)
    assert folds[4].dev == ("dev_5",)


def test_runs_on_earlier_folds_of_recola_keep_them():
    names = [f"{part}_{i}" for part in ("train", "dev") for i in range(1, 10)]
    utterances = [Utterance(id=name, corpus="recola", file="f", speaker=name) for name in names]
    labels = dict.fromkeys(names, "")
    earlier = get_protocol("recola-5-fold@1")
    assert earlier.name == "recola-5-fold@1"
    tested = [name for fold in earlier.divide(utterances, labels) for name in fold.test]
    assert sum(name.startswith("train") for name in tested) == 9
    assert get_protocol("recola-5-fold").name == "recola-5-fold@2"
    with pytest.raises(UnknownNameError, match="did you mean recola-5-fold@2"):
        get_protocol("recola-5-fold@3")


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        (
            "leave-one-speaker-out",
            2,
            "needs 3 speakers or more .* found 2; leave-one-speaker-out-no-dev works, without",
        ),
        ("leave-one-speaker-out-no-dev", 1, "needs 2 speakers or more .* found 1; stratified-2-fold works"),
        ("speaker-5-fold", 4, "needs 5 speakers or more, found 4; speaker-4-fold works$"),
        ("speaker-2-fold", 4, "need three groups of speakers or more; speaker-4-fold works$"),
        (
            "speaker-5-fold-no-dev",
            2,
            "needs 5 speakers or more, found 2; leave-one-speaker-out-no-dev works$",
        ),
        (
            "speaker-2-fold-no-dev",
            1,
            "needs 2 speakers or more, found 1; stratified-2-fold works, but is not speaker",
        ),
        ("random-5-fold", 1, "needs 5 utterances or more, found 2; stratified-2-fold works, but"),
    ],
)
def test_too_few_is_an_error(name, count, message):
    with pytest.raises(ProtocolError, match=message):
        divide(name, *corpus([f"{i:02d}" for i in range(count)]))


def test_superb_s_dev_part_is_a_random_fifth_of_the_training_sessions():
    utterances, labels = corpus(IEMOCAP, each=7, name="iemocap", sessions=lambda s: s[:5])
    folds = divide("iemocap-superb", utterances, labels)
    speakers = {each.id: each.speaker for each in utterances}
    assert [fold.name for fold in folds] == [f"session Ses0{number}" for number in range(1, 6)]
    for fold in folds:
        # the toolkit trains on int(0.8 n) of n = 56 utterances
        assert (len(fold.train), len(fold.dev), len(fold.test)) == (44, 12, 14)
        known, tested = ({speakers[i] for i in part} for part in (fold.train + fold.dev, fold.test))
        assert not known & tested
    assert shared_speakers(folds, utterances) > 0


def test_the_audit_names_the_speakers_of_superb_s_dev_part():
    utterances, labels = corpus(IEMOCAP, each=7, name="iemocap", sessions=lambda s: s[:5])
    protocol = get_protocol("iemocap-superb")
    (finding,) = [
        each
        for each in examine(divisions(utterances, protocol.divide(utterances, labels), protocol))
        if each.check == "speakers"
    ]
    assert finding.verdict is Verdict.KNOWN
    assert finding.fact.endswith("speakers in train and dev")
    assert set(finding.examples) <= set(IEMOCAP)
    assert finding.examples
    assert "random fifth" in finding.reason


def test_a_training_part_too_small_for_a_random_dev_part_is_an_error():
    utterances, labels = corpus(["Ses01F", "Ses02F"], each=2, name="iemocap", sessions=lambda s: s[:5])
    with pytest.raises(ProtocolError, match="needs 5 utterances or more to train on, found 2"):
        divide("iemocap-superb", utterances, labels)


def test_an_utterance_without_speaker_is_an_error():
    utterance = Utterance(id="x", corpus="c", file="f")
    for speaker in (None, "Unknown", "?"):
        nobody = replace(utterance, speaker=speaker)
        with pytest.raises(ProtocolError, match=r"x: no speaker, and protocol .* out of its list"):
            divide("leave-one-speaker-out", [nobody], {"x": "anger"})
    utterances, labels = corpus(["03", "08", "09"])
    utterances[4] = replace(utterances[4], speaker=None)
    with pytest.raises(ProtocolError, match=r"09-0: no speaker, .*; leave-one-speaker-out works with --unkn"):
        divide("leave-one-speaker-out", utterances, labels)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("speaker-2-fold", "speaker-4-fold works with --unknown-speakers drop$"),
        ("speaker-5-fold-no-dev", "speaker-4-fold-no-dev works with --unknown-speakers drop$"),
        ("leave-one-session-out", "speaker-4-fold works with --unknown-speakers drop$"),
        ("random-40-fold", "speaker-4-fold-no-dev works with --unknown-speakers drop$"),
    ],
)
def test_where_some_speakers_are_unknown_a_speaker_independent_protocol_is_proposed(name, instead):
    utterances, labels = corpus(["03", "08", "09", "10", "11"], each=4)
    utterances = [replace(each, speaker=None) if each.speaker == "11" else each for each in utterances]
    with pytest.raises(ProtocolError, match=instead):
        divide(name, utterances, labels)


def test_unlabelled_utterances_are_in_no_part():
    utterances, labels = corpus(["03", "08", "09"])
    del labels["03-0"]
    folds = divide("leave-one-speaker-out", utterances, labels)
    assert folds[0].test == ("03-1",)


def test_a_protocol_made_for_a_corpus_refuses_another():
    with pytest.raises(ProtocolError, match=r"'ravdess-blind-24@1' is made for ravdess, not for 'c'"):
        divide("ravdess-blind-24", *corpus(["24", "23"]))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("leave-one-speaker-out@2", "leave-one-speaker-out@1"),
        ("leave-one-speker-out", "leave-one-speaker-out"),
        ("speaker-5-folds", "speaker-5-fold"),
        ("speaker-k-fold", "speaker-5-fold"),
        ("lists", "lists:PATH"),
        ("speaker-1-fold", "speaker-5-fold"),
    ],
)
def test_an_unknown_name_or_version_is_not_silently_taken(name, near):
    with pytest.raises(UnknownNameError, match=near):
        get_protocol(name)


def test_the_digest_is_of_the_division():
    first = divide("leave-one-speaker-out", *corpus(["03", "08", "09"]))
    assert fold_digest(first) == fold_digest(divide("leave-one-speaker-out", *corpus(["03", "08", "09"])))
    assert fold_digest(first) != fold_digest(divide("leave-one-speaker-out", *corpus(["03", "08", "10"])))


def test_folds_written_to_a_list_are_the_same_folds(tmp_path):
    utterances, labels = corpus(["03", "08", "09", "10"])
    folds = divide("leave-one-speaker-out", utterances, labels)
    path = tmp_path / "my @ lists.csv"
    path.write_text(lists.to_csv(folds))
    protocol = get_protocol(f"lists:{path}")
    assert protocol.divide(utterances, labels) == folds
    assert get_protocol(protocol.name).divide(utterances, labels) == folds
    assert protocol.short_name == "lists-my-lists"


def test_of_a_list_the_contents_count_not_the_place(tmp_path):
    folds = divide("leave-one-speaker-out", *corpus(["03", "08", "09"]))
    for place in ("a.csv", "b.csv"):
        (tmp_path / place).write_text(lists.to_csv(folds))
    (tmp_path / "c.csv").write_text(lists.to_csv(folds[:2]))

    def identity(place):
        config = RunConfig(
            arch="mdcnn", corpus="emodb", scheme="emodb-4", protocol=f"lists:{tmp_path / place}"
        )
        return config.identity("0")

    assert identity("a.csv") == identity("b.csv") != identity("c.csv")
    name = get_protocol(f"lists:{tmp_path / 'a.csv'}").name
    (tmp_path / "a.csv").write_text(lists.to_csv(folds[:1]))
    changed = get_protocol(name)
    with pytest.raises(ProtocolError, match=r"a\.csv: has changed"):
        changed.divide([], {})
    (tmp_path / "a.csv").unlink()
    assert identity("b.csv") == RunConfig(
        arch="mdcnn", corpus="emodb", scheme="emodb-4", protocol=name
    ).identity("0"), "a run is identified without its list"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,part\n03-0,train\n08-0,test\n", "lacks 4 utterances that the scheme selects, first 03-1"),
        ("id,part\n03-0,train\n3-0,test\n", "'3-0' is not in the corpus; did you mean '03-0'?"),
        ("id,part\n03-0,train\nelse,test\n", "'else' is not in the corpus; its ids look like '03-0'"),
        ("id,part\n03-0,train\n03-0,test\n", ":3: '03-0' occurs twice in fold 'the only fold'"),
        ("id,part\n03-0,held\n", ":2: part 'held' is none of train, dev, test"),
        (
            "id,fold,part\n"
            + "".join(
                f"{speaker}-{take},{fold},{'test' if speaker == '03' else 'train'}\n"
                for fold in "ab"
                for speaker in ("03", "08", "09")
                for take in (0, 1)
            ),
            "'03-0' is tested in fold 'a' and in fold 'b'; test each utterance once",
        ),
        ("file,split\na,train\n", "only 0 of 1 listed utterances are in the corpus"),
        ("file,emotion\na.wav,anger\n", "needs columns id, part"),
        ("", "needs columns id, part"),
    ],
)
def test_a_wrong_list_is_one_clear_line(tmp_path, text, message):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(ProtocolError, match=message):
        divide(f"lists:{tmp_path / 'mine.csv'}", *corpus(["03", "08", "09"]))


def test_a_missing_list_is_an_error(tmp_path):
    with pytest.raises(ProtocolError, match=r"no\.csv: No such file or directory; lists:PATH names a table"):
        get_protocol(f"lists:{tmp_path / 'no.csv'}")


def test_a_list_in_which_a_part_is_empty_is_an_error(tmp_path):
    utterances, labels = corpus(["03", "08", "09"])
    (tmp_path / "mine.csv").write_text("id,part\n" + "".join(f"{name},train\n" for name in labels))
    with pytest.raises(ProtocolError, match="fold 'the only fold' needs a train and a test part"):
        divide(f"lists:{tmp_path / 'mine.csv'}", utterances, labels)


def test_speakers_in_two_parts_are_counted_whatever_the_protocol_is_called():
    utterances, labels = corpus(["a1", "a2", "a3"], each=3, sessions=lambda s: None)
    everywhere = [replace(u, session=u.id[-1]) for u in utterances]
    folds = divide("leave-one-session-out", everywhere, labels)
    assert shared_speakers(folds, everywhere) == 3
    assert shared_speakers(divide("leave-one-speaker-out", utterances, labels), utterances) == 0
    assert shared_speakers(folds, [replace(u, speaker=None) for u in everywhere]) is None


def test_the_order_of_a_list_does_not_matter(tmp_path):
    utterances, labels = corpus(["03", "08", "09"])
    lines = lists.to_csv(divide("leave-one-speaker-out", utterances, labels)).splitlines(keepends=True)
    digests = set()
    for rows in (lines[1:7], lines[1:7][::-1]):
        (tmp_path / "mine.csv").write_text(lines[0] + "".join(rows))
        digests.add(fold_digest(divide(f"lists:{tmp_path / 'mine.csv'}", utterances, labels)))
    assert len(digests) == 1


def test_eca_s_random_parts_and_their_twin():
    utterances, labels = corpus(IEMOCAP, each=3, name="iemocap", sessions=lambda s: s[:5])
    random = get_protocol("iemocap-impro4-merged-random5")
    assert random.scheme == "iemocap-impro4-merged"
    assert random.divide(utterances, labels) == divide("random-5-fold", utterances, labels)
    twin = divide("iemocap-impro4-merged-speaker5", utterances, labels)
    assert shared_speakers(twin, utterances) == 0
    assert [fold.name for fold in twin] == [f"speakers Ses0{i}F Ses0{i}M" for i in range(1, 6)]
