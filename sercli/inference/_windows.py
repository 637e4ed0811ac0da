"""How long the windows are that a recording is cut into, and how far apart."""

from sercli.audio import LEAST_S
from sercli.bundle import Bundle
from sercli.errors import ConfigError

WINDOW_S = 4.0
"""Length of a window where the bundle names none; IEMOCAP's mean utterance has 4.5 s, EMO-DB's 2.8 s."""
MOST_S = 3600.0
"""A window longer than this is a slip of the finger."""

# Length of the pieces that continuous labels are predicted in: that of RECOLA's recordings.
_TRACE_PIECE_S = 300.0


def choose_window(bundle: Bundle, window_s: float | None, hop_s: float | None) -> tuple[float, float]:
    """Choose length and hop of windows, seconds.

    Args:
        bundle: what is applied.
        window_s: the length that was asked for.
        hop_s: the hop that was asked for.

    Raises:
        ConfigError: they don't go with one another or with the bundle.
    """
    for name, value in (("window_s", window_s), ("hop_s", hop_s)):
        if value is not None and not LEAST_S <= value <= MOST_S:
            raise ConfigError(f"{name}={value:g}: take {LEAST_S:g} to {MOST_S:g} s")
        if value is not None and not bundle.classes:
            raise ConfigError(f"{name}: the network gives values by frame, 25 a second; leave it out")
    segments = bundle.segments
    test_hop = segments.test_hop_s or segments.hop_s
    if not bundle.classes:
        # Whole hops, so that the pieces' segments are those of the whole recording.
        size = _TRACE_PIECE_S if segments.size_s is None else max(1, _TRACE_PIECE_S // test_hop) * test_hop
        return size, size
    seen = None if segments.size_s else looked_at(bundle)
    if window_s is not None and seen is not None and window_s > seen:
        raise ConfigError(
            f"window_s={window_s:g}: the network looks at {seen:g} s and would pass over the rest; "
            f"take {seen:g} or less"
        )
    size = window_s or looked_at(bundle) or WINDOW_S
    hop = hop_s or (test_hop if segments.size_s and window_s is None else size / 2)
    if hop > size:
        raise ConfigError(f"hop_s={hop:g}: longer than a window of {size:g} s, it would leave gaps")
    return size, hop


def looked_at(bundle: Bundle) -> float | None:
    """Return the seconds that a network looks at once: a segment's, or the utterance's as cropped.

    None where it takes utterances of any length.
    """
    if bundle.segments.size_s is not None:
        return bundle.segments.size_s
    durations = [choice.config.crop_s for choice in bundle.inputs.values()]
    return min((each for each in durations if each is not None), default=None)
