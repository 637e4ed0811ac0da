"""What a cell means: times, names, and nothing."""

import math

import pytest

from sercli.manifest.values import (
    explain_time,
    find_grouped,
    is_absent,
    parse_cell,
    parse_number,
    settle_times,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.25", 1.25),
        ("1,25", 1.25),
        (",5", 0.5),
        ("00:00:01.250", 1.25),
        ("00:00:01,250", 1.25),
        ("1:02:03", 3723.0),
        ("01:02,5", 62.5),
        (" 00:01:00 ", 60.0),
        ("0 days 00:00:01.500000", 1.5),
        ("-1,5", -1.5),
        (2, 2.0),
        ("1.5 s", 1.5),
        ("1500 ms", 1.5),
        ("1,5s", 1.5),
    ],
)
def test_times_are_read_as_people_and_programs_write_them(text, seconds):
    assert float(parse_cell("start", text)) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize("text", ["1:2:3:4", "00:61:00", "1,2,3", "soon", "1.2.3"])
def test_what_is_no_time_stays_as_it_is(text):
    assert parse_cell("start", text) == text


@pytest.mark.parametrize("text", ["0_1", "1_000", "1_0.5", "1e1_0"])
def test_an_underscore_is_no_part_of_a_number(text):
    assert parse_number(text) is None
    assert parse_number(parse_cell("start", text)) is None


@pytest.mark.parametrize("text", ["00:00:75", "PT1.25S", "2024-01-01T00:00:01", "1250 milliseconds"])
def test_what_is_no_time_is_told_how_times_are_written(text):
    assert parse_number(parse_cell("end", text)) is None
    assert explain_time("end", text) == (
        f"end '{text}' is not a time; write seconds (1.25 or 1,25), 00:00:01.250, or milliseconds in a "
        "column end_ms; leave it out where it is not known"
    )


@pytest.mark.parametrize(
    "value",
    ["Unknown", "UNKNOWN", "unk", "?", "???", "nan", "NaN", "NA", "n/a", "N/A", "", " ", "-", "None", "null",
     "<NA>", "NaT", "not available", None, math.nan],
)  # fmt: skip
@pytest.mark.parametrize("name", ["speaker", "gender", "session", "valence"])
def test_the_words_for_nothing_are_absent(value, name):
    assert is_absent(value)
    assert parse_cell(name, value) is None


@pytest.mark.parametrize("value", ["Nan", "Na", "0", "unknown1", "Noone", "A?", 0, False])
def test_what_may_be_a_name_is_kept(value):
    assert not is_absent(value)


def test_a_text_is_kept_whatever_it_says():
    assert parse_cell("transcript", " None ") == "None"
    assert parse_cell("emotion_raw", "Unknown") == "Unknown"


def test_a_name_is_the_same_however_its_accents_are_coded():
    assert parse_cell("speaker", "Jo\u0308rg") == parse_cell("speaker", "J\u00f6rg") == "J\u00f6rg"


@pytest.mark.parametrize(
    ("values", "times"),
    [
        ({"start": 1.0, "end": 3.0}, (1.0, 3.0)),
        ({"start": 1.0, "duration": 0.5}, (1.0, 1.5)),
        ({"start": 1000, "end": 2500, "duration": 1.5}, (1.0, 2.5)),  # milliseconds
        ({"start": 16000, "end": 40000, "duration": 1.5}, (1.0, 2.5)),  # samples at 16 kHz
        ({"start": 44100, "end": 88200, "duration": 1.0}, (1.0, 2.0)),
        ({"start": 12000, "end": 24000, "duration": 1.0, "sample_rate": 12000}, (1.0, 2.0)),
        ({"start": 1.0, "end": 3.0, "duration": 9.0}, (1.0, 3.0)),  # contradicts: left to whoever compares
        ({"start": "nan", "end": None}, (None, None)),
    ],
)
def test_times_are_seconds_and_a_length_ends_what_has_no_end(values, times):
    found = settle_times(values)
    assert (found.get("start"), found.get("end")) == times


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        (["0", "150,000", "2000"], ["150,000"]),
        (["0", "150.000", "1.000"], ["150.000", "1.000"]),
        (["0.000", "150.000", "161.500"], []),  # pandas with %.3f: only a fraction has a zero before it
        (["150.000", "1250.500"], []),
        (["0,5", "161,125"], []),
        (["0.5", "161,125"], ["161,125"]),  # the point of one cell does not explain the comma of another
        (["1,000,000"], ["1,000,000"]),
        ([1.5, None, "", "1000"], []),
    ],
)
def test_a_time_in_milliseconds_that_may_have_a_separator_of_thousands(cells, wrong):
    assert [cell for cell, _ in find_grouped((cell, True) for cell in cells)] == wrong
    assert find_grouped((cell, False) for cell in cells) == {}  # in seconds it is a fraction


def test_a_separator_of_thousands_is_explained():
    assert find_grouped([("1,250 ms", False), ("1,000,000", True), ("1.250", True)]) == {
        ("1,250 ms", False): "may be 1250 or a fraction; write 1250, or 1.2500 for the fraction",
        ("1,000,000", True): "has separators of thousands; write 1000000",
        ("1.250", True): "may be 1250 or a fraction; write 1250, or 1.2500 for the fraction",
    }
