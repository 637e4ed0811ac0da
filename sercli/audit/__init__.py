"""What leaks between train, dev and test: one file per kind of check.

A check looks at one division and answers with a `Finding`: *clean*, *leak*, *known* (a property of
the protocol or the corpus that its authors state or that can't be otherwise) or *not checked*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sercli.records import Utterance

PARTS = ("train", "dev", "test")


class Verdict(StrEnum):
    """What a check answers, the gravest first."""

    LEAK = "leak"
    KNOWN = "known"
    NOT_CHECKED = "not checked"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Item:
    """An utterance of a list.

    Attributes:
        utterance: with what is known of it, be it of the list or of the file's name.
        declared_speaker: the speaker as the list has it.
        path: where its audio lies, if it is at hand.
        seconds: how long its audio is, if that was read.
    """

    utterance: Utterance
    declared_speaker: str | None = None
    path: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Division:
    """One way of dividing utterances: a fold, or two or three lists.

    Attributes:
        name: of the fold.
        parts: items by part; a part that does not exist is empty.
        shares: what may be on both sides, by check, and why.
    """

    name: str
    parts: Mapping[str, Sequence[Item]]
    shares: Mapping[str, str] = field(default_factory=dict)

    @property
    def items(self) -> list[Item]:
        """All items."""
        return [item for part in PARTS for item in self.parts.get(part, ())]

    def pairs(self) -> list[tuple[str, str]]:
        """Name each two parts that both have items, the gravest first."""
        pairs = (("train", "test"), ("train", "dev"), ("dev", "test"))
        return [(a, b) for a, b in pairs if self.parts.get(a) and self.parts.get(b)]


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a check.

    Attributes:
        check: its name.
        verdict: clean, leak, known or not checked.
        fact: what was found, with numbers.
        examples: a few of the utterances or values that it rests on.
        reason: why a known property is one.
        divisions: in how many divisions the verdict is this one.
        weight: of findings of one verdict the heavier is the graver.
    """

    check: str
    verdict: Verdict
    fact: str
    examples: tuple[str, ...] = ()
    reason: str | None = None
    divisions: int = 1
    weight: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain types."""
        return {
            "check": self.check,
            "verdict": str(self.verdict),
            "fact": self.fact,
            "examples": list(self.examples),
            "reason": self.reason,
            "divisions": self.divisions,
        }


def judge(check: str, division: Division, fact: str, examples: Sequence[str], weight: int = 0) -> Finding:
    """Call what is on both sides a leak, unless it is known to be there."""
    shown = tuple(sorted(examples)[:3])
    reason = division.shares.get(check)
    verdict = Verdict.LEAK if reason is None else Verdict.KNOWN
    return Finding(check, verdict, fact, shown, reason, weight=weight)


def examine(divisions: Sequence[Division]) -> list[Finding]:
    """Run every check on every division; of each check the gravest finding is told.

    Where there is one part alone, nothing can be on both sides.
    """
    from sercli.audit.audio import same_audio
    from sercli.audit.labels import labels_by_speaker
    from sercli.audit.prefix import prefix_speakers
    from sercli.audit.shared import dialogs, segments, sessions, speakers, texts, utterances

    checks = (
        utterances,
        same_audio,
        segments,
        speakers,
        prefix_speakers,
        sessions,
        dialogs,
        texts,
        labels_by_speaker,
    )
    if not any(division.pairs() for division in divisions):
        fact = "everything trains and nothing is tested, so nothing can leak into a test"
        alone = gravest([labels_by_speaker(division) for division in divisions])
        return [Finding("parts", Verdict.NOT_CHECKED, fact), alone]
    return [gravest([check(division) for division in divisions]) for check in checks]


def gravest(findings: Sequence[Finding]) -> Finding:
    """Return the gravest of the findings of one check, and say in how many divisions it is so grave."""
    order = list(Verdict)
    worst = min(findings, key=lambda finding: (order.index(finding.verdict), -finding.weight))
    alike = sum(finding.verdict == worst.verdict for finding in findings)
    return replace(worst, divisions=alike)
