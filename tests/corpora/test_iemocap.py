import time
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from corpora.trees import (
    build_iemocap,
    full_iemocap,
    full_iemocap_turns,
    iemocap_block,
    varied_ratings,
    write,
)

from sercli.corpora.iemocap import CORPUS, from_name, parse, prefix_speaker
from sercli.labels import EMOTIONS
from sercli.raters import count_raters
from sercli.records import Problem, Utterance
from sercli.schemes import get_scheme

LABELS = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
WORDS = "Session1/dialog/transcriptions/Ses01F_impro01.txt"
WAVS = "Session1/sentences/wav/Ses01F_impro01"
TURNS = {"Ses01F_impro01_F000": "neu", "Ses01F_impro01_M003": "fru", "Ses01F_impro01_F001": "xxx"}


@pytest.fixture
def tree(tmp_path):
    return build_iemocap(tmp_path, TURNS)


def split(root):
    found = list(parse(root))
    problems = [item for item in found if isinstance(item, Problem)]
    return [item for item in found if isinstance(item, Utterance)], problems


def names(utterances):
    return [utterance.id.removeprefix("iemocap/Ses01F_impro01_") for utterance in utterances]


def change(root, place, old, new, encoding="utf-8"):
    text = (root / place).read_text(encoding="utf-8")
    assert old in text
    write(root / place, text.replace(old, new), encoding)


def test_a_turn_is_read_whole(tmp_path):
    build_iemocap(tmp_path, {"Ses01F_impro01_F000": "neu"})
    write(tmp_path / LABELS, "% a comment\n\n" + iemocap_block("Ses01F_impro01_F000"))
    write(tmp_path / WORDS, "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me: you?\n")
    (found,), problems = split(tmp_path)
    assert problems == []
    assert found == Utterance(
        id="iemocap/Ses01F_impro01_F000",
        corpus="iemocap",
        file="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
        speaker="Ses01F",
        gender="female",
        session="Ses01",
        dialog="Ses01F_impro01",
        style="improvised",
        start=6.2901,
        end=8.2357,
        transcript="Excuse me: you?",
        emotion_raw="neu",
        emotion="neutral",
        valence=2.5,
        arousal=3.0,
        dominance=5.5,  # beyond the scale of 1 to 5, as in the corpus
        raters=(
            {"rater": "C-E2", "emotions": ["Neutral"], "comment": ""},
            {"rater": "C-E4", "emotions": ["Happiness", "Excited"], "comment": "curious"},
            {"rater": "A-E3", "valence": 3.0, "arousal": 2.0, "dominance": 2.0, "comment": ""},
            {
                "rater": "A-F1",
                "valence": 2.0,
                "arousal": 3.0,
                "dominance": None,
                "comment": "staying polite, attitude",
                "self": True,
            },
        ),
    )


def test_the_speaker_is_the_letter_before_the_turn_number_not_the_prefix(tree):
    utterances, problems = split(tree)
    assert problems == []  # hidden files, sub-folders and transcribed turns without label are no problems
    assert names(utterances) == ["F000", "M003", "F001"]  # by time, not by name
    assert [u.speaker for u in utterances] == ["Ses01F", "Ses01M", "Ses01F"]
    assert [u.gender for u in utterances] == ["female", "male", "female"]
    assert prefix_speaker("Ses01F_impro01_M003") == "Ses01F"


@pytest.mark.parametrize(
    ("name", "speaker", "dialog", "text"),
    [
        ("Ses03M_impro05b_F010", "Ses03F", "Ses03M_impro05b", None),
        ("Ses03M_impro08a_M000", "Ses03M", "Ses03M_impro08a", None),
        ("Ses05M_script01_1_F002", "Ses05F", "Ses05M_script01_1", "script01_1"),
        ("Ses05M_script01_1b_M002", "Ses05M", "Ses05M_script01_1b", "script01_1"),
        ("Ses03F_impro06_FXX0", "Ses03F", "Ses03F_impro06", None),
    ],
)
def test_odd_names_are_read(tmp_path, name, speaker, dialog, text):
    (found,), problems = split(build_iemocap(tmp_path, {name: "hap"}))
    assert problems == []
    assert (found.speaker, found.dialog, found.text_id) == (speaker, dialog, text)
    assert found.style == ("scripted" if text else "improvised")
    told = from_name(name)
    assert (told.id, told.corpus, told.file, told.emotion) == (f"iemocap/{name}", "iemocap", "", None)
    assert (told.speaker, told.dialog, told.text_id) == (speaker, dialog, text)


