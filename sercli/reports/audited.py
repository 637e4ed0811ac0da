"""What an audit of a run found, as whoever ran it hands it over: this layer runs none."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check answered: clean, leak, known or not checked, with the fact and why it is known."""

    check: str
    verdict: str
    fact: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit of a run.

    Attributes:
        checks: what each answered.
        why_not: why the audit could not be made, or was not.
    """

    checks: tuple[Checked, ...] = ()
    why_not: str | None = None

    @classmethod
    def of(cls, findings: Iterable[Mapping[str, Any]]) -> "Audited":
        """Take findings as plain types."""
        keys = ("check", "verdict", "fact", "reason")
        return cls(tuple(Checked(*(finding[key] for key in keys)) for finding in findings))

    @property
    def leaks(self) -> tuple[Checked, ...]:
        """The checks that found a leak."""
        return tuple(each for each in self.checks if each.verdict == "leak")

    @property
    def verdict(self) -> str:
        """The audit in a line."""
        if self.why_not is not None:
            return f"not audited: {self.why_not}"
        if self.leaks:
            return f"leak found: {', '.join(each.check for each in self.leaks)}"
        done = sum(each.verdict != "not checked" for each in self.checks)
        known = [each.check for each in self.checks if each.verdict == "known"]
        told = f"no leak found, {done} of {len(self.checks)} checks apply"
        return told + (f"; known to be shared: {', '.join(known)}" if known else "")

    @property
    def banners(self) -> tuple[str, ...]:
        """What must stand above every figure."""
        return tuple(f"Leak ({each.check}): {each.fact}. The figures are too good." for each in self.leaks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {"verdict": self.verdict, "checks": [asdict(each) for each in self.checks]}
