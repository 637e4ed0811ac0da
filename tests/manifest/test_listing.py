"""Which column is which field."""

import json

import pytest

from sercli.errors import ConfigError
from sercli.manifest.column_choice import check_columns
from sercli.manifest.listing import Entry, read_entries
from sercli.records import Note, Problem


def entries(path, content, **chosen):
    path.write_text(content, encoding="utf-8")
    found = list(read_entries(path, chosen))
    notes = [item.fact for item in found if isinstance(item, Note)]
    assert not [item for item in found if isinstance(item, Problem) and not item.harmless], found
    return [item.fields for item in found if isinstance(item, Entry)], notes


SPELLED = {
    "file": ("file", "File", "path", "PATH", "filename", "file_name", "File Name", "audio-file", "wav"),
    "emotion_raw": ("emotion", "Emotion", "label", "emo", "EMOTION_LABEL"),
    "speaker": ("speaker", "Speaker", "spk", "speaker_id", "Speaker ID", "SpeakerID", "spk-id", "actor"),
    "gender": ("gender", "Sex"),
    "start": ("start", "start_time", "StartTime", "Begin Time", "begin", "onset"),
    "end": ("end", "end_time", "EndTime", "stop", "End Time"),
    "transcript": ("text", "Transcript", "transcription", "sentence"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "name"), [(field, name) for field, names in SPELLED.items() for name in names]
)
def test_the_usual_spellings_are_known(tmp_path, field, name):
    columns = {"file": "file", "emotion_raw": "emotion"} | {field: name}
    line = ["2"] * len(columns)
    (found,), (note,) = entries(tmp_path / "t.csv", f"{','.join(columns.values())}\n{','.join(line)}\n")
    assert found[field] == "2"
    assert f"{'emotion' if field == 'emotion_raw' else field} <- {name}" in note
    record = dict(zip(columns.values(), line, strict=True))
    assert entries(tmp_path / "t.jsonl", json.dumps(record))[0] == [found]


def test_invisible_characters_are_dropped_except_from_names_of_files(tmp_path):
    content = "file,\u200bemotion,speaker\u00ad,start\nb\u200b.wav,anger\u200b,An\ufeffn,\u200b1.5\n"
    (found,), (note,) = entries(tmp_path / "t.csv", content)
    assert found == {"file": "b\u200b.wav", "emotion_raw": "anger", "speaker": "Ann", "start": "1.5"}
    assert note.isprintable()


def test_a_sentence_is_no_id_and_a_repeated_number_neither(tmp_path):
    content = "Utterance,Utterance_ID,Speaker,path\nWhat?,0,Ada,a.wav\nFine.,1,Ben,b.wav\nFine.,0,Ada,c.wav\n"
    found, (note,) = entries(tmp_path / "t.csv", content)
    assert [(each["transcript"], "id" in each) for each in found] == [
        ("What?", False),
        ("Fine.", False),
        ("Fine.", False),
    ]
    assert note == (
        "file <- path, speaker <- Speaker, transcript <- Utterance; not read: Utterance_ID; "
        "'Utterance_ID' is not used as id, because its values repeat"
    )


def test_sentences_that_do_not_recur_are_no_ids_either(tmp_path):
    found, _ = entries(tmp_path / "t.csv", "utterance,file\nYes,a.wav\nOver there,b.wav\nNo!,c.wav\n")
    assert [each.get("id") for each in found] == [None] * 3
    assert [each["transcript"] for each in found] == ["Yes", "Over there", "No!"]


def test_an_utterance_that_looks_like_an_id_is_one(tmp_path):
    found, _ = entries(tmp_path / "t.csv", "utterance,text,file\ndia0_utt0,Yes,a.wav\ndia0_utt1,No,b.wav\n")
    assert [(each["id"], each["transcript"]) for each in found] == [("dia0_utt0", "Yes"), ("dia0_utt1", "No")]


def test_a_chosen_column_is_spelled_as_loosely_as_the_usual_ones(tmp_path):
    (found,), _ = entries(tmp_path / "t.csv", "file,Who Speaks\na.wav,Ann\n", speaker="who_speaks")
    assert found["speaker"] == "Ann"
    with pytest.raises(ConfigError, match="--column spaeker: no such field; the fields are file, emotion"):
        check_columns({"spaeker": "x"})


