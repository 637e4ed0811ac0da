"""Predictions by turn: what is cut, how it is averaged, and how it is written."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import tone
from untrained import diccoser

from sercli.errors import ConfigError
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction, Window
from sercli.inference.recordings import Recording
from sercli.inference.writing import audacity_lines, rttm_lines, rttm_names
from sercli.manifest.turns import read_turns
from sercli.records import Problem, Turn

RATE = 16_000


@pytest.fixture
def meeting(tmp_path, write_wav):
    """Two tones with silence around them: 1 to 2 s and 3.5 to 5 s of 6 s."""
    silence = np.zeros(RATE, np.float32)
    parts = [silence, tone(1.0), silence, silence[: RATE // 2], tone(1.5, pitch=300.0), silence]
    return write_wav(tmp_path / "meeting.wav", np.concatenate(parts))


def said(bundle, path, turns):
    (found,) = Predictor(bundle).predict([path], turns=lambda _: turns)
    return found


def test_a_turn_is_predicted_as_a_file_that_holds_it(small, meeting, tmp_path, write_wav):
    _, trial = small
    found = said(trial.bundle, meeting, [Turn(1.0, 2.0, "anna"), Turn(3.5, 5.0, "ben")])
    samples, _ = soundfile.read(meeting, dtype="float32")
    cuts = [samples[RATE : 2 * RATE], samples[round(3.5 * RATE) : 5 * RATE]]
    files = [write_wav(tmp_path / f"{i}.wav", cut) for i, cut in enumerate(cuts)]
    for window, file in zip(found.windows, Predictor(trial.bundle).predict(files), strict=True):
        np.testing.assert_allclose(window.probabilities, file.probabilities, atol=1e-6)
    assert [(each.start, each.end, each.speaker) for each in found.windows] == [
        (1.0, 2.0, "anna"),
        (3.5, 5.0, "ben"),
    ]
    one, other = (np.array(each.probabilities) for each in found.windows)
    np.testing.assert_allclose(found.probabilities, (1.0 * one + 1.5 * other) / 2.5)
    assert found.duration == 6.0


def test_a_recording_without_speech_has_no_emotion(small, meeting):
    _, trial = small
    found = said(trial.bundle, meeting, [])
    assert (found.predicted, found.probability, found.unsure, found.probabilities) == (None, None, None, ())
    told = found.to_dict()
    assert (told["predicted"], told["turns"], told["unlike"]) == (None, [], None)
    assert "no emotion is given" in told["note"]


def test_a_turn_of_more_than_a_minute_is_predicted_in_equal_parts(small, tmp_path, write_wav):
    _, trial = small
    path = write_wav(tmp_path / "a.wav", tone(70.0))
    found = said(trial.bundle, path, [Turn(0.0, 2.0), Turn(4.0, 69.0, "anna")])
    assert [(each.start, each.end, each.speaker) for each in found.windows] == [
        (0.0, 2.0, None),
        (4.0, 36.5, "anna"),
        (36.5, 69.0, "anna"),
    ]


def test_a_turn_beyond_the_recording_is_a_problem(small, meeting):
    _, trial = small
    found = said(trial.bundle, meeting, [Turn(6000.0, 9000.0, place="m.csv:2")])
    assert found == Problem(
        str(meeting),
        "none of its turns (1) begins within the recording, which is 6 s long; the first is 6000 to 9000 s "
        "in m.csv:2; check that the times are seconds, not milliseconds, and those of this recording",
    )


def test_a_turn_is_cut_at_the_end_of_the_recording(small, meeting):
    _, trial = small
    found = said(trial.bundle, meeting, [Turn(1.0, 2.0), Turn(3.5, 9.0), Turn(6.5, 7.0)])
    cut = said(trial.bundle, meeting, [Turn(1.0, 2.0), Turn(3.5, 6.0)])
    assert found.windows == cut.windows
    assert cut.note is None
    assert found.note.startswith(
        "turns that end after the recording (6 s) are cut at its end: 1, first 3.5 to 9 s"
    )


def test_values_by_frame_take_no_turns(meeting):
    with pytest.raises(ConfigError, match="it takes no turns"):
        list(Predictor(diccoser("b")).predict([meeting], turns=lambda _: []))


BY_TURN = Prediction(
    "calls/my meeting.wav",
    9.0,
    ("anger", "fear"),
    (0.5, 0.5),
    windows=(
        Window(1.0, 2.0, (0.9, 0.1), speaker="anna"),
        Window(2.5, 5.5, (0.3, 0.7), speaker="ben b"),
        Window(5.0, 8.0, (0.6, 0.4), speaker="anna"),
    ),
    by_turn=True,
)


def test_the_means_of_a_speaker_are_weighted_by_length():
    anna, ben = BY_TURN.speakers
    assert (anna.speaker, anna.seconds, ben.speaker, ben.seconds) == ("anna", 4.0, "ben b", 3.0)
    np.testing.assert_allclose(anna.probabilities, [(0.9 + 3 * 0.6) / 4, (0.1 + 3 * 0.4) / 4])
    assert [each["predicted"] for each in BY_TURN.to_dict()["speakers"]] == ["anger", "fear"]


def test_turns_are_never_joined():
    assert [(each.start, each.end, each.predicted) for each in BY_TURN.stretches] == [
        (1.0, 2.0, "anger"),
        (2.5, 5.5, "fear"),
        (5.0, 8.0, "anger"),
    ]


def test_what_is_written_can_be_read_as_a_list_of_turns(tmp_path):
    path = tmp_path / "m.rttm"
    path.write_text("\n".join(rttm_lines(BY_TURN, "my_meeting")) + "\n")
    assert path.read_text().splitlines()[1] == ("SPEAKER my_meeting 1 2.500 3.000 fear <NA> ben_b 0.700 <NA>")
    from_rttm = read_turns(path).by_name["my_meeting"]
    path = tmp_path / "m.json"
    path.write_text(json.dumps(BY_TURN.to_dict()))
    from_json = read_turns(path).by_name["calls/my meeting.wav"]
    assert [(each.start, each.end) for each in from_rttm] == [(1.0, 2.0), (2.5, 5.5), (5.0, 8.0)]
    assert from_json == tuple(Turn(each.start, each.end, each.speaker) for each in BY_TURN.windows)
    assert list(audacity_lines(BY_TURN))[1] == "2.500\t5.500\tben b: fear"


def test_two_recordings_of_one_name_have_two_names_in_rttm():
    paths = [Path("s 1/mic.wav"), Path("s2/mic.wav"), Path("s2/mic.wav")]
    assert rttm_names(paths[1:]) == {"s2/mic.wav": "mic"}
    assert rttm_names(paths) == {"s 1/mic.wav": "s_1/mic.wav", "s2/mic.wav": "s2/mic.wav"}


def test_the_turns_of_a_part_are_written_with_times_of_its_file(small, meeting, tmp_path):
    _, trial = small
    part = Recording(meeting, 3.0, 6.0)
    (found,) = Predictor(trial.bundle).predict([part], turns=lambda _: [Turn(0.5, 2.0)])
    assert [(each.start, each.end) for each in found.windows] == [(0.5, 2.0)]
    (rttm,), (label,) = rttm_lines(found, "meeting"), audacity_lines(found)
    assert rttm.startswith("SPEAKER meeting 1 3.500 1.500 ")
    assert label.startswith("3.500\t5.000\t")
    path = tmp_path / "m.json"
    path.write_text(json.dumps(found.to_dict()))
    (turn,) = read_turns(path).by_name[str(meeting)]
    assert (turn.start, turn.end) == (3.5, 5.0)
