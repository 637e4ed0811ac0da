from corpora.trees import count, split, touch_all, write

from sercli.corpora.emns import CORPUS, parse

COUNTS = {"Disgust": 162, "Happy": 157, "Surprised": 151, "Excited": 150}
COUNTS |= {"Neutral": 149, "Sad": 147, "Sarcastic": 139, "Angry": 126}
NOUNS = {"Disgust": "disgust", "Happy": "happiness", "Surprised": "surprise", "Excited": "excitement"}
NOUNS |= {"Neutral": "neutral", "Sad": "sadness", "Sarcastic": "sarcasm", "Angry": "anger"}
COLUMNS = "id|utterance|description|emotion|date_created|status|gender|age|level|audio_recording|user_id"


def build(root, folder="cleaned_webm"):
    """Write 1205 rows, of which 24 need an update; one name has no characters of its own."""
    words = [word for word, number in COUNTS.items() for _ in range(number)] + ["Sad"] * 24
    names = ["recorded_audio", *(f"recorded_audio_{number:07X}" for number in range(1, 1205))]
    rows = [
        f'{number}|He said "no|, never.|{word}|2022|{"Complete" if number < 1181 else "Needs Updating"}'
        f"|female|20s|{number % 11}|wavs/{name}.webm|3"
        for number, (word, name) in enumerate(zip(words, names, strict=True))
    ]
    write(root / "metadata.csv", "\n".join([COLUMNS, *rows, ""]))
    return touch_all(root, [f"{folder}/{name}.webm" for name in names])


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, (left,) = split(parse(build(tmp_path)))
    assert (str(left), left.harmless) == (
        "metadata.csv: 24 recordings are not marked as complete; left out",
        True,
    )
    assert len(utterances) == 1181 == CORPUS.utterances
    assert count(utterances, "emotion") == {NOUNS[word]: number for word, number in COUNTS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    first = utterances[0]
    assert (first.id, first.file) == ("emns/recorded_audio", "cleaned_webm/recorded_audio.webm")
    assert (first.transcript, first.ratings) == ('He said "no', {"expressiveness": 0.0})
    assert {each.ratings["expressiveness"] for each in utterances} == set(range(11))
    (same, *_), _ = split(parse(tmp_path / "cleaned_webm"))
    assert same.emotion == first.emotion


def test_without_labels_nothing_is_read(tmp_path):
    touch_all(tmp_path, ["wavs/recorded_audio_RF6OuQ4.wav"])
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert problem.fact.startswith("no metadata.csv")
    write(tmp_path / "metadata.csv", f"{COLUMNS}\n")
    write(tmp_path / "metadata.csv", f"{COLUMNS}\n1|a|b|Bored|d|Complete|female|20s|1|wavs/other.webm|3\n")
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert problem.fact == "no known emotion in metadata.csv (1 recordings)"
