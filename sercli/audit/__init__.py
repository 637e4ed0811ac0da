"""Find leaks between train, dev and test.

A check examines one division and returns a `Finding`: *clean*, *leak*, *known* (a property of the protocol
or the corpus that its authors state or that can't be avoided) or *not checked*.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sercli.records import PARTS, Utterance


class Verdict(StrEnum):
    """The result of a check, the most serious first."""

    LEAK = "leak"
    KNOWN = "known"
    NOT_CHECKED = "not checked"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class ListedUtterance:
    """An utterance of a list.

    Attributes:
        utterance: the utterance, with facts from the list and from the file's name.
        declared_speaker: the speaker that the list states.
        path: path of its audio, if the file exists.
        seconds: length of its audio, if it was read.
    """

    utterance: Utterance
    declared_speaker: str | None = None
    path: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Division:
    """One way of dividing utterances: a fold, or two or three lists.

    Attributes:
        name: name of the fold.
        parts: items by part; a part that does not exist is empty.
        shares: reasons why parts may share something, by check.
        shares_of: for a union, such reasons of each corpus, by corpus and check.
        joined: whether the corpora are a union, so that speakers, sessions, dialogs and texts have the name
            of their corpus in front.
        no_speaker: what to do if utterances have no speaker; empty if it is not known.
    """

    name: str
    parts: Mapping[str, Sequence[ListedUtterance]]
    shares: Mapping[str, str] = field(default_factory=dict)
    shares_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    joined: bool = False
    no_speaker: str = ""

    @property
    def items(self) -> list[ListedUtterance]:
        """All items."""
        return [item for part in PARTS for item in self.parts.get(part, ())]

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of parts that both have items, the most serious first."""
        pairs = (("train", "test"), ("train", "dev"), ("dev", "test"))
        return [(a, b) for a, b in pairs if self.parts.get(a) and self.parts.get(b)]

    def reason(self, check: str, corpora: Collection[str]) -> str | None:
        """Return the reason why parts may share something of some corpora; ``None`` if one has no reason."""
        if check in self.shares:
            return self.shares[check]
        found = {corpus: self.shares_of.get(corpus, {}).get(check) for corpus in sorted(corpora)}
        if not found or None in found.values():
            return None
        return "; ".join(f"{corpus}: {reason}" for corpus, reason in found.items())


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes:
        check: name of the check.
        verdict: clean, leak, known or not checked.
        fact: the evidence, with numbers.
        examples: a few utterances or values as evidence.
        reason: reason for a known property.
        divisions: number of divisions with this verdict.
        weight: among findings with one verdict, the heavier is the more serious.
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


def judge(
    check: str,
    division: Division,
    fact: str,
    examples: Sequence[str],
    weight: int = 0,
    corpora: Collection[str] = (),
) -> Finding:
    """Report something that two parts share as a leak, or as known if the division gives a reason.

    Args:
        check: name of the check.
        division: the division.
        fact: the evidence.
        examples: what is shared.
        weight: as in `Finding`.
        corpora: corpora of what is shared.
    """
    shown = tuple(sorted(examples)[:3])
    reason = division.reason(check, corpora)
    verdict = Verdict.LEAK if reason is None else Verdict.KNOWN
    return Finding(check, verdict, fact, shown, reason, weight=weight)


def examine(divisions: Sequence[Division]) -> list[Finding]:
    """Run every check on every division; return the most serious finding of each check.

    With a single part, nothing can be shared.
    """
    from sercli.audit.shared import dialogs, same_audio, segments, sessions, speakers, texts, utterances
    from sercli.audit.speakers import labels_by_speaker, prefix_speakers

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
        fact = "all utterances are for training and none for testing, so nothing can leak into a test"
        labels = most_serious([labels_by_speaker(division) for division in divisions])
        return [Finding("parts", Verdict.NOT_CHECKED, fact), labels]
    return [most_serious([check(division) for division in divisions]) for check in checks]


def summarise(findings: Sequence[Finding]) -> str:
    """State in a line which checks found a leak, and whether speakers could be compared."""
    leaks = [finding.check for finding in findings if finding.verdict is Verdict.LEAK]
    if leaks:
        return f"{len(leaks)} of {len(findings)} checks found a leak: {', '.join(leaks)}"
    return "no leak found" if speakers_checked(findings) else "speakers not checked; otherwise no leak found"


def speakers_checked(findings: Sequence[Finding]) -> bool:
    """Return whether the speakers of the parts could be compared, as far as there are parts."""
    return not any(each.check == "speakers" and each.verdict is Verdict.NOT_CHECKED for each in findings)


def most_serious(findings: Sequence[Finding]) -> Finding:
    """Return the most serious finding of one check, with the number of divisions that have its verdict."""
    order = list(Verdict)
    worst = min(findings, key=lambda finding: (order.index(finding.verdict), -finding.weight))
    alike = sum(finding.verdict == worst.verdict for finding in findings)
    return replace(worst, divisions=alike)