@pytest.mark.parametrize(
    "name",
    [
        "ses01F_impro01_F000",
        "Ses01F_impro01_f000",
        "Ses01F_impro01_F000.wav",
        "._Ses01F_impro01_F000",
        "Ses06F_impro01_F000",
        "Ses01F_impro01",
        "Ses01F_impro01_F00",
        "Ses01F_script01_F000",
        "03a01Fa",
        "",
    ],
)
def test_foreign_names_say_nothing(name):
    assert from_name(name) is None


def test_two_recordings_of_a_play_are_two_dialogs(tmp_path):
    turns = {"Ses05M_script01_1b_F000": "sad", "Ses05M_script01_1_F000": "ang"}
    utterances, problems = split(build_iemocap(tmp_path, turns))
    assert problems == []
    assert [(u.dialog, u.emotion) for u in utterances] == [
        ("Ses05M_script01_1", "anger"),
        ("Ses05M_script01_1b", "sadness"),
    ]


def test_every_code_has_its_noun(tmp_path):
    codes = ["ang", "sad", "neu", "hap", "exc", "fru", "sur", "fea", "dis", "oth", "xxx"]
    utterances, _ = split(
        build_iemocap(tmp_path, {f"Ses02M_impro01_F{i:03d}": c for i, c in enumerate(codes)})
    )
    assert [u.emotion_raw for u in utterances] == codes
    nouns = "anger sadness neutral happiness excitement frustration surprise fear disgust other undecided"
    assert [u.emotion for u in utterances] == nouns.split()
    assert set(nouns.split()) < EMOTIONS


@pytest.mark.parametrize("place", [LABELS, WORDS])
@pytest.mark.parametrize(("start", "end"), [("", "\r\n"), ("", "\r"), ("\ufeff", "\n"), ("\ufeff", "\r\n")])
def test_line_ends_and_byte_order_marks_change_nothing(tree, place, start, end):
    expected = split(tree)
    change(tree, place, "\n", end)
    write(tree / place, start.encode() + (tree / place).read_bytes())
    assert split(tree) == expected


def test_latin_1_is_read_and_its_odd_bytes_end_no_line(tree):
    change(tree, LABELS, "(curious)", "(caf\xe9\x85 hm)", "latin-1")  # 0x85: the ellipsis of Windows
    change(tree, WORDS, "These are", "D\xe9j\xe0", "latin-1")
    utterances, problems = split(tree)
    assert problems == []
    assert utterances[0].raters[1]["comment"] == "caf\xe9\x85 hm"
    assert utterances[0].transcript == "D\xe9j\xe0 Ses01F_impro01_F000."


def test_sessions_may_lie_in_a_sub_folder(tmp_path):
    build_iemocap(tmp_path / "IEMOCAP_full_release", {"Ses04F_impro01_M000": "sad"})
    (tmp_path / "notes").mkdir()
    (found,), problems = split(tmp_path)
    assert problems == []
    assert found.file.startswith("IEMOCAP_full_release/Session4/sentences/wav/")
    build_iemocap(tmp_path / "copy", {"Ses04F_impro01_M000": "sad"})
    (problem,) = parse(tmp_path)
    assert "more than one copy of the corpus (IEMOCAP_full_release, copy)" in problem.fact


