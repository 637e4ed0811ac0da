"""Lists of turns in each format, and the recordings that they belong to."""

from pathlib import Path

import pytest

from sercli.errors import ManifestError
from sercli.manifest.turns import fit_turns, read_turns
from sercli.records import Turn

WANTED = (Turn(0.5, 2.75, "anna"), Turn(2.0, 5.0, "ben"))
LISTS = {
    "m.rttm": "SPKR-INFO meeting 1 <NA> <NA> <NA> unknown anna <NA> <NA>\n"
    "SPEAKER meeting 1 2 3 <NA> <NA> ben <NA> <NA>\n"
    "SPEAKER meeting 1 0.5 2.25 <NA> <NA> anna <NA> <NA>\n",
    "labels.txt": "0.5\t2.75\tanna\n\\\t100\t200\n2.0\t5.0\tben\n",
    "a.csv": "start_s,end_s,speaker\n0.5,2.75,anna\n2,5,ben\n",
    "b.csv": "file;begin;duration;speaker\nx/meeting.wav;0.5;2.25;anna\nx/meeting.wav;2;3;ben\n",
    "w.json": '{"language": "en", "segments": [{"start": 0.5, "end": 2.75, "speaker": "anna"}, '
    '{"start": 2, "end": 5, "speaker": "ben", "words": []}]}',
    "own.json": '{"file": "meeting.wav", "duration_s": 9.0, "turns": [{"start_s": 0.5, "end_s": 2.75, '
    '"speaker": "anna"}, {"start_s": 2.0, "end_s": 5.0, "speaker": "ben"}]}\n',
}


def write(folder, name, text=None):
    path = folder / name
    path.write_text(LISTS[name] if text is None else text)
    return path


@pytest.mark.parametrize("name", LISTS)
def test_each_format_gives_the_same_turns(tmp_path, name):
    recording = Path("calls/meeting.wav")
    assert read_turns(write(tmp_path, name)).assign([recording])[0] == {recording: WANTED}


def test_recordings_are_found_by_name_and_by_folder(tmp_path):
    text = "file,start,end\na/1.wav,0,1\nb/1.wav,2,3\nc d.wav,4,5\n"
    turns, notes = read_turns(write(tmp_path, "t.csv", text)).assign(
        [Path("x/b/1.flac"), Path("x/a/1.wav"), Path("c_d.wav"), Path("e.wav")]
    )
    assert [each and each[0].start for each in turns.values()] == [2.0, 0.0, 4.0, ()]
    assert notes == []


