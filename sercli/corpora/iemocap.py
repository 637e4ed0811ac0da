"""IEMOCAP: ten actors in five sessions, two at a time, in improvised and scripted dialogs, English.

A turn's name is session, side, dialog, speaker, number. ``Ses01F_impro01_M003`` is in the first improvisation
of session 1; the woman (F) wears the motion-capture markers, and the man (M) speaks. The side is not part of
the speaker: in about half of the turns the other person speaks. Both recordings of a play, ``script01_1`` and
``script01_1b``, have the same text.

Source: Busso et al., IEMOCAP: Interactive Emotional Dyadic Motion Capture Database, Language
Resources and Evaluation 42, 2008.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sercli.audio import SUFFIXES
from sercli.corpora import Corpus, find_base, list_names, place_of
from sercli.corpora._iemocap import LabelledTurn, read_lines, read_transcripts, read_turns
from sercli.corpora._iemocap_schemes import PROTOCOLS, SCHEMES, TURNS
from sercli.errors import CorpusError
from sercli.records import Note, Problem, Utterance

_DIALOG = (
    r"(?P<dialog>(?P<session>Ses0(?P<number>[1-5]))[FM]_(?:impro\d\d[a-z]?|(?P<play>script\d\d_\d)[a-z]?))"
)
_DIALOG_NAME = re.compile(_DIALOG, re.ASCII)
# A few turns have XX0 in place of a number, such as Ses03F_impro06_FXX0.
_TURN_NAME = re.compile(rf"{_DIALOG}_(?P<speaker>[FM])(?:\d\d\d|XX\d)", re.ASCII)

_EMOTIONS = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
    "xxx": "undecided",
}
_SESSIONS = tuple(f"Session{number}" for number in range(1, 6))


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the labelled turns of ``root/Session1`` to ``Session5``, dialogs by name, turns by time.

    The sessions may also be in the only sub-folder of ``root`` that holds sessions.
    """
    base = find_base(root, _holds_sessions)
    if isinstance(base, Problem):
        yield base
    elif base is not None:
        for name in _SESSIONS:
            yield from _parse_session(root, base / name)


def from_name(name: str) -> Utterance | None:
    """Return the facts in a turn's name; ``None`` if the name does not look like ``Ses01F_impro01_F000``."""
    match = _TURN_NAME.fullmatch(name)
    if match is None:
        return None
    return Utterance(
        id=f"iemocap/{name}",
        corpus="iemocap",
        file="",
        speaker=match["session"] + match["speaker"],
        gender="female" if match["speaker"] == "F" else "male",
        session=match["session"],
        dialog=match["dialog"],
        style="scripted" if match["play"] else "improvised",
        text_id=match["play"],
    )


def prefix_speaker(name: str) -> str:
    """Return the prefix ``Ses01F`` of a turn's dialog, which some tools mistake for its speaker."""
    return name.partition("_")[0]


def _parse_session(root: Path, session: Path) -> Iterator[Utterance | Problem]:
    evaluations, sentences = session / "dialog" / "EmoEvaluation", session / "sentences" / "wav"
    if not sentences.is_dir():
        sentences = sentences.parent
        if sentences.is_dir():
            yield Note(
                place_of(sentences, root),
                f"no folder wav in {place_of(sentences, root)}; sercli looks for recordings beside it",
                title="layout",
            )
    labels = {Path(name).stem: evaluations / name for name in list_names(evaluations, (".txt",))}
    flat = [name for name in list_names(sentences, SUFFIXES) if _TURN_NAME.fullmatch(Path(name).stem)]
    if flat:
        yield Note(
            place_of(sentences, root),
            f"recordings are in {place_of(sentences, root)} itself and are recognised by their names",
            title="layout",
        )
    for dialog in sorted({*labels, *list_names(sentences)} - set(flat)):
        place = place_of(labels.get(dialog, sentences / dialog), root)
        match = _DIALOG_NAME.fullmatch(dialog)
        if match is None:
            fact = "not a dialog's name such as Ses01F_impro01; left out"
            yield Problem(place, fact, harmless=True)
        elif session.name != f"Session{match['number']}":
            yield Problem(place, f"belongs in Session{match['number']}; left out")
        elif dialog not in labels:
            count = len(list_names(sentences / dialog, SUFFIXES))
            yield Problem(place, f"{count} recordings without labels: no dialog/EmoEvaluation/{dialog}.txt")
        else:
            yield from _parse_dialog(root, labels[dialog], sentences / dialog)


