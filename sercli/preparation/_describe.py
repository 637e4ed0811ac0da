"""Describe the result of a preparation, as a record and as ``corpus.json``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Self

import sercli
from sercli import manifest
from sercli.corpora import Corpus
from sercli.errors import ManifestError
from sercli.preparation.counts import SchemeCounts
from sercli.protocols import usual_protocol
from sercli.raters import RaterCounts, count_raters
from sercli.records import Problem, Utterance
from sercli.schemes.targets import Target, rated_dimensions


def read_earlier(target: Path) -> dict[str, str]:
    """Return the hash of each utterance's audio by id, of an earlier preparation that can be read."""
    try:
        return {each.id: each.sha256 for each in manifest.read(target / "manifest.jsonl")}
    except (ManifestError, FileNotFoundError):
        return {}


@dataclass(frozen=True, slots=True)
class Replaced:
    """Utterances of an earlier preparation of the corpus.

    Attributes:
        before: earlier number of utterances.
        now: present number of utterances.
        gone: ids of utterances that no longer exist.
        changed: ids of utterances that have other audio now.
    """

    before: int
    now: int
    gone: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @classmethod
    def by(cls, utterances: Sequence[Utterance], earlier: Mapping[str, str]) -> Self:
        """Compare the ids of utterances with those of an earlier preparation, from `read_earlier`."""
        found = {utterance.id for utterance in utterances}
        return cls(len(earlier), len(found), tuple(sorted(earlier.keys() - found)))

    def with_audio(self, prepared: Sequence[Utterance], earlier: Mapping[str, str]) -> Self:
        """Also compare the audio, whose hashes are known once it is prepared."""
        changed = (each.id for each in prepared if earlier.get(each.id, each.sha256) != each.sha256)
        return replace(self, changed=tuple(sorted(changed)))

    @property
    def shrunk(self) -> str:
        """Describe the utterances that no longer exist; empty if there are none."""
        if not self.gone:
            return ""
        return (
            f"{len(self.gone)} of the {self.before} utterances that were prepared before are not among "
            f"these {self.now} ({_first(self.gone)})"
        )

    def __str__(self) -> str:
        facts = [self.shrunk] if self.gone else []
        if self.changed:
            facts.append(
                f"{len(self.changed)} of the {self.before} utterances that were prepared before have other "
                f"audio now ({_first(self.changed)})"
            )
        return "; ".join(facts)


def _first(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (" and others" if len(ids) > 3 else "")


@dataclass(frozen=True, slots=True)
class Preparation:
    """The result of a preparation.

    Attributes:
        corpus: name of the corpus in the workspace.
        entry: reader of the corpus, and known facts about it.
        path: path of the manifest.
        utterances: prepared utterances, as in the manifest.
        differences: differences from the released corpus, a line each.
        problems: files and lines that were left out.
        schemes: the selection of each scheme.
        resampled: number of files that were resampled or mixed down to mono.
        scaled: number of files that were scaled down to full scale.
        reused: number of files that an earlier preparation had made.
        settings: the chosen options of the corpus.
        replaced: the utterances of an earlier preparation.
        notice: a sentence that is printed with each result on this corpus.
    """

    corpus: str
    entry: Corpus
    path: Path
    utterances: tuple[Utterance, ...]
    differences: tuple[str, ...]
    problems: tuple[Problem, ...]
    schemes: tuple[SchemeCounts, ...]
    resampled: int
    scaled: int
    reused: int
    settings: dict[str, object]
    replaced: Replaced
    notice: str | None

    @property
    def hours(self) -> float:
        """Length of the prepared audio in hours."""
        return sum(utterance.duration for utterance in self.utterances) / 3600

    @property
    def spellings(self) -> dict[str, dict[str, int]]:
        """Count the spellings of each emotion, if the corpus has a different spelling."""
        counted = Counter(
            (u.emotion, u.emotion_raw)
            for u in self.utterances
            if u.emotion and u.emotion_raw not in (None, u.emotion)
        )
        spelled: dict[str, dict[str, int]] = {}
        for (noun, raw), count in sorted(counted.items(), key=str):
            spelled.setdefault(str(noun), {})[str(raw)] = count
        return spelled

    @property
    def ratings(self) -> dict[str, Any]:
        """Describe the ratings of utterances: their scale, if known, and range and mean by dimension."""
        found: dict[str, Any] = {}
        for name in rated_dimensions(self.utterances):
            target = Target(name)
            values = [value for u in self.utterances if (value := target.value(u)) is not None]
            if values:
                found[name] = {
                    "count": len(values),
                    "min": min(values),
                    "max": max(values),
                    "mean": round(fmean(values), 6),
                }
        scale: Any = self.settings.get("scale") or self.entry.scale
        return {"scale": scale and list(scale), "dimensions": found} if found else {}

    @property
    def protocol(self) -> str:
        """Protocol of a training that names none."""
        speakers = len({utterance.speaker for utterance in self.utterances} - {None})
        if self.entry.any_name:
            return usual_protocol(speakers)
        return self.entry.default_protocol

    @property
    def raters(self) -> RaterCounts | None:
        """Facts about the raters; ``None`` if the corpus has no labels of raters."""
        return count_raters(self.utterances)

    def to_dict(self) -> dict[str, object]:
        """Return the contents of ``corpus.json``."""
        raters = self.raters
        utterances = self.utterances
        return {
            "corpus": self.corpus,
            "title": self.entry.title,
            "source": self.entry.source,
            "licence": self.entry.licence,
            "notice": self.notice,
            "settings": self.settings,
            "protocol": self.protocol,
            "utterances": len(utterances),
            "expected": self.entry.utterances,
            "hours": round(self.hours, 4),
            "emotions": dict(sorted(Counter(u.emotion or "none" for u in utterances).items())),
            "spellings": self.spellings,
            **({"ratings": self.ratings} if self.ratings else {}),
            "raters": raters and asdict(raters),
            "speakers": dict(sorted(Counter(u.speaker or "none" for u in utterances).items())),
            "schemes": {
                scheme.name: {
                    "utterances": scheme.utterances,
                    **{f"by_{field}": dict(counts) for field, counts in scheme.counts.items()},
                    "left_out": dict(scheme.left_out),
                    "differences": list(scheme.differences),
                }
                for scheme in self.schemes
            },
            "differences": list(self.differences),
            "problems": [str(problem) for problem in self.problems],
            "resampled": self.resampled,
            "scaled": self.scaled,
            "sercli": sercli.__version__,
        }
