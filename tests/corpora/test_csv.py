import pytest

from sercli.corpora.csv import CORPUS
from sercli.errors import ConfigError
from sercli.manifest.values import explain_time
from sercli.records import Note, Problem, Utterance


def parse(root, content, name="t.csv", **settings):
    path = root / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = list(CORPUS.parse(path, *CORPUS.chosen(settings)))
    return [item for item in found if not isinstance(item, Note)]


def test_a_row_is_an_utterance(tmp_path):
    content = (
        "\ufefffile;Emotion;Speaker;text;start;end;valence;note\r\n"
        '\r\n"a b/x.wav"; Happy ;        EB0;"Hello; \r\nWorld";1.5;2;-0.25;x\r\n'
        "y.wav;sad;;;;;;\r\n"
    )
    first, second = parse(tmp_path, content)
    assert first == Utterance(
        id="", corpus="", file="a b/x.wav", speaker="EB0", start=1.5, end=2.0, valence=-0.25,
        transcript="Hello; \r\nWorld", emotion_raw="Happy", emotion="happiness",
    )  # fmt: skip
    assert second == Utterance(id="", corpus="", file="y.wav", emotion_raw="sad", emotion="sadness")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "path,label,spk,Id\nx.wav,ANGER,007,u1\n"),
        ("t.tsv", "path\tlabel\tspk\tId\nx.wav\tANGER\t007\tu1"),
        ("t.jsonl", '{"path": "x.wav", "label": "ANGER", "spk": "007", "Id": "u1", "more": [1]}\n\n'),
        ("t.csv", "path,label,spk,Id\rx.wav,ANGER,007,u1\r"),
        ("t.csv", "\n \npath,label,spk,Id\nx.wav,ANGER,007,u1\n,,,\n"),
    ],
)
def test_every_format_says_the_same(tmp_path, name, content):
    (only,) = parse(tmp_path, content, name)
    assert (only.id, only.file, only.speaker, only.emotion) == ("u1", "x.wav", "007", "anger")


def test_json_lines_may_leave_out_keys_and_hold_any_line_separator(tmp_path):
    lines = [
        '{"file": "x.wav", "emotion": "sad", "text": "a\u2028b"}',
        '{"file": "y.wav", "emotion": "sad", "speaker": 3}',
        '{"emotion": "sad"}',
    ]
    first, second, third = parse(tmp_path, "\n".join(lines), "t.jsonl", columns={"speaker": "speaker"})
    assert (first.transcript, first.speaker, second.speaker) == ("a\u2028b", None, "3")
    assert third == Problem("t.jsonl:3", "no file")


def test_columns_are_chosen_by_field(tmp_path):
    content = "emotion,wavfile,emo2,spk,Who\nsad,x.wav,hap,1,A\n"
    (only,) = parse(tmp_path, content, columns={"file": "wavfile", "emotion": "emo2", "speaker": "Who"})
    assert (only.file, only.emotion, only.speaker) == ("x.wav", "happiness", "A")


@pytest.mark.parametrize(
    ("columns", "fact"),
    [
        ({}, "'file'; the columns are f, emo; name the right one with --column file"),
        ({"speaker": "s"}, "'s'; the columns are f, emo; name the right one with --column speaker"),
    ],
)
def test_a_missing_column_is_one_problem(tmp_path, columns, fact):
    (problem,) = parse(tmp_path, "f,emo\nx,sad\ny,sad\n", columns=columns)
    assert problem.place == "t.csv"
    assert problem.fact == f"no column {fact}=COLUMN"


