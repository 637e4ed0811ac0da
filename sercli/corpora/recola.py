"""RECOLA: spontaneous French speech of pairs who solve a task, with continuous arousal and valence.

Two releases are read. In the full database a recording is ``RECOLA-Audio-recordings/P16.wav``,
and six raters' curves are in ``RECOLA-Annotation/emotional_behaviour/arousal/P16.csv``. In the release
of the AVEC challenges of 2015 and 2016 a recording is ``recordings_audio/train_1.wav``, with a gold standard
in ``ratings_gold_standard/arousal/train_1.arff`` and the raters' curves in ``ratings_individual``. The labels
of its test part were never released. Some copies have centred curves of the raters in
``ratings_individual_centred``; these are read if the curves as released are missing.

Source: Ringeval et al., Introducing the RECOLA Multimodal Corpus of Remote Collaborative and
Affective Interactions, FG 2013, EmoSPACE workshop.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from sercli.corpora import Corpus, ReaderConfig, Trace, _ratings, audio_files, find_base, list_names, place_of
from sercli.errors import CorpusError, DivisionError
from sercli.protocols import Protocol
from sercli.protocols.groups import fold_of, groups_of
from sercli.records import Fold, Problem, Utterance

_DIMENSIONS = ("arousal", "valence")
# The labelled recordings of AVEC. The number in the full database depends on the copy.
_AVEC = tuple(f"recola/{part}_{number}" for part in ("dev", "train") for number in range(1, 10))
# Suffix of the folder of centred ratings, after the name of the folder of the ratings as released.
_CENTRED = ("_centred", "_centered", "-centred", "-centered", "/centred", "/centered")


class RecolaConfig(ReaderConfig):
    """Settings of the continuous labels of RECOLA."""

    gold: Literal["auto", "file", "raters"] = "auto"
    """Gold standard: file (as released), raters (their mean), auto (as released if there is one)."""
    centring: _ratings.Centring = "agreement"
    """Shift of the raters' curves before their mean is computed: agreement moves all curves to one centre,
    the mean of the raters weighted by their agreement with the others; none does not move them."""
    lag_s: float = Field(0.0, ge=0, le=10)
    """Reaction time of the raters in seconds; the labels are moved back by this time."""


_DEFAULTS = RecolaConfig()


@dataclass(frozen=True, slots=True)
class _Release:
    """Folders of a release's files; upper and lower case do not matter."""

    recordings: str
    name: re.Pattern[str]
    example: str
    raters: str
    gold: str | None = None


_RELEASES = (
    _Release(
        "RECOLA-Audio-recordings",
        re.compile(r"P\d+", re.ASCII),
        "P16.wav",
        "RECOLA-Annotation/emotional_behaviour",
    ),
    _Release(
        "recordings_audio",
        re.compile(r"(?:train|dev|test)_\d+", re.ASCII),
        "train_1.wav",
        "ratings_individual",
        "ratings_gold_standard",
    ),
)


def parse(root: Path, options: RecolaConfig = _DEFAULTS) -> Iterator[Utterance | Problem]:
    """Yield the recordings of either release, sorted by file name, each with its rating file.

    The release may also be in the only sub-folder of ``root`` that holds one.
    """
    base = find_base(root, lambda folder: bool(_releases(folder)))
    if isinstance(base, Problem):
        yield base
    elif base is not None:
        releases = _releases(base)
        if len(releases) > 1:
            # It is not known which of their recordings are the same.
            both = " and ".join(release.recordings for release in releases)
            yield Problem(
                place_of(base, root), f"both releases of the corpus ({both}); give the folder of one"
            )
            return
        yield from _parse_release(root, base, releases[0], options)


