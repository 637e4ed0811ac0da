"""eNTERFACE'05: 42 people of 14 nations, six emotions without neutral, English, sound of films.

A file name is person, emotion, sentence: ``subject 1/anger/sentence 1/s1_an_1.avi``. The person is the
folder: the files of ``subject 11`` are called ``s12``, and some of ``subject 3`` ``s_3``. Each emotion has
five sentences of its own, so the words tell the emotion. Subject 6 is not cut into sentences and is left
out. Genders are not stated.

The films have to be converted to wav first, with their folders.

Source: Martin et al., The eNTERFACE'05 Audio-Visual Emotion Database, ICDEW 2006.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

_EMOTIONS = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
_NAME = re.compile(rf"s_?([1-9]\d?)_({'|'.join(_EMOTIONS)})_([1-5])(?:avi)?", re.ASCII)
_UNCUT = re.compile(rf"s_?6_({'|'.join(_EMOTIONS)})", re.ASCII)
_FOLDER = re.compile(r"subject[ _]?([1-9]\d?)", re.ASCII | re.IGNORECASE)
_PEOPLE = tuple(str(person) for person in range(1, 45) if person not in (6, 12))


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the sentences at any depth, sorted by name, without the long takes of subject 6."""
    example = "an eNTERFACE'05 file name such as subject 1/anger/sentence 1/s1_an_1.wav"
    return read_named(root, from_name, example, _name_of, leaves_out=_uncut, inner=CORPUS.inner)


def _uncut(path: Path) -> str | None:
    if _person(path) == "6" or _UNCUT.fullmatch(stem_of(path)):
        return "subject 6 is not cut into sentences"
    return None


def _person(path: Path) -> str | None:
    """Return the person that the innermost such folder names."""
    folders = (_FOLDER.fullmatch(folder) for folder in reversed(path.parts[:-1]))
    return next((match[1] for match in folders if match), None)


def _name_of(path: Path) -> str:
    """Replace the person in the name by the folder's, if a folder names one."""
    stem, person = stem_of(path), _person(path)
    match = _NAME.fullmatch(stem)
    return f"s{person}_{match[2]}_{match[3]}" if match and person else stem


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name such as ``s1_an_1``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    person, emotion, sentence = match.groups()
    return Utterance(
        id=f"enterface/s{person}_{emotion}_{sentence}",
        corpus="enterface",
        file="",
        speaker=person,
        style="scripted",
        text_id=f"{emotion}{sentence}",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="eNTERFACE'05, audio-visual emotions (sound)",
    source="Martin et al., The eNTERFACE'05 Audio-Visual Emotion Database, ICDEW 2006",
    licence="free for research",
    layout="subject 1/anger/sentence 1/s1_an_1.avi (or converted to wav)",
    utterances=1257,
    hours=1.0,
    language="English",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 210) | {"happiness": 207},
        # Person 23 has only two sentences of happiness.
        "speaker": dict.fromkeys(_PEOPLE, 30) | {"23": 27},
    },
    counts_from="a public list, without subject 6; copies differ",
    from_name=from_name,
    inner=("subject *", *_EMOTIONS.values(), "sentence *"),
    origin="its authors, http://www.enterface.net/enterface05",
    shares={"texts": "all people speak the same five sentences of each emotion"},
    schemes=(
        Scheme("enterface-6", "enterface", keep(*_EMOTIONS.values())),
        Scheme("enterface-3", "enterface", keep("anger", "happiness", "sadness")),
    ),
    default_protocol="speaker-5-fold",
)
