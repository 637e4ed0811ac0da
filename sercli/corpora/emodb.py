"""EMO-DB, the Berlin Database of Emotional Speech: ten actors, ten sentences, seven emotions, German.

A file name is speaker, sentence, emotion, version: ``03a01Fa.wav`` is speaker 03, sentence a01,
Freude, version a.

EMO-DB 2.0 adds the recordings whose emotion fewer than 80 % of the listeners recognised, and a laryngogram
of each recording. Published results use the classic 535 recordings, which are the default.

Source: Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.corpora import Corpus, ReaderConfig, usual_schemes
from sercli.corpora._alike import left_to_others
from sercli.corpora._named import find_tables, read_named
from sercli.records import Problem, Utterance

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])[a-z]")

_CLASSIC = 535
# Mark in the names of the authors' own copies; the published copies have no mark.
_MARK = "xx"
_ADDED_TABLE = "db.emotion.categories.ambiguous.csv"
_LARYNGOGRAMS = ("laryngo", "wav_laryng")
_LISTENERS = "erkennung.txt"

# The letter is the initial of the German word:
# Wut, Langeweile, Ekel, Angst, Freude, Trauer, and N for neutral.
_EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}

_WOMEN = frozenset({"08", "09", "13", "14", "16"})

_SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


class EmodbConfig(ReaderConfig):
    """Choices of a user who prepares EMO-DB."""

    ambiguous: bool = False
    """Include the recordings that EMO-DB 2.0 adds, whose emotion fewer than 80 % of listeners recognised."""

    @property
    def notice(self) -> str | None:
        """A sentence that is printed with each result if the ambiguous recordings are included."""
        if not self.ambiguous:
            return None
        return (
            "EMO-DB 2.0, with the recordings on whose emotion fewer than 80 % of listeners agreed: "
            f"results are not comparable with those on the classic {_CLASSIC}."
        )


_DEFAULTS = EmodbConfig()


def parse(root: Path, options: EmodbConfig = _DEFAULTS) -> Iterator[Utterance | Problem]:
    """Yield the utterances at any depth, sorted by file name.

    From EMO-DB 2.0 only the classic recordings are used, unless ``options.ambiguous`` is set.
    """
    judgements, unread = _read_listeners(_table(root, _LISTENERS))
    table = _table(root, _ADDED_TABLE)
    elsewhere = left_to_others(root, "emodb")

    def leaves_out(path: Path) -> str | None:
        return "laryngograms of EMO-DB 2.0" if path.parent.name in _LARYNGOGRAMS else elsewhere(path)

    example = "an EMO-DB file name such as 03a01Fa.wav"
    items = list(read_named(root, from_name, example, leaves_out=leaves_out, strict=True))
    found = [item for item in items if isinstance(item, Utterance)]
    added = _added(found, table)
    for utterance in found:
        if options.ambiguous or utterance.file not in added:
            judged = judgements.get(_name_of(utterance))
            yield replace(utterance, raters=(judged,) if judged else None)
    yield from (item for item in items if isinstance(item, Problem))
    if added and not options.ambiguous:
        yield Problem(
            _ADDED_TABLE if table else ".",
            f"EMO-DB 2.0: {len(added)} added recordings on which fewer than 80 % of listeners agreed; "
            "left out, add --set ambiguous=true to take them",
            harmless=True,
        )
    if not options.ambiguous and len(found) - len(added) > _CLASSIC:
        yield Problem(
            ".",
            f"{len(found) - len(added)} files, more than the classic {_CLASSIC}, and no table lists the "
            f"classic ones; add {_ADDED_TABLE}, or --set ambiguous=true to take all",
        )
    if unread:
        yield unread


def _table(root: Path, name: str) -> Path | None:
    return next(iter(find_tables(root, lambda found: found == name)), None)


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    name = stem.removesuffix(_MARK)
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Utterance(
        id=f"emodb/{name}",
        corpus="emodb",
        file="",
        speaker=match["speaker"],
        gender="female" if match["speaker"] in _WOMEN else "male",
        style="scripted",
        text_id=match["sentence"],
        transcript=_SENTENCES.get(match["sentence"]),
        emotion_raw=match["emotion"],
        emotion=_EMOTIONS[match["emotion"]],
    )


def _name_of(utterance: Utterance) -> str:
    return utterance.id.removeprefix("emodb/")


def _added(found: list[Utterance], table: Path | None) -> set[str]:
    """Return the files that EMO-DB 2.0 adds: by its table, or by the mark in their names."""
    marked = {u.file for u in found if PurePosixPath(u.file).stem.endswith(_MARK)}
    # If every name has the mark, it distinguishes nothing.
    if len(marked) == len(found):
        marked = set()
    if table is None:
        return marked
    with table.open(encoding="utf-8", errors="replace", newline="") as stream:
        files = [row.get("file") or "" for row in csv.DictReader(stream)]
    named = {PurePosixPath(file).stem.removesuffix(_MARK) for file in files}
    return marked | {u.file for u in found if _name_of(u) in named}


def _read_listeners(path: Path | None) -> tuple[dict[str, dict[str, Any]], Problem | None]:
    """Read the listening test: for each file, the percent of listeners who recognised it or found it natural.

    Returns:
        The listeners' judgement by file name without suffix; and a problem, if lines can't be read.
    """
    judgements: dict[str, dict[str, Any]] = {}
    unread: list[int] = []
    if path is None:
        return judgements, None
    for number, line in enumerate(path.read_text(encoding="latin-1").split("\n"), 1):
        # Without an argument, split also removes the no-break spaces that pad the columns.
        cells = line.split()
        try:
            name, recognised, natural = cells[0], *(float(cell.replace(",", ".")) for cell in cells[1:3])
            if not (0 <= recognised <= 100 and 0 <= natural <= 100):
                raise ValueError
        except (IndexError, ValueError):
            if cells and number > 1:  # the first line names the columns
                unread.append(number)
            continue
        judgements[PurePosixPath(name).stem.removesuffix(_MARK)] = {
            "rater": "listening test",
            "recognised": recognised,
            "natural": natural,
        }
    if not unread:
        return judgements, None
    more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
    fact = f"line {unread[0]}{more} is not a file name and two percentages; ignored"
    return judgements, Problem(path.name, fact, harmless=True)


CORPUS = Corpus(
    parse,
    title="EMO-DB, Berlin Database of Emotional Speech",
    source="Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005",
    licence="free to use",
    layout="wav/03a01Fa.wav",
    utterances=_CLASSIC,
    seconds=1487.09,
    hours=0.41,
    language="German",
    known={
        "emotion": {
            "anger": 127,
            "boredom": 81,
            "disgust": 46,
            "fear": 69,
            "happiness": 71,
            "neutral": 79,
            "sadness": 62,
        },
        "speaker": {
            "03": 49,
            "08": 58,
            "09": 43,
            "10": 38,
            "11": 55,
            "12": 35,
            "13": 61,
            "14": 69,
            "15": 56,
            "16": 71,
        },
    },
    options=EmodbConfig,
    from_name=from_name,
    inner=("lablaut", "silb", "labsilb", *_LARYNGOGRAMS),
    origin="its authors, http://emodb.bilderbar.info, under Download",
    shares={"texts": "every actor speaks the same ten sentences"},
    schemes=usual_schemes("emodb", _EMOTIONS.values()),
)
