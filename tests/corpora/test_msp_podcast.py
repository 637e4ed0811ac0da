import csv
from itertools import cycle

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.msp_podcast import CORPUS, from_name, parse
from sercli.protocols import get_protocol
from sercli.raters import labels_of
from sercli.records import Utterance
from sercli.schemes import get_scheme

COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
# Labels of release 1.8, and of two of its parts, by a public list.
ALL = {"N": 26009, "H": 14285, "X": 14199, "U": 4084, "C": 3644}
ALL |= {"A": 3218, "S": 2649, "D": 2593, "F": 1544, "O": 817}
TEST = {
    "N": 4702,
    "H": 3475,
    "X": 2955,
    "U": 1029,
    "C": 736,
    "D": 709,
    "A": 622,
    "S": 505,
    "F": 367,
    "O": 226,
}
DEV = {"N": 2529, "X": 1454, "H": 1320, "A": 621, "C": 547, "D": 441, "U": 382, "S": 302, "F": 130, "O": 74}
NOUNS = {"A": "anger", "C": "contempt", "D": "disgust", "F": "fear", "H": "happiness", "N": "neutral"}
NOUNS |= {"O": "other", "S": "sadness", "U": "surprise", "X": "undecided"}


def rows():
    """Name 73 042 turns with their labels, parts, and 1200 speakers, some unknown."""
    number, people = 0, cycle([*map(str, range(1, 1200)), "Unknown"])
    rest = {letter: ALL[letter] - TEST[letter] - DEV[letter] for letter in ALL}
    for part, counts in (("Test1", TEST), ("Development", DEV), ("Train", rest)):
        for letter, total in counts.items():
            for _ in range(total):
                name = f"MSP-PODCAST_{number // 50 + 1:04d}_{number % 50:04d}"
                name += f"_{number % 3:04d}" if number % 5 == 0 else ""
                gender = ("Female", "Male", "Unknown")[number % 3]
                yield f"{name}.wav", letter, 4.4, 3.8, 5.0, next(people), gender, part
                number += 1


def write_table(path, content, columns=COLUMNS):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *content])


def read(root, monkeypatch, own):
    """Read turns from a table and a list of their files: so many files take long on a slow disk."""
    table = root / "Labels/labels_concensus.csv"
    write_table(table, own)
    listed = [root / "Audios" / row[0] for row in own]
    monkeypatch.setattr("sercli.corpora._named.walk", lambda folder: [*listed, table])
    utterances, problems = split(parse(root))
    assert problems == []
    return utterances


@pytest.mark.slow
def test_release_1_8_has_its_published_numbers(tmp_path, monkeypatch):
    utterances = read(tmp_path, monkeypatch, list(rows()))
    release = CORPUS.release(utterances)
    assert release.title == "MSP-Podcast, release 1.8"
    assert len(utterances) == 73_042 == release.utterances
    assert count(utterances, "emotion") == {NOUNS[letter]: total for letter, total in ALL.items()}
    for field, known in release.known.items():
        assert count(utterances, field) == known
    assert count(utterances, "part") == {"test": 15_326, "dev": 7800, "train": 49_916}
    assert len(get_scheme("msp-podcast-8").select(utterances).labels) == 73_042 - 14_199 - 817


def test_two_parts_of_release_1_8_have_their_published_numbers(tmp_path, monkeypatch):
    own = [row for row in rows() if row[7] != "Train" or row[1] == "F"]
    utterances = read(tmp_path, monkeypatch, own)
    of_part = {part: [each for each in utterances if each.part == part] for part in ("test", "dev", "train")}
    assert count(utterances, "part") == {"test": 15_326, "dev": 7800, "train": 1047}
    for part, known in (("test", TEST), ("dev", DEV)):
        assert count(of_part[part], "emotion") == {NOUNS[letter]: total for letter, total in known.items()}
    assert None in count(utterances, "speaker")
    assert "Unknown" not in count(utterances, "speaker")
    assert set(count(utterances, "gender")) == {"female", "male", None}
    labels = get_scheme("msp-podcast-8").select(utterances).labels
    (fold,) = get_protocol("msp-podcast-official").divide(utterances, labels)
    assert len(fold.test) == 15_326 - 2955 - 226
    assert len(fold.dev) == 7800 - 1454 - 74
    # Undecided turns have values too.
    assert len(get_scheme("msp-podcast-dimensions").select(utterances).values) == len(utterances)
    both = get_scheme("msp-podcast-8-dimensions").select(utterances)
    assert set(both.values) == set(labels)


def test_release_1_11_is_known_by_its_parts():
    # The page of the laboratory; the 2347 turns of Test3 have no labels.
    parts = {"train": 84_030, "dev": 19_815, "test": 30_647, "test2": 14_815}
    assert CORPUS.known["part"] == parts
    assert sum(parts.values()) == 151_654 - 2347 == CORPUS.utterances
    assert CORPUS.release([None] * 149_307) is CORPUS
    unknown = CORPUS.release([None] * 1000)
    assert (unknown.utterances, unknown.known) == (None, {})
    assert "not known" in unknown.title


