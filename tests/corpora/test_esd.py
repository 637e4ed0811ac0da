import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.esd import CORPUS, from_name, parse
from sercli.protocols import get_protocol
from sercli.schemes import get_scheme

FOLDERS = ("Neutral", "Angry", "Happy", "Sad", "Surprise")  # 350 numbers each, in this order
NOUNS = ("neutral", "anger", "happiness", "sadness", "surprise")
# From the ReadMe of the archive.
WOMEN = {"0001", "0002", "0003", "0007", "0009", "0015", "0016", "0017", "0018", "0019"}


def part(number):
    """The released parts: the first 20 of each emotion, the next 30, and the last 300."""
    place = (number - 1) % 350
    return "evaluation" if place < 20 else "test" if place < 50 else "train"


def places(speakers, parts):
    for speaker in speakers:
        for number in range(1, 1751):
            inner = f"{part(number)}/" if parts else ""
            yield f"ESD/{speaker:04d}/{FOLDERS[(number - 1) // 350]}/{inner}{speaker:04d}_{number:06d}.wav"


@pytest.mark.slow
def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places(range(1, 21), parts=True))))
    assert problems == []
    assert len(utterances) == 35_000 == CORPUS.utterances
    speakers = [f"{speaker:04d}" for speaker in range(1, 21)]
    pairs = {(speaker, noun): 350 for speaker in speakers for noun in NOUNS}
    assert count(utterances, "speaker", "emotion") == pairs
    assert {each.speaker for each in utterances if each.gender == "female"} == WOMEN
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert len({each.text_id for each in utterances}) == 700
    folders = {(each.file.split("/")[3], each.part) for each in utterances}
    assert folders == {("evaluation", "dev"), ("test", "test"), ("train", "train")}
    labels = get_scheme("esd-5").select(utterances).labels
    (fold,) = get_protocol("esd-official").divide(utterances, labels)
    assert [len(part) for part in (fold.train, fold.dev, fold.test)] == [30_000, 2000, 3000]
    assert get_scheme("esd-5-english").select(utterances).counts == dict.fromkeys(sorted(NOUNS), 3500)
    mandarin = get_scheme("esd-5-mandarin").select(utterances).labels
    assert {name[4:8] for name in mandarin} == set(speakers[:10])


def test_folders_of_parts_change_no_id(tmp_path):
    touch_all(tmp_path / "parts", places([7], parts=True))
    touch_all(tmp_path / "plain", places([7], parts=False))
    touch_all(tmp_path / "flat", [place.rpartition("/")[2] for place in places([7], parts=False)])
    found = [
        [(each.id, each.emotion) for each in split(parse(tmp_path / name))[0]]
        for name in ("parts", "plain", "flat")
    ]
    assert len(found[0]) == 1750
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("number", "emotion"),
    [(1, 0), (350, 0), (351, 1), (700, 1), (701, 2), (1050, 2), (1051, 3), (1400, 3), (1401, 4), (1750, 4)],
)
def test_the_number_is_the_emotion_and_the_sentence(number, emotion):
    found = from_name(f"0011_{number:06d}")
    assert (found.emotion_raw, found.emotion) == (FOLDERS[emotion], NOUNS[emotion])
    assert found.text_id == ("en001" if number % 350 == 1 else "en350")
    assert from_name(f"0010_{number:06d}").text_id.startswith("zh")


@pytest.mark.parametrize("name", ["0000_000001", "0021_000001", "0001_000000", "0001_001751", "001_000001"])
def test_foreign_names(name):
    assert from_name(name) is None


def test_a_folder_that_contradicts_the_number_is_noted(tmp_path):
    touch_all(tmp_path, ["0011/Happy/0011_000001.wav", "0011/neutral/0011_000002.wav"])
    utterances, (problem,) = split(parse(tmp_path))
    assert [each.emotion for each in utterances] == ["neutral", "neutral"]
    assert problem.harmless
    assert str(problem) == (
        "0011/Happy/0011_000001.wav: its folder names another emotion than its number (1 files); "
        "the number is used"
    )


@pytest.mark.parametrize(
    ("speaker", "encoding", "text", "word"),
    [
        ("0001", "gb2312", "打远一看", "中立"),
        ("0003", "utf-16", "打远一看", "中立"),
        ("0011", "utf-8", "The nine, the eggs, I keep.", "Neutral"),
        ("0012", "utf-16", "The nine, the eggs, I keep.", "Neutral"),
        ("0015", "utf-8-sig", "The nine, the eggs, I keep.", "Neutral"),
        ("0016", "latin-1", "The café’s nine eggs.".replace("’", "'"), "Neutral"),
    ],
)
def test_the_words_are_read_in_the_encoding_of_each_speaker(tmp_path, speaker, encoding, text, word):
    touch_all(tmp_path, [f"{speaker}/Neutral/{speaker}_000001.wav"])
    table = f"{speaker}_000001\t{text}\t{word}\r\n\r\n{speaker}_000002\t{text}\t{word}\r\n"
    (tmp_path / speaker / f"{speaker}.txt").write_bytes(table.encode(encoding))
    (found,), problems = split(parse(tmp_path))
    assert found.transcript == text
    assert problems == []


def test_a_malformed_line_costs_no_recording(tmp_path):
    touch_all(tmp_path, ["0013/Angry/0013_000431.wav", "0013/Angry/0013_000432.wav"])
    (tmp_path / "0013" / "0013.txt").write_text("0013_000431The sky.\tAngry\n0013_000432\tThe sea.\tAngry\n")
    utterances, (problem,) = split(parse(tmp_path))
    assert [each.transcript for each in utterances] == [None, "The sea."]
    assert str(problem) == "0013.txt: 1 of 2 lines are not a name, a text and an emotion; ignored"
    assert problem.harmless