def read_trace(root: Path, utterance: Utterance, options: RecolaConfig = _DEFAULTS) -> Trace:
    """Read arousal and valence of a recording, (frames, 2), a row every 40 ms from its start.

    Raises:
        CorpusError: a rating file is missing or damaged, or the two files have different times.
    """
    if utterance.trace is None:
        raise CorpusError(f"{utterance.file}: has no rating file")
    arousal = root / utterance.trace
    folder = arousal.parent.parent
    files = (arousal, _find(folder, f"valence/{arousal.name}") or folder / "valence" / arousal.name)
    places = [place_of(path, root) for path in files]
    ratings = [_ratings.read(path, place) for path, place in zip(files, places, strict=True)]
    spans = np.array([rating.times[[0, -1]] for rating in ratings])
    if np.abs(spans[0] - spans[1]).max() > 1e-3:
        covered = [f"{place}: covers {a:g} to {b:g} s" for place, (a, b) in zip(places, spans, strict=True)]
        raise CorpusError(f"{covered[1]}, but {covered[0]}")
    frames = _ratings.count_frames(ratings[0].times)
    curves = [
        _ratings.sample(
            rating.times, _ratings.gold_standard(rating.values, options.centring), frames, options.lag_s
        )
        for rating in ratings
    ]
    return np.stack(curves, axis=1).astype(np.float32)


def _parse_release(
    root: Path, base: Path, release: _Release, options: RecolaConfig
) -> Iterator[Utterance | Problem]:
    folder = _find(base, release.recordings)
    if folder is None:
        return
    where, suffix = release.gold, ".arff"
    files = {} if where is None else _rating_files(base, where, suffix)
    if options.gold == "file" and where is None:
        yield Problem(place_of(folder, root), "this release has no gold standard; choose gold=raters")
        return
    if options.gold == "raters" or (options.gold == "auto" and not any(files.values())):
        where, suffix = release.raters, ".csv"
        files = _rating_files(base, where, suffix)
        for ending in _CENTRED if not any(files.values()) else ():
            centred = _rating_files(base, release.raters + ending, suffix)
            if any(centred.values()):
                where, files = release.raters + ending, centred
                break
    recorded = set()
    for path in audio_files(folder):
        name, place = path.stem, place_of(path, root)
        recorded.add(name)
        missing = [dimension for dimension in _DIMENSIONS if name not in files[dimension]]
        if not release.name.fullmatch(name):
            yield Problem(place, f"not a RECOLA recording such as {release.example}")
        elif name.startswith("test_") and len(missing) == len(_DIMENSIONS):
            yield Problem(place, "no labels: those of the test part were not released", harmless=True)
        elif missing:
            lacking = " and ".join(f"{where}/{dimension}/{name}{suffix}" for dimension in missing)
            yield Problem(place, f"no ratings: {lacking} missing")
        else:
            yield _read_recording(root, path, [files[dimension][name] for dimension in _DIMENSIONS], options)
    for dimension in _DIMENSIONS:
        for name in sorted(set(files[dimension]) - recorded):
            yield Problem(
                place_of(files[dimension][name], root),
                f"ratings without a recording: {release.recordings}/{name}.wav is missing",
                harmless=release.gold is not None,  # the number of recordings in AVEC is known
            )


def _read_recording(
    root: Path, path: Path, ratings: list[Path], options: RecolaConfig
) -> Utterance | Problem:
    try:
        method = _method(root, ratings, options)
    except CorpusError as error:
        place, _, fact = str(error).partition(": ")
        return Problem(place, fact)
    return Utterance(
        id=f"recola/{path.stem}",
        corpus="recola",
        file=place_of(path, root),
        speaker=path.stem,
        style="improvised",
        trace=place_of(ratings[0], root),
        trace_method=f"{method}; lag {options.lag_s:g} s",
    )


def _method(root: Path, ratings: list[Path], options: RecolaConfig) -> str:
    """Describe the making of the gold standard."""
    if ratings[0].suffix.lower() == ".arff":
        return "gold standard of the release"
    arousal, valence = (_ratings.count_raters(path, place_of(path, root)) for path in ratings)
    raters = (
        f"{arousal} raters" if arousal == valence else f"{arousal} (arousal) and {valence} (valence) raters"
    )
    if _ratings.is_centred(ratings[0]):
        return f"mean of {raters}, whose curves are centred in this copy"
    if options.centring == "none":
        return f"mean of {raters}"
    return f"mean of {raters}, each centred on the agreement-weighted mean of all (AVEC 2016)"


