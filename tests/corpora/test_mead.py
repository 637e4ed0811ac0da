from corpora.trees import count, split, touch_all

from sercli.corpora.mead import CORPUS, from_name, parse

# Published numbers by emotion, of 27 men and 21 women; the numbers of single actors are not known here.
COUNTS = {
    "angry": ("anger", 4193),
    "contempt": ("contempt", 4215),
    "disgusted": ("disgust", 4284),
    "fear": ("fear", 4251),
    "happy": ("happiness", 4294),
    "neutral": ("neutral", 1916),
    "sad": ("sadness", 4306),
    "surprised": ("surprise", 4270),
}
ACTORS = [*(f"M{number:03d}" for number in range(3, 30)), *(f"W{number:03d}" for number in range(9, 30))]


def names():
    """Deal the recordings of each emotion to the actors, and each actor's to the levels; neutral has one."""
    for folder, (_, total) in COUNTS.items():
        for number in range(total):
            actor, taken = ACTORS[number % 48], number // 48
            level, sentence = (1, taken) if folder == "neutral" else (taken % 3 + 1, taken // 3)
            yield actor, folder, level, sentence + 1


def test_the_published_numbers_follow_from_the_names():
    # 31 729 folders and files take long on a slow disk: names are read as the reader makes them.
    made = [from_name(f"{a}_{folder}_level_{level}_{s:03d}") for a, folder, level, s in names()]
    assert len({each.id for each in made}) == 31_729 == CORPUS.utterances
    assert count(made, "emotion") == dict(COUNTS.values()) == CORPUS.known["emotion"]
    genders = {each.speaker: each.gender for each in made}
    assert sorted(genders.values()) == ["female"] * 21 + ["male"] * 27
    assert count(made, "intensity")[None] == 1916


def test_the_folders_of_one_actor_are_the_name(tmp_path):
    own = [each for each in names() if each[0] == "W009"]
    touch_all(tmp_path, [f"{a}/audio/{folder}/level_{level}/{s:03d}.m4a" for a, folder, level, s in own])
    touch_all(tmp_path, ["W009/video/front/angry/level_1/001.mp4"])
    utterances, (problem,) = split(parse(tmp_path))
    assert len(utterances) == len(own)
    assert problem.harmless
    assert {each.id for each in utterances} == {f"mead/{a}_{f}_level_{n}_{s:03d}" for a, f, n, s in own}
    assert (utterances[0].speaker, utterances[0].gender) == ("W009", "female")
    flat, _ = split(parse(tmp_path / "W009"))
    assert [each.id for each in flat] == [each.id for each in utterances]


def test_capitals_in_the_names_of_folders(tmp_path):
    (found,) = parse(touch_all(tmp_path, ["m003/Audio/Angry/Level_1/001.m4a"]))
    assert found.id == "mead/M003_angry_level_1_001"


def test_foreign_names():
    for name in ("X003_angry_level_1_001", "M003_calm_level_1_001", "M003_angry_level_4_001", "001"):
        assert from_name(name) is None
