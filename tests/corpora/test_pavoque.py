import numpy as np
import pytest
import soundfile
from corpora.trees import count, split, touch_all, write

from sercli.corpora.pavoque import CORPUS, PavoqueConfig, parse
from sercli.preparation import prepare
from sercli.records import Utterance

COUNTS = {"angry": 601, "happy": 584, "sad": 556, "poker": 575, "neutral": 3126}
OUTTAKES = {"neutral": 1218, "poker": 244, "happy": 162, "sad": 145, "angry": 123}
NOUNS = {"angry": "anger", "happy": "happiness", "sad": "sadness", "poker": "poker", "neutral": "neutral"}
# Phones, with a blank line's worth of traps: the words of a phone's key, and the same indentation as a key.
SEGMENTS = "  segments:\n  - {lab: _, dur: 0.1}\n  - lab: 'a:'\n    end: 0.2\n    style: none\n"


def item(prompt, style, start):
    words = f"Satz {prompt}:\n    weiter"  # the words go on in the next line
    text = f"  text: '{words}'\n  style: {style}\n  start: {start:.2f}\n  end: {start + 1.5:.2f}\n"
    return f"- prompt: {prompt}\n{text}{SEGMENTS}"


def listed(counts, first=1):
    prompts = enumerate((style for style, number in counts.items() for _ in range(number)), first)
    return "".join(item(f"m{number:04d}", style, 2.0 * number) for number, style in prompts)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("pavoque")
    for style, number in COUNTS.items():
        write(root / f"pavoque-{style}.yaml", listed({style: number}))
    write(root / "pavoque-outtakes.yaml", listed(OUTTAKES))
    return touch_all(root, [f"pavoque-{name}.flac" for name in (*COUNTS, "outtakes")])


def test_the_lists_have_their_published_numbers(root):
    utterances, (left,) = split(parse(root))
    assert len(utterances) == 5442 == CORPUS.utterances
    assert count(utterances, "emotion_raw") == COUNTS
    assert count(utterances, "emotion") == {NOUNS[style]: number for style, number in COUNTS.items()}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert left.harmless
    assert str(left).startswith("pavoque-outtakes.yaml: rejected recordings; left out")
    first = next(each for each in utterances if each.emotion_raw == "happy")
    assert first == Utterance(
        id="pavoque/happy_m0001",
        corpus="pavoque",
        file="pavoque-happy.flac",
        start=2.0,
        end=3.5,
        speaker="1",
        gender="male",
        style="scripted",
        text_id="m0001",
        transcript="Satz m0001: weiter",
        emotion_raw="happy",
        emotion="happiness",
    )


def test_outtakes_are_a_choice(root):
    utterances, problems = split(parse(root, PavoqueConfig(outtakes=True)))
    assert problems == []
    assert len({each.id for each in utterances}) == 5442 + sum(OUTTAKES.values()) == 7334
    # The numbers by style of all recordings.
    assert count(utterances, "emotion_raw") == {
        "neutral": 4344,
        "poker": 819,
        "happy": 746,
        "angry": 724,
        "sad": 701,
    }
    assert "outtakes" in PavoqueConfig(outtakes=True).notice
    assert PavoqueConfig().notice is None


def test_faults_of_a_list_are_named(tmp_path):
    write(tmp_path / "pavoque-sad.yaml", item("m0001", "sad", 0) + "- file: x.wav\n  style: sad\n")
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert str(problem) == "pavoque-sad.yaml: no recording pavoque-sad.flac beside it"
    touch_all(tmp_path, ["pavoque-sad.flac"])
    utterances, (problem,) = split(parse(tmp_path))
    assert len(utterances) == 1
    assert str(problem) == "pavoque-sad.yaml, item 2: lacks prompt, a known style, start or end"
    write(tmp_path / "pavoque-sad.yaml", "- prompt: [\n")
    utterances, (problem,) = split(parse(tmp_path))
    assert utterances == []
    assert "not a list of utterances" in problem.fact


def test_utterances_are_cut_out(tmp_path, workspace):
    for style in ("sad", "happy"):
        write(tmp_path / "p" / f"pavoque-{style}.yaml", item("m1", style, 0.0) + item("m2", style, 1.5))
        noise = np.random.default_rng(0).normal(0, 0.05, 3 * 44_100)
        soundfile.write(tmp_path / "p" / f"pavoque-{style}.flac", noise, 44_100)
    result = prepare("pavoque", tmp_path / "p", workspace, partial=True)
    assert [each.duration for each in result.utterances] == [1.5] * 4
    assert len({each.sha256 for each in result.utterances}) == 2
