"""Cut the recordings of a corpus into turns, each an utterance with the label of its recording."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sercli import audio
from sercli.errors import CorpusError, SerError
from sercli.manifest.turns import TurnList
from sercli.processor import shared_out
from sercli.records import Note, Problem, Turn, Utterance
from sercli.voice import VoiceConfig, find_speech

_Found = tuple[Turn, ...] | Problem


def cut_into_turns(
    utterances: Sequence[Utterance],
    base: Path,
    cutting: VoiceConfig | TurnList,
    progress: Callable[[int, int], None],
) -> tuple[list[Utterance], list[Problem]]:
    """Return an utterance for each turn, in order, and problems of the recordings.

    The number of the turn follows the id of its recording. A turn has the speaker of the list, if it names
    one, otherwise that of its recording.

    Args:
        utterances: recordings, or parts of them if speech is to be found.
        base: the folder that their files are relative to.
        cutting: how speech is found, or the list of the turns.
        progress: called with the finished and the total number of recordings.

    Raises:
        CorpusError: the recordings were cut before, or have continuous labels.
        ManifestError: the list does not fit the recordings.
    """
    for each in utterances:
        if each.trace or each.source:
            fact = "has continuous labels" if each.trace else "was cut out of a recording already"
            raise CorpusError(f"{base / each.file}: {fact}; only complete recordings can be cut into turns")
    notes: list[Problem] = []
    if isinstance(cutting, TurnList):
        found, notes = _listed(utterances, base, cutting)
    else:
        found = list(_detected(utterances, base, cutting, progress))
    cut: list[Utterance] = []
    for utterance, turns in zip(utterances, found, strict=True):
        if isinstance(turns, Problem):
            notes.append(turns)
            continue
        if not turns:
            notes.append(Problem(utterance.file, "no turn of speech; left out", harmless=True))
        for number, turn in enumerate(turns, 1):
            name = f"{utterance.id or Path(utterance.file).with_suffix('').as_posix()}-{number:03d}"
            speaker = turn.speaker or utterance.speaker
            cut.append(replace(utterance, id=name, start=turn.start, end=turn.end, speaker=speaker))
    used = sum(bool(turns) for turns in found if not isinstance(turns, Problem))
    fact = f"{used} of {len(utterances)} recordings cut into {len(cut)} utterances"
    return cut, [Note(".", fact, title="turns"), *notes]


def _listed(
    utterances: Sequence[Utterance], base: Path, cutting: TurnList
) -> tuple[list[_Found], list[Problem]]:
    paths = [base / each.file for each in utterances]
    for each in utterances:
        if each.start is not None or each.end is not None:
            raise CorpusError(f"{base / each.file}: has times already; leave --segments or the times out")
    turns, notes = cutting.assign(paths)
    return [turns[path] for path in paths], [Note(".", note, title="turns") for note in notes]


def _detected(
    utterances: Sequence[Utterance],
    base: Path,
    config: VoiceConfig,
    progress: Callable[[int, int], None],
) -> Iterator[_Found]:
    """Find speech in the recordings, on all cores."""

    def detect(utterance: Utterance) -> _Found:
        path, start = base / utterance.file, utterance.start or 0.0
        try:
            if utterance.start is None and utterance.end is None:
                return find_speech(audio.stream(path), config)
            samples, header = audio.decode(path, utterance.start, utterance.end)
            samples = audio.resample(samples, header.sample_rate, audio.SAMPLE_RATE)
            turns = find_speech([samples], config)
        except SerError as error:
            return Problem(utterance.file, str(error).removeprefix(f"{path}: "))
        return tuple(Turn(round(start + each.start, 3), round(start + each.end, 3)) for each in turns)

    with shared_out(detect, utterances) as found:
        for done, turns in enumerate(found, 1):
            progress(done, len(utterances))
            yield turns