def test_short_turns_and_other_recordings_are_noted(tmp_path):
    lines = "SPEAKER a 1 0 3 <NA> <NA> <NA> <NA> <NA>\nSPEAKER a 1 4 .05 <NA> <NA> x <NA> <NA>\n"
    path = write(tmp_path, "t.rttm", f"{lines}SPEAKER b 1 0 3 <NA> <NA> x <NA> <NA>\n")
    turns, notes = read_turns(path).assign([Path("a.wav")])
    assert turns == {Path("a.wav"): (Turn(0.0, 3.0),)}
    assert notes == [
        "t.rttm: not among the recordings: b",
        "t.rttm: turns of less than 0.1 s are left out: 1",
    ]


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("t.csv", "start,end\n1,0\n", "t.csv:2: a turn from 1 to 0 s"),
        ("t.csv", "start,end\nx,2\n", "t.csv:2: start 'x' is not a time"),
        ("t.csv", "start,speaker\n1,a\n", "t.csv:2: no end"),
        ("t.csv", "a,b\n1,2\n", "no column 'start'"),
        (
            "t.rttm",
            "SPEAKER a 1 0 3 <NA> <NA> x <NA> <NA>\nSPEAKER a 2 1 3 <NA> <NA> y <NA> <NA>\n",
            "t.rttm:2: takes channels 1 and 2 of a; the channels of a recording are averaged",
        ),
        ("t.rttm", "SPEAKER a 1 zero 1 <NA> <NA> x <NA> <NA>\n", "t.rttm:1: not a turn of RTTM"),
        ("t.txt", "1\t2\tx\n3\t3\ty\n", "t.txt:2: a label at 3 s without a length"),
        ("t.rttm", "SPEAKER a 1 0 .05 <NA> <NA> x <NA> <NA>\n", "lists no turn of 0.1 s or more"),
    ],
)
def test_a_line_that_is_no_turn_is_named(tmp_path, name, text, fact):
    with pytest.raises(ManifestError, match=fact):
        read_turns(write(tmp_path, name, text))


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n", "WebVTT subtitles"),
        ("\ufeff1\r\n00:00:00,000 --> 00:00:01,000\r\nhi\r\n", "SubRip subtitles"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "a Praat TextGrid"),
        ('<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT>', "an ELAN document"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_formats_that_are_not_read_are_named_with_those_that_are(tmp_path, start, name, encoding):
    (tmp_path / "a.txt").write_text(start, encoding=encoding, newline="")
    with pytest.raises(
        ManifestError, match=rf"a\.txt: {name}, which sercli does not read; .* RTTM or as lab"
    ):
        read_turns(tmp_path / "a.txt")


def test_a_list_of_other_recordings_is_refused(tmp_path):
    turns = read_turns(write(tmp_path, "m.rttm"))
    with pytest.raises(ManifestError, match="names none of these recordings; it names meeting"):
        turns.assign([Path("talk.wav")])
    with pytest.raises(ManifestError, match=r"'meeting' fits a/meeting\.wav and b/meeting\.wav"):
        turns.assign([Path("a/meeting.wav"), Path("b/meeting.wav")])
    with pytest.raises(ManifestError, match="names no recording, and there are 2"):
        read_turns(write(tmp_path, "a.csv")).assign([Path("a.wav"), Path("b.wav")])


def test_turns_are_fitted_to_the_recording(tmp_path):
    path = write(tmp_path, "t.csv", "start,end\n0,1\n36,40.1867\n30,100\n20,40.03\n39.95,41\n50,60\n")
    (turns,) = read_turns(path).by_name.values()
    inside, note = fit_turns(turns, 39.99)
    # Up to 50 ms after the end are rounding; less than 0.1 s before it is nothing to predict.
    assert [(each.start, each.end) for each in inside] == [(0, 1), (20, 40.03), (30, 39.99), (36, 39.99)]
    assert note == (
        f"turns that end after the recording (39.99 s) are cut at its end: 2, first 30 to 100 s in {path}:4; "
        "turns that begin after the recording (39.99 s), or less than 0.1 s before its end, are left out: 2, "
        f"first 39.95 to 41 s in {path}:6; check that the times are seconds, not milliseconds, and those of "
        "this recording"
    )
    assert fit_turns(inside[:2], 39.99) == (inside[:2], "")
    assert fit_turns((), 39.99) == ((), "")


def test_a_recording_without_any_of_its_turns_is_refused():
    with pytest.raises(
        ManifestError, match=r"none of its turns \(2\) .* 5 s long; the first is 5\.5 to 70 s;"
    ):
        fit_turns([Turn(5.5, 70), Turn(80, 90)], 5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "file,duration_s,start_s,end_s\na.wav,9.0,1,2\nb.wav,2.0,,\n"),
        (
            "t.json",
            '[{"file": "a.wav", "turns": [{"start_s": 1, "end_s": 2}]}, {"file": "b.wav", "turns": []}]',
        ),
    ],
)
def test_a_recording_can_be_listed_without_a_turn(tmp_path, name, text):
    turns, notes = read_turns(write(tmp_path, name, text)).assign([Path("a.wav"), Path("b.wav")])
    assert turns == {Path("a.wav"): (Turn(1, 2),), Path("b.wav"): ()}
    assert notes == [f"{name}: entries without start and end list no turn: 1"]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("begin_ms,end_ms,who\n500,2750,anna\n", ["t.csv: start <- begin_ms, end <- end_ms; not read: who"]),
        ("start,end,who\n0.5,2.75,anna\n", ["t.csv: start <- start, end <- end; not read: who"]),
        ("start_s,end_s,talker\n0.5,2.75,a\n", ["t.csv: speaker <- talker, start <- start_s, end <- end_s"]),
        ("file,start_s,End,speaker,label\nr.wav,0.5,2.75,a,sad\n", []),
        ("start,duration\n0.5,2.25\n", []),
    ],
)
def test_columns_that_may_be_misunderstood_are_noted(tmp_path, text, notes):
    turns, found = read_turns(write(tmp_path, "t.csv", text)).assign([Path("r.wav")])
    assert [(each.start, each.end) for each in turns[Path("r.wav")]] == [(0.5, 2.75)]
    assert found == notes


def test_a_repeated_row_is_one_turn_and_its_line_is_known(tmp_path):
    path = write(tmp_path, "t.csv", "file,start,end,speaker\na.wav,0,1,x\na.wav,0,1,x\na.wav,2,3,x\n")
    (turns,) = read_turns(path).by_name.values()
    assert [(each.start, each.place) for each in turns] == [(0.0, f"{path}:2"), (2.0, f"{path}:4")]


def test_turns_of_another_name_are_used_for_the_only_recording_with_a_note(tmp_path):
    path = tmp_path / "other.rttm"
    path.write_text("SPEAKER other 1 0.0 1.0 <NA> <NA> a <NA> <NA>\n")
    turns, notes = read_turns(path).assign([Path("long.wav")])
    assert len(turns[Path("long.wav")]) == 1
    assert notes == ["other.rttm: its turns, of other, are used for long.wav"]
    assert read_turns(path).assign([Path("other.wav")])[1] == []


def test_a_name_without_its_suffix_may_end_like_a_recording(tmp_path):
    line = "SPEAKER {} 1 0 {} <NA> <NA> x <NA> <NA>\n"
    turns = read_turns(write(tmp_path, "t.rttm", line.format("call.mp3", 2) + line.format("call", 3)))
    paths = [Path("call.mp3.wav"), Path("call.wav")]
    found, notes = turns.assign(paths)
    assert ([found[path][0].end for path in paths], notes) == ([2.0, 3.0], [])
    assert turns.assign(paths[:1])[0][paths[0]][0].end == 2.0
    both = read_turns(write(tmp_path, "b.rttm", line.format("call.wav", 2) + line.format("call", 3)))
    with pytest.raises(ManifestError, match="both fit"):
        both.assign(paths[1:])
