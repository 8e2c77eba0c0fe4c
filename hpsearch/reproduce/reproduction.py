"""What a trial came to that was trained again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.records.find import RecordedStudy
from hpsearch.reproduce.curve_comparison import CurveComparison, compare_curves


@dataclass(frozen=True)
class Reproduction:
    """trial: as it is recorded. curve, failure, cause: what it came to now; cause is that of the failure.

    since: what is different from when it was trained, a line each. is_recorded: where it was trained is on record,
    which an older hpsearch did not keep.
    """

    study: RecordedStudy
    trial: Trial
    curve: Sequence[Report]
    failure: Failure | None
    cause: Cause | None
    since: Sequence[str]
    is_recorded: bool

    @cached_property
    def compared(self) -> CurveComparison:
        return compare_curves(self.trial.curve, self.curve[: self.trial.epoch], self.study.objective.metric)

    @property
    def fails_as_before(self) -> bool:
        """For the same cause, after the same epoch, and where its trainer raised with the same exception.

        True as well where it failed neither then nor now.
        """
        if self.failure is None or self.trial.state is not State.FAILED:
            return self.failure is None and self.trial.state is not State.FAILED
        if self.cause is not self.trial.cause or len(self.curve) != self.trial.epoch:
            return False
        return self.cause is not Cause.TRAINER_RAISED or self.failure.exception == self.trial.exception

    @property
    def is_identical(self) -> bool:
        return self.compared.first is None and self.fails_as_before

    def document(self) -> dict[str, Any]:
        found = self.compared
        return {
            "study": self.study.record.name,
            "trial": self.trial.number,
            "identical": self.is_identical,
            "epochs": found.epochs,
            "metrics": list(found.metrics),
            "timings": list(found.timings),
            "first": found.first and found.first.document(),
            "largest": found.largest and found.largest.document(),
            "failure": self.failure.summary if self.failure else None,
            "fails_as_before": self.fails_as_before,
            "since": list(self.since),
            "recorded": self.is_recorded,
        }
