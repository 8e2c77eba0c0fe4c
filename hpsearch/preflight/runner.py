"""Between a pool and the first trial: whether the trainer can learn, and at which learning rates.

Workers measure (hpsearch.probes), recipe judges, the journal keeps what came of it: a study that goes on has the same
window, and is not tried again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.core import stopping
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import BadInput
from hpsearch.preflight.judge import checklist
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.learning_test import run_preflight, text
from hpsearch.preflight.range_test import run_range_test
from hpsearch.records.preflight_record import summary
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from hpsearch.workers.pools.base import Measurer

Say = Callable[[str], None]


class Refused(BadInput):
    """A preflight that failed: the study does not start."""


@dataclass(frozen=True)
class Tried:
    """documents: what was measured, by kind, as the journal keeps it. decisions: those that are to be recorded yet."""

    documents: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def with_document(self, kind: str, document: Mapping[str, Any], reason: str) -> "Tried":
        """And the decision that follows from it."""
        return replace(self, documents={**self.documents, kind: document}).with_decision(kind, reason)

    def with_decision(self, kind: str, reason: str) -> "Tried":
        decision = Decision(kind.replace("_", " "), reason, at=int(time.time() * 1000))
        return replace(self, decisions=(*self.decisions, decision))

    def searched(self, study: Study) -> Study:
        """The study over the window that the range test found, where its range is `auto`."""
        found = self.documents.get("lr_range")
        if not (found and found["auto"] and found["window"]):
            return study
        own = study.space[found["parameter"]]
        assert isinstance(own, Float)
        window = replace(own, low=found["window"]["low"], high=found["window"]["high"])
        return study.searching(study.space.narrowed({own.name: window}))


def try_out(study: Study, measurer: Measurer, before: Tried, say: Say, *, skip_preflight: bool = False) -> Tried:
    """Measure what the study asks for and `before` does not hold.

    Refused: the preflight failed. BadInput: a range is `auto`, and the range test finds none.
    """
    try:
        tried = _with_preflight(study, measurer, before, say, skip=skip_preflight)
        return _with_range_test(study, measurer, tried, say)
    except stopping.RAISED:
        say("broken off before the first trial: what is measured here is measured again by the next run")
        raise


def _with_preflight(study: Study, measurer: Measurer, before: Tried, say: Say, *, skip: bool) -> Tried:
    if study.preflight is None or "preflight" in before.documents:
        return before
    if skip:
        return before.with_decision("preflight", "skipped, as --skip-preflight asks for")
    say("preflight: trying whether the trainer can learn")
    checks, document = run_preflight(study, measurer)
    for check in checks:
        if check.outcome == "failed" and not check.stops:
            say(f"preflight: {check.name}: {check.says}")
    if checklist.stops(checks):
        raise Refused(_refusal(checks))
    say(f"preflight: {summary(document)}")
    return before.with_document("preflight", document, summary(document))


def _with_range_test(study: Study, measurer: Measurer, before: Tried, say: Say) -> Tried:
    if study.range_test is None or "lr_range" in before.documents:
        return before
    say(f"learning-rate range test of {study.range_test.parameter}")
    document = run_range_test(study, measurer)
    say(document["says"])
    return before.with_document("lr_range", document, document["says"])


def _refusal(checks: Sequence[Check]) -> str:
    return (
        f"preflight: the study does not start\n{text([one for one in checks if one.outcome == 'failed'])}\n"
        "put that right; or leave single checks out with preflight.skip, or all of them with --skip-preflight"
    )
