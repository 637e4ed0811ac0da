from corpora.trees import count, split, touch_all

from sercli.corpora.msp_improv import CORPUS, from_name, parse
from sercli.raters import labels_of
from sercli.schemes import get_scheme

# Published numbers by kind of turn, in the order of the letters.
LETTERS = ("A", "S", "H", "N", "O", "X")
KINDS = {
    "T": (115, 106, 136, 283, 1, 11),
    "R": (169, 80, 88, 241, 3, 39),
    "S": (470, 633, 1048, 1789, 70, 371),
    "P": (38, 66, 1372, 1164, 11, 134),
}
LINE = "UTD-IMPROV-{}.avi; {}; A:3.0; V:3.5; D:2.5 ; N:4.0;\n"
RATER = "Rater1; Happy; Excited,Other (proud); A:3; V:4; D:3; N:4;\n"


def turns():
    """Name 8438 turns with their labels, dealt to twelve actors."""
    number = 0
    for kind, counts in KINDS.items():
        for letter, total in zip(LETTERS, counts, strict=True):
            for _ in range(total):
                speaker = f"{'FM'[number % 2]}0{number // 2 % 6 + 1}"
                sentence = f"S{number % 20 + 1:02d}{'AHNS'[number % 4]}"
                yield f"{sentence}-{speaker}-{kind}-FM{number // 12:03d}", letter
                number += 1


def build(root, named, table="Evalution.txt"):
    places = [f"session{name[7]}/{name[:4]}/{name[9]}/MSP-IMPROV-{name}.wav" for name, _ in named]
    touch_all(root, places)
    lines = (LINE.format(name, letter) + RATER for name, letter in named)
    (root / table).write_text("".join(lines))
    return root


def test_the_published_numbers(tmp_path):
    named = dict(turns())
    unique = list(named.items())
    utterances, problems = split(parse(build(tmp_path, unique)))
    assert problems == []
    assert len(utterances) == len(unique) == 8438 == CORPUS.utterances
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    sessions = {each.speaker: each.session for each in utterances}
    assert sessions == {f"{gender}0{number}": f"0{number}" for gender in "FM" for number in range(1, 7)}


def test_labels_are_joined_though_their_names_begin_otherwise(tmp_path):
    (found,), _ = split(parse(build(tmp_path, [("S01A-F01-R-FM01", "H")], "Evaluation.txt")))
    assert (found.id, found.speaker, found.gender) == ("msp-improv/S01A-F01-R-FM01", "F01", "female")
    assert (found.emotion, found.style, found.text_id) == ("happiness", "scripted", "S01")
    assert (found.arousal, found.valence, found.dominance) == (3.0, 3.5, 2.5)


def test_the_raters_have_one_vote_each(tmp_path):
    root = build(tmp_path, [("S01A-F01-R-FM01", "H"), ("S02A-F01-R-FM01", "N")], "Evaluation.txt")
    lines = [
        LINE.format("S01A-F01-R-FM01", "H"),
        "Ev_1-a; Happy; Excited,Happy; A:4.000000; V:5.000000; D:NaN; N:3.000000;\n",
        "Ev_2; Other-proud; Other (proud; calm); A:2; V:3; D:3; N:NaN;\n",
        "Ev_1-a; Sad; Sad; A:1; V:1; D:1; N:1;\n",
        "\n",
        LINE.format("S02A-F01-R-FM01", "N"),
        "Ev_3; Neutral; ; A:3; V:3; D:3; N:3;\n",
    ]
    (root / "Evaluation.txt").write_text("".join(lines))
    (first, second), _ = split(parse(root))
    assert first.raters == (
        {
            "rater": "Ev_1-a",
            "emotions": ["happiness"],
            "arousal": 4,
            "valence": 5,
            "comment": "Excited,Happy",
        },
        {
            "rater": "Ev_2",
            "emotions": ["other"],
            "arousal": 2,
            "valence": 3,
            "dominance": 3,
            "comment": "Other-proud; Other (proud; calm)",
        },
    )
    assert labels_of(first) == (("happiness",), ("other",))
    assert second.raters == (
        {"rater": "Ev_3", "emotions": ["neutral"], "arousal": 3, "valence": 3, "dominance": 3},
    )
    assert first.ratings == {"naturalness": 4.0}


def test_the_schemes_of_dimensions(tmp_path):
    utterances, _ = split(parse(build(tmp_path, [("S01A-F01-R-FM01", "H"), ("S02A-F01-R-FM01", "X")])))
    assert get_scheme("msp-improv-dimensions").select(utterances).values == {
        "msp-improv/S01A-F01-R-FM01": (3.0, 3.5, 2.5),
        "msp-improv/S02A-F01-R-FM01": (3.0, 3.5, 2.5),
    }
    both = get_scheme("msp-improv-4-dimensions").select(utterances)
    assert both.labels == {"msp-improv/S01A-F01-R-FM01": "happiness"}
    assert CORPUS.scale == (1, 5)


def test_a_rating_that_is_no_number_is_absent(tmp_path):
    root = build(tmp_path, [("S01A-F01-P-FM01", "X")])
    (root / "Evalution.txt").write_text("UTD-IMPROV-S01A-F01-P-FM01.avi; X; A:NaN; V:2; D:3 ; N:NaN;\n")
    (found,), _ = split(parse(root))
    assert (found.emotion, found.arousal, found.valence) == ("undecided", None, 2.0)
    assert found.text_id is None


def test_recordings_without_labels_and_labels_without_recordings(tmp_path):
    root = build(tmp_path, [("S01A-F01-P-FM01", "X"), ("S02A-F01-P-FM01", "N")])
    touch_all(root, ["MSP-IMPROV-S03A-F01-P-FM01.wav"])
    next(root.rglob("*S02A-F01-P-FM01.wav")).unlink()
    utterances, (unlabelled, without) = split(parse(root))
    assert len(utterances) == 1
    assert not unlabelled.harmless
    assert unlabelled.fact == "no label in Evalution.txt (1 recordings)"
    assert without.fact == "1 labels without a recording, first S02A-F01-P-FM01"
    (root / "Evalution.txt").unlink()
    utterances, (problem,) = split(parse(root))
    assert utterances == []
    assert problem.fact.startswith("no Evaluation.txt, which has the labels")


def test_foreign_names():
    for name in ("MSP-IMPROV-S21A-F01-P-FM01", "MSP-IMPROV-S01A-F07-P-FM01", "S01A-F01-P-FM01"):
        assert from_name(name) is None
