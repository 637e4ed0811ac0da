import os
import re

import pytest

from sercli.corpora.folder import CORPUS
from sercli.errors import ConfigError
from sercli.labels import EMOTIONS, is_part, near_noun
from sercli.records import Note, Problem, Utterance


def parse(root, *files, **settings):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return list(CORPUS.parse(root, *CORPUS.chosen(settings)))


def test_the_first_folder_is_the_label_whatever_lies_below(tmp_path):
    found = parse(tmp_path, "Angry/x.wav", "HAP/take 1/y.FLAC", "neutral /z.ogg")
    assert [(u.file, u.emotion, u.emotion_raw) for u in found] == [
        ("Angry/x.wav", "anger", "Angry"),
        ("HAP/take 1/y.FLAC", "happiness", "HAP"),
        ("neutral /z.ogg", "neutral", "neutral "),
    ]


def test_beside_emotions_any_folder_of_recordings_is_a_label(tmp_path):
    found = parse(tmp_path, "boredem/a.wav", "boredem/b/c.wav", "fear/d.wav", "docs/readme.txt")
    assert [u.emotion for u in found] == ["boredem"] * 2 + ["fear"]
    assert [u.emotion for u in parse(tmp_path, map={" Boredem": "boredom"})] == ["boredom"] * 2 + ["fear"]


def test_a_data_folder_of_kaldi_is_read_as_a_list(tmp_path):
    (problem,) = parse(tmp_path, "wav.scp", "recordings/a.wav", "recordings/b.wav")
    assert problem.place == "recordings"
    assert "read that with `sercli prepare manifest`" in problem.fact


def test_what_is_hidden_is_left_out_and_what_is_no_audio_is_counted(tmp_path):
    told, only = parse(
        tmp_path, "sad/a.wav", "sad/._a.wav", "sad/.x/b.wav", "sad/c.txt", "sad/d", ".git/e.wav", "readme.md"
    )
    assert only.file == "sad/a.wav"
    assert told == Problem("sad", "2 files without an audio suffix (no suffix, .txt)", harmless=True)
    assert parse(tmp_path / "other", "sad/c.txt")[0].harmless


def test_recordings_in_formats_that_are_not_read_are_taken_up_to_be_named(tmp_path):
    found = parse(tmp_path, "sad/a.wav", "sad/b.m4a", "happy/c.webm", "happy/d.sph")
    assert [each.file for each in found] == ["happy/c.webm", "happy/d.sph", "sad/a.wav", "sad/b.m4a"]
    told, only = parse(tmp_path / "films", "sad/a.wav", "sad/a.mp4")
    assert only.file == "sad/a.wav"
    fact = "left out: a.mp4, because a.wav is beside it; rename it if it is another recording"
    assert told == Problem("sad", fact, harmless=True)


@pytest.mark.parametrize(
    ("files", "read"),
    [
        # speakers whose names would be the labels
        (
            ["anna/angry_1.wav", "anna/sad_2.wav", "bert/sad_1.wav"],
            [("anna", "anger"), ("anna", "sadness"), ("bert", "sadness")],
        ),
        (["s01/01-angry.wav", "s02/02-happy-3.wav"], [("s01", "anger"), ("s02", "happiness")]),
        (["wavs/x_hello_fear03.wav", "wavs/y_hi_joy1.wav"], [(None, "fear"), (None, "happiness")]),
        (["a_anger.wav", "b_neutral.wav"], [(None, "anger"), (None, "neutral")]),
        (["s1__angry_0.wav", "s2__sad_0.wav"], [(None, "anger"), (None, "sadness")]),
        (["train/a_angry.wav", "test/b_sad.wav"], [(None, "sadness"), (None, "anger")]),  # parts, no speakers
    ],
)
def test_emotions_in_file_names_are_proposed_as_a_pattern_that_works(tmp_path, files, read):
    found = parse(tmp_path, *files)
    assert all(isinstance(item, Problem) for item in found)
    pattern = re.search("--speaker-pattern '([^']+)'", found[0].fact)[1]
    found = parse(tmp_path, speaker_pattern=pattern)
    assert [(each.speaker, each.emotion) for each in found] == read