def test_the_fields_that_can_be_chosen_are_listed():
    with pytest.raises(
        ConfigError, match="--column emo: no such field; the fields are file, emotion, id, speaker"
    ):
        CORPUS.chosen({"columns": {"emo": "x"}})


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        (
            "x.wav,unknown,,",
            "label 'unknown' means that no emotion is known; give its emotion with --map 'unknown=EMOTION'",
        ),
        ("x.wav,??,,", "label '??' means that no emotion is known; give its emotion with --map '??=EMOTION'"),
        (
            "x.wav,,,",
            "no emotion; write it, or name its column with --column emotion=COLUMN",
        ),
        (",sad,,", "no file"),
        ("x.wav,sad,nan,1", explain_time("start", "nan")),
        ("x.wav,sad,0_1,2", explain_time("start", "0_1")),
        ("x.wav,sad,00:00:01,00:00:75", explain_time("end", "00:00:75")),
        ("x.wav,sad,0,1e999", explain_time("end", "1e999")),
        ('x.wav,sad,"0,5,",1', explain_time("start", "0,5,")),
        ("x.wav,sad,2,1", "start 2 s and end 1 s leave nothing between them"),
        ("x.wav,sad,,0", "start 0 s and end 0 s leave nothing between them"),
        ("x.wav,sad,-1,", "start -1 s is before the recording"),
        ("x.wav,sa", "2 cells for 4 columns; cut short?"),
        ("x.wav,sad,0,1,well, yes", "6 cells for 4 columns; quote a cell that holds ','"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_others_are_kept(tmp_path, row, fact):
    good, bad, also = parse(tmp_path, f"file,emotion,start,end\ny.wav,sad,,\n{row}\nz.wav,sad,0,1\n")
    assert bad == Problem("t.csv:3", fact)
    assert (good.file, also.file) == ("y.wav", "z.wav")


@pytest.mark.parametrize("label", ["boredem", "guilt", "Schuldgefühl", "drunk & loud", "3"])
def test_any_other_text_is_a_label_as_it_is_spelled(tmp_path, label):
    (found,) = parse(tmp_path, f"file,emotion\nx.wav, {label} \n")
    assert (found.emotion, found.emotion_raw) == (label, label)


def test_a_column_is_switched_off(tmp_path):
    text = "file,emotion,speaker,gender\nx.wav,sad,3,f\n"
    (found,) = parse(tmp_path, text, columns={"gender": "", "speaker": ""})
    assert (found.gender, found.speaker, found.emotion) == (None, None, "sadness")
    (problem,) = parse(tmp_path, text, columns={"emotion": ""})
    assert "no column 'emotion'" in problem.fact


@pytest.mark.parametrize(
    ("gender", "kept"),
    [("f", "female"), ("Unknown", None), ("?", None), ("nan", None), ("", None), ("Child", "child")],
)
def test_an_unknown_gender_or_speaker_is_absent_and_another_gender_is_kept(tmp_path, gender, kept):
    (found,) = parse(tmp_path, f"file,emotion,speaker,gender\nx.wav,sad,{gender},{gender}\n")
    assert found.gender == kept
    assert found.speaker == (None if kept is None else gender)


def test_a_label_is_replaced_by_any_text(tmp_path):
    (found,) = parse(tmp_path, "file,emotion\nx.wav,G1\n", map={"g1": "guilt"})
    assert found.emotion == "guilt"


def test_a_line_is_counted_where_its_row_begins(tmp_path):
    problems = parse(tmp_path, 'file,emotion,text\n\nx.wav,,"one\ntwo"\ny.wav,,\n')
    assert [problem.place for problem in problems] == ["t.csv:3", "t.csv:5"]


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ('{"file": "x', "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ("9" * 5000, "not a JSON object"),
        ('{"file": "x.wav", "emotion": ["sad"]}', "the column 'emotion' can't hold ['sad']; write one label"),
        ('{"file": "x.wav", "emotion": NaN}', "no emotion"),
        ('{"file": "x.wav", "emotion": "sad", "start": NaN}', "start 'nan' is not a time"),
    ],
)
def test_a_bad_line_of_json_is_named_and_the_others_are_kept(tmp_path, line, fact):
    good, bad = parse(tmp_path, f'{{"file": "y.wav", "emotion": "sad"}}\n{line}', "t.jsonl")
    assert good.emotion == "sadness"
    assert bad.place == "t.jsonl:2"
    assert bad.fact.startswith(fact)


@pytest.mark.parametrize(
    ("content", "place", "fact"),
    [
        ("", "t.csv", "holds no rows"),
        ("\n\n", "t.csv", "holds no rows"),
        ("file,emotion\n", "t.csv", "holds no rows"),
        ("file,emotion\nx.wav,sad\n".encode("utf-16")[:-1], "t.csv", "incomplete UTF-16 text"),
        (b"file,emotion\nx.wav,sad\ny.wav,\0sad\n", "t.csv:3", "not plain text"),
        (
            'file,emotion\nx.wav,sad\ny.wav,"sad\nz.wav,sad\n',
            "t.csv:3",
            "not readable as a table from here on",
        ),
        ('file,emotion\nx.wav,"sad"der\ny.wav,sad\n', "t.csv:2", "not readable as a table from here on"),
        (f"file,emotion\nx.wav,{'s' * 200_000}\n", "t.csv:2", "not readable as a table from here on"),
        ("file,emotion,file\nx.wav,sad,y.wav\n", "t.csv:1", "two columns are called 'file'"),
    ],
)
def test_a_table_that_can_not_be_read_to_its_end_has_no_rows(tmp_path, content, place, fact):
    (problem,) = parse(tmp_path, content)
    assert problem.place == place
    assert problem.fact.startswith(fact)
    assert not problem.harmless


