"""Join the scores of the pieces of a recording to its prediction, and note how it is unlike the training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sercli.acoustics import Usual, join
from sercli.bundle import Bundle
from sercli.data.items import count_trace_frames
from sercli.inference._waiting import Found, Piecework
from sercli.inference.prediction import Prediction, Window
from sercli.inference.recordings import PieceFeatures

QUIET_DB = -70.0
"""Level of the loudest 40 ms below which a recording counts as unlike any training part: speech there has
five bits of sixteen. Of 342 recordings of EMO-DB the quietest has -15 dB, of 1260 of RAVDESS -55 dB."""


def join_pieces(
    bundle: Bundle, tasks: Sequence[Piecework], found: Sequence[Found], unsure_below: float | None
) -> Prediction:
    """Join the predictions for the pieces of a recording.

    Args:
        bundle: the model.
        tasks: the pieces, at least one.
        found: their features and scores; none if nobody speaks in the recording.
        unsure_below: as in `Prediction`.
    """
    first, outputs, count = tasks[0], bundle.outputs, len(bundle.classes)
    parts = [part for part, _ in found]
    duration = round(first.whole_s or max(part.end for part in parts), 6)
    prediction = Prediction(
        first.file,
        duration,
        classes=() if outputs.per_frame else bundle.classes,
        dimensions=outputs.dimensions,
        unsure_below=unsure_below,
        by_turn=first.whole_s is not None,
        offset_s=first.recording.start or 0.0,
    )
    if not found:
        return replace(prediction, note="no speech was found or listed, so no emotion is given")
    values = np.concatenate([each for _, each in found])
    scaled = next((part.note for part in parts if part.note), "")
    note = "; ".join(filter(None, (first.note, scaled)))
    prediction = replace(prediction, unlike=_unlike(parts, bundle.usual), note=note or None)
    if outputs.per_frame:
        return replace(prediction, trace=values[: count_trace_frames(duration)])
    windows = (
        Window(
            round(part.start, 6),
            round(part.end, 6),
            tuple(row[:count]),
            tuple(row[count:]),
            task.speaker if prediction.by_turn else None,
        )
        for task, part, row in zip(tasks, parts, values.tolist(), strict=True)
    )
    # Turns have different lengths; windows have one, and the last one may reach back.
    means = np.average(
        values, axis=0, weights=[part.seconds for part in parts] if prediction.by_turn else None
    )
    return replace(
        prediction,
        probabilities=tuple(means[:count].tolist()),
        values=tuple(means[count:].tolist()),
        windows=tuple(windows) if first.cut or prediction.by_turn else (),
    )


def _unlike(parts: Sequence[PieceFeatures], usual: Usual | None) -> str | None:
    """Describe how a recording differs from the training part, if this can be detected; see `Predictor`."""
    if all(part.silent for part in parts):
        return "unlike the training corpus: only silence (a constant value, or noise of the last bit)"
    level = max(part.level_db for part in parts)
    if level < QUIET_DB:
        loudest = f"its loudest 40 ms are at {level:.0f} dB of full scale"
        return f"unlike the training corpus: almost silent, {loudest}"
    measured = join([part.acoustics for part in parts])
    if usual is None or measured is None:
        return None
    difference = usual.describe_difference(measured)
    return difference and f"unlike the training corpus: {difference}"