def test_folders_that_are_labels_beside_emotions_in_the_names(tmp_path):
    files = ["loud/angry_1.wav", "loud/sad_2.wav", "low/sad_1.wav"]
    (problem,) = parse(tmp_path, *files)
    assert problem.fact.endswith("if the folders are the labels, add --set levels=emotion")
    found = [each for each in parse(tmp_path, levels="emotion") if isinstance(each, Utterance)]
    assert [each.emotion for each in found] == ["loud", "loud", "low"]


def test_a_list_beside_a_folder_of_recordings_is_named(tmp_path):
    (tmp_path / "my labels.csv").write_text("file,emotion\n")
    (problem,) = (each for each in parse(tmp_path, "wavs/1.wav", "wavs/2.wav") if not each.harmless)
    assert f"`sercli prepare csv '{tmp_path}/my labels.csv'`" in problem.fact


def test_a_recording_beside_the_folders_is_a_problem(tmp_path):
    problem, _ = parse(tmp_path, "a.wav", "sad/b.wav")
    fact = "a.wav: is in no emotion's folder; give the folder above those of the emotions"
    assert str(problem).startswith(fact)


@pytest.mark.parametrize(
    ("pattern", "speaker", "gender"),
    [
        ("EB[0-9]+_", None, None),
        ("_([0-9]+)_", "07", None),
        ("(?P<gender>[fm])(?P<speaker>EB[0-9])", "EB0", "female"),
    ],
)
def test_the_pattern_gives_the_speaker(tmp_path, pattern, speaker, gender):
    if speaker is None:
        with pytest.raises(
            ConfigError, match=r"speaker_pattern: needs a group, as in 'speaker_\(\[0-9\]\+\)'"
        ):
            parse(tmp_path, speaker_pattern=pattern)
        return
    (only,) = parse(tmp_path, "sad/fEB0_07_x.wav", speaker_pattern=pattern)
    assert (only.speaker, only.gender, only.emotion) == (speaker, gender, "sadness")


def test_the_pattern_gives_the_emotion_of_files_in_any_folder(tmp_path):
    found = parse(
        tmp_path, "03_hap.wav", "x/04_sad.wav", "x/readme.wav",
        speaker_pattern="(?P<speaker>[0-9]+)_(?P<emotion>[a-z]+)",
    )  # fmt: skip
    assert [(u.speaker, u.emotion) for u in found[:2]] == [("03", "happiness"), ("04", "sadness")]
    assert found[2].place == "x/readme.wav"
    assert "does not match its file's path" in found[2].fact


