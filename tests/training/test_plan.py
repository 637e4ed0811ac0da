"""Corpora that are too small for a division are refused with one that works."""

import re

import pytest
import soundfile
from conftest import tone

from sercli.devices import choose_device
from sercli.errors import ConfigError, ProtocolError, SerError
from sercli.preparation import prepare
from sercli.schemes.reading import choose_scheme
from sercli.training.plan import check_classes, make_plan
from sercli.training.settings import configure


@pytest.fixture
def tiny(tmp_path, workspace):
    """Prepare tones: tiny({(speaker, emotion): count}) returns the name of the corpus."""

    def build(counts, name="tiny", **options):
        rows = ["file,emotion,speaker"]
        for number, ((speaker, emotion), count) in enumerate(counts.items()):
            for take in range(count):
                file = f"{number}_{take}.wav"
                soundfile.write(tmp_path / file, tone(0.2, pitch=100 + 13 * number + take), 16_000)
                rows.append(f"{file},{emotion},{speaker}")
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
        prepare("csv", tmp_path / f"{name}.csv", workspace, name=name, **options)
        return name

    return build


@pytest.fixture
def plan(workspace):
    def make(corpus, protocol, folds="all", **settings):
        given = {"arch": "eca", "corpus": corpus, "protocol": protocol} | settings
        made = make_plan(configure(given, workspace, choose_device("cpu")), workspace, folds)
        check_classes(made)
        return made

    return make


def every(speakers, emotions, count=2):
    return {(speaker, emotion): count for speaker in speakers for emotion in emotions}


def named(error):
    """The protocol that a message says works."""
    return re.search(r"(\S+) works", str(error.value))[1].lstrip("(")


@pytest.mark.parametrize(
    ("speakers", "protocol", "works"),
    [
        (2, "speaker-5-fold", "leave-one-speaker-out-no-dev"),
        (2, "leave-one-speaker-out", "leave-one-speaker-out-no-dev"),
        (2, "leave-one-session-out", "leave-one-speaker-out-no-dev"),
        (1, "speaker-5-fold", "stratified-5-fold"),
        (1, "leave-one-speaker-out-no-dev", "stratified-5-fold"),
        (1, "speaker-2-fold", "stratified-5-fold"),
        (3, "speaker-5-fold", "speaker-3-fold"),
        (4, "speaker-5-fold-no-dev", "speaker-4-fold-no-dev"),
        (7, "speaker-10-fold", "speaker-5-fold"),
    ],
)
def test_few_speakers_are_told_a_protocol_that_works(tiny, plan, speakers, protocol, works):
    corpus = tiny(every([f"s{i}" for i in range(speakers)], ["anger", "sadness"], 3))
    with pytest.raises(ProtocolError) as error:
        plan(corpus, protocol)
    assert named(error) == works
    assert ("not speaker independent" in str(error.value)) == works.startswith("stratified")
    assert plan(corpus, works).todo


@pytest.mark.parametrize("emotion", ["anger", "neutral", "joy"])
@pytest.mark.parametrize(
    "protocol", ["train-on-all", "leave-one-speaker-out", "random-5-fold", "speaker-5-fold"]
)
def test_one_class_is_not_trained(tiny, plan, emotion, protocol):
    corpus = tiny(every(["a", "b", "c"], [emotion]))
    with pytest.raises(ConfigError, match=r"all 6 utterances are of one class, \w+; a network"):
        plan(corpus, protocol)


def test_one_class_that_a_scheme_leaves_is_not_trained_either(tiny, plan):
    corpus = tiny(every(["a", "b", "c"], ["anger", "boredom", "other"]))
    assert plan(corpus, "leave-one-speaker-out").selection.classes == ("anger", "boredom")
    with pytest.raises(ConfigError, match="scheme 'common-4': all 6 utterances are of one class, anger"):
        plan(corpus, "leave-one-speaker-out", scheme="common-4")


