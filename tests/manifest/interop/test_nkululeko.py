import csv

import pytest

from sercli.manifest.interop import nkululeko
from sercli.manifest.interop.nkululeko import write
from sercli.records import Note, Utterance


def read(path):
    """Read a table, without the note of which column is which field."""
    return [item for item in nkululeko.read(path) if not isinstance(item, Note)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "imported_dev.csv"


def test_a_foreign_table(path):
    path.write_text(
        "file,speaker,film,gender,language,emotion\n"
        "./EmoFilm/f_gio112ait.wav,Chiara Colizzi,La vida secreta de las…,f,it,hap\n"
        "./EmoFilm/m_gio119ait.wav,,Mystic river,m,it,hap\n",
        encoding="utf-8",
    )
    first, second = read(path)
    assert first == Utterance(
        id="imported/EmoFilm/f_gio112ait",
        corpus="imported",
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
    assert str(third).startswith(f"{path}:4: start 'soon' is not a time; write seconds")
    assert (fourth.start, fourth.end) == (0.0, 86_400.25)


def test_a_table_of_ours_that_was_cut_with_pandas(path):
    path.write_text("id,corpus,file,start,end\nc/a,c,a.wav,0 days 00:00:01,NaT\n")
    assert list(read(path)) == [Utterance(id="c/a", corpus="c", file="a.wav", start=1.0)]


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
        "b.wav,high,sad\n"
        "c.wav,sad\n"
        ",1,sad\n"
        "a.wav,2,sad\n"
        "a.wav,2,sad\n"
        "\n"
        "d.wav,nan,sad\n"
    )
    first, *problems, last = read(path)
    assert first.emotion_raw == "a label\nof two lines"
    assert [str(problem) for problem in problems] == [
        f"{path}:4: 'valence' can't be 'high'",
        f"{path}:5: 2 cells for 3 columns; cut short?",
        f"{path}:6: names no audio file",
        f"{path}:7: the id 'imported/a' occurs more than once",
        f"{path}:8: the same as line 7",
    ]
    assert (last.file, last.valence) == ("d.wav", None)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('file,emotion\na.wav,sad\nd.wav,"sad\n', ":3: not readable as a table from here on"),
        ("file,emotion,emotion\na.wav,sad,sad\n", ":1: two columns are called 'emotion'; rename one"),
    ],
)
def test_a_table_that_can_not_be_read_to_its_end_has_no_rows(path, text, fact):
    path.write_text(text)
    (problem,) = read(path)
    assert str(problem).startswith(f"{path}{fact}")


@pytest.mark.parametrize("text", [b"speaker,emotion\n03,sad\n", b""])
def test_a_file_of_another_kind_is_not_recognised(path, text):
    path.write_bytes(text)
    assert not nkululeko.recognises(path)


def test_a_byte_order_mark_is_no_part_of_the_header(path):
    path.write_bytes(b"\xef\xbb\xbffile,emotion\na.wav,sad\n")
    assert [found.file for found in read(path)] == ["a.wav"]