def test_recordings_left_out_beside_others_are_named_in_any_folder(tmp_path):
    files = ("hap_1.wav", "hap_1.m4a", "x/sad_1.flac", "x/sad_1.amr", "x/note.txt")
    found = parse(tmp_path, *files, speaker_pattern="(?P<emotion>[a-z]+)_")
    told = {each.place: each.fact for each in found if isinstance(each, Problem) and "left out" in each.fact}
    end = "is beside it; rename it if it is another recording"
    assert told == {
        ".": f"left out: hap_1.m4a, because hap_1.wav {end}",
        "x": f"left out: sad_1.amr, because sad_1.flac {end}",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map": {"hap": "happy"}}, "map hap=happy: the emotion is called happiness"),
        ({"map": {"hap": "?"}}, "map hap=.: '.' means no label; write the label"),
        ({"speaker_pattern": "(a"}, r"speaker_pattern: missing \)"),
        ({"speaker_pattern": "(a{99999999999999})"}, "speaker_pattern: "),
        ({"speaker_pattern": "(?P<spk>a)"}, "groups named speaker, gender"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        parse(tmp_path, **settings)


def test_linked_folders_are_followed_but_not_upwards(tmp_path):
    parse(tmp_path / "elsewhere", "b.wav")
    parse(tmp_path / "c", "sad/a.wav", "angry/d.wav")
    (tmp_path / "c/sad/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "c/sad/up").symlink_to("..")
    (tmp_path / "c/sad/self").symlink_to(".")
    *told, first, second, third = parse(tmp_path / "c")
    assert [u.file for u in (first, second, third)] == ["angry/d.wav", "sad/a.wav", "sad/more/b.wav"]
    assert [each.place for each in told] == ["sad/self", "sad/up"]


def test_links_among_the_folders_of_emotions_add_no_label_and_no_copy(tmp_path):
    parse(tmp_path / "elsewhere", "e.wav")
    parse(tmp_path / "c", "angry/a.wav", "sad/b.wav")
    links = {"loop": ".", "above": "..", "happy": "angry", "angry/x": "../sad", "fear": "../elsewhere"}
    for name, target in links.items():
        (tmp_path / "c" / name).symlink_to(target)
    *told, anger, fear, sadness = parse(tmp_path / "c")
    found = [(u.file, u.emotion) for u in (anger, fear, sadness)]
    assert found == [("angry/a.wav", "anger"), ("fear/e.wav", "fear"), ("sad/b.wav", "sadness")]
    assert [each.place for each in told] == ["above", "angry/x", "happy", "loop"]
    assert all(each.harmless and each.fact.endswith("; not followed") for each in told)


def test_what_may_stand_for_a_class_and_is_not_read_is_noted(tmp_path):
    files = ("angry/a.wav", "sad/b.wav", "fear.ZIP", "calm.tar.gz", "sad/more.7z", "readme.md", "hate/.x")
    (tmp_path / "happy").mkdir()
    (tmp_path / "boredom").symlink_to("nowhere")
    told = [item for item in parse(tmp_path, *files) if isinstance(item, Problem)]
    assert all(each.harmless for each in told)
    archive = "an archive, not read; if it holds recordings that are not in the folders, unpack it there"
    assert {each.place: each.fact for each in told[:-1]} == {
        "happy": "an empty folder",
        "hate": "an empty folder",
        "boredom": "a link to nothing; not read",
        "calm.tar.gz": archive,
        "fear.ZIP": archive,
        "sad/more.7z": archive,
    }


def test_a_folder_that_can_not_be_opened_is_not_left_out_silently(tmp_path, monkeypatch):
    listed, name = os.scandir, str(tmp_path / "happy")

    def scandir(place):
        if str(place) == name:
            raise PermissionError(13, "Permission denied", name)
        return listed(place)

    parse(tmp_path, "angry/a.wav", "happy/b.wav", "sad/c.wav")
    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != name)  # root may open any folder
    assert parse(tmp_path)[0] == Problem("happy", "can't be opened: Permission denied")


def taken(found):
    """Speaker, session, emotion of each recording, and what each level was taken for."""
    facts = [(u.speaker, u.session, u.emotion) for u in found if isinstance(u, Utterance)]
    notes = {note.title: note.fact for note in found if isinstance(note, Note)}
    assert [item for item in found if isinstance(item, Problem) and not isinstance(item, Note)] == []
    return facts, notes


SPEAKER = "the speaker; if wrong, add --set levels="
PART = "parts such as train and test, not used: a protocol divides the corpus"
UNUSED = "not used; if it is the speaker, add --set levels="
OUTER = "one folder around the others, not used"


@pytest.mark.parametrize(
    ("files", "facts", "notes"),
    [
        (
            ["train/angry/a.wav", "train/sad/b.wav", "test/angry/c.wav"],
            [(None, None, "anger"), (None, None, "anger"), (None, None, "sadness")],
            {"level 1": f"test, train: {PART}", "level 2": "angry, sad: the emotion"},
        ),
        (
            ["0011/Angry/train/a.wav", "0011/Sad/test/b.wav", "0012/Happy/train/c.wav"],
            [("0011", None, "anger"), ("0011", None, "sadness"), ("0012", None, "happiness")],
            {
                "level 1": f"0011, 0012: {SPEAKER}-/emotion",
                "level 2": "Angry, Sad, Happy: the emotion",
                "level 3": f"train, test: {PART}",
            },
        ),
        (
            ["My corpus v1/angry/a.wav", "My corpus v1/sad/b.wav"],
            [(None, None, "anger"), (None, None, "sadness")],
            {"level 1": f"My corpus v1: {OUTER}", "level 2": "angry, sad: the emotion"},
        ),
        (
            ["data/Validation/Session1/Actor_03/FEAR/x/a.wav", "data/Dev/Session2/Actor_04/joy/x/b.wav"],
            [("Actor_04", "Session2", "happiness"), ("Actor_03", "Session1", "fear")],
            {
                "level 1": f"data: {OUTER}",
                "level 2": f"Dev, Validation: {PART}",
                "level 3": "Session2, Session1: the session",
                "level 4": f"Actor_04, Actor_03: {SPEAKER}-/-/session/-/emotion",
                "level 5": "joy, FEAR: the emotion",
                "level 6": f"x: {OUTER}",
            },
        ),
        (
            ["studio/angry/a.wav", "kitchen/angry/b.wav", "2019/sad/c.wav"],
            [(None, None, "sadness"), (None, None, "anger"), (None, None, "anger")],
            {
                "level 1": f"2019, kitchen, studio: {UNUSED}speaker/emotion",
                "level 2": "sad, angry: the emotion",
            },
        ),
        (
            ["angry/spk 1/a.wav", "sad/spk 2/b.wav"],
            [("spk 1", None, "anger"), ("spk 2", None, "sadness")],
            {"level 1": "angry, sad: the emotion", "level 2": f"spk 1, spk 2: {SPEAKER}emotion"},
        ),
        (
            ["Female speakers/s1/sad/a.wav", "male/s2/sad/b.wav"],
            [("s1", None, "sadness"), ("s2", None, "sadness")],
            {
                "level 1": "Female speakers, male: the gender",
                "level 2": f"s1, s2: {SPEAKER}gender/-/emotion",
                "level 3": "sad: the emotion",
            },
        ),
        (
            ["fold1/train_set/guilt/a.wav", "fold1/testdata/drunk/b.wav"],
            [(None, None, "drunk"), (None, None, "guilt")],
            {
                "level 1": f"fold1: {PART}",
                "level 2": f"testdata, train_set: {PART}",
                "level 3": "drunk, guilt: the emotion",
            },
        ),
        (["angry/spk1/a.wav", "sad/b.wav"], [(None, None, "anger"), (None, None, "sadness")], {}),
    ],
)
def test_emotions_below_other_folders_are_found_and_each_level_is_explained(tmp_path, files, facts, notes):
    assert taken(parse(tmp_path, *files)) == (facts, notes)


def test_the_user_names_the_levels(tmp_path):
    files = ("Joy/happy/f/a.wav", "Ben/sad/m/b.wav", "Joy/sad/c.wav")
    (problem,) = parse(tmp_path, *files)
    assert problem.fact.endswith("for example with --set levels=-/emotion")
    facts, notes = taken(found := parse(tmp_path, levels="speaker/emotion/gender"))
    assert facts == [("Ben", None, "sadness"), ("Joy", None, "happiness"), ("Joy", None, "sadness")]
    assert [u.gender for u in found if isinstance(u, Utterance)] == ["male", "female", None]
    assert notes == {
        "level 1": "Ben, Joy: the speaker, as named",
        "level 2": "sad, happy: the emotion, as named",
        "level 3": "m, f: the gender, as named",
    }


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ("speaker", "name the level of the emotion"),
        ("speaker/mood", "'mood' is none of emotion, speaker"),
        ("emotion/emotion", "emotion is named twice"),
    ],
)
def test_wrong_levels_are_refused(tmp_path, levels, message):
    with pytest.raises(ConfigError, match=message):
        parse(tmp_path, levels=levels)