def test_prepare_says_that_there_is_one_emotion_only(command_line, tmp_path, write_wav):
    for take in range(2):
        write_wav(tmp_path / "c" / "angry" / f"{take}.wav", tone(pitch=150 + take))
    given = ["prepare", "folder", tmp_path / "c", "--workspace", tmp_path / "w"]
    assert "anger 2; a training needs two emotions or more" in command_line(*given)[1]


def test_a_rare_class_is_named_with_its_fold_and_both_remedies(tiny, plan):
    counts = every([f"s{i}" for i in range(5)], ["anger", "happiness"])
    corpus = tiny(counts | {("s0", "sad"): 1})
    with pytest.raises(ProtocolError) as error:
        plan(corpus, "speaker-5-fold")
    text = str(error.value)
    assert "class 'sadness' has 1 utterance, and fold 1, speakers s0 (as 1 more), trains on none" in text
    assert "leave the class out (--classes anger,happiness)" in text
    assert "lists:PATH" in text
    with pytest.raises(ProtocolError, match="class 'sadness' has 1 utterance, and fold 1, part 1, trains"):
        plan(corpus, "stratified-5-fold")
    assert len(plan(corpus, "speaker-5-fold", "2-4").todo) == 3
    assert len(plan(corpus, "train-on-all").todo) == 1
    kept = plan(corpus, "speaker-5-fold", scheme=choose_scheme(None, "anger,happiness").recorded)
    assert kept.selection.classes == ("anger", "happiness")
    left_out = tiny(counts | {("s0", "sad"): 1}, settings={"map": {"sad": "other"}})
    assert plan(left_out, "speaker-5-fold").selection.classes == ("anger", "happiness")


def test_a_class_of_one_speaker_is_told_a_protocol_that_works(tiny, plan):
    corpus = tiny(every(["a", "b", "c", "d"], ["anger", "happiness"]) | {("b", "fear"): 4})
    with pytest.raises(ProtocolError, match="class 'fear' has 4 utterances, and fold 1, speaker a") as error:
        plan(corpus, "leave-one-speaker-out")
    assert named(error) == "stratified-5-fold"
    assert plan(corpus, "stratified-5-fold").todo


def test_classes_that_only_few_speakers_have_are_all_named(tiny, plan):
    rare = {("a", "fear"): 1, ("a", "disgust"): 1, ("b", "boredom"): 2}
    corpus = tiny(every(["a", "b", "c"], ["anger", "happiness"]) | rare)
    with pytest.raises(ProtocolError, match=r"class '\w+' has . utterances?, .*\(nor of \w+, \w+\)"):
        plan(corpus, "leave-one-speaker-out")


def test_a_protocol_shows_what_can_not_be_trained(tiny, command_line, workspace):
    tiny(every(["a", "b", "c"], ["anger", "happiness"]) | {("a", "fear"): 1})
    show = ["protocols", "show", "leave-one-speaker-out", "--corpus", "tiny", "--workspace", workspace.root]
    assert (
        "class fear has no training utterance in fold 1, 3; `sercli train` refuses this"
        in command_line(*show)[1]
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_protocol_that_is_said_to_work_works(seed):
    import random

    from sercli.protocols import get_protocol, untrained
    from sercli.records import Utterance

    draw = random.Random(seed)
    speakers = [f"s{i}" for i in range(draw.randint(1, 6))]
    utterances = [
        Utterance(id=f"u{i}", corpus="c", file="f", speaker=draw.choice(speakers))
        for i in range(draw.randint(2, 30))
    ]
    labels = {each.id: draw.choice(["anger", "fear"]) for each in utterances}
    for name in ("speaker-5-fold", "leave-one-speaker-out", "leave-one-speaker-out-no-dev", "random-9-fold"):
        try:
            get_protocol(name).divide(utterances, labels)
        except SerError as error:
            other = re.search(r"; (\S+) works", str(error))
            assert other is None or not untrained(get_protocol(other[1]).divide(utterances, labels), labels)