def test_latin_1_is_read_and_told(tmp_path):
    told, only = parse(tmp_path, "file,emotion\nschön.wav,sad\n".encode("latin-1"))
    assert told == Problem(
        "t.csv", "not UTF-8, read as Latin-1; if names or labels look wrong, save it as UTF-8", harmless=True
    )
    assert only.file == "schön.wav"


def test_a_folder_is_no_table(tmp_path):
    assert list(CORPUS.parse(tmp_path, *CORPUS.chosen({}))) == [
        Problem(".", "a folder; give the table itself")
    ]


def test_a_repeated_row_is_passed_over_and_a_contradicting_one_refused(tmp_path):
    content = "file,emotion,id\nx.wav,sad,a\nx.wav,sad,a\ny.wav,sad,a\nx.wav,happy,\n./x.wav,sad,\n"
    found = parse(tmp_path, content, columns={"id": "id"})
    assert [item for item in found if isinstance(item, Problem)] == [
        Problem("t.csv:3", "the same as line 2", harmless=True),
        Problem("t.csv:4", "id 'a' is used in line 2 already; each utterance needs its own"),
        Problem("t.csv:6", "x.wav is in line 5 already, with other values"),
    ]


def test_places_are_written_as_the_system_writes_them(tmp_path):
    content = "file,emotion\na//./b/../x.wav,sad\na\\y.wav,sad\n../z.wav,sad\n"
    assert [u.file for u in parse(tmp_path, content)] == ["a/x.wav", "a/y.wav", "../z.wav"]


@pytest.mark.parametrize(
    ("spelled", "gender"),
    [
        ("F", "female"),
        (" male", "male"),
        ("Frau", "female"),
        ("Child", "child"),
        ("non-binary", "non-binary"),
        *(
            (word, None)
            for word in ("Unknown", "?", "??", "nan", "N/A", "n/a", "", "UNK", "-", "none", "<NA>")
        ),
    ],
)
def test_a_gender_that_is_not_known_is_absent_and_any_other_word_is_kept(tmp_path, spelled, gender):
    (found,) = parse(tmp_path, f"file,emotion,sex\nx.wav,sad,{spelled}\n")
    assert found.gender == gender


def test_the_words_of_pandas_for_nothing_are_absent(tmp_path):
    rows = [
        f"{word}.wav,sad,{word},{word}, {word},{word},{word}" for word in ("nan", "NaN", "NA", "None", "null")
    ]
    header = "file,emotion,speaker,session,dialog,gender,text_id"
    found = parse(tmp_path, "\n".join([header, *rows, "x.wav,sad,N/A,Nan,,,N/A"]))
    assert {(u.speaker, u.dialog, u.gender, u.text_id) for u in found} == {(None,) * 4}
    assert [u.session for u in found] == [None] * 5 + ["Nan"]


def test_times_as_pandas_writes_them_are_seconds(tmp_path):
    content = (
        "file,emotion,start,end\nx.wav,sad,0 days,0 days 00:00:01.500000\n"
        "x.wav,sad,1 days 01:01:02,NaT\nx.wav,sad,-1 days +23:59:59,\n"
    )
    first, second, third = parse(tmp_path, content)
    assert (first.start, first.end) == (0.0, 1.5)
    assert (second.start, second.end) == (86_400 + 3662, None)
    assert third.fact.startswith("start '-1 days +23:59:59' is not a time")


def test_a_speaker_is_one_person_whether_json_has_1_or_1_0(tmp_path):
    lines = (
        f'{{"file": "{i}.wav", "emotion": "sad", "speaker": {s}}}' for i, s in enumerate(("1", "1.0", '"1"'))
    )
    assert [u.speaker for u in parse(tmp_path, "\n".join(lines), "t.jsonl")] == ["1", "1", "1"]