def test_the_pattern_is_asked_before_the_folders(tmp_path):
    found = parse(tmp_path, "01/angry/mia_1.wav", "02/sad/ben_1.wav", speaker_pattern="([a-z]+)_1")
    facts, notes = taken(found)
    assert [speaker for speaker, *_ in facts] == ["mia", "ben"]
    assert notes["level 1"].startswith("01, 02: not used")


def test_a_label_below_other_folders_is_kept(tmp_path):
    *notes, known, own = parse(tmp_path, "train/guilt/a.wav", "test/sad/b.wav")
    assert [note.title for note in notes] == ["level 1", "level 2"]
    assert (known.emotion, own.emotion) == ("sadness", "guilt")


def test_folders_without_any_emotion_are_labels_if_they_can_be_nothing_else(tmp_path):
    found = parse(tmp_path, "guilt/a.wav", "drunk/b.wav")
    assert [each.emotion for each in found] == ["drunk", "guilt"]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["wav/a.wav", "wav/b.wav"], "wav: a folder of 2 recordings"),
        (["spk1/a.wav", "spk2/b.wav"], "spk1: a folder of 1 recording"),
        (["guilt/loud/a.wav", "drunk/soft/b.wav"], "drunk: a folder of 1 recording"),
    ],
)
def test_folders_without_any_emotion_that_may_be_something_else_are_problems(tmp_path, files, named):
    first = parse(tmp_path, *files)
    told = [str(each) for each in first if isinstance(each, Problem) and not each.harmless]
    assert told[0].startswith(f"{named}, whose name is not a known emotion; give its emotion with --map")


