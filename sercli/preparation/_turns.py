"""Cut the recordings of a corpus into turns, each an utterance with the label of its recording."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sercli import audio
from sercli.errors import CorpusError, SerError
from sercli.manifest.turns import TurnList, fit_turns
from sercli.processor import shared_out
from sercli.records import Note, Problem, Turn, Utterance
from sercli.voice import VoiceConfig, find_speech

# The turns of a recording, and a note on those that do not fit it; or why there are none.
_Found = tuple[tuple[Turn, ...], str] | Problem
_Finder = Callable[[Utterance], tuple[tuple[Turn, ...], str]]


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
    find: _Finder
    if isinstance(cutting, TurnList):
        find, notes = _listed(utterances, base, cutting)
    else:
        find = partial(_detect, base, cutting)
    found = list(_find(utterances, base, find, progress))
    cut: list[Utterance] = []
    used = 0
    for utterance, outcome in zip(utterances, found, strict=True):
        if isinstance(outcome, Problem):
            notes.append(outcome)
            continue
        turns, note = outcome
        used += bool(turns)
        if note:
            notes.append(Problem(utterance.file, note, harmless=True))
        if not turns:
            notes.append(Problem(utterance.file, "no turn of speech; left out", harmless=True))
        for number, turn in enumerate(turns, 1):
            name = f"{utterance.id or Path(utterance.file).with_suffix('').as_posix()}-{number:03d}"
            speaker = turn.speaker or utterance.speaker
            cut.append(replace(utterance, id=name, start=turn.start, end=turn.end, speaker=speaker))
    fact = f"{used} of {len(utterances)} recordings cut into {len(cut)} utterances"
    return cut, [Note(".", fact, title="turns"), *notes]


def _listed(utterances: Sequence[Utterance], base: Path, cutting: TurnList) -> tuple[_Finder, list[Problem]]:
    """Return a function that looks up the turns of a recording, and notes on the list."""
    for each in utterances:
        if each.start is not None or each.end is not None:
            raise CorpusError(f"{base / each.file}: has times already; leave --segments or the times out")
    turns, notes = cutting.assign([base / each.file for each in utterances])

    def look_up(utterance: Utterance) -> tuple[tuple[Turn, ...], str]:
        path = base / utterance.file
        if not turns[path]:
            return (), ""
        header = audio.header(path)
        return fit_turns(turns[path], header.frames / header.sample_rate)

    return look_up, [Note(".", note, title="turns") for note in notes]


def _detect(base: Path, config: VoiceConfig, utterance: Utterance) -> tuple[tuple[Turn, ...], str]:
    """Find speech in a recording, or in the part of it that is the utterance."""
    start = utterance.start or 0.0
    sound = audio.stream(base / utterance.file, start=utterance.start, end=utterance.end)
    turns = find_speech(sound, config)
    return tuple(Turn(round(start + each.start, 3), round(start + each.end, 3)) for each in turns), ""


def _find(
    utterances: Sequence[Utterance], base: Path, find: _Finder, progress: Callable[[int, int], None]
) -> Iterator[_Found]:
    """Find the turns of the recordings, on all cores; an error becomes a problem of its recording."""

    def attempt(utterance: Utterance) -> _Found:
        try:
            return find(utterance)
        except SerError as error:
            return Problem(utterance.file, str(error).removeprefix(f"{base / utterance.file}: "))

    with shared_out(attempt, utterances) as found:
        for done, each in enumerate(found, 1):
            progress(done, len(utterances))
            yield each
