import pytest

from sercli.corpora.folder import CORPUS
from sercli.errors import ConfigError
from sercli.records import Problem


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


def test_a_folder_that_is_no_emotion_is_one_problem_with_the_remedy(tmp_path):
    problem, known = parse(tmp_path, "boredem/a.wav", "boredem/b/c.wav", "fear/d.wav", "docs/readme.txt")
    assert str(problem) == (
        "boredem: a folder of 2 recordings, whose name is no emotion known here; "
        "say which with --map 'boredem=boredom'"
    )
    assert known.emotion == "fear"
    assert [u.emotion for u in parse(tmp_path, map={" Boredem": "boredom"})] == ["boredom"] * 2 + ["fear"]


def test_what_is_hidden_is_left_out_and_what_is_no_audio_is_counted(tmp_path):
    told, only = parse(
        tmp_path, "sad/a.wav", "sad/._a.wav", "sad/.x/b.wav", "sad/c.m4a", "sad/d", ".git/e.wav", "readme.md"
    )
    assert only.file == "sad/a.wav"
    assert told == Problem(
        "sad", "2 files that are no audio by their suffix (no suffix, .m4a)", harmless=True
    )
    assert parse(tmp_path / "other", "sad/c.m4a")[0].harmless


def test_a_recording_beside_the_folders_is_a_problem(tmp_path):
    problem, _ = parse(tmp_path, "a.wav", "sad/b.wav")
    assert str(problem) == "a.wav: lies in no emotion's folder; give the folder above those of the emotions"


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
    assert "is not found in its file's place" in found[2].fact


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map": {"hap": "happy"}}, "map hap=happy: the emotion is called happiness"),
        ({"map": {"hap": "hapiness"}}, "map hap=hapiness: the emotions are amusement, anger, "),
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
    assert [u.file for u in parse(tmp_path / "c")] == ["angry/d.wav", "sad/a.wav", "sad/more/b.wav"]