def test_a_number_before_an_emotion_does_not_hide_it(tmp_path):
    found = parse(tmp_path, "M01/01_angry/a.wav", "F02/02-Sad/b.wav", "F02/3. fear/c.wav")
    emotions = [each.emotion for each in found if isinstance(each, Utterance)]
    assert emotions == ["sadness", "fear", "anger"]


def test_recordings_beside_each_other_are_read_by_their_names(tmp_path):
    pattern = "(?P<emotion>[a-z]+)_"
    found = parse(tmp_path, "angry_01.wav", "sad_02.wav", speaker_pattern=pattern)
    assert [each.emotion for each in found] == ["anger", "sadness"]


def test_an_emotion_within_an_emotion_is_not_guessed(tmp_path):
    (problem,) = parse(tmp_path, "angry/a.wav", "angry/sad/b.wav")
    assert "level 1 (angry) and level 2 (sad)" in problem.fact


def test_levels_below_the_emotion_are_explained_too(tmp_path):
    found = parse(tmp_path, "happy/normal/a.wav", "happy/strong/b.wav", "sad/normal/c.wav")
    notes = [each for each in found if isinstance(each, Note)]
    assert [note.title for note in notes] == ["level 1", "level 2"]
    assert notes[1].fact.startswith("normal, strong: not used")


def test_levels_that_could_both_be_the_emotion_are_not_guessed(tmp_path):
    (problem,) = parse(tmp_path, "x/angry/sad/a.wav", "y/happy/sad/b.wav")
    assert "level 2 (angry, happy) and level 3 (sad)" in problem.fact
    assert not problem.harmless


@pytest.mark.parametrize("part", ["train", "Test", "dev", "VAL", "validation", "evaluation", "testing"])
def test_a_part_is_never_proposed_as_an_emotion(tmp_path, part):
    found = parse(tmp_path, f"{part}/a.wav", "sad/b.wav", f"{part}/c/d.wav")
    (told,) = [str(item) for item in found if isinstance(item, Problem)]
    assert told.startswith(f"{part}: its name is that of a part, not of an emotion")
    assert "--map" not in told
    assert is_part(part)
    assert near_noun(part) is None


@pytest.mark.parametrize(
    ("label", "noun"),
    [
        *(("boredem", "boredom"), ("suprised", "surprise"), ("hapy", "happiness"), ("Angrry", "anger")),
        *(
            ("neutrl", "neutral"),
            ("disgusting", "disgust"),
            ("frustated", "frustration"),
            ("saddness", "sadness"),
        ),
    ],
)
def test_a_slip_is_proposed(label, noun):
    assert near_noun(label) == noun


@pytest.mark.parametrize(
    "label",
    [
        *(
            "test",
            "question",
            "an",
            "guilt",
            "encouraging",
            "drunk",
            "train",
            "mother",
            "bride",
            "shade",
            "ok",
        ),
        *("na", "unknown", "W", "04", "statement", "regret", "hope", "love", "hate", "serious", "panic"),
        *("despair", "admiration", "doubt", "terror", "positive", "negative", "rest", "interview"),
    ],
)
def test_nothing_that_is_not_near_is_proposed(label):
    assert near_noun(label) is None


def test_every_emotion_is_near_itself():
    assert {noun for noun in EMOTIONS if near_noun(noun) != noun} == set()


def test_emotions_in_the_names_of_folders_and_files_are_no_speakers(tmp_path):
    found = parse(tmp_path, "x_angry/x_1_angry.wav", "x_sad/x_1_sad.wav")
    pattern = re.search("--speaker-pattern '([^']+)'", found[0].fact)[1]
    found = parse(tmp_path, speaker_pattern=pattern)
    assert [(each.speaker, each.emotion) for each in found] == [(None, "anger"), (None, "sadness")]
