from corpora.trees import count, split, touch_all

from sercli.corpora.enterface import CORPUS, from_name, parse

EMOTIONS = {
    "anger": "an",
    "disgust": "di",
    "fear": "fe",
    "happiness": "ha",
    "sadness": "sa",
    "surprise": "su",
}


def places(suffix):
    """43 folders, 1 to 11 and 13 to 44; subject 6 is not cut, and subject 23 lacks three sentences."""
    for subject in (*range(1, 12), *range(13, 45)):
        for emotion, code in EMOTIONS.items():
            folder = f"enterface database/subject {subject}/{emotion}"
            if subject == 6:
                yield f"{folder}/s6_{code}{suffix}"
                continue
            for sentence in range(1, 6):
                if subject == 23 and code == "ha" and sentence <= 3:
                    continue
                start = {11: "s12", 3: "s_3" if code in ("an", "di", "fe") else "s3"}.get(
                    subject, f"s{subject}"
                )
                odd = "avi" if (subject, code, sentence) == (16, "su", 3) else ""
                yield f"{folder}/sentence {sentence}/{start}_{code}_{sentence}{odd}{suffix}"


def test_the_public_list_has_its_numbers(tmp_path):
    utterances, problems = split(parse(touch_all(tmp_path, places(".avi"))))
    assert len(utterances) == 1257 == CORPUS.utterances
    assert count(utterances, "emotion") == dict.fromkeys(EMOTIONS, 210) | {"happiness": 207}
    speakers = [str(subject) for subject in range(1, 45) if subject not in (6, 12)]
    assert count(utterances, "speaker") == dict.fromkeys(speakers, 30) | {"23": 27}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert {problem.fact for problem in problems} == {
        "1 recordings: subject 6 is not cut into sentences; left out"
    }
    assert len(problems) == 6
    assert all(problem.harmless for problem in problems)


def test_the_person_is_the_folder(tmp_path):
    touch_all(tmp_path, ["subject 11/fear/sentence 1/s12_fe_1.wav", "subject 3/fear/sentence 1/s_3_fe_1.wav"])
    utterances, _ = split(parse(tmp_path))
    assert [(each.id, each.speaker) for each in utterances] == [
        ("enterface/s11_fe_1", "11"),
        ("enterface/s3_fe_1", "3"),
    ]


def test_recordings_in_one_folder_are_read_by_their_names(tmp_path):
    utterances, (problem,) = split(parse(touch_all(tmp_path, ["s1_an_1.wav", "s6_an.wav"])))
    assert [each.speaker for each in utterances] == ["1"]
    assert (problem.place, problem.harmless) == (".", True)
    assert from_name("s1_an_6") is None
    assert from_name("s1_ne_1") is None
