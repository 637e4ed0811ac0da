import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.segments import Segment, Span, cut, fit, windows

lengths = st.integers(0, 300)
sizes = st.integers(1, 80)
placements = st.sampled_from(["start", "centre", "end"])


def signal(length):
    return np.arange(1, length + 1, dtype=np.float32)


@pytest.mark.parametrize(
    ("length", "placement", "taken"),
    [
        (3, "start", [1, 2, 3, 0, 0, 0]),
        (3, "centre", [0, 1, 2, 3, 0, 0]),  # the odd zero at the end
        (3, "end", [0, 0, 0, 1, 2, 3]),
        (6, "centre", [1, 2, 3, 4, 5, 6]),
        (9, "start", [1, 2, 3, 4, 5, 6]),
        (9, "centre", [2, 3, 4, 5, 6, 7]),  # of three too many, two go at the end
        (9, "end", [4, 5, 6, 7, 8, 9]),
        (0, "centre", [0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_signal_is_cropped_or_padded_by_hand(length, placement, taken):
    assert fit(length, 6, placement).take(signal(length)).tolist() == taken


def test_silence_has_a_value_and_lies_along_the_last_axis():
    maps = np.ones((2, 3, 4), np.float32)
    padded = Span(1, 4, 1, 2).take(maps, silence=-23.0)
    assert padded.shape == (2, 3, 6)
    assert padded.dtype == np.float32
    assert padded[1, 2].tolist() == [-23, 1, 1, 1, -23, -23]


@given(lengths, sizes, placements)
def test_what_is_fitted_has_the_size_and_loses_nothing_that_fits(length, size, placement):
    span = fit(length, size, placement)
    taken = span.take(signal(length))
    assert len(taken) == size
    assert np.count_nonzero(taken) == min(length, size)
    kept = taken[taken > 0]
    assert (np.diff(kept) == 1).all()  # in one piece
    left_off_or_put = (span.start or span.before, (length - span.stop) or span.after)
    difference = abs(length - size)
    expected = {
        "start": (0, difference),
        "centre": (difference // 2, difference - difference // 2),
        "end": (difference, 0),
    }
    assert left_off_or_put == expected[placement]


@pytest.mark.parametrize(
    ("length", "tail", "spans"),
    [
        # Windows of 4 every 3.
        (10, "drop", [(0, 4), (3, 7), (6, 10)]),
        (10, "align", [(0, 4), (3, 7), (6, 10)]),
        (10, "pad", [(0, 4), (3, 7), (6, 10)]),
        (11, "drop", [(0, 4), (3, 7), (6, 10)]),
        (11, "align", [(0, 4), (3, 7), (6, 10), (7, 11)]),
        (11, "pad", [(0, 4), (3, 7), (6, 10), (9, 11, 0, 2)]),
        (4, "pad", [(0, 4)]),
        (2, "drop", [(0, 2, 0, 2)]),
        (2, "align", [(0, 2, 0, 2)]),
    ],
)
def test_windows_by_hand(length, tail, spans):
    assert windows(length, 4, 3, tail) == [Span(*span) for span in spans]


@pytest.mark.parametrize(
    ("length", "tail", "spans"),
    [
        # Windows of 4 every 5: the fifth sample lies in a gap.
        (5, "pad", [(0, 4)]),
        (5, "align", [(0, 4), (1, 5)]),
        (6, "pad", [(0, 4), (5, 6, 0, 3)]),
        (9, "pad", [(0, 4), (5, 9)]),
    ],
)
def test_windows_with_gaps_by_hand(length, tail, spans):
    assert windows(length, 4, 5, tail) == [Span(*span) for span in spans]


def test_the_windows_of_a_paper():
    # Li et al.: 2 s every 0.4 s while they fit; 3 s are three segments.
    assert [span.start for span in windows(300, 200, 40)] == [0, 40, 80]
    assert len(windows(7500, 500, 100)) == 71  # Tang et al.: 20 s every 4 s of 5 minutes at 25 Hz


@given(lengths, sizes, st.integers(1, 100), st.sampled_from(["drop", "align", "pad"]))
def test_windows_have_one_size_start_a_hop_apart_and_cover_what_they_promise(length, size, hop, tail):
    spans = windows(length, size, hop, tail)
    x = signal(length)
    covered = set()
    for span in spans:
        taken = span.take(x)
        assert len(taken) == size
        assert 0 <= span.start <= span.stop <= length
        assert span.before == 0
        covered |= set(taken[taken > 0].astype(int).tolist())
    starts = [span.start for span in spans]
    regular = starts[:-1] if tail == "align" else starts
    assert regular == [hop * i for i in range(len(regular))]
    if length <= size:
        assert spans == [Span(0, length, 0, size - length)]
        return
    whole = 1 + (length - size) // hop
    assert all(span.after == 0 for span in spans[:whole])
    assert len(spans) - whole in ({0} if tail == "drop" else {0, 1})
    if tail == "align":
        assert spans[-1].stop == length
        assert all(span.after == 0 for span in spans)
    if hop <= size:  # no gaps
        end = (whole - 1) * hop + size
        assert covered == set(range(1, (end if tail == "drop" else length) + 1))


@given(lengths, sizes, st.integers(1, 100))
def test_ways_to_treat_the_tail_agree_on_whole_windows(length, size, hop):
    dropped = windows(length, size, hop)
    for tail in ("align", "pad"):
        assert windows(length, size, hop, tail)[: len(dropped)] == dropped


def test_pieces_are_numbered_and_know_their_utterance():
    spans = windows(11, 4, 3)
    pieces = cut("emodb/03a01Fa", [*spans, Span(7, 11)])
    assert [piece.id for piece in pieces] == [f"emodb/03a01Fa#{i}" for i in range(4)]
    assert pieces[3] == Segment("emodb/03a01Fa", 3, Span(7, 11))
    assert {piece.utterance for piece in pieces} == {"emodb/03a01Fa"}
