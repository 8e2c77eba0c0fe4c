"""Runs the preflight of a study: whether the trainer can learn, and at which learning rates.

Workers measure (preflight/measure/) and pure functions judge (preflight/judge/). The journal keeps the results, so that
a resumed study keeps its learning-rate range and is not measured again.
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
from hpsearch.study.file.sections import searched_rate
from hpsearch.study.space import Float
from hpsearch.workers.pools.base import Measurer

Notify = Callable[[str], None]
"""Shows a line to the user."""


@dataclass(frozen=True)
class Preflight:
    """The results for one study. range_test: None if the study has none, or the learning test failed."""

    study: str
    learning: LearningTest
    range_test: RangeTest | None

    def documents(self) -> dict[str, Any]:
        """The documents by kind, as the journal records them."""
        found = {"lr_range": self.range_test.document()} if self.range_test else {}
        return {"preflight": self.learning.document(), **found}

    def document(self) -> dict[str, Any]:
        documents = self.documents()
        return {"study": self.study, "preflight": documents["preflight"], "lr_range": documents.get("lr_range")}


def run_preflight(study: Study, measurer: Measurer) -> Preflight:
    """Run all checks, and the learning-rate range test if the study has one. BadInput: see `run_range_test`."""
    if study.trainer.is_program:
        raise BadInput("the trainer is a command, so preflight has no model and no batches to measure")
    learning, ranged = _tested(study, measurer, lambda _: None)
    if ranged is None and study.range_test is not None and learning.passed:
        ranged = run_range_test(study, measurer)
    return Preflight(study.study.name, learning, ranged)


def _tested(study: Study, measurer: Measurer, notify: Notify) -> tuple[LearningTest, RangeTest | None]:
    """The learning test, and the range test if it was made.

    If the trainer does not learn within the study file's range, the learning test is repeated in the range that the
    range test finds: with a learning rate that is far too low or too high, a correct trainer does not learn either.
    """
    learning = run_learning_test(study, measurer)
    if study.range_test is None or not learning.may_be_the_rate or searched_rate(study.space)[1]:
        return learning, None
    ranged = run_range_test(study, measurer)
    if not ranged.outside or ranged.found is None:
        return learning, ranged if learning.passed else None
    low, high = ranged.asked
    rate = ranged.found.middle
    notify(
        f"preflight: nothing is learnt with {ranged.parameter} from {low:.3g} to {high:.3g}; checking with "
        f"{ranged.parameter} = {rate:.2g}, which the range test finds"
    )
    return run_learning_test(study, measurer, {ranged.parameter: rate}), ranged


# As part of a run ────────────────────────────────────────────────────────────────────────────────


class PreflightFailed(BadInput):
    """The study does not start."""


@dataclass(frozen=True)
class PreflightRecord:
    """documents: the measurements by kind, as the journal keeps them. decisions: not recorded yet."""

    documents: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def with_document(self, kind: str, document: Mapping[str, Any], reason: str) -> "PreflightRecord":
        """The record with another document, and the decision based on it."""
        return replace(self, documents={**self.documents, kind: document}).with_decision(kind, reason)

    def with_decision(self, kind: str, reason: str) -> "PreflightRecord":
        decision = Decision(kind.replace("_", " "), reason, at=now_ms())
        return replace(self, decisions=(*self.decisions, decision))

    def narrowed(self, study: Study) -> Study:
        """The study with the range that the range test found, if its range is `auto` or moves there."""
        found = self.documents.get("lr_range")
        # An earlier version recorded no "moves".
        if not (found and found.get("moves", found["auto"]) and found["window"]):
            return study
        own = study.space[found["parameter"]]
        assert isinstance(own, Float)
        # The search stays between the rates at which the loss begins to fall and diverges.
        narrower = replace(
            own, low=found["window"]["low"], high=found["window"]["high"], expand=found["auto"] and own.expand
        )
        return study.with_space(study.space.narrowed({own.name: narrower}))


def complete(
    study: Study,
    measurer: Measurer,
    record: PreflightRecord,
    notify: Notify,
    *,
    skip_preflight: bool = False,
    force: bool = False,
) -> PreflightRecord:
    """Run the tests of the study that the record does not contain.

    force: keep the range of the study file, even if it is outside the range that the test finds.
    PreflightFailed; BadInput if a range is `auto` and the range test finds none.
    """
    # If the file does not mention a range test, an earlier run decided whether to make one.
    is_decided = bool(record.documents) and study.lr_range is None and not searched_rate(study.space)[1]
    try:
        record, tested = _with_learning_test(study, measurer, record, notify, skip=skip_preflight)
        if is_decided:
            return record
        return _with_range_test(study, measurer, record, notify, tested, force=force)
    except stopping.SIGNAL_EXCEPTIONS:
        notify("interrupted before the first trial: the next run starts the preflight again")
        raise


def _with_learning_test(
    study: Study, measurer: Measurer, record: PreflightRecord, notify: Notify, *, skip: bool
) -> tuple[PreflightRecord, RangeTest | None]:
    """The record with the learning test, and the range test if it was made."""
    if study.preflight is None or "preflight" in record.documents:
        return record, None
    if skip:
        return record.with_decision("preflight", "skipped on request"), None
    if study.trainer.is_program:
        notify("preflight: skipped, because the trainer is a command, so its model and batches cannot be observed")
        return record.with_decision("preflight", "skipped: the trainer is a command"), None
    notify("preflight: checking whether the trainer can learn")
    tested, ranged = _tested(study, measurer, notify)
    failed = [check for check in tested.checks if check.outcome == "failed"]
    for check in failed:
        if not check.stops:
            notify(f"preflight warning: {check.name}: {check.says}")
    if not tested.passed:
        raise PreflightFailed(
            f"preflight failed, so the study does not start\n{text(failed)}\n"
            "fix this, skip single checks with preflight.skip, or skip all checks with --skip-preflight (in Python: "
            "skip_preflight=True)"
        )
    document = tested.document()
    notify(f"preflight: {summary(document)}")
    return record.with_document("preflight", document, summary(document)), ranged


def _with_range_test(
    study: Study,
    measurer: Measurer,
    record: PreflightRecord,
    notify: Notify,
    tested: RangeTest | None,
    *,
    force: bool,
) -> PreflightRecord:
    """tested: the range test, if the learning test needed it."""
    if study.range_test is None or "lr_range" in record.documents:
        return record
    if tested is None:
        notify(f"learning-rate range test of {study.range_test.parameter}")
        tested = run_range_test(study, measurer)
    if tested.outside and not tested.moves and not force:
        (low, high), found = tested.asked, tested.found
        assert found is not None
        raise PreflightFailed(
            f"space.{tested.parameter}: no rate of the range [{low:.3g}, {high:.3g}] is in [{found.low:.3g}, "
            f"{found.high:.3g}], from {found.evidence}, so the study does not start\n"
            f"write {tested.change}, add expand = true so that the search moves there, or start with --force (in "
            "Python: force=True)"
        )
    notify(tested.says)
    return record.with_document("lr_range", tested.document(), tested.says)
