"""Define the protocols for any corpus, as data for the makers of this folder.

Protocols for one corpus are defined in the file of the corpus, ``corpora/<name>.py``.
"""

from collections.abc import Callable, Mapping, Sequence

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.protocols.groups import LeaveOneCorpusOut, LeaveOneGroupOut, LeaveOneOut
from sercli.protocols.random import SHARES, RandomParts
from sercli.records import Fold, Utterance


def _train_on_all(protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[Fold]:
    """Make one fold whose training part has all utterances that the scheme selects."""
    train = tuple(utterance.id for utterance in utterances if utterance.id in labels)
    if not train:
        raise ProtocolError(f"{protocol}: no utterance to train on; choose another scheme")
    return [Fold("all", train, (), ())]


_FIXED = (
    # With IEMOCAP's five sessions this is the 3/1/1 division of the DiCCOSER paper. The paper does not state
    # the session for validation; we use the next one.
    # Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 4.2.4.
    Protocol(
        "leave-one-session-out",
        LeaveOneOut("session"),
        version=1,
        speaker_independent=True,
        has_dev=True,
        description=(
            "each session is tested once; the next session is the dev part, the others are the training part"
        ),
        papers={"iemocap": "DiCCOSER: mean over the five folds"},
    ),
    # With ten speakers this is the 8/1/1 division of the MDCNN paper on EMO-DB. The paper does not state
    # the speaker for validation; we use the next one.
    # Source: Madanian et al., Scientific Reports 15:8254, 2025, section "Speaker-independent experiment".
    Protocol(
        "leave-one-speaker-out",
        LeaveOneOut("speaker"),
        version=1,
        speaker_independent=True,
        has_dev=True,
        description=(
            "each speaker is tested once; the next speaker is the dev part, the others are the training part"
        ),
        papers={"emodb": "MDCNN: mean UA over the ten folds"},
        shares={
            "sessions": "of two speakers who recorded together, one may train and the other be tested",
            "dialogs": "of two speakers who talk to each other, one may train and the other be tested",
        },
    ),
    # No part can select the epoch, so the last epoch counts.
    # Source: Li et al., An Attention Pooling based Representation Learning Method for Speech Emotion
    # Recognition, Interspeech 2018, section 3.1 (ten-fold on IEMOCAP, nine speakers train, one is tested).
    Protocol(
        "leave-one-speaker-out-no-dev",
        LeaveOneOut("speaker", dev=False),
        version=1,
        speaker_independent=True,
        has_dev=False,
        description="each speaker is tested once; all others are the training part; no dev part",
        papers={"iemocap": "attention pooling: the paper does not say whether pooled or mean over folds"},
        shares={
            "sessions": "the other speaker of the tested one's session trains",
            "dialogs": "the other speaker of the tested one's dialogs trains",
        },
    ),
    Protocol(
        "leave-one-corpus-out",
        LeaveOneCorpusOut(),
        version=1,
        speaker_independent=True,
        has_dev=True,
        tests_corpora=True,
        description=(
            "each corpus of a union is tested once; every fifth speaker of the others is the dev part, the "
            "rest is the training part"
        ),
    ),
    Protocol(
        "leave-one-corpus-out-no-dev",
        LeaveOneCorpusOut(dev=False),
        version=1,
        speaker_independent=True,
        has_dev=False,
        tests_corpora=True,
        description="each corpus of a union is tested once; the others are the training part; no dev part",
    ),
    # This is for a model to export, after its settings and its number of epochs were tried on folds: no part
    # here can select them.
    Protocol(
        "train-on-all",
        _train_on_all,
        version=1,
        speaker_independent=True,
        has_dev=False,
        tests_nothing=True,
        description=(
            "all utterances are the training part, NOTHING IS TESTED: for "
            "a model to share, after its settings were tested on folds"
        ),
    ),
)
PROTOCOLS = {protocol.base: protocol for protocol in _FIXED}
"""Protocols by name."""


def _random_k_fold(k: int) -> Protocol:
    """Return folds over random parts, which the ECA-CNN paper uses on IEMOCAP."""
    return Protocol(
        f"random-{k}-fold",
        RandomParts(k),
        version=1,
        speaker_independent=False,
        has_dev=False,
        description=f"{k} random parts of the utterances, not speaker independent",
        shares=SHARES,
    )


def _speaker_k_fold(k: int) -> Protocol:
    """Return folds over groups of speakers.

    Five groups of IEMOCAP's ten speakers are its five sessions: this is the speaker-independent
    counterpart of the ECA-CNN paper's random folds.
    """
    return Protocol(
        f"speaker-{k}-fold",
        LeaveOneGroupOut(k),
        version=1,
        speaker_independent=True,
        has_dev=True,
        description=(
            f"{k} groups of speakers: one is tested, the next "
            "is the dev part, the others are the training part"
        ),
    )


def _speaker_k_fold_no_dev(k: int) -> Protocol:
    """Return the folds of `_speaker_k_fold` in the same order, but add the dev part to the training part.

    They are for few speakers and a recipe that selects nothing: the last epoch counts.
    """
    return Protocol(
        f"speaker-{k}-fold-no-dev",
        LeaveOneGroupOut(k, dev=False),
        version=1,
        speaker_independent=True,
        has_dev=False,
        description=f"{k} groups of speakers: one is tested, all others are the training part; no dev part",
    )


def _stratified_k_fold(k: int) -> Protocol:
    """Return folds over random parts that have nearly the same number of utterances of each class."""
    return Protocol(
        f"stratified-{k}-fold",
        RandomParts(k, by_class=True),
        version=1,
        speaker_independent=False,
        has_dev=False,
        description=f"{k} random parts of the utterances, class by class, not speaker independent",
        shares=SHARES,
    )


NUMBERED: Mapping[str, Callable[[int], Protocol]] = {
    "random-k-fold": _random_k_fold,
    "speaker-k-fold": _speaker_k_fold,
    "speaker-k-fold-no-dev": _speaker_k_fold_no_dev,
    "stratified-k-fold": _stratified_k_fold,
}
"""Makers of protocols by name; a number replaces the k of the name."""
