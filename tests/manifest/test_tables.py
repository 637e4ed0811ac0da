"""One reader of tables: the same rows, whatever program wrote them."""

import gzip
import importlib.util
import json
import struct

import pytest

from sercli.manifest.tables import TableRow, read_table
from sercli.records import Problem

ROWS = [
    {"file": "wav/größe.wav", "emotion": "sad", "speaker": "s1"},
    {"file": "b, c.wav", "emotion": "happy", "speaker": "s2"},
]


def delimited(separator, quote='"', end="\n", header='"file"{0}emotion{0}speaker'):
    lines = [header.format(separator)]
    lines += [separator.join(f"{quote}{value}{quote}" for value in row.values()) for row in ROWS]
    return end.join(lines) + end


def read(path, content):
    path.write_bytes(content)
    return read_table(path)


def values(table):
    return [row.values for row in table.rows]


@pytest.mark.parametrize(
    "text",
    [
        *(delimited(separator) for separator in ",;\t|"),
        delimited(";", end="\r\n"),
        delimited(",", end="\r"),
        "sep=;\n" + delimited(";"),
        '"sep=|"\r\n' + delimited("|", end="\r\n"),
        "SEP=\\t\n" + delimited("\t"),
        "\n \n" + delimited(","),
        "# made by a tool\n# v2, a file\n\n" + delimited(","),
        delimited(",", header=" file {0} emotion {0} speaker "),
        delimited(";", quote=""),
        delimited(" "),
        delimited(" ").replace(" ", "   ").replace("b,   c", "b, c"),
        delimited(";").replace("speaker", "speaker;;").replace('s1"', 's1";;').replace('s2"', 's2";;'),
        delimited(",").replace('s1"', 's1",,'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_delimited_text_of_any_program_holds_the_same_rows(tmp_path, text, encoding):
    table = read(tmp_path / "t.txt", text.encode(encoding))
    found = [{name: value for name, value in row.items() if name} for row in values(table)]
    assert [{name.strip(): value.strip() for name, value in row.items()} for row in found] == ROWS


@pytest.mark.parametrize("title", ["My corpus, 2024", "My corpus", "My corpus,,", "Ours\nmade in 2024"])
def test_a_title_above_the_names_of_the_columns_is_named(tmp_path, title):
    (problem,) = read(tmp_path / "t.csv", f"{title}\n\n{delimited(',')}".encode()).items
    assert problem.fact == (
        f"the first line must name the columns, and '{title.splitlines()[0]}' names none; remove the lines "
        """above '"file",emotion,speaker'"""
    )


@pytest.mark.parametrize("more", ["", "c.wav,sad,s3\n"])
def test_rows_with_more_cells_than_columns_may_lack_a_name(tmp_path, more):
    table = read(tmp_path / "t.csv", f"{delimited(',').replace(',speaker', '')}{more}".encode())
    assert {str(item).partition(": ")[2] for item in table.items} == {
        "3 cells for 2 columns; quote a cell that holds ',', or name all columns in the first line"
    }


LAYOUTS = {
    "lines": "\n".join(json.dumps(row) for row in ROWS),
    "list": json.dumps(ROWS, indent=1),
    "under a key": json.dumps({"version": 1, "data": ROWS}),
    "pandas' columns": json.dumps({name: {"0": ROWS[0][name], "1": ROWS[1][name]} for name in ROWS[0]}),
    "pandas' lists": json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}),
    "pandas' split": json.dumps(
        {"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]}
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv"])
def test_json_of_any_layout_holds_the_same_rows(tmp_path, layout, name):
    assert values(read(tmp_path / name, LAYOUTS[layout].encode())) == ROWS


def test_an_object_of_rows_gives_each_its_key_as_id(tmp_path):
    (row,) = read(tmp_path / "t.json", json.dumps({"u1": {"path": "x.wav"}}, indent=1).encode()).rows
    assert row == TableRow("t.json, entry u1", {"id": "u1", "path": "x.wav"})


def test_lines_count_from_the_comments_and_a_column_may_begin_with_a_hash(tmp_path):
    table = read(tmp_path / "t.csv", b"# a tool\r\n#v2\r\nfile,emotion\r\na.wav,sad\r\nb.wav\r\n")
    assert [item.place for item in table.items] == ["t.csv:4", "t.csv:5"]
    assert read(tmp_path / "t.csv", b"#file,emotion\na.wav,sad\n").columns == ("#file", "emotion")
    assert read(tmp_path / "t.csv", b"# a,b\nx,y\n").columns == ("# a", "b")


def test_a_packed_table_is_unpacked(tmp_path):
    assert values(read(tmp_path / "t.csv.gz", gzip.compress(delimited(";").encode()))) == ROWS
    table = read(tmp_path / "t.csv.gz", gzip.compress(delimited(";").encode())[:30])
    assert table.items == (Problem("t.csv.gz", "the gzip file is incomplete; fetch or write it again"),)


_PARQUET = (
    "a damaged Parquet" if importlib.util.find_spec("pyarrow") else "a Parquet file, which needs pyarrow"
)


@pytest.mark.parametrize(("letter", "called"), [("ö", "Latin-1"), ("€", "Windows-1252")])
def test_another_encoding_is_read_and_named(tmp_path, letter, called):
    said, row = read(tmp_path / "t.csv", f"file,emotion\n{letter}.wav,sad\n".encode("cp1252")).items
    fact = f"not UTF-8, read as {called}; if names or labels look wrong, save it as UTF-8"
    assert said == Problem("t.csv", fact, harmless=True)
    assert row.values["file"] == f"{letter}.wav"


def test_an_encoding_of_another_script_is_refused_where_this_is_certain(tmp_path):
    (problem,) = read(tmp_path / "t.csv", "file,emotion\na.wav,喜び、\n".encode("shift-jis")).items
    assert problem.fact.startswith("neither UTF-8 nor Windows-1252 text")


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"PAR1" + bytes(200) + struct.pack("<I", 100) + b"PAR1", "a damaged Parquet file"),
        (b"PAR1" + bytes(20), "a damaged Parquet file"),
        (b"PAR1\x15\x04" + b"\x15\x04" + bytes(30) + struct.pack("<I", 32) + b"PAR1", _PARQUET),
        (b"PK\x03\x04" + bytes(50), "a zip archive; unpack the archive; if it is a spreadsheet"),
        (b"\xd0\xcf\x11\xe0" + bytes(50), "an old Excel file"),
        (b"RIFF" + bytes(50), "a recording; give a list of recordings"),
        (b"\n<!DOCTYPE html><html></html>", "a web page (HTML) in place of the file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer in place of the file"),
        (b"ARROW1" + bytes(9), "an Arrow file"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, fact):
    (problem,) = read(tmp_path / "t.csv", content).items
    assert problem.fact.startswith(fact)
    assert not problem.harmless


def test_an_object_of_labels_by_file_is_a_table(tmp_path):
    labels = json.dumps({"wav/a.wav": "sad", "wav/b.wav": "angry"}, indent=1)
    rows = read(tmp_path / "t.json", labels.encode()).rows
    assert [row.values for row in rows] == [
        {"file": "wav/a.wav", "emotion": "sad"},
        {"file": "wav/b.wav", "emotion": "angry"},
    ]


def test_complete_json_of_another_form_is_not_called_cut_short(tmp_path):
    (problem,) = read(tmp_path / "t.json", json.dumps({"a": "x", "b": "y"}, indent=1).encode()).items
    assert problem.fact.startswith(
        "JSON without rows; write a list of objects, or objects by file, with a key"
    )
    items = read(tmp_path / "t.json", b'[["a.wav", "sad"], ["b.wav", "angry"]]').items
    assert {each.fact for each in items} == {"not a JSON object; write one a line, with a key per column"}


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("t.json", '{"a.wav": "anger", "a.wav": "sadness"}', "a.wav"),
        ("t.json", '[\n{"file": "a.wav",\n "emotion": "anger", "emotion": "fear"}\n]', "emotion"),
        ("t.jsonl", '{"file": "a.wav", "emotion": "anger", "emotion": "fear"}\n', "emotion"),
    ],
)
def test_a_json_key_with_two_values_is_refused(tmp_path, name, text, key):
    (tmp_path / name).write_text(text)
    (problem,) = read_table(tmp_path / name).items
    assert problem.fact == f"'{key}' occurs several times with different values; leave the right one only"


def test_a_json_line_with_a_key_twice_costs_only_that_line(tmp_path):
    lines = ['{"file": "a.wav", "file": "b.wav"}', '{"file": "c.wav"}', '{"file": "d.wav"}']
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    table = read_table(tmp_path / "t.jsonl")
    assert [row.values["file"] for row in table.rows] == ["c.wav", "d.wav"]
    assert [item.place for item in table.items if isinstance(item, Problem)] == ["t.jsonl:1"]


def test_a_json_key_twice_with_one_value_is_read(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"file": "a.wav", "file": "a.wav"}\n')
    (row,) = read_table(tmp_path / "t.jsonl").rows
    assert row.values == {"file": "a.wav"}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"a": "anger", "b": "sad"}', [("a", "anger"), ("b", "sad")]),
        (
            '{"anger": ["a.wav", "b.wav"], "Happy": ["c.wav"]}',
            [("a.wav", "anger"), ("b.wav", "anger"), ("c.wav", "Happy")],
        ),
        (
            '{"train": [{"file": "a.wav", "emotion": "sad"}], "test": [{"file": "b.wav", "emotion": "sad"}]}',
            [("a.wav", "sad"), ("b.wav", "sad")],
        ),
    ],
)
def test_json_by_file_by_emotion_and_by_part(tmp_path, text, rows):
    (tmp_path / "t.json").write_text(text)
    found = read_table(tmp_path / "t.json").rows
    assert [(row.values["file"], row.values["emotion"]) for row in found] == rows
    assert [row.values.get("split") for row in found][-1] == ("test" if "train" in text else None)
