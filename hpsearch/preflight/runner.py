"""Before the first trial: whether the trainer can learn, and at which learning rates.

Workers measure (preflight/measure/), pure functions judge (preflight/judge/), and the journal keeps the documents: a
study that is continued has the same range of rates, and is not measured again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.core import stopping
from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import BadInput
from hpsearch.preflight.judge.check import text
from hpsearch.preflight.learning_test import LearningTest, run_learning_test
from hpsearch.preflight.range_test import RangeTest, run_range_test
from hpsearch.records.preflight_record import summary
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from hpsearch.workers.pools.base import Measurer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Preflight:
    """Of one study. range_test: None where the study asks for none, or cannot learn."""

    study: str
    learning: LearningTest
    range_test: RangeTest | None

    def documents(self) -> dict[str, Any]:
        """By kind, as they are recorded."""
        found = {"lr_range": self.range_test.document()} if self.range_test else {}
        return {"preflight": self.learning.document(), **found}

    def document(self) -> dict[str, Any]:
        documents = self.documents()
        return {"study": self.study, "preflight": documents["preflight"], "lr_range": documents.get("lr_range")}


def run_preflight(study: Study, measurer: Measurer) -> Preflight:
    """All checks, and the learning-rate range test where the study asks for one. BadInput: as of `run_range_test`."""
    learning = run_learning_test(study, measurer)
    ranged = run_range_test(study, measurer) if study.range_test is not None and learning.passed else None
    return Preflight(study.study.name, learning, ranged)


# As a part of a run ──────────────────────────────────────────────────────────────────────────────


class PreflightFailed(BadInput):
    """The study does not start."""


@dataclass(frozen=True)
class PreflightRecord:
    """documents: what was measured, by kind, as the journal keeps it. decisions: those that are to be recorded yet."""

    documents: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def with_document(self, kind: str, document: Mapping[str, Any], reason: str) -> "PreflightRecord":
        """And the decision that follows from it."""
        return replace(self, documents={**self.documents, kind: document}).with_decision(kind, reason)

    def with_decision(self, kind: str, reason: str) -> "PreflightRecord":
        decision = Decision(kind.replace("_", " "), reason, at=now_ms())
        return replace(self, decisions=(*self.decisions, decision))

    def narrowed(self, study: Study) -> Study:
        """The study over the range that the range test found, where its range is `auto`."""
        found = self.documents.get("lr_range")
        if not (found and found["auto"] and found["window"]):
            return study
        own = study.space[found["parameter"]]
        assert isinstance(own, Float)
        narrower = replace(own, low=found["window"]["low"], high=found["window"]["high"])
        return study.searching(study.space.narrowed({own.name: narrower}))


def complete(
    study: Study, measurer: Measurer, record: PreflightRecord, say: Say, *, skip_preflight: bool = False
) -> PreflightRecord:
    """Measure what the study asks for and the record does not hold.

    PreflightFailed; BadInput where a range is `auto`, and the range test finds none.
    """
    try:
        record = _with_learning_test(study, measurer, record, say, skip=skip_preflight)
        return _with_range_test(study, measurer, record, say)
    except stopping.RAISED:
        say("broken off before the first trial: what is measured here is measured again by the next run")
        raise


def _with_learning_test(
    study: Study, measurer: Measurer, record: PreflightRecord, say: Say, *, skip: bool
) -> PreflightRecord:
    if study.preflight is None or "preflight" in record.documents:
        return record
    if skip:
        return record.with_decision("preflight", "skipped, as --skip-preflight asks for")
    say("preflight: trying whether the trainer can learn")
    tested = run_learning_test(study, measurer)
    failed = [check for check in tested.checks if check.outcome == "failed"]
    for check in failed:
        if not check.stops:
            say(f"preflight: {check.name}: {check.says}")
    if not tested.passed:
        raise PreflightFailed(
            f"preflight: the study does not start\n{text(failed)}\n"
            "put that right; or leave single checks out with preflight.skip, or all of them with --skip-preflight"
        )
    document = tested.document()
    say(f"preflight: {summary(document)}")
    return record.with_document("preflight", document, summary(document))


def _with_range_test(study: Study, measurer: Measurer, record: PreflightRecord, say: Say) -> PreflightRecord:
    if study.range_test is None or "lr_range" in record.documents:
        return record
    say(f"learning-rate range test of {study.range_test.parameter}")
    tested = run_range_test(study, measurer)
    say(tested.says)
    return record.with_document("lr_range", tested.document(), tested.says)
