import unicodedata
from itertools import product

import pytest
from corpora.trees import count, split, touch_all

from sercli.corpora.cafe import CORPUS, from_name, parse
from sercli.errors import CorpusError
from sercli.preparation import prepare

FOLDERS = {
    "C": "Colère",
    "D": "Dégoût",
    "J": "Joie",
    "N": "Neutre",
    "P": "Peur",
    "S": "Surprise",
    "T": "Tristesse",
}
NOUNS = {
    "C": "anger",
    "D": "disgust",
    "J": "happiness",
    "N": "neutral",
    "P": "fear",
    "S": "surprise",
    "T": "sadness",
}


def places(rename=str):
    """Twelve actors and six sentences; neutral has no intensity and no folder of one."""
    for letter, actor, text in product(FOLDERS, range(1, 13), range(1, 7)):
        for level, folder in ((1, "Faible"), (2, "Fort")):
            if letter == "N" and level == 2:
                continue
            inner = "" if letter == "N" else f"{folder}/"
            yield rename(f"CaFE_48k/{FOLDERS[letter]}/{inner}{actor:02d}-{letter}-{level}-{text}.wav")


def damaged(place):
    """Folder names as a wrong unpacking program writes them: bytes of code page 850 read as 1252."""
    return place.replace("Dégoût", "D\u201ago\u2013t").replace("Colère", "Col\u0160re")


def decomposed(place):
    return unicodedata.normalize("NFD", place)


@pytest.mark.parametrize("rename", [str, damaged, decomposed])
def test_the_release_has_its_published_numbers_whatever_its_folders_are_called(tmp_path, rename):
    utterances, problems = split(parse(touch_all(tmp_path, places(rename))))
    assert len(utterances) == 936 == CORPUS.utterances
    assert {each.id for each in utterances} == set(CORPUS.ids)
    emotions = dict.fromkeys(NOUNS.values(), 144) | {"neutral": 72}
    assert count(utterances, "emotion") == emotions
    assert count(utterances, "intensity") == {"mild": 432, "strong": 432, None: 72}
    assert count(utterances, "speaker") == {f"{actor:02d}": 78 for actor in range(1, 13)}
    assert count(utterances, "text_id") == {str(text): 156 for text in range(1, 7)}
    assert count(utterances, "gender") == {"female": 468, "male": 468}
    for field, known in CORPUS.known.items():
        assert count(utterances, field) == known
    assert problems == []


def test_the_four_parts_of_a_name():
    found = from_name("12-P-2-5")
    assert (found.speaker, found.gender, found.emotion, found.intensity) == ("12", "female", "fear", "strong")
    assert found.transcript == "Cinq pumas fiers et passionnés."
    assert from_name("01-N-1-1").intensity is None
    assert from_name("01-N-1-1").gender == "male"


@pytest.mark.parametrize("name", ["13-P-2-5", "00-P-2-5", "01-X-1-1", "01-N-2-1", "01-P-3-1", "01-P-1-7"])
def test_foreign_names(name):
    assert from_name(name) is None


def test_the_aiff_of_192_khz_is_a_second_copy(tmp_path):
    touch_all(tmp_path, ["CaFE_192k/Peur/Fort/12-P-2-5.aiff", "CaFE_48k/Peur/Fort/12-P-2-5.wav"])
    (found,), (problem,) = split(parse(tmp_path))
    assert found.file == "CaFE_48k/Peur/Fort/12-P-2-5.wav"
    assert problem.harmless


@pytest.mark.parametrize("inside", ["Joie", "Joie/Fort", "Colère/Faible", "Neutre"])
def test_a_part_of_the_corpus_leads_to_the_folder_above(tmp_path, workspace, inside):
    root = touch_all(tmp_path, places()) / "CaFE_48k"
    with pytest.raises(CorpusError, match=rf"{root} holds 936: run `sercli prepare cafe {root}`, or add --p"):
        prepare("cafe", root / inside, workspace)
