"""Write continuous labels as arrays beside the audio, one row every 40 ms."""

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np

from sercli.corpora import Trace
from sercli.errors import CorpusError
from sercli.preparation._place import Place
from sercli.preparation.convert import replacing
from sercli.records import TRACE_RATE, Problem, Utterance

# If the lengths of labels and audio differ by more, they belong to different recordings.
_TOLERANCE = TRACE_RATE


def fit_length(trace: Trace, utterance: Utterance) -> tuple[Trace, Problem | None]:
    """Cut a trace to the frames of its audio.

    A label at the very end of the audio has no frame: 300 s are 7500 frames and 7501 labels.

    Args:
        trace: labels, (rows, 2).
        utterance: utterance with the duration of the prepared audio.

    Returns:
        The trace, (frames, 2), and a problem if there is one. The problem is harmful if labels and audio
        differ by more than a second, no rows remain, or a label is not a number.
    """
    frames = int(utterance.duration * TRACE_RATE + 1e-6)
    place = utterance.trace or utterance.file
    if abs(len(trace) - frames) > _TOLERANCE:
        fact = (
            f"{len(trace)} labels ({len(trace) / TRACE_RATE:.2f} s) for {utterance.duration:.2f} s of audio"
        )
        return trace, Problem(place, fact)
    kept = min(len(trace), frames)
    if not kept:
        return trace, Problem(place, f"{len(trace)} labels for {frames} frames of audio")
    if not np.isfinite(trace[:kept]).all():
        return trace, Problem(place, "has labels that are not numbers (NaN or infinity)")
    if len(trace) == frames:
        return trace, None
    fact = f"{len(trace)} labels for {frames} frames of audio; the first {kept} are kept"
    return trace[:kept], Problem(place, fact, harmless=True)


def add_trace(
    utterance: Utterance, as_read: Utterance, place: Place, target: Path
) -> tuple[Utterance | None, list[Problem]]:
    """Add the trace to a prepared utterance, if the corpus has traces.

    Args:
        utterance: the prepared utterance.
        as_read: the same utterance from the corpus's reader.
        place: the corpus as distributed.
        target: folder of the prepared corpus.

    Returns:
        The utterance, ``None`` if its trace is unusable, and problems.
    """
    if place.corpus.read_trace is None or as_read.trace is None:
        return utterance, []
    try:
        trace = place.corpus.read_trace(place.base, as_read, *place.options)
    except CorpusError as error:
        where, _, fact = str(error).partition(": ")
        return None, [Problem(where, fact)]
    trace, problem = fit_length(trace, utterance)
    problems = [problem] if problem else []
    if problem and not problem.harmless:
        return None, problems
    return place_trace(trace, utterance, target), problems


def place_trace(trace: Trace, utterance: Utterance, target: Path) -> Utterance:
    """Write a trace as ``traces/<name>.npy`` below ``target`` and name it in the utterance."""
    values = np.ascontiguousarray(trace, dtype="<f4")
    place = f"traces/{utterance.id.partition('/')[2]}.npy"
    encoded = BytesIO()
    np.save(encoded, values, allow_pickle=False)
    content = encoded.getvalue()
    if not (target / place).exists() or (target / place).read_bytes() != content:
        with replacing(target, place) as temporary:
            temporary.write_bytes(content)
    return replace(utterance, trace=place, trace_sha256=hashlib.sha256(values.tobytes()).hexdigest())
