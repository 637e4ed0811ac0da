from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from conftest import tone
from corpora.trees import count, split, touch_all

from sercli.corpora.crema_d import CORPUS, from_name, parse
from sercli.errors import CorpusError
from sercli.preparation import prepare
from sercli.schemes import get_scheme

# Twelve sentences, of which "It's eleven o'clock" has three levels for all emotions but neutral.
SENTENCES = ["IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"]
ACTED = ["ANG", "DIS", "FEA", "HAP", "SAD"]
# Three actors lack a sentence each, two actors a neutral recording each.
MISSING = ("1008_WSI_", "1009_MTI_", "1019_ITH_", "1002_TIE_NEU_", "1076_ITS_NEU_")


def released():
    names = [
        f"{actor}_{sentence}_{emotion}_{level}"
        for actor in range(1001, 1092)
        for sentence in SENTENCES
        for emotion in (*ACTED, "NEU")
        for level in (("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",))
    ]
    return [name for name in names if not name.startswith(MISSING)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Read a tree of the released size, with its votes."""
    root = tmp_path_factory.mktemp("CREMA-D")
    write_votes(root / "processedResults/tabulatedVotes.csv", sorted(released()))
    return split(parse(touch_all(root, (f"AudioWAV/{name}.wav" for name in released()))))


def test_the_release_has_its_published_numbers(found):
    utterances, problems = found
    assert len(utterances) == 7442 == CORPUS.utterances
    assert count(utterances, "emotion") == {
        "anger": 1271,
        "disgust": 1271,
        "fear": 1271,
        "happiness": 1271,
        "neutral": 1087,
        "sadness": 1271,
    }
    assert count(utterances, "gender") == {"female": 3512, "male": 3930}
    assert count(utterances, "intensity") == {"low": 455, "medium": 455, "high": 455, None: 6077}
    others = {"IEO": 1456, "TIE": 545, "ITS": 545, "ITH": 540, "MTI": 540, "WSI": 540}
    assert count(utterances, "text_id") == dict.fromkeys(SENTENCES, 546) | others
    speakers = count(utterances, "speaker")
    assert len(speakers) == 91
    assert Counter(speakers.values()) == {82: 86, 81: 2, 76: 3}
    assert len({each.speaker for each in utterances if each.gender == "female"}) == 43
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert all(problem.harmless for problem in problems)


def test_the_four_parts_of_a_name(tmp_path):
    (found,), _ = split(parse(touch_all(tmp_path, ["AudioWAV/1002_IEO_SAD_MD.wav"])))
    assert (found.id, found.speaker, found.gender) == ("crema-d/1002_IEO_SAD_MD", "1002", "female")
    assert (found.emotion_raw, found.emotion, found.intensity) == ("SAD", "sadness", "medium")
    assert (found.text_id, found.transcript) == ("IEO", "It's eleven o'clock.")
    assert from_name("1002_IEO_SAD_MD") == replace(found, file="")


@pytest.mark.parametrize(
    "name",
    ["1000_IEO_SAD_MD", "1092_IEO_SAD_MD", "1001_IEE_SAD_MD", "1001_IEO_SUR_MD", "1001_IEO_SAD", "a01"],
)
def test_foreign_names(name):
    assert from_name(name) is None


def test_one_name_ends_in_a_single_x_and_keeps_the_id_of_the_tables():
    found = from_name("1040_ITH_SAD_X")
    assert (found.id, found.intensity) == ("crema-d/1040_ITH_SAD_XX", None)


def test_the_mp3_of_a_recording_is_not_used_beside_its_wav(tmp_path):
    touch_all(tmp_path, ["AudioMP3/1001_IEO_SAD_MD.mp3", "AudioWAV/1001_IEO_SAD_MD.wav"])
    (found,), (problem,) = split(parse(tmp_path))
    assert found.file == "AudioWAV/1001_IEO_SAD_MD.wav"
    assert problem.harmless
    assert str(problem).startswith("AudioMP3: holds 1 recordings again")


def test_equal_recordings_under_two_labels_are_used_and_noted(tmp_path):
    names = ["1013_WSI_SAD_XX", "1013_WSI_DIS_XX", "1017_IWW_ANG_XX"]
    utterances, (problem,) = split(parse(touch_all(tmp_path, [f"{name}.wav" for name in names])))
    assert len(utterances) == 3
    fact = "the release has the same recording as 1013_WSI_DIS_XX, with another label; both are used"
    assert (str(problem), problem.harmless) == (f"1013_WSI_SAD_XX.wav: {fact}", True)


def test_the_recording_without_a_signal_is_left_out_with_a_note(tmp_path, workspace, write_wav):
    root = tmp_path / "c"
    write_wav(root / "AudioWAV" / "1001_MTI_SAD_XX.wav")
    write_wav(root / "AudioWAV" / "1076_MTI_SAD_XX.wav", np.zeros(8000))
    result = prepare("crema-d", root, workspace, partial=True)
    assert [each.id for each in result.utterances] == ["crema-d/1001_MTI_SAD_XX"]
    (problem,) = result.problems
    assert str(problem) == "AudioWAV/1076_MTI_SAD_XX.wav: the released recording has no signal; left out"
    # A copy with a repaired recording has it, and silence in another place is an error.
    write_wav(root / "AudioWAV" / "1076_MTI_SAD_XX.wav", tone())
    assert len(prepare("crema-d", root, workspace, partial=True).utterances) == 2
    write_wav(root / "AudioWAV" / "1002_MTI_SAD_XX.wav", np.zeros(8000))
    with pytest.raises(CorpusError, match="1002_MTI_SAD_XX"):
        prepare("crema-d", root, workspace, partial=True)


def test_pointers_in_place_of_recordings_are_named(tmp_path, workspace):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 72862\n"
    (tmp_path / "1001_MTI_SAD_XX.wav").write_text(pointer)
    with pytest.raises(CorpusError, match=r"it is a git-lfs pointer .*run `git lfs pull`"):
        prepare("crema-d", tmp_path, workspace, partial=True)


def test_a_folder_of_tables_leads_to_the_recordings_above(tmp_path, workspace, write_wav):
    write_wav(tmp_path / "c" / "AudioWAV" / "1001_MTI_SAD_XX.wav")
    (tmp_path / "c" / "processedResults").mkdir()
    result = prepare("crema-d", tmp_path / "c" / "processedResults", workspace, partial=True)
    assert len(result.utterances) == 1


# Winners of the votes of the voice by meant emotion: 3099 are the meant one, 644 are ties.
WINNERS = {
    "NEU": "N" * 1087,
    "ANG": "A" * 800 + "N" * 471,
    "DIS": "D" * 300 + "A" * 186 + "F" * 145 + "S" * 170 + "H" * 141 + "N" * 329,
    "FEA": "F" * 500 + "D" * 247 + "N" * 524,
    "HAP": "H" * 212 + "N" * 1059,
    "SAD": "S" * 200 + "N" * 427 + "=" * 644,
}
NOUNS = {"A": "anger", "D": "disgust", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness"}
HEADER = "A,D,F,H,N,S,fileName,numResponses,agreement,emoVote,meanEmoResp"


def write_votes(path, names):
    """Write the votes of the voice, and others of the face and of both, which are not read."""
    left = {emotion: iter(winners) for emotion, winners in WINNERS.items()}
    rows = []
    for number, name in enumerate(names, 1):
        winner = next(left[name[9:12]])
        counts = dict.fromkeys(NOUNS, 1) | ({"N": 3, "S": 3} if winner == "=" else {winner: 5})
        rows.append((100_000 + number, name, counts))
        rows += [(kind * 100_000 + number, name, dict.fromkeys(NOUNS, 0) | {"H": 9}) for kind in (2, 3)]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        f'"{number}",{",".join(str(counts[letter]) for letter in NOUNS)},"{name}",10,0.5,"N",50\n'
        for number, name, counts in sorted(rows)
    )
    path.write_text(f'"",{HEADER}\n{"".join(lines)}')


def test_the_votes_of_the_voice_have_their_published_numbers(found):
    utterances, _ = found
    scheme = get_scheme("crema-d-6")
    assert scheme.select(utterances).counts["neutral"] == 1087  # the names are the default
    voted = scheme.with_labels("plurality").select(utterances)
    numbers = {"N": 3897, "A": 986, "F": 645, "D": 547, "S": 370, "H": 353}
    assert voted.counts == {NOUNS[letter]: number for letter, number in sorted(numbers.items())}
    assert voted.left_out == {"tie of raters": 644}
    meant = {each.id: each.emotion for each in utterances}
    assert sum(meant[name] == label for name, label in voted.labels.items()) == 3099
    soft = scheme.with_labels("votes").select(utterances)
    assert soft.soft
    assert {len(raters) for raters in soft.raters.values()} == {10}


def test_each_vote_is_a_listener_without_a_name(tmp_path):
    touch_all(tmp_path, ["AudioWAV/1001_IEO_ANG_HI.wav", "AudioWAV/1002_IEO_ANG_HI.wav"])
    path = tmp_path / "processedResults/tabulatedVotes.csv"
    path.parent.mkdir()
    path.write_text(f",{HEADER}\n100001,2,0,0,0,1,0,1001_IEO_ANG_HI,3,0.67,A,60\n")
    (first, second), problems = split(parse(tmp_path / "AudioWAV"))
    assert problems == []
    assert first.raters == (
        {"rater": "listener 1", "emotions": ["anger"]},
        {"rater": "listener 2", "emotions": ["anger"]},
        {"rater": "listener 3", "emotions": ["neutral"]},
    )
    assert second.raters is None


def test_a_summary_without_numbers_of_votes_is_noted(tmp_path):
    touch_all(tmp_path, ["AudioWAV/1001_IEO_ANG_HI.wav", "processedResults/summaryTable.csv"])
    _, (problem,) = split(parse(tmp_path))
    assert problem.harmless
    assert str(problem) == (
        "summaryTable.csv: has no numbers of votes; for the votes of the listeners, add tabulatedVotes.csv"
    )
