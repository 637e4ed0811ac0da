import csv
from itertools import cycle

from corpora.trees import count, split, touch_all

from sercli.corpora.emozionalmente import CORPUS, parse
from sercli.raters import labels_of

WORDS = ("anger", "disgust", "fear", "joy", "neutrality", "sadness", "surprise")
NOUNS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
# Speakers and files of each gender; the numbers of single speakers are not published.
GENDERS = {"female": (299, 4891), "male": (131, 2008), "other": (1, 3)}


def write(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])


def build(root):
    samples, users, number = [], [], 0
    for gender, (people, files) in GENDERS.items():
        names = [f"{gender}{person}" for person in range(people)]
        users += [(name, gender, 30, "Italian") for name in names]
        for _, name in zip(range(files), cycle(names), strict=False):
            samples.append(
                (f"{1_600_000_000_000 + number}.wav", f"Frase {number % 18}.", "it", name, WORDS[number % 7])
            )
            number += 1
    touch_all(root, [f"audio/{row[0]}" for row in samples])
    columns = ["file_name", "sentence", "sentence_language", "actor", "emotion_expressed"]
    write(root / "metadata/samples.csv", columns, samples)
    write(root / "metadata/users.csv", ["username", "gender", "age", "mother_tongue"], users)
    judged = [(samples[0][0], f"judge{number}", "good", "joy") for number in range(4)]
    judged.append((samples[0][0], "judge4", "bad", "fear"))
    columns = ["file_name", "evaluator", "audio_quality", "emotion_recognized"]
    write(root / "metadata/evaluations.csv", columns, judged)
    return root


def test_the_release_has_its_published_numbers(tmp_path):
    utterances, problems = split(parse(build(tmp_path)))
    assert problems == []
    assert len(utterances) == 6902 == CORPUS.utterances
    assert count(utterances, "emotion") == dict.fromkeys(NOUNS, 986)
    assert count(utterances, "gender") == {"female": 4891, "male": 2008, "other": 3}
    assert len({each.speaker for each in utterances}) == 431
    assert len({each.text_id for each in utterances}) == 18
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    first = utterances[0]
    assert first.raters[3] == {"rater": "judge3", "emotions": ["happiness"]}
    assert first.raters[4] == {"rater": "judge4", "emotions": ["fear"], "comment": "audio quality: bad"}
    assert labels_of(first) == (("happiness",),) * 4 + (("fear",),)
    assert utterances[1].raters is None
    (same, *_), _ = split(parse(tmp_path / "audio"))
    assert same == first.__class__(
        **{name: getattr(first, name) for name in first.__slots__} | {"file": same.file}
    )


def test_without_labels_nothing_is_read(tmp_path):
    touch_all(tmp_path, ["audio/1600000000000.wav", "audio/1600000000001.wav"])
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert problem.fact.startswith("no samples.csv, which has the labels")
    columns = ["file_name", "sentence", "actor", "emotion_expressed"]
    write(tmp_path / "metadata/samples.csv", columns, [("1600000000001.wav", "Ciao.", "anna", "joy")])
    (found,), (problem,) = split(parse(tmp_path))
    assert (found.emotion, found.speaker, found.gender) == ("happiness", "anna", None)
    assert problem.fact == "no known emotion in samples.csv (1 recordings)"
    assert not problem.harmless
