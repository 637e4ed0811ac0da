"""JL-Corpus: four speakers, ten emotions, New Zealand English.

A file name is speaker, emotion, sentence, session: ``female1_angry_10a_1``. Five emotions are primary (anger,
excitement, happiness, neutral, sadness), five secondary. The words are in a text file beside each recording.
Copies also have folders with annotated subsets of the same recordings; each recording is used once.

Source: James et al., An Open Source Emotional Speech Corpus for Human Robot Interaction Applications,
Interspeech 2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import find_tables, read_named
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme, keep

_EMOTIONS = {
    "angry": "anger",
    "anxious": "anxiety",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "concerned": "concern",
    "encouraging": "encouragement",
    "excited": "excitement",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
}
_SPEAKERS = ("female1", "female2", "male1", "male2")
_NAME = re.compile(
    rf"({'|'.join(_SPEAKERS)})_({'|'.join(_EMOTIONS)})_((?:[1-9]|1[0-5])[ab])_([12])", re.ASCII
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, with their words."""
    texts = find_tables(root, lambda name: name.endswith(".txt") and from_name(name[:-4]) is not None)
    words = {path.stem: path.read_text(encoding="utf-8-sig", errors="replace").strip() for path in texts}
    return read_named(root, from_name, "a JL-Corpus file name such as female1_angry_10a_1.wav", words=words)


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, emotion, sentence, session = match.groups()
    return Utterance(
        id=f"jl-corpus/{stem}",
        corpus="jl-corpus",
        file="",
        speaker=speaker,
        gender=speaker[:-1],
        session=f"{speaker}_{session}",
        style="scripted",
        # It is not known which emotions have the same sentences.
        text_id=f"{emotion}_{sentence}",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="JL-Corpus, emotional speech for human-robot interaction",
    source="James et al., Interspeech 2018",
    licence="CC0 or ODC-By, as different lists state; read the page of the provider",
    layout="Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.wav",
    utterances=2400,
    hours=1.41,
    language="New Zealand English",
    known={
        "emotion": dict.fromkeys(_EMOTIONS.values(), 240),
        "gender": {"female": 1200, "male": 1200},
        "speaker": dict.fromkeys(_SPEAKERS, 600),
    },
    from_name=from_name,
    inner=("JL(wav+txt)",),
    origin="its authors, https://github.com/tli725/JL-Corpus",
    shares={"texts": "every speaker reads the same sentences"},
    schemes=(
        Scheme("jl-corpus-10", "jl-corpus", keep(*_EMOTIONS.values())),
        Scheme("jl-corpus-5", "jl-corpus", FOUR | keep("excitement")),
        Scheme("jl-corpus-4", "jl-corpus", FOUR),
    ),
)