def _parse_dialog(root: Path, labels: Path, folder: Path) -> Iterator[Utterance | Problem]:
    """Yield the turns of one label file, whose recordings are in ``folder``."""
    place, where = place_of(labels, root), place_of(folder, root)
    recordings = {Path(name).stem: f"{where}/{name}" for name in list_names(folder, SUFFIXES)}
    if not folder.is_dir():  # all dialogs are in one folder
        above = place_of(folder.parent, root)
        recordings = {
            Path(name).stem: f"{above}/{name}"
            for name in list_names(folder.parent, SUFFIXES)
            if name.startswith(f"{folder.name}_")
        }
    try:
        items = read_turns(read_lines(labels), place)
    except CorpusError as error:
        yield Problem(place, str(error))
        return
    if not items:
        yield Problem(place, f"has no turns for {len(recordings)} recordings")
        return
    turns, problems = _check_turns(items, labels.stem, place)
    yield from problems
    words, problems = _find_words(root, labels.parent.parent / "transcriptions" / labels.name, list(turns))
    yield from problems
    if turns and not recordings:
        yield Problem(where, f"no recordings, for {len(turns)} turns of {labels.name}")
        return
    for name, (turn, utterance) in turns.items():
        if name not in recordings:
            yield Problem(f"{where}/{name}.wav", f"missing; its label is at {place}:{turn.line}")
            continue
        yield replace(
            utterance,
            file=recordings[name],
            start=turn.start,
            end=turn.end,
            transcript=words.get(name),
            emotion_raw=turn.code,
            emotion=_EMOTIONS[turn.code],
            valence=turn.valence,
            arousal=turn.arousal,
            dominance=turn.dominance,
            raters=tuple(turn.raters),
        )
    named = {item.name for item in items if isinstance(item, LabelledTurn)}
    for name in sorted(set(recordings) - named):
        yield Problem(recordings[name], f"no label in {place}; left out", harmless=True)


def _find_words(root: Path, path: Path, turns: list[str]) -> tuple[dict[str, str], list[Problem]]:
    """Read a dialog's transcription, and report a problem if it lacks a turn."""
    try:
        words = read_transcripts(read_lines(path))
    except CorpusError as error:
        return {}, [Problem(place_of(path, root), f"{error}; its turns have no transcript", harmless=True)]
    silent = sum(name not in words for name in turns)
    if silent == 0:
        return words, []
    fact = f"lacks the transcript of {silent} of {len(turns)} turns"
    return words, [Problem(place_of(path, root), fact, harmless=True)]


def _check_turns(
    items: list[LabelledTurn | Problem], dialog: str, place: str
) -> tuple[dict[str, tuple[LabelledTurn, Utterance]], list[Problem]]:
    """Separate the usable turns, by name, from the problems of the other turns."""
    turns: dict[str, tuple[LabelledTurn, Utterance]] = {}
    problems: list[Problem] = []
    for item in items:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        utterance = from_name(item.name)
        if utterance is None:
            fact = f"'{item.name}' is not a turn's name such as Ses01F_impro01_F000"
        elif utterance.dialog != dialog:
            fact = f"turn {item.name} does not belong to dialog {dialog}, whose file this is"
        elif item.code not in _EMOTIONS:
            fact = f"unknown emotion '{item.code}' of {item.name}; the known ones are {', '.join(_EMOTIONS)}"
        elif item.name in turns:
            fact = f"turn {item.name} occurs again; the first, in line {turns[item.name][0].line}, is used"
        else:
            turns[item.name] = (item, utterance)
            continue
        problems.append(Problem(f"{place}:{item.line}", fact))
    return turns, problems


def _holds_sessions(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in _SESSIONS)


CORPUS = Corpus(
    parse,
    title="IEMOCAP, Interactive Emotional Dyadic Motion Capture Database",
    source="Busso et al., Language Resources and Evaluation 42, 2008",
    licence="licensed by USC SAIL for research; ask for it there",
    layout="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav and Session1/dialog",
    utterances=10039,
    people=10,
    scale=(1, 5),
    hours=12.0,
    language="American English",
    known={
        "emotion": {
            "anger": 1103,
            "disgust": 2,
            "excitement": 1041,
            "fear": 40,
            "frustration": 1849,
            "happiness": 595,
            "neutral": 1708,
            "other": 3,
            "sadness": 1084,
            "surprise": 107,
            "undecided": 2507,
        },
        "session": TURNS,
        "style": {"improvised": 4784, "scripted": 5255},
    },
    from_name=from_name,
    mistaken_speaker=prefix_speaker,
    inner=("Session[1-5]", "dialog", "sentences", "wav"),
    origin="USC SAIL, https://sail.usc.edu/iemocap",
    schemes=SCHEMES,
    protocols=PROTOCOLS,
    default_protocol="leave-one-session-out",
)
