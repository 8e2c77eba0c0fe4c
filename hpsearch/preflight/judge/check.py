"""The result of one check."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hpsearch.core.format import columns

CheckOutcome = Literal["passed", "failed", "skipped"]
Severity = Literal["error", "warning"]
Numbers = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    severity: of a failed check. An error stops the study from starting, a warning does not.
    evidence: the numbers. says: one sentence, with advice if the check failed. details: a traceback, or "".
    """

    name: str
    outcome: CheckOutcome
    says: str
    severity: Severity = "error"
    evidence: Numbers = field(default_factory=dict)
    details: str = ""

    @property
    def stops(self) -> bool:
        return self.outcome == "failed" and self.severity == "error"


def passed(name: str, says: str, evidence: Numbers | None = None) -> Check:
    return Check(name, "passed", says, evidence=evidence or {})


def failed(name: str, says: str, evidence: Numbers | None = None, details: str = "") -> Check:
    return Check(name, "failed", says, evidence=evidence or {}, details=details)


def warned(name: str, says: str, evidence: Numbers | None = None) -> Check:
    return Check(name, "failed", says, "warning", evidence or {})


def skipped(name: str, why: str) -> Check:
    return Check(name, "skipped", why)


MAX_NAMES = 5


def names_text(names: Iterable[str]) -> str:
    """`a, b, c, d, e and 3 more`."""
    found = list(names)
    left = len(found) - MAX_NAMES
    return ", ".join(found) if left <= 0 else f"{', '.join(found[:MAX_NAMES])} and {left} more"


def text(checks: Sequence[Check]) -> str:
    """One line per check, and the details below."""
    words = {"passed": "passed", "skipped": "skipped"}
    rows = [
        [words.get(check.outcome, "FAILED" if check.stops else "warning"), check.name, check.says] for check in checks
    ]
    return "\n".join([columns(rows), *(f"\n{check.details}" for check in checks if check.details)])
