"""A stand-in of IEMOCAP's improvised turns: its sessions, speakers and classes, random features.

What a GPU is measured on: as many utterances as the schemes select, in every class, session and speaker as
many as are published, of lengths from 0.6 to 34 s, 4.5 s on average.
"""

from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from statistics import NormalDist

import numpy as np

from sercli.audio import SAMPLE_RATE
from sercli.data.items import count_samples
from sercli.records import Utterance
from sercli.runs.config import RunConfig
from sercli.schemes import Scheme
from sercli.store import FeatureStore
from sercli.training.plan import Plan, open_stores
from sercli.workspace import Workspace

SHORTEST, LONGEST = 0.6, 34.0  # seconds

# The logarithm of seconds, cut off at these limits: a median of 3.7 s, a deviation of 3.1 s.
_LENGTHS = NormalDist(1.3105, 0.62)
_QUICK = 40  # utterances, about


def make_plan(config: RunConfig, folder: Path, quick: bool) -> Plan:
    """Plan a run on the stand-in, its features in the stores.

    Args:
        config: settings, complete, of a scheme of IEMOCAP's.
        folder: an empty one, for the workspace.
        quick: a few utterances instead of all.
    """
    scheme = config.scheme
    utterances = _utterances(scheme, quick)
    selection = scheme.select(utterances)
    plan = Plan(
        config=config,
        workspace=Workspace(folder),
        manifest_sha256="0" * 64,
        utterances={utterance.id: utterance for utterance in utterances},
        selection=selection,
        folds=tuple(config.protocol.divide(utterances, selection.labels)),
        chosen=(1,),
        seeds=(0,),
    )
    for store in open_stores(plan):
        _fill(store, utterances)
    return plan


def durations(count: int) -> list[float]:
    """Return rising lengths in seconds: evenly spaced quantiles, from the shortest to the longest."""
    least, most = (_LENGTHS.cdf(log(seconds)) for seconds in (SHORTEST, LONGEST))
    return [exp(_LENGTHS.inv_cdf(float(share))) for share in np.linspace(least, most, count)]


def _utterances(scheme: Scheme, quick: bool) -> list[Utterance]:
    """Make utterances whose class, speaker and length have nothing to do with each other."""
    random = np.random.default_rng(0)
    # Where the speakers are not published, each session's two take half of it.
    speakers = _each(scheme.known.get("speaker") or _halves(scheme.known["session"]))
    emotions = random.permutation(_each(scheme.known["class"]))
    lengths = random.permutation(durations(len(speakers)))
    every = [
        Utterance(
            id=f"iemocap/{number}",
            corpus="iemocap",
            file="",
            sha256=f"{number:064x}",
            duration=round(float(seconds) * SAMPLE_RATE) / SAMPLE_RATE,
            sample_rate=SAMPLE_RATE,
            speaker=speaker,
            gender="female" if speaker.endswith("F") else "male",
            session=speaker[:-1],
            style="improvised",
            emotion=str(emotion),
        )
        for number, (speaker, emotion, seconds) in enumerate(zip(speakers, emotions, lengths, strict=True))
    ]
    return every[:: len(every) // _QUICK] if quick else every


def _each(counts: Mapping[str, int]) -> list[str]:
    """Write each name as often as it is counted."""
    return [name for name, count in counts.items() for _ in range(count)]


def _halves(sessions: Mapping[str, int]) -> dict[str, int]:
    return {
        f"{session}{letter}": half
        for session, count in sessions.items()
        for letter, half in (("F", count // 2), ("M", count - count // 2))
    }


def _fill(store: FeatureStore, utterances: Sequence[Utterance]) -> None:
    """Write random features, each of as many frames as the utterance's would be."""
    random = np.random.default_rng(1)
    with store.writing() as writer:
        for utterance in utterances:
            frames = store.feature.count_frames(count_samples(utterance), store.config)
            made = random.standard_normal((*store.shape, frames), np.float32)
            writer.append(store.key(utterance), made)