def _rating_files(base: Path, place: str, suffix: str) -> dict[str, dict[str, Path]]:
    """Find the rating files, by dimension and recording."""
    found: dict[str, dict[str, Path]] = {}
    for dimension in _DIMENSIONS:
        folder = _find(base, f"{place}/{dimension}")
        paths = [] if folder is None else [folder / name for name in list_names(folder)]
        # The folder of centred ratings also holds their mean, gs_train_1.csv.
        found[dimension] = {
            path.stem: path
            for path in paths
            if path.suffix.lower() == suffix and not path.name.lower().startswith("gs_")
        }
    return found


def _release_of(utterances: Sequence[Utterance]) -> Corpus:
    """Return the known facts about the release; that of AVEC has 18 labelled recordings."""
    if not {utterance.id for utterance in utterances} & set(_AVEC):
        return CORPUS
    return replace(CORPUS, utterances=len(_AVEC), ids=_AVEC)


def _releases(folder: Path) -> list[_Release]:
    return [release for release in _RELEASES if _find(folder, release.recordings)]


def _find(folder: Path, place: str) -> Path | None:
    """Find a path below a folder; upper and lower case do not matter."""
    for part in place.split("/"):
        near = [name for name in list_names(folder) if name.lower() == part.lower()]
        if not near:
            return None
        folder /= part if part in near else near[0]
    return folder


@dataclass(frozen=True, slots=True)
class _FiveFolds:
    """Five folds of recordings: half of the held-out ones for development, the other half tested.

    Women and men are distributed evenly if the gender is known; the releases do not state it.

    Attributes:
        alternating: whether the two halves change places from fold to fold.
    """

    alternating: bool = True

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the folds, each named by its test recordings.

        Raises:
            DivisionError: fewer than ten recordings, so that a fold has none to divide.
        """
        speakers = groups_of(utterances, labels, protocol)
        if len(speakers) < 10:
            raise DivisionError(f"{protocol} needs ten recordings or more, found {len(speakers)}")
        genders = {utterance.speaker: utterance.gender or "" for utterance in utterances}
        dealt = sorted(speakers, key=lambda speaker: (genders[speaker], _natural(speaker)))
        folds = []
        for start in range(5):
            held_out = dealt[start::5]
            # Names are sorted, so one half is AVEC's dev recordings and the other its train ones.
            if self.alternating and start % 2:
                held_out = held_out[::-1]
            half = len(held_out) // 2
            dev, test = held_out[:half], held_out[half:]
            name = f"recordings {' '.join(sorted(test, key=_natural))}"
            folds.append(fold_of(name, utterances, labels, dev, test))
        return folds


def _natural(name: str) -> list[tuple[int, str]]:
    """Order P9 before P16."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


# AVEC's 18 recordings make folds of 4, 4, 4, 3 and 3.
# Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 4.2.1 and
# 4.2.4.
# Open in the paper: we do not have its tables 1 and 2, which list the recordings of each fold. We infer three
# facts. Recordings are distributed to folds in order of name. The second half of the first fold is tested,
# then the first half of the next fold, and so on, so that both AVEC's dev and train recordings are tested.
# Of three recordings, two are tested. If you have the lists, use ``lists:PATH``.
_FIVE = Protocol(
    "recola-5-fold",
    _FiveFolds(),
    version=2,
    speaker_independent=True,
    has_dev=True,
    description=(
        "five folds of recordings: four are the training part; "
        "half of the fifth is the dev part, half is tested"
    ),
    corpus="recola",
    papers={"recola": "DiCCOSER: CCC of a fold's test frames joined, averaged over the five folds"},
    earlier={1: _FiveFolds(alternating=False)},
)

CORPUS = Corpus(
    parse,
    title="RECOLA, Remote Collaborative and Affective Interactions (arousal and valence at 25 Hz)",
    source="Ringeval et al., FG 2013 EmoSPACE workshop",
    licence="licensed by the University of Fribourg for research; ask for it there",
    language="French",
    layout="RECOLA-Audio-recordings/P16.wav or, from AVEC, recordings_audio/train_1.wav",
    origin="the University of Fribourg, https://diuf.unifr.ch/main/diva/recola",
    release=_release_of,
    inner=("RECOLA-*", "recordings_audio", "ratings_*", "emotional_behaviour*"),
    options=RecolaConfig,
    read_trace=read_trace,
    protocols=(_FIVE,),
    default_protocol="recola-5-fold",
)