def test_speakers_that_pandas_made_decimal_are_whole_again(tmp_path):
    found, _ = entries(tmp_path / "t.csv", "file,spk,text_id\na.wav,1.0,1.0\nb.wav,,1.1\nc.wav,12.0,1.2\n")
    assert [each.get("speaker") for each in found] == ["1", None, "12"]
    assert [each["text_id"] for each in found] == ["1.0", "1.1", "1.2"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file;start_ms;end_ms", "a.wav;500;1750"),
        ("file;Begin Time - hh:mm:ss.ms;End Time - hh:mm:ss.ms", "a.wav;00:00:00.500;00:00:01.750"),
        ("file;Begin Time - msec;End Time - msec", "a.wav;500;1750"),
        ("audio_filepath;offset;duration", "a.wav;0,5;1,25"),
        ("file;onset;offset", "a.wav;0.5;1.75"),
        ("file;start;stop;duration", "a.wav;8000;28000;1.25"),
        ("file;start_ms;end_ms", "a.wav;500.000;1750.000"),
        ("file;start_ms;end_ms", "a.wav;500 ms;00:00:01.750"),
        ("file;xmin;xmax", "a.wav;0.5;1.75"),
        ("file;t0_ms;t1_ms", "a.wav;500;1750"),
        ("file;Time In;Time Out", "a.wav;00:00:00.5;00:00:01.75"),
        ("file;from;to", "a.wav;0.5;1.75"),
        ("file;Beginn;Ende", "a.wav;0,5;1,75"),
        ("file;début;fin", "a.wav;0.5;1.75"),
    ],
)
def test_times_of_other_tools_are_seconds(tmp_path, header, row):
    (found,), _ = entries(tmp_path / "t.csv", f"{header}\n{row}\n")
    assert (float(found["start"]), float(found["end"])) == (0.5, 1.75)


def test_a_time_with_a_separator_of_thousands_is_named_by_its_line(tmp_path):
    table = 'file,start,duration_ms\na.wav,"1,000","1,000"\nb.wav,"1,000",500\n'
    (tmp_path / "t.csv").write_text(table)
    _, problem, entry = read_entries(tmp_path / "t.csv")
    assert str(problem) == (
        "t.csv:2: duration_ms '1,000' may be 1000 or a fraction; write 1000, or 1.0000 for the fraction"
    )
    assert (float(entry.fields["start"]), float(entry.fields["end"])) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("columns", "unread", "field"),
    [
        ("start_sample,end_sample", "start_sample", "start"),
        ("start_frame,end_frame", "start_frame", "start"),
        ("begin_sample,num_samples", "begin_sample", "start"),
        ("offset_samples,num_samples", "offset_samples", "start"),
        ("sampleStart,sampleEnd", "sampleStart", "start"),
        ("startsample,endsamples", "startsample", "start"),
        ("START_SAMPLE,STOP_SAMPLE", "START_SAMPLE", "start"),
        ("start,EndFrame", "EndFrame", "end"),
    ],
)
def test_a_table_with_times_that_are_not_read_is_refused(tmp_path, columns, unread, field):
    (tmp_path / "t.csv").write_text(f"file,emotion,{columns}\na.wav,sad,8000,24000\n")
    (problem,) = read_entries(tmp_path / "t.csv")
    assert not problem.harmless
    assert problem.fact == (
        f"the column '{unread}' may be the start or the end of an utterance, but it is not read; write "
        f"seconds into a column {field} instead (samples divided by the sampling rate); if it holds no such "
        "times, remove or rename the column"
    )


