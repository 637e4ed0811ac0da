"""Make a substitute of IEMOCAP's improvised turns: its sessions, speakers and classes, random features.

GPUs are measured on it. It has as many utterances as the schemes select, with the published numbers for every
class, session and speaker. Lengths are 0.6 to 34 s, 4.5 s on average.
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

# Distribution of the logarithm of seconds, cut off at these limits: median 3.7 s, deviation 3.1 s.
_LENGTHS = NormalDist(1.3105, 0.62)
_QUICK = 40  # approximate number of utterances


def make_plan(config: RunConfig, folder: Path, quick: bool) -> Plan:
    """Plan a run on the substitute, with its features in the stores.

    Args:
        config: complete settings with a scheme of IEMOCAP.
        folder: empty folder for the workspace.
        quick: whether to use a few utterances instead of all.
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
    """Make utterances whose class, speaker and length are independent of each other."""
    random = np.random.default_rng(0)
    # If the speakers are not published, the two speakers of a session have half of it each.
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
    """Repeat each name by its count."""
    return [name for name, count in counts.items() for _ in range(count)]


def _halves(sessions: Mapping[str, int]) -> dict[str, int]:
    return {
        f"{session}{letter}": half
        for session, count in sessions.items()
        for letter, half in (("F", count // 2), ("M", count - count // 2))
    }


def _fill(store: FeatureStore, utterances: Sequence[Utterance]) -> None:
    """Write random features with the number of frames that the utterance would have."""
    random = np.random.default_rng(1)
    with store.writing() as writer:
        for utterance in utterances:
            frames = store.feature.count_frames(count_samples(utterance), store.config)
            made = random.standard_normal((*store.shape, frames), np.float32)
            writer.append(store.key(utterance), made)
