"""The schemes of IEMOCAP with their known numbers, and the protocols of the papers that use it."""

from collections.abc import Mapping, Sequence

from sercli.errors import DivisionError
from sercli.protocols import Protocol
from sercli.protocols.groups import LeaveOneGroupOut, LeaveOneOut, fold_of, groups_of
from sercli.protocols.random import SHARES, RandomParts, WithRandomDev
from sercli.records import Fold, Utterance
from sercli.schemes import FOUR, Scheme, keep
from sercli.schemes.conditions import Condition
from sercli.schemes.targets import RATED, Target


def _by_session(*counts: int) -> dict[str, int]:
    return {f"Ses{number:02d}": count for number, count in enumerate(counts, 1)}


_IMPROVISED = (Condition("style", ("improvised",)),)
_EXCITED_IS_HAPPY = {"excitement": "happiness"}

_DIMENSIONS = tuple(map(Target, RATED))

TURNS = _by_session(1819, 1811, 2136, 2103, 2170)
"""Turns by session."""
# Of the four classes with excitement as happiness. With excitement as a class, the sessions have as many.
_MERGED = {
    "class": {"anger": 1103, "happiness": 1636, "neutral": 1708, "sadness": 1084},
    "session": _by_session(1085, 1023, 1151, 1031, 1241),
}

SCHEMES = (
    Scheme(
        "iemocap-impro4",
        "iemocap",
        FOUR,
        selection=_IMPROVISED,
        known={
            "class": {"anger": 289, "happiness": 284, "neutral": 1099, "sadness": 608},
            "session": _by_session(422, 393, 538, 370, 557),
            "speaker": {
                f"Ses{session:02d}{letter}": count
                for session, counts in enumerate(
                    ((217, 205), (185, 208), (264, 274), (149, 221), (298, 259)), 1
                )
                for letter, count in zip("FM", counts, strict=True)
            },
        },
    ),
    Scheme(
        "iemocap-impro4-merged",
        "iemocap",
        FOUR | _EXCITED_IS_HAPPY,
        selection=_IMPROVISED,
        known={
            "class": {"anger": 289, "happiness": 947, "neutral": 1099, "sadness": 608},
            "session": _by_session(521, 530, 627, 534, 731),
        },
    ),
    Scheme(
        "iemocap-impro4-excited",
        "iemocap",
        keep("anger", "excitement", "neutral", "sadness"),
        selection=_IMPROVISED,
        known={"class": {"anger": 289, "excitement": 663, "neutral": 1099, "sadness": 608}},
    ),
    Scheme("iemocap-4", "iemocap", FOUR | _EXCITED_IS_HAPPY, known=_MERGED),
    # Papers on emotions in conversations use these six, those on transfer the five. The counts are those of
    # the single emotions in the released labels.
    Scheme(
        "iemocap-6",
        "iemocap",
        FOUR | keep("excitement", "frustration"),
        known={
            "class": {
                "anger": 1103,
                "excitement": 1041,
                "frustration": 1849,
                "happiness": 595,
                "neutral": 1708,
                "sadness": 1084,
            }
        },
    ),
    Scheme(
        "iemocap-5",
        "iemocap",
        FOUR | keep("excitement"),
        known={
            "class": {"anger": 1103, "excitement": 1041, "happiness": 595, "neutral": 1708, "sadness": 1084},
            "session": _MERGED["session"],
        },
    ),
    Scheme("iemocap-dimensions", "iemocap", {}, targets=_DIMENSIONS, known={"session": TURNS}),
    Scheme("iemocap-4-dimensions", "iemocap", FOUR | _EXCITED_IS_HAPPY, targets=_DIMENSIONS, known=_MERGED),
)


def _actors_in_turn(protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make a fold per actor, named by the tested actor; the other actor of the session is for development.

    Raises:
        DivisionError: fewer than two sessions, or a session without exactly two speakers.
    """
    sessions = groups_of(utterances, labels, protocol, "session")
    if len(sessions) < 2:
        raise DivisionError(f"{protocol} needs two sessions or more, found {len(sessions)}")
    folds = []
    for session in sessions:
        here = [utterance for utterance in utterances if utterance.session == session]
        pair = groups_of(here, labels, protocol)
        if len(pair) != 2:
            raise DivisionError(f"{protocol}: session {session} has {len(pair)} speakers, not two")
        for test, dev in (pair, pair[::-1]):
            folds.append(fold_of(f"speaker {test}", utterances, labels, [dev], [test]))
    return folds


PROTOCOLS = (
    # Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Speaker-independent experiment".
    Protocol(
        "iemocap-impro4-speaker10",
        _actors_in_turn,
        version=1,
        speaker_independent=True,
        has_dev=True,
        description=(
            "four sessions are the training part; in the fifth, "
            "one actor is the dev part, the other is tested"
        ),
        corpus="iemocap",
        scheme="iemocap-impro4",
        papers={"iemocap": "MDCNN: mean UA over the ten folds"},
        shares={
            "sessions": "the development actor and the tested one recorded together",
            "dialogs": "the development actor and the tested one talk to each other",
        },
    ),
    # Source: the ECA-CNN paper (arXiv 2409.04007), section V-C.
    # Open in the paper: the draw (here: shuffled with seed 0, as scikit-learn's KFold does it).
    Protocol(
        "iemocap-impro4-merged-random5",
        RandomParts(5),
        version=1,
        speaker_independent=False,
        has_dev=False,
        description="five random parts of the utterances, excitement merged, not speaker independent",
        corpus="iemocap",
        scheme="iemocap-impro4-merged",
        papers={"iemocap": "ECA-CNN: the paper does not say whether pooled or mean over folds"},
        shares=SHARES,
    ),
    # Speaker-independent counterpart of the ECA-CNN paper's random folds; each pair of speakers is a session.
    Protocol(
        "iemocap-impro4-merged-speaker5",
        LeaveOneGroupOut(5),
        version=1,
        speaker_independent=True,
        has_dev=True,
        description="five pairs of actors: one is tested, the next is the dev part; excitement merged",
        corpus="iemocap",
        scheme="iemocap-impro4-merged",
    ),
    # Source: Yang et al., SUPERB, Interspeech 2021, and its toolkit s3prl, downstream/emotion: expert.py
    # (random_split with valid_ratio 0.2), er.sh (mean over the folds).
    # Departure: the draw is our own, shuffled with seed 0; the toolkit's depends on the order of its lists.
    Protocol(
        "iemocap-superb",
        WithRandomDev(LeaveOneOut("session", dev=False), 5),
        version=1,
        speaker_independent=False,
        has_dev=True,
        description=(
            "each session is tested once; a random fifth of the other four is the dev part and shares its "
            "speakers with the training part"
        ),
        corpus="iemocap",
        scheme="iemocap-4",
        papers={"iemocap": "SUPERB: mean WA over the five folds"},
        shares=dict.fromkeys(
            ("speakers", "sessions", "dialogs", "texts"),
            "the dev part is a random fifth of the training sessions; the tested session is apart",
        ),
    ),
)
