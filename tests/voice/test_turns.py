"""Turns from scores, by hand and by properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sercli.errors import ConfigError
from sercli.voice import VoiceConfig
from sercli.voice._turns import find_turns

USUAL = {"threshold": 0.5, "least_s": 0.25, "most_s": 15.0, "gap_s": 0.5, "pad_s": 0.1}


def turns(scores, **changes):
    """Turns of scores that are 0.1 s apart."""
    found = find_turns(np.array(scores, np.float32), 0.1, len(scores) / 10, **USUAL | changes)
    return [(round(start, 6), round(end, 6)) for start, end in found]


def test_turns_by_hand():
    # 0.5 to 0.9 s is speech; 0.4 is within the hysteresis, 0.3 is not. The pause has 0.3 s.
    scores = [0] * 5 + [0.6, 0.4, 0.4, 0.9] + [0.3, 0, 0] + [1, 1] + [0] * 10
    assert turns(scores) == [(0.4, 1.5)]
    assert turns(scores, pad_s=0.0) == [(0.5, 1.4)]
    assert turns(scores, gap_s=0.3) == [(0.4, 1.0)]  # the second part has 0.2 s of speech, less than 0.25 s
    assert turns(scores, gap_s=0.3, least_s=0.2) == [(0.4, 1.0), (1.1, 1.5)]
    assert turns(scores, threshold=0.7, gap_s=0.3, least_s=0.2) == [(1.1, 1.5)]


def test_padding_ends_in_the_middle_of_a_pause_and_at_the_ends_of_the_recording():
    scores = [1] * 4 + [0] + [1] * 4
    assert turns(scores, gap_s=0.0) == [(0.0, 0.45), (0.45, 0.9)]


def test_two_clicks_are_no_speech():
    # Together with the pause between them they are long enough, their own length is not.
    assert turns([0, 1, 0, 0, 0, 1, 0, 0]) == []


def test_a_turn_that_is_too_long_is_cut_where_its_score_is_lowest():
    scores = np.full(100, 0.9)
    scores[43:46] = 0.6
    assert turns(scores, most_s=6.2) == [(0.0, 4.4), (4.4, 10.0)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1, width=32), max_size=400),
    st.sampled_from([2.0, 3.0, 15.0]),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_turns_are_in_order_within_the_recording_and_not_too_long(scores, most_s, pad_s):
    found = turns(scores, most_s=most_s, pad_s=pad_s)
    edges = [edge for turn in found for edge in turn]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(scores) / 10 and end - start <= most_s + 1e-6 for start, end in found)


def test_settings_that_are_unknown_or_wrong_are_refused():
    with pytest.raises(ConfigError, match="detector=loud: use one of energy, silero"):
        VoiceConfig(detector="loud")
    with pytest.raises(ConfigError, match="least_s"):
        VoiceConfig(least_s=0.01)
