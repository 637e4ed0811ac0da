"""Recognise the columns that hold the fields of an utterance by their names.

Case, blanks, underscores, hyphens and dots of a column's name do not count: ``Speaker ID`` is
``speaker_id``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

SPELLINGS: dict[str, tuple[str, ...]] = {
    "file": (
        *("file", "path", "filename", "filepath", "audio", "wav", "audiofile", "audiopath", "audiofilepath"),
        *("audiofilename", "wavfile", "wavpath", "wavname", "wavfilename", "filelocation", "fullpath"),
        *("relativepath", "relpath", "fname", "soundfile", "recording", "recordingfile", "mediafile", "clip"),
        *("clippath", "clipname"),
    ),
    "emotion_raw": (
        *("emotion", "label", "emo", "emotions", "emotionlabel", "emolabel", "labels", "emoclass"),
        *("emotionclass", "emotioncategory", "emotionraw", "majoremotion", "class", "category", "target"),
    ),
    "id": (
        *("id", "key", "uttid", "utteranceid", "utterancename", "uttname", "uid", "segmentid", "segid"),
        *("clipid", "sampleid", "utterance"),
    ),
    "speaker": (
        *("speaker", "speakerid", "spk", "spkid", "spkr", "spkrid", "speakername", "actor", "actorid"),
        *("talker", "talkerid", "participant", "participantid", "subject", "subjectid", "clientid"),
    ),
    "gender": ("gender", "sex", "speakergender", "speakersex", "spkgender"),
    "session": ("session", "sessionid"),
    "dialog": ("dialog", "dialogue", "dialogid", "dialogueid", "conversation", "conversationid"),
    "style": ("style",),
    "text_id": ("textid", "sentenceid", "statement", "statementid"),
    "transcript": (
        *("transcript", "transcription", "text", "sentence", "words", "utterancetext", "utterance"),
    ),
    "intensity": ("intensity", "emotionintensity"),
    "start": (
        *("start", "starttime", "begin", "begintime", "starts", "starttimes", "startsec", "startseconds"),
        *("begins", "beginsec", "segmentstart", "segstart", "onset", "tmin", "startms", "beginms"),
        *("starttimems", "begintimems", "begintimessmsec", "begintimehhmmssms", "begintimemsec", "offset"),
    ),
    "end": (
        *("end", "endtime", "stop", "stoptime", "ends", "endtimes", "endsec", "endseconds", "stopsec"),
        *("segmentend", "segend", "tmax", "endms", "stopms", "endtimems", "endtimessmsec"),
        *("endtimehhmmssms", "endtimemsec"),
    ),
    "duration": (
        *("duration", "length", "dur", "durations", "durationsec", "durationseconds", "lengths", "lengthsec"),
        *("durationms", "lengthms", "durationssmsec", "durationhhmmssms", "durationmsec"),
    ),
    "sample_rate": ("samplerate", "samplingrate"),
    "valence": ("valence", "emoval"),
    "arousal": ("arousal", "activation", "emoact"),
    "dominance": ("dominance", "emodom"),
}
"""Spellings by field, the most certain first, each in the form that `simplify` returns."""

RATERS = "raters"
"""Field of the raters' labels, which one column holds, or a column for each rater."""
FURTHER_RATINGS = "ratings"
"""Field of ratings of further dimensions, which a column for each dimension holds."""
_OF_ALL_RATERS = frozenset({"raters", "annotators", "raterlabels", "raterslabels", "annotatorlabels"})
_OF_RATERS = ("rater", "annotator")
_NUMBERED_RATER = re.compile(
    r"(?:rater|annotator)(?:emotion|label)?(?:\d+|[a-rt-z])(?:emotion|label)?"  # raters is a plural
)

# Names of a column that names who labelled a row.
_WHO_LABELLED = tuple(
    f"{who}{kind}"
    for who in ("rater", "annotator", "worker", "evaluator", "coder", "labeler", "labeller")
    for kind in ("", "id", "name")
)