def test_an_empty_folder_and_none_at_all_hold_nothing(tmp_path):
    assert list(parse(tmp_path)) == list(parse(tmp_path / "nowhere")) == []
    for number in (1, 3):
        (tmp_path / f"Session{number}").mkdir()
    assert list(parse(tmp_path)) == []


@pytest.mark.parametrize(
    ("place", "old", "new", "problem", "left"),
    [
        (
            LABELS,
            "fru",
            "zzz",
            f"{LABELS}:9: unknown emotion 'zzz' of Ses01F_impro01_M003; the known ones are",
            "F000 F001",
        ),
        (
            LABELS,
            "fru\t[2.5",
            "fru",
            f"{LABELS}:9: this line of a turn can't be read (cut off?)",
            "F000 F001",
        ),
        (
            LABELS,
            "_M003",
            "_F000",
            f"{LABELS}:9: turn Ses01F_impro01_F000 occurs again; the first, in line 3,",
            "F000 F001",
        ),
        (
            LABELS,
            "01_M003",
            "02_M003",
            f"{LABELS}:9: turn Ses01F_impro02_M003 does not belong to dialog",
            "F000 F001",
        ),
        (LABELS, "_M003", "_m003", f"{LABELS}:9: 'Ses01F_impro01_m003' is not a turn's name", "F000 F001"),
    ],
)
def test_a_bad_turn_is_a_problem_and_its_neighbours_are_read(tree, place, old, new, problem, left):
    change(tree, place, old, new)
    utterances, (first, *others) = split(tree)
    assert str(first).startswith(problem)
    assert not first.harmless
    assert all(other.harmless for other in others)  # its recording has no label
    assert names(utterances) == left.split()
    assert all(len(u.raters) == 4 for u in utterances)  # the bad turn's raters went nowhere


def test_a_file_cut_within_a_turn_keeps_what_came_before(tree):
    text = (tree / LABELS).read_text(encoding="utf-8")
    write(tree / LABELS, text[: text.index("F001") - 8])
    utterances, (cut, unlabelled) = split(tree)
    assert names(utterances) == ["F000", "M003"]
    assert str(cut) == f"{LABELS}:15: this line of a turn can't be read (cut off?)"
    assert unlabelled == Problem(f"{WAVS}/Ses01F_impro01_F001.wav", f"no label in {LABELS}; left out", True)


@pytest.mark.parametrize(
    "line", ["C-E4:\tNeut", "A-E3:\tval 3; act", "A-E3:\tval x; act 2; dom 1;\t()", "nonsense"]
)
def test_an_odd_line_of_a_rater_is_passed_over(tree, line):
    change(tree, LABELS, "A-E3:\tval 3; act 2; dom  2;\t()", line)
    utterances, problems = split(tree)
    assert [len(u.raters) for u in utterances] == [3, 3, 3]
    assert problems[0] == Problem(f"{LABELS}:6", "neither a turn nor a rater's judgement; ignored", True)
    assert len(problems) == 3


def test_raters_without_a_turn_are_not_given_to_the_turn_before(tree):
    change(tree, LABELS, "[1.0000 - 1.6000]\tSes01F_impro01_M003\tfru\t[2.5000, 3.0000, 5.5000]\n", "")
    utterances, problems = split(tree)
    assert [len(u.raters) for u in utterances] == [4, 4]
    assert str(problems[0]) == f"{LABELS}:9: a rater's judgement without a turn; ignored"
    assert [problem.place for problem in problems[4:]] == [f"{WAVS}/Ses01F_impro01_M003.wav"]


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02", "\ufeff[0.1 - 0.2]".encode("utf-16"), "a".encode("utf-16-le")]
)
def test_what_is_not_text_is_a_problem(tree, content):
    write(tree / LABELS, content)
    assert list(parse(tree)) == [Problem(LABELS, "not text (UTF-8 or latin-1)")]


@pytest.mark.parametrize("content", ["", "% only a comment\n\n"])
def test_a_label_file_without_turns_is_a_problem(tree, content):
    write(tree / LABELS, content)
    assert list(parse(tree)) == [Problem(LABELS, "has no turns for 3 recordings")]


