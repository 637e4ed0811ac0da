"""Predict parts of recordings, each as if it were a recording of its own."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import soundfile

from sercli import audio
from sercli.errors import AudioError
from sercli.inference.inputs import Inputs
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction
from sercli.records import Problem


def predict_inputs(predictor: Predictor, inputs: Inputs) -> Iterator[Prediction | Problem]:
    """Yield what is said of each recording, or of the part of it that a table means.

    A part is cut out at its recording's own sample rate, as `sercli prepare` cuts utterances, into a file
    that is gone as soon as it is predicted. Times of windows and frames count from the start of the part.
    """
    if not inputs.spans:
        yield from predictor.predict(inputs.files)
        return
    with tempfile.TemporaryDirectory(prefix="sercli-cuts-") as folder:
        problems: dict[int, Problem] = {}
        notes: dict[int, str] = {}
        cuts = _cuts(inputs, Path(folder), problems, notes)
        for number, said in enumerate(predictor.predict(cuts)):
            file = str(inputs.files[number])
            _place(Path(folder), number).unlink(missing_ok=True)
            if isinstance(said, Problem):
                whole = inputs.spans[number] == (None, None)
                yield problems.get(number, said if whole else replace(said, place=file))
            else:
                yield replace(said, file=file, note=notes.get(number, said.note))


def _cuts(
    inputs: Inputs, folder: Path, problems: dict[int, Problem], notes: dict[int, str]
) -> Iterator[Path]:
    """Yield the file to predict for each recording; problems and notes are kept by number."""
    for number, (file, (start, end)) in enumerate(zip(inputs.files, inputs.spans, strict=True)):
        if start is None and end is None:
            yield file
            continue
        place = _place(folder, number)
        try:
            samples, header = audio.decode(file, start, end)
            if header.note:
                notes[number] = header.note
            soundfile.write(place, samples, header.sample_rate, subtype="FLOAT")
        except (AudioError, OSError) as error:
            problems[number] = Problem(str(file), str(error).removeprefix(f"{file}: "))
        yield place


def _place(folder: Path, number: int) -> Path:
    return folder / f"{number}.wav"