# Words in the names of columns of times, by field; camel case also separates words.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_UNIT = re.compile(r"((?:sample|frame)(?:s(?![a-z]))?)", re.IGNORECASE)
_TIME_WORDS = {
    "start": frozenset({"start", "begin", "onset", "offset", "beginn", "anfang"}),
    "end": frozenset({"end", "stop", "offset", "ende"}),
}
# Names that mean times only beside each other, because each may also mean something else.
_PAIRS = (
    *(("xmin", "xmax"), ("t0", "t1"), ("startpoint", "endpoint"), ("startpos", "endpos")),
    *(("timein", "timeout"), ("cuein", "cueout"), ("in", "out"), ("from", "to"), ("timefrom", "timeto")),
    *(("beginn", "ende"), ("anfang", "ende"), ("debut", "fin"), ("début", "fin")),
    *(("tsbegin", "tsend"), ("tsbegin", "tsfinish"), ("tsstart", "tsend")),
)
VAGUE = {"t0", "in", "from"}
"""First names of pairs whose whole numbers are not read as times: they may be ids, scores or years."""
# Units that such a name may end in, without which it is in seconds.
_PAIR_UNITS = ("", "s", "sec", "ms")


def simplify(name: str) -> str:
    """Return a column's name in small letters, with letters and digits only."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def fields_by_name(names: Iterable[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the column of each field, from the chosen columns or from columns with usual names.

    Args:
        names: the columns.
        chosen: column by field, as far as the user names it; case and blanks do not count here either. An
            empty name switches the field off.
    """
    by_name: dict[str, str] = {}
    exact = list(names)
    for name in exact:
        by_name.setdefault(simplify(name), name)
    fields: dict[str, str] = {}
    for field, spellings in SPELLINGS.items():
        if chosen and field in chosen:
            wanted = chosen[field]
            found = wanted if wanted in exact else by_name.get(simplify(wanted)) if wanted else None
        else:
            found = next((by_name[spelling] for spelling in spellings if spelling in by_name), None)
        if found is not None:
            fields[field] = found
    if not chosen or "end" not in chosen:
        _settle_offset(fields, by_name)
    return fields


def paired_times(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the columns of starts and ends whose names mean times only beside each other.

    Whether their values are times is open: `from` and `to` may be names.
    """
    by_name = {simplify(name): name for name in names}
    found = [
        (start + unit, end + unit)
        for start, end in _PAIRS
        if start != "xmin" or "ymin" not in by_name  # a box in an image
        for unit in _PAIR_UNITS
    ]
    return [(by_name[start], by_name[end]) for start, end in found if start in by_name and end in by_name]


def of_raters(column: str) -> Literal["all", "one", "perhaps"] | None:
    """Return whether a column's name means labels of all raters, or of one rater, such as ``rater_1``."""
    name = simplify(column)
    if name in _OF_ALL_RATERS:
        return "all"
    if not name.startswith(_OF_RATERS):
        return None
    return "one" if _NUMBERED_RATER.fullmatch(name) else "perhaps"


def names_rater(column: str) -> bool:
    """Return whether a column's name means that it names the rater of a row."""
    return simplify(column) in _WHO_LABELLED


def _settle_offset(fields: dict[str, str], by_name: Mapping[str, str]) -> None:
    """Decide whether an offset is an end (beside an onset) or a start (beside a duration)."""
    if "offset" not in by_name:
        return
    if simplify(fields.get("start", "")) == "onset" and "end" not in fields:
        fields["end"] = by_name["offset"]
    elif fields.get("start") == by_name["offset"] and "duration" not in fields:
        del fields["start"]


def in_milliseconds(column: str) -> bool:
    """Return whether a column's name means that its times are milliseconds."""
    name = simplify(column)
    return name.endswith(("timemsec", "durationmsec")) or (
        name.endswith("ms") and not name.endswith("hhmmssms")
    )


def in_samples(column: str) -> bool:
    """Return whether a column's name means that its times are numbers of samples or frames."""
    return not split_words(column).isdisjoint(("sample", "samples", "frame", "frames"))


def split_words(column: str) -> set[str]:
    """Return the words of a column's name in small letters.

    `start_sample`, `StartSample` and `startsample` have the same two.
    """
    return {word.casefold() for word in _WORDS.findall(_UNIT.sub(r" \1 ", column))}


def unread_times(columns: Iterable[str], fields: Mapping[str, str]) -> dict[str, str]:
    """Return columns that may hold a start or an end that no other column has, each with its field.

    Args:
        columns: columns of the table.
        fields: column by field, for the columns that are read.
    """
    found: dict[str, str] = {}
    halves = {field: {pair[place] for pair in _PAIRS} for place, field in enumerate(_TIME_WORDS)}
    for column in columns:
        # sercli's own name for the place of a cut file in its recording.
        if column in fields.values() or simplify(column) in ("sourcestart", "sourceend"):
            continue
        for field, words in _TIME_WORDS.items():
            half = simplify(column) in halves[field] and not halves.keys().isdisjoint(fields)
            if (half or words & split_words(column)) and field not in fields:
                found.setdefault(column, field)
    return found
