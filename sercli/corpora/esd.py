"""ESD: twenty speakers, 350 sentences in each language, five emotions, English and Mandarin.

A file name is speaker and number: ``0011_000351`` is speaker 0011. Speakers 0001 to 0010 speak Mandarin, 0011
to 0020 English. In every speaker, numbers 1 to 350 are neutral, 351 to 700 angry, 701 to 1050 happy, 1051 to
1400 sad and 1401 to 1750 surprised, each with the same sentences. A table by speaker, ``0011.txt``, gives the
words; the encodings of these tables differ.

The release divides each emotion of each speaker: the first 20 recordings are for evaluation (the dev part),
the next 30 are tested, and the others train. Each part has all speakers. Some copies have a folder for each.

Source: Zhou et al., Emotional Voice Conversion: Theory, Databases and ESD, Speech Communication 137, 2022.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import find_tables, read_named
from sercli.protocols import Protocol
from sercli.protocols.lists import ReleasedParts
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme, keep
from sercli.schemes.conditions import Condition

# In the order of the numbers.
_EMOTIONS = {
    "Neutral": "neutral",
    "Angry": "anger",
    "Happy": "happiness",
    "Sad": "sadness",
    "Surprise": "surprise",
}
_WORDS = tuple(_EMOTIONS)
_SENTENCES = 350
_DEV, _TEST = 20, 30
_MANDARIN = tuple(f"{speaker:04d}" for speaker in range(1, 11))
_ENGLISH = tuple(f"{speaker:04d}" for speaker in range(11, 21))
_WOMEN = frozenset({"0001", "0002", "0003", "0007", "0009", "0015", "0016", "0017", "0018", "0019"})
_NAME = re.compile(r"(00(?:0[1-9]|1\d|20))_00(\d{4})", re.ASCII)
_TABLE = re.compile(r"(00(?:0[1-9]|1\d|20))\.txt", re.ASCII)
_LINE = re.compile(r"(\d{4}_\d{6})\s+(\S[^\t]*)(?:\t.*)?", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, with their words if the tables are there."""
    words: dict[str, str] = {}
    unread: list[Problem] = []
    for path in find_tables(root, lambda name: _TABLE.fullmatch(name) is not None):
        lines = [line.strip() for line in _decode(path).splitlines() if line.strip()]
        matches = [_LINE.fullmatch(line) for line in lines]
        words |= {match[1]: match[2].strip() for match in matches if match}
        if bad := matches.count(None):
            fact = f"{bad} of {len(lines)} lines are not a name, a text and an emotion; ignored"
            unread.append(Problem(path.name, fact, harmless=True))
    elsewhere: list[str] = []
    for item in read_named(root, from_name, "an ESD file name such as 0011_000351.wav", words=words):
        if isinstance(item, Utterance) and _folder(item.file) not in (None, item.emotion_raw):
            elsewhere.append(item.file)
        yield item
    if elsewhere:
        fact = (
            f"its folder names another emotion than its number ({len(elsewhere)} files); the number is used"
        )
        yield Problem(elsewhere[0], fact, harmless=True)
    yield from unread


def _folder(file: str) -> str | None:
    """Return the emotion that the innermost folder of an emotion's name states."""
    names = [part.capitalize() for part in file.split("/")[:-1]]
    return next((name for name in reversed(names) if name in _EMOTIONS), None)


def _decode(path: Path) -> str:
    """Read a table, whose encoding is UTF-8, UTF-16, GB 2312 or Latin-1."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # GB 18030 contains GB 2312.
        encoding = "gb18030" if path.stem in _MANDARIN else "latin-1"
        return content.decode(encoding, errors="replace")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    number = int(match[2]) - 1 if match else -1
    if match is None or not 0 <= number < _SENTENCES * len(_WORDS):
        return None
    speaker, word = match[1], _WORDS[number // _SENTENCES]
    language = "zh" if speaker in _MANDARIN else "en"
    return Utterance(
        id=f"esd/{stem}",
        corpus="esd",
        file="",
        speaker=speaker,
        gender="female" if speaker in _WOMEN else "male",
        style="scripted",
        text_id=f"{language}{number % _SENTENCES + 1:03d}",
        part=_part(number % _SENTENCES),
        emotion_raw=word,
        emotion=_EMOTIONS[word],
    )


def _part(number: int) -> str:
    """Return the part of the release by the number of a recording within its emotion, from 0."""
    return "dev" if number < _DEV else "test" if number < _DEV + _TEST else "train"


_FIVE = keep(*_EMOTIONS.values())

CORPUS = Corpus(
    parse,
    title="ESD, Emotional Speech Database",
    source="Zhou et al., Speech Communication 137, 2022",
    licence="for research, after a signed form",
    layout="0011/Angry/0011_000351.wav, and 0011/0011.txt for the words",
    utterances=35000,
    hours=29.07,
    language="English and Mandarin",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 7000),
        "gender": {"female": 17500, "male": 17500},
        "speaker": dict.fromkeys(_MANDARIN + _ENGLISH, 1750),
    },
    from_name=from_name,
    inner=(*_MANDARIN, *_ENGLISH, *_EMOTIONS, "train", "evaluation", "test"),
    origin="the National University of Singapore, https://hltsingapore.github.io/ESD",
    shares={"texts": "all speakers of a language speak the same 350 sentences"},
    schemes=(
        Scheme("esd-5", "esd", _FIVE),
        Scheme("esd-5-english", "esd", _FIVE, selection=(Condition("speaker", _ENGLISH),)),
        Scheme("esd-5-mandarin", "esd", _FIVE, selection=(Condition("speaker", _MANDARIN),)),
        Scheme("esd-4", "esd", FOUR),
    ),
    protocols=(
        Protocol(
            "esd-official",
            ReleasedParts(),
            version=1,
            speaker_independent=False,
            has_dev=True,
            description="the parts of the release, not speaker independent: all speakers are in each part",
            corpus="esd",
            scheme="esd-5",
            shares={"speakers": "the release divides the recordings of each speaker"},
        ),
    ),
    default_protocol="speaker-5-fold",
)