def turn(**facts):
    values = {"FileName": "MSP-PODCAST_0001_0008.wav", "EmoClass": "H", "EmoAct": 4.4, "EmoVal": 3.8}
    values |= {"EmoDom": 5, "SpkrID": "Unknown", "Gender": "Unknown", "Split_Set": "Test2"} | facts
    return tuple(values[column] for column in COLUMNS)


def test_the_facts_of_a_turn(tmp_path):
    touch_all(tmp_path, ["Audios/MSP-PODCAST_0001_0008.wav"])
    write_table(tmp_path / "Labels/labels_consensus.csv", [turn(EmoDom="nan")])
    (found,), _ = split(parse(tmp_path))
    assert found == Utterance(
        id="msp-podcast/MSP-PODCAST_0001_0008",
        corpus="msp-podcast",
        file="Audios/MSP-PODCAST_0001_0008.wav",
        session="0001",
        style="improvised",
        emotion_raw="H",
        emotion="happiness",
        arousal=4.4,
        valence=3.8,
        part="test2",
    )
    assert CORPUS.scale == (1, 7)
    # The recordings alone are enough, since the labels are beside them.
    (same,), _ = split(parse(tmp_path / "Audios"))
    assert same.id == found.id
    assert same.valence == found.valence


def test_turns_without_labels(tmp_path):
    names = ["MSP-PODCAST_0001_0008", "MSP-PODCAST_0001_0009", "MSP-PODCAST_test3_0001"]
    touch_all(tmp_path, [f"Audios/{name}.wav" for name in names])
    utterances, (withheld, lacking) = split(parse(tmp_path))
    assert utterances == []
    assert withheld.harmless
    assert str(withheld) == ".: 1 recordings of the part Test3, which has no labels"
    assert lacking.fact.startswith("no labels_consensus.csv")
    more = turn(FileName="MSP-PODCAST_0002_0001.wav")
    write_table(tmp_path / "Labels/labels_consensus.csv", [turn(), more])
    utterances, (_, unlabelled, without) = split(parse(tmp_path))
    assert len(utterances) == 1
    assert not unlabelled.harmless
    assert unlabelled.fact == "no label in labels_consensus.csv (1 recordings)"
    assert without.fact == "1 labels without a recording, first MSP-PODCAST_0002_0001"


LINES = [
    "WORKER00000001; Happy; Happy,Excited; A:5.000000; V:6.000000; D:4.000000;",
    "WORKER00000002; Other-amazed; Surprise; A:5; V:4; D:4;",
]
JUDGED = (
    {"rater": "WORKER00000001", "emotions": ["happiness"], "arousal": 5, "valence": 6, "dominance": 4}
    | {"comment": "Happy,Excited"},
    {"rater": "WORKER00000002", "emotions": ["other"], "arousal": 5, "valence": 4, "dominance": 4}
    | {"comment": "Other-amazed; Surprise"},
)


def write_raters(folder, kind):
    """Write the labels of two raters in one of the forms of the releases."""
    name = "MSP-PODCAST_0001_0008.wav"
    if kind == "text":
        head = f"{name}; H; A:5.0; V:5.0; D:4.0;"
        (folder / "labels.txt").write_text("\n".join([head, *LINES, "", ""]))
    elif kind == "lines":
        write_table(
            folder / "labels_detailed.csv", [(name, line) for line in LINES], ("FileName", "EmoDetail")
        )
    else:
        columns = ("FileName", kind, "EmoClass_Major", "EmoClass_Second", "EmoAct", "EmoVal", "EmoDom")
        cells = [
            (name, "WORKER00000001", "Happy", "Happy,Excited", 5, 6, 4),
            (name, "WORKER00000002", "Other-amazed", "Surprise", 5, 4, 4),
        ]
        write_table(folder / "labels_detailed.csv", cells, columns)


@pytest.mark.parametrize("kind", ["text", "lines", "Workers", "WorkerID"])
def test_the_raters_in_each_form_of_the_releases(tmp_path, kind):
    touch_all(tmp_path, ["Audios/MSP-PODCAST_0001_0008.wav"])
    write_table(tmp_path / "Labels/labels_consensus.csv", [turn()])
    write_raters(tmp_path / "Labels", kind)
    (found,), _ = split(parse(tmp_path))
    assert found.raters == JUDGED
    assert labels_of(found) == (("happiness",), ("other",))


@pytest.mark.parametrize("name", ["MSP-PODCAST_1_0008", "MSP-PODCAST_0001", "MSP-IMPROV-S01A-F01-P-FM01"])
def test_foreign_names(name):
    assert from_name(name) is None
