"""Read any corpus from a list of another tool: audformat, lhotse, EmoBox, Kaldi and so on.

The format is recognised from the file or folder itself. If a list places utterances within longer recordings,
they are cut out of these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sercli.corpora import Corpus, Trace
from sercli.corpora._any import AnyOptions, TableOptions, complete
from sercli.errors import CorpusError, ManifestError
from sercli.manifest.interop import labels_file, read_list
from sercli.records import Problem, Utterance


def parse(path: Path, options: TableOptions) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list, in its order."""
    yield from complete_list(path, read_list(path, options.chosen), options)


def complete_list(
    path: Path, items: Iterator[Utterance | Problem], options: AnyOptions
) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list with the nouns of their labels; places are relative to its folder."""
    listed: list[Utterance | Problem] = []
    try:
        for found in items:
            known = found if isinstance(found, Utterance) else replace(found, place=_below(path, found.place))
            listed.append(known)
    except ManifestError as error:
        place, _, fact = _below(path, str(error)).partition(": ")
        listed.append(Problem(place, fact))
    labels = "" if options.names_emotion else labels_file(path)
    if not options.names_emotion and (problem := _without_emotions(path, listed, labels)):
        yield problem
        return
    for item in listed:
        yield _known(item, options, labels) if isinstance(item, Utterance) else item


def read_trace(base: Path, utterance: Utterance, options: AnyOptions) -> Trace:  # noqa: ARG001
    """Read the array that a list written by sercli names; its path is relative to ``base``, like the audio.

    Raises:
        CorpusError: the file is missing, or is not such an array.
    """
    try:
        trace = np.load(base / (utterance.trace or ""), allow_pickle=False)
    except (OSError, ValueError):
        raise CorpusError(f"{utterance.trace}: missing, or no array of labels") from None
    if trace.ndim != 2 or trace.shape[1] != 2:
        raise CorpusError(f"{utterance.trace}: not an array of arousal and valence, (frames, 2)")
    return np.asarray(trace, dtype=np.float32)


def _known(found: Utterance, options: AnyOptions, labels: str) -> Utterance | Problem:
    local = replace(found, id=found.id.partition("/")[2], corpus="")
    if local.emotion is not None or (local.emotion_raw is None and local.trace is not None):
        return local
    if labels and local.emotion_raw is None and not local.raters:
        return Problem(
            f"{labels}, '{local.id}'", "no emotion; write a line with the utterance and its emotion"
        )
    return complete(local, found.file, options)


def _without_emotions(path: Path, items: Sequence[Utterance | Problem], labels: str) -> Problem | None:
    """Refuse a list that can't hold emotions, or of which none of the utterances has one.

    Args:
        path: the list.
        items: what it holds.
        labels: name of the file beside it that would hold the labels; empty if there is none.
    """
    utterances = [item for item in items if isinstance(item, Utterance)]
    if not utterances or any(
        each.emotion or each.emotion_raw or each.raters or each.trace for each in utterances
    ):
        return None
    fact = f"none of its {len(utterances)} entries has an emotion; "
    fact += f"write each utterance and its emotion as a line into {labels}, or " if labels else ""
    fact += "write a table with columns file and emotion"
    if any(each.start is not None for each in utterances):
        fact += (
            " (and start and end), or, if the entries are turns of speakers, use them with `sercli prepare "
            f"folder FOLDER --segments {path.name}` or `sercli predict MODEL FILE --segments {path.name}`"
        )
    return Problem(path.name if path.is_file() else ".", fact)


def _below(path: Path, text: str) -> str:
    """Remove the folder of a list from a text that begins with a place in that folder."""
    if path.is_dir() and text.startswith(f"{path}: "):
        return text.replace(str(path), ".", 1)
    folder = path if path.is_dir() else path.parent
    return text.removeprefix(str(folder / "_")[:-1])  # "a/" of a, nothing of the current folder


CORPUS = Corpus(
    parse,
    title="A corpus that another tool's list describes",
    source="the user's own",
    licence="unknown; ask the owner of the recordings",
    layout="a list of audformat, audiofolder, EmoBox, Kaldi, lhotse, nkululeko, SpeechBrain or sercli itself",
    options=TableOptions,
    read_trace=read_trace,
    cuts=True,
    any_name=True,
    takes_file=True,
)
