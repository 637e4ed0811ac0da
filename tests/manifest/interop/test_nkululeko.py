import csv

import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop.nkululeko import read, write
from sercli.records import Utterance


@pytest.fixture
def path(tmp_path):
    return tmp_path / "emofilm_dev.csv"


def test_a_foreign_table(path):
    path.write_text(
        "file,speaker,film,gender,language,emotion\n"
        "./EmoFilm/f_gio112ait.wav,Chiara Colizzi,La vida secreta de las…,f,it,hap\n"
        "./EmoFilm/m_gio119ait.wav,,Mystic river,m,it,hap\n",
        encoding="utf-8",
    )
    first, second = read(path, corpus="emofilm")
    assert first == Utterance(
        id="emofilm/EmoFilm/f_gio112ait",
        corpus="emofilm",
        file="./EmoFilm/f_gio112ait.wav",
        speaker="Chiara Colizzi",
        gender="female",
        emotion_raw="hap",
    )
    assert (second.speaker, second.gender) == (None, "male")


def test_text_that_looks_like_a_number_stays_text(path):
    path.write_text("file, speaker, gender, emotion\n007, 03, female, 1e5\n")
    (found,) = read(path)
    assert (found.file, found.speaker, found.emotion_raw) == ("007", "03", "1e5")


def test_segments_of_one_file(path):
    path.write_text(
        "file,start,end,emotion\n"
        "a.wav,0 days 00:00:01.500000,0 days 00:01:02,happy\n"
        "a.wav,62.0,NaT,sad\n"
        "a.wav,soon,,sad\n"
        "b.wav,0 days,1 days 00:00:00.25,sad\n"
    )
    first, second, third, fourth = read(path)
    assert (first.id, first.start, first.end) == ("imported/a[1.5-62.0]", 1.5, 62.0)
    assert (second.id, second.start, second.end) == ("imported/a[62.0-]", 62.0, None)
    assert str(third) == f"{path}:4: 'start' can't be 'soon'"
    assert (fourth.start, fourth.end) == (0.0, 86_400.25)


def test_a_table_of_ours_that_was_cut_with_pandas(path):
    path.write_text("id,corpus,file,start,end\nc/a,c,a.wav,0 days 00:00:01,NaT\n")
    assert list(read(path, corpus=None)) == [Utterance(id="c/a", corpus="c", file="a.wav", start=1.0)]


def test_where_an_utterance_was_cut_from_is_no_segment_of_its_file(path):
    write(path, [Utterance(id="c/a", corpus="c", file="a.wav", start=3.0, end=4.0)], path.parent)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row)[:4] == ["file", "speaker", "gender", "emotion"]
    assert "start" not in row
    assert (row["source_start"], row["source_end"]) == ("3.0", "4.0")


def test_bad_rows_are_problems_at_the_line_where_they_begin(path):
    path.write_text(
        "file,valence,emotion\n"
        'a.wav,1,"a label\nof two lines"\n'
        "b.wav,nan,sad\n"
        "c.wav,sad\n"
        ",1,sad\n"
        "a.wav,2,sad\n"
        "\n"
        'd.wav,1,"sad\n'
    )
    first, *problems = read(path)
    assert first.emotion_raw == "a label\nof two lines"
    assert [str(problem) for problem in problems] == [
        f"{path}:4: 'valence' can't be 'nan'",
        f"{path}:5: 2 cells where the header has 3",
        f"{path}:6: names no audio file",
        f"{path}:7: the id 'imported/a' occurs more than once",
        f"{path}:9: not CSV (unexpected end of data)",
    ]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"speaker,emotion\n03,sad\n", "not an nkululeko table .CSV with a column 'file'.; name another"),
        (b"file,emotion,emotion\na.wav,sad,sad\n", "two columns have the same name; rename one"),
        (b"file,emotion\n\xe4.wav,sad\n", "not UTF-8 text; save it as UTF-8"),
        (b"", "not an nkululeko table"),
    ],
)
def test_a_file_of_another_kind_is_refused(path, text, fact):
    path.write_bytes(text)
    with pytest.raises(ManifestError, match=fact):
        list(read(path))


def test_a_byte_order_mark_is_no_part_of_the_header(path):
    path.write_bytes(b"\xef\xbb\xbffile,emotion\na.wav,sad\n")
    assert [found.file for found in read(path)] == ["a.wav"]
