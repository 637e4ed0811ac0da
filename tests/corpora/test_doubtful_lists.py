"""Lists that can be read in a wrong way: rounded numbers, patterns, genders by letters, ends only."""

from dataclasses import replace

import pytest

from sercli.corpora.csv import CORPUS
from sercli.errors import ConfigError
from sercli.manifest.speakers import note_speakers, settle_genders
from sercli.manifest.values import is_absent
from sercli.preparation.counts import note_ratings
from sercli.records import Note, Problem, Utterance


def read(tmp_path, text, **settings):
    (tmp_path / "t.csv").write_text(text)
    return list(CORPUS.parse(tmp_path / "t.csv", *CORPUS.chosen(settings)))


def people(*names):
    return [Utterance(id=str(at), corpus="c", file="", speaker=name) for at, name in enumerate(names)]


@pytest.mark.parametrize("cell", ["#REF!", "#NAME?", "#value!", "#DIV/0!"])
def test_errors_of_spreadsheets_are_absent(cell):
    assert is_absent(cell)


def test_rounded_numbers_and_a_speaker_for_each_utterance_are_noted():
    (note,) = note_speakers(people("1,23E+12", "1,24E+12", "1,23E+12"))
    assert note.fact.startswith("'1,23E+12' may be a number that a spreadsheet rounded")
    (note,) = note_speakers(people(*"abcdef"))
    assert note.fact.startswith("each of the 6 utterances has a speaker of its own")
    assert note_speakers(people(*"abcdea")) == note_speakers(people(*"abc")) == []


@pytest.mark.parametrize(
    ("letters", "genders"),
    [
        ("hm", ["male", "female"]),
        ("hf", ["male", "female"]),
        ("fm", ["female", "male"]),
        ("mw", ["male", "female"]),
    ],
)
def test_genders_by_letters(tmp_path, letters, genders):
    rows = "".join(f"{letter}.wav,anger,{letter.upper()}\n" for letter in letters)
    found = settle_genders(read(tmp_path, f"file,emotion,gender\n{rows}"))
    assert [each.gender for each in found if isinstance(each, Utterance)] == genders


def test_other_letters_keep_their_spelling():
    three = [
        replace(each, gender=gender) for each, gender in zip(people(*"abc"), ("h", "male", "x"), strict=True)
    ]
    assert settle_genders(three) == three


def test_a_pattern_with_two_groups_without_names_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"has 2 groups; name that of the speaker, \(\?P<speaker>"):
        read(tmp_path, "file,emotion\n", speaker_pattern="([FM])([0-9]+)")


def test_a_pattern_that_contradicts_the_table_is_noted(tmp_path):
    text = "file,emotion,speaker\ns1_angry.wav,anger,1\ns2_sad.wav,anger,s2\n"
    found = read(tmp_path, text, speaker_pattern="(?P<speaker>s.)_(?P<emotion>[a-z]+)")
    noted = [each.fact for each in found if isinstance(each, Problem) and not isinstance(each, Note)]
    assert noted == [
        f"--speaker-pattern gives another {field} than the table in 1 of 2 rows; the pattern counts"
        for field in ("speaker", "emotion")
    ]


def test_several_ends_without_starts_are_refused(tmp_path):
    (problem,) = read(tmp_path, "file,emotion,end\na.wav,anger,5\na.wav,fear,10\n")
    assert problem.fact.startswith("a.wav has several ends (5 and 10) and no start")
    (_, utterance) = read(tmp_path, "file,emotion,end\na.wav,anger,5\n")
    assert utterance.end == 5


def test_ratings_outside_of_the_scale_of_a_corpus_are_noted():
    rated = [replace(each, valence=value) for each, value in zip(people("a", "b"), (7, 9.5), strict=True)]
    (problem,) = note_ratings(rated, (1, 7))
    assert problem.harmless
    assert problem.fact.startswith("valence 9.5 is outside of the scale from 1 to 7")
    assert note_ratings(rated[:1], (1, 7)) == []