def test_a_label_file_that_cannot_be_read_is_a_problem(tree):
    (tree / LABELS).unlink()
    (tree / LABELS).symlink_to(tree / "nowhere.txt")
    assert list(parse(tree)) == [Problem(LABELS, "can't be read (No such file or directory)")]


def test_a_missing_label_file_is_one_problem(tree):
    (tree / LABELS).unlink()
    missing = "dialog/EmoEvaluation/Ses01F_impro01.txt"
    assert list(parse(tree)) == [Problem(WAVS, f"3 recordings without labels: no {missing}")]


def test_a_missing_recording_is_a_problem(tree):
    (tree / WAVS / "Ses01F_impro01_M003.wav").unlink()
    utterances, problems = split(tree)
    assert names(utterances) == ["F000", "F001"]
    fact = f"missing; its label is at {LABELS}:9"
    assert problems == [Problem(f"{WAVS}/Ses01F_impro01_M003.wav", fact)]


@pytest.mark.parametrize("empty", [True, False])
def test_a_dialog_without_recordings_is_one_problem(tree, empty):
    for path in (tree / WAVS).iterdir():
        path.unlink()
    if not empty:
        (tree / WAVS).rmdir()
    assert list(parse(tree)) == [Problem(WAVS, "no recordings, for 3 turns of Ses01F_impro01.txt")]


def test_a_recording_without_label_is_mentioned(tree):
    (tree / WAVS / "Ses01F_impro01_F009.wav").touch()
    (tree / WAVS / "notes.txt").touch()
    utterances, problems = split(tree)
    assert len(utterances) == 3
    assert problems == [Problem(f"{WAVS}/Ses01F_impro01_F009.wav", f"no label in {LABELS}; left out", True)]


def test_other_suffixes_of_recordings_are_taken(tree):
    (tree / WAVS / "Ses01F_impro01_F000.wav").rename(tree / WAVS / "Ses01F_impro01_F000.FLAC")
    utterances, problems = split(tree)
    assert problems == []
    assert utterances[0].file == f"{WAVS}/Ses01F_impro01_F000.FLAC"


def test_a_missing_transcription_leaves_turns_without_words(tree):
    (tree / WORDS).unlink()
    utterances, problems = split(tree)
    assert [u.transcript for u in utterances] == [None, None, None]
    fact = "can't be read (No such file or directory); its turns have no transcript"
    assert problems == [Problem(WORDS, fact, harmless=True)]


def test_a_transcription_that_lacks_turns_is_mentioned(tree):
    change(tree, WORDS, "Ses01F_impro01_M003 ", "Ses01F_impro01_M004 ")
    utterances, problems = split(tree)
    assert [u.transcript is None for u in utterances] == [False, True, False]
    assert problems == [Problem(WORDS, "lacks the transcript of 1 of 3 turns", harmless=True)]


def test_a_dialog_in_the_wrong_session_is_left_out(tree):
    write(tree / "Session2/dialog/EmoEvaluation/Ses01F_impro01.txt", iemocap_block("Ses01F_impro01_F000"))
    utterances, problems = split(tree)
    assert len(utterances) == 3
    place = "Session2/dialog/EmoEvaluation/Ses01F_impro01.txt"
    assert problems == [Problem(place, "belongs in Session1; left out")]


def test_foreign_files_and_folders_are_mentioned(tree):
    write(tree / "Session1/dialog/EmoEvaluation/README.txt", "read me")
    (tree / "Session1/sentences/wav/loose.wav").touch()
    utterances, problems = split(tree)
    assert len(utterances) == 3
    assert all(problem.harmless for problem in problems)
    places = ["Session1/dialog/EmoEvaluation/README.txt", "Session1/sentences/wav/loose.wav"]
    assert [problem.place for problem in problems] == places


