"""Read the text files of IEMOCAP: labels with every rater's judgement, and transcriptions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.errors import CorpusError
from sercli.records import Problem

_NUMBER = r"-?\d+(?:\.\d+)?"
_RATING = rf"\s*({_NUMBER})?\s*;\s*"
_HEADER = re.compile(
    rf"\[\s*({_NUMBER})\s*-\s*({_NUMBER})\s*\]\s+(\S+)\s+(\S+)\s+"
    rf"\[\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\]",
    re.ASCII,
)
_CATEGORIES = re.compile(r"(C-\w+):\s*((?:[^;()]+;)*)\s*\((.*)\)")
_DIMENSIONS = re.compile(rf"(A-\w+):\s*val{_RATING}act{_RATING}dom{_RATING}\((.*)\)", re.ASCII)
# The actor's own judgement, such as C-F1; the raters of the corpus are called E1 to E6.
_SELF = re.compile(r"[AC]-[FM]\d+")
_WORDS = re.compile(r"(\S+)\s*\[[^\]]*\]\s*:\s*(.*)")

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A labelled turn in the label file of its dialog.

    Attributes:
        line: number of its first line.
        name: name, for example ``Ses01F_impro01_F000``.
        start: start in seconds from the start of the dialog's recording.
        end: end in seconds from the start of the dialog's recording.
        code: emotion, for example ``neu``.
        valence: mean over the raters.
        arousal: mean over the raters; the corpus calls it activation.
        dominance: mean over the raters.
        raters: the judgements of each rater, in the order of the file.
    """

    line: int
    name: str
    start: float
    end: float
    code: str
    valence: float
    arousal: float
    dominance: float
    raters: list[dict[str, Any]]


def read_lines(path: Path) -> list[str]:
    """Read a text file in UTF-8, otherwise in latin-1, with any line ends.

    Raises:
        CorpusError: the file can't be read or is not text; the message does not name the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"can't be read ({error.strerror})") from None
    if content.startswith(_UTF_16) or _CONTROL.search(content):
        raise CorpusError("not text (UTF-8 or latin-1)")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not splitlines, because a byte 0x85 (the ellipsis of Windows) would end a line.
    return [line.strip() for line in re.split(r"\r*\n|\r", text)]


def read_turns(lines: Iterable[str], place: str) -> list[LabelledTurn | Problem]:
    """Read the lines of a label file named ``place``, in their order."""
    found: list[LabelledTurn | Problem] = []
    raters: list[dict[str, Any]] | None = None  # raters of the present turn; None between two turns
    for number, line in enumerate(lines, 1):
        if not line:
            raters = None
        elif line.startswith("["):
            raters = []  # also after an unreadable line, because these raters judge no other turn
            match = _HEADER.fullmatch(line)
            if match is None:
                found.append(Problem(f"{place}:{number}", "this line of a turn can't be read (cut off?)"))
                continue
            start, end, name, code, valence, arousal, dominance = match.groups()
            found.append(
                LabelledTurn(
                    line=number,
                    name=name,
                    start=float(start),
                    end=float(end),
                    code=code,
                    valence=float(valence),
                    arousal=float(arousal),
                    dominance=float(dominance),
                    raters=raters,
                )
            )
        elif not line.startswith("%"):
            judgement = _judgement(line)
            if judgement is None or raters is None:
                what = (
                    "neither a turn nor a rater's judgement"
                    if judgement is None
                    else "a rater's judgement without a turn"
                )
                found.append(Problem(f"{place}:{number}", f"{what}; ignored", harmless=True))
            else:
                raters.append(judgement)
    return found


def read_transcripts(lines: Iterable[str]) -> dict[str, str]:
    """Read the words of each turn, by its name; lines with a different form are ignored.

    A transcription also holds turns without a label and remarks without a turn.
    """
    matches = (_WORDS.fullmatch(line) for line in lines)
    return {match[1]: match[2] for match in matches if match and match[2]}


def _judgement(line: str) -> dict[str, Any] | None:
    judgement = _read_judgement(line)
    if judgement is not None and _SELF.fullmatch(judgement["rater"]):
        judgement["self"] = True
    return judgement


def _read_judgement(line: str) -> dict[str, Any] | None:
    if match := _CATEGORIES.fullmatch(line):
        rater, emotions, comment = match.groups()
        named = [emotion.strip() for emotion in emotions.split(";")]
        return {"rater": rater, "emotions": [emotion for emotion in named if emotion], "comment": comment}
    if match := _DIMENSIONS.fullmatch(line):
        rater, *ratings, comment = match.groups()
        valence, arousal, dominance = (None if rating is None else float(rating) for rating in ratings)
        return {
            "rater": rater,
            "valence": valence,
            "arousal": arousal,
            "dominance": dominance,
            "comment": comment,
        }
    return None