def test_an_unread_time_that_may_be_seconds_can_be_chosen(tmp_path):
    content = "file,speech_start,speech_end\na.wav,0.5,1.75\n"
    (tmp_path / "t.csv").write_text(content)
    (problem,) = read_entries(tmp_path / "t.csv")
    assert "name it with --column start=speech_start" in problem.fact
    (found,), _ = entries(tmp_path / "t.csv", content, start="speech_start", end="speech_end")
    assert (found["start"], found["end"]) == ("0.5", "1.75")


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("is_end,gender", "1,female"),  # a flag
        ("start_emotion,weekend", "happy,7"),  # no time, and no word
        ("start,end,start_frame,end_frame", "0.5,1.0,8000,16000"),  # seconds are there
        ("start,duration,end_sample", "0.5,1.0,16000"),
        ("from,to", "Ann,Ben"),
        ("from,to", "2,1"),  # speakers by number
        ("in,out", "0,1"),  # flags
        ("from,to", "1,2"),  # ids
        ("t0,t1", "3,8"),  # scores
        ("debut_year,snr", "1999,3"),
        ("xmin,ymin,xmax,ymax", "10,10,20,20"),  # a box in an image
        ("offset", ""),
    ],
)
def test_columns_that_cut_nothing_are_passed_over(tmp_path, columns, cells):
    (found,), _ = entries(tmp_path / "t.csv", f"file,{columns}\na.wav,{cells}\n")
    assert found["file"] == "a.wav"


@pytest.mark.parametrize("end", ["Ende", "to", "fin", "t1"])
def test_a_start_without_the_end_that_another_column_may_hold_is_refused(tmp_path, end):
    (tmp_path / "t.csv").write_text(f"file,Start,{end}\na.wav,0.5,1.75\n")
    (problem,) = read_entries(tmp_path / "t.csv")
    assert f"if it holds seconds, name it with --column end={end}; " in problem.fact


def test_a_column_that_may_hold_the_ends_is_named(tmp_path):
    _, (note,) = entries(tmp_path / "t.csv", "file,start,pitch,until\na.wav,0.5,0.1,1.75\nb.wav,0,0,2\n")
    assert note.endswith(
        "; there is no column of ends, so each part lasts to the end of its file; if 'until' holds the ends, "
        "name it with --column end=until"
    )


def test_a_column_of_audio_files_is_known_by_its_contents(tmp_path):
    (found, _), (note,) = entries(tmp_path / "t.csv", "nr,take\n1,x/a.wav\n2,b.FLAC\n")
    assert found["file"] == "x/a.wav"
    assert note == "file <- take; not read: nr"


def test_a_table_without_a_first_line_of_names_is_told_so(tmp_path):
    (tmp_path / "t.csv").write_text("a.wav,sad\nb.wav,happy\n")
    (problem,) = read_entries(tmp_path / "t.csv")
    assert problem.fact.endswith("the first line must name the columns, such as file and emotion")


def test_a_column_that_only_shares_a_field_s_name_is_not_read(tmp_path):
    content = "file,style,valence,arousal,length\na.wav,whispered,positive,3.5,long\nb.wav,read,negative,?,\n"
    (first, second), (note,) = entries(tmp_path / "t.csv", content)
    assert first == {"file": "a.wav", "arousal": "3.5"}
    assert second == {"file": "b.wav"}
    assert note.endswith(
        "; 'style' is not used: neither improvised nor scripted; 'valence' is not used: it holds no number"
    )


def test_rows_that_take_several_channels_of_a_recording_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file,channel,emotion\na.wav,1,sad\nb.wav,2,sad\na.wav,2,angry\n")
    (problem,) = read_entries(path)
    assert str(problem).startswith(
        "t.csv:4: takes channels 1 and 2 of a.wav; the channels of a recording are"
    )
    found, _ = entries(tmp_path / "t.csv", "file,channel,emotion\na.wav,1,sad\nb.wav,2,sad\n")
    assert len(found) == 2
    found, _ = entries(tmp_path / "t.csv", "file,channel,emotion\na.wav,audio,sad\na.wav,video,angry\n")
    assert len(found) == 2  # the channel of a rating, not of a recording


def test_rows_without_an_end_are_counted(tmp_path):
    rows = "file,emotion,start,end\na.wav,sad,0,1\na.wav,sad,1.5,\na.wav,sad,,\n"
    _, (note,) = entries(tmp_path / "t.csv", rows)
    assert "; 1 row has no end, so it lasts to the end of its file" in note


def test_participants_are_people_and_subjects_may_be_topics(tmp_path):
    ((found,), _) = entries(tmp_path / "t.csv", "file,emotion,subject,participant\na.wav,sad,maths,p1\n")
    assert found["speaker"] == "p1"