MERGES = {
    2280: ({"neutral", "anger", "sadness", "happiness"}, (422, 393, 538, 370, 557)),
    2943: ({"neutral", "anger", "sadness", "happiness", "excitement"}, (521, 530, 627, 534, 731)),
    2659: ({"neutral", "anger", "sadness", "excitement"}, None),
    5531: ({"neutral", "anger", "sadness", "happiness", "excitement"}, (1085, 1023, 1151, 1031, 1241)),
}


def test_a_tree_of_full_size_has_the_released_counts_and_is_read_fast(tmp_path):
    full_iemocap(tmp_path)
    start = time.process_time()
    utterances, problems = split(tmp_path)
    assert time.process_time() - start < 5  # about 0.5 s
    assert problems == []
    assert len({u.id for u in utterances}) == CORPUS.utterances == 10039
    for field, known in CORPUS.known.items():
        assert Counter(getattr(u, field) for u in utterances) == known
    # The table of the release, by hand, and the merges that are made of it.
    table = Counter((u.style, u.emotion_raw) for u in utterances)
    codes = ("ang", "sad", "neu", "hap", "exc")
    assert [table["improvised", code] for code in codes] == [289, 608, 1099, 284, 663]
    assert [table["scripted", code] for code in codes] == [814, 476, 609, 311, 378]
    for total, (emotions, by_session) in MERGES.items():
        merged = [
            u for u in utterances if u.emotion in emotions and (total == 5531 or u.style == "improvised")
        ]
        assert len(merged) == total
        if by_session:
            assert Counter(u.session for u in merged) == {f"Ses0{i}": n for i, n in enumerate(by_session, 1)}
        if total == 2280:
            speakers = sorted(Counter(u.speaker for u in merged).items())
            assert [n for _, n in speakers] == [217, 205, 185, 208, 264, 274, 149, 221, 298, 259]
    six = get_scheme("iemocap-6").select(utterances)
    assert sum(six.counts.values()) == 595 + 1084 + 1708 + 1103 + 1041 + 1849 == 7380
    assert sum(get_scheme("iemocap-5").select(utterances).counts.values()) == 5531
    for scheme in CORPUS.schemes:
        assert scheme.select(utterances).counts == scheme.known.get("class", {})
    # Means of the dimensions by class, computed from the turns that were written.
    both = get_scheme("iemocap-4-dimensions").select(utterances)
    rated = get_scheme("iemocap-dimensions").select(utterances)
    assert both.outputs.names == (
        "anger",
        "happiness",
        "neutral",
        "sadness",
        "arousal",
        "valence",
        "dominance",
    )
    assert (len(both.values), len(rated.values), rated.classes) == (5531, 10039, ())
    written = defaultdict(list)
    for turn, code in full_iemocap_turns().items():
        valence, activation, dominance = varied_ratings(turn)
        written["happiness" if code in ("hap", "exc") else code].append((activation, valence, dominance))
    for name, codes in (("anger", "ang"), ("happiness", "happiness"), ("neutral", "neu"), ("sadness", "sad")):
        own = [both.values[each] for each, label in both.labels.items() if label == name]
        assert len(own) == len(written[codes])
        assert np.mean(own, axis=0) == pytest.approx(np.mean(written[codes], axis=0))
    # The votes of the three raters give the same labels; the actor's own judgement does not count.
    four = get_scheme("iemocap-4")
    for scheme, source in ((four, "majority"), (four, "votes"), (get_scheme("iemocap-impro4"), "plurality")):
        voted = replace(scheme, labels=source).select(utterances)
        assert voted.labels == scheme.select(utterances).labels
        assert {len(raters) for raters in voted.raters.values()} <= {2, 3}
    counted = count_raters(utterances)
    assert (counted.utterances, counted.fewest, counted.most) == (10039, 3, 3)
    assert counted.majority == pytest.approx((10039 - 2507) / 10039)
    assert counted.agreement == pytest.approx((7532 * 2 / 3 + 2507 / 3) / 10039)
    careless = [prefix_speaker(u.id.removeprefix("iemocap/")) != u.speaker for u in utterances]
    assert sum(careless) == 4951
