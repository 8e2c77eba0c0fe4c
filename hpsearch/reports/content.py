"""What a page is made from: all that the journal has of a study."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.doctor.consultation import Consultation, consult
from hpsearch.evaluation.evaluation_result import Evaluation
from hpsearch.journal import StudyRecord, TrainingSegment
from hpsearch.provenance import environment
from hpsearch.study.space import Space


@dataclass(frozen=True)
class Content:
    """state: as `hpsearch status` says it. seconds: wall clock of all runs. at: when it was read, ms since 1970.

    measured: the journal's documents by kind. openings: of the test set. evaluated: what came of the last of them, and
    evaluation: the same in words. rounds, cost: in words too, "" where there are none.
    """

    record: StudyRecord
    objective: Objective
    space: Space
    state: str
    seconds: float
    at: int
    trials: Sequence[Trial]
    decisions: Sequence[Decision]
    segments: Sequence[TrainingSegment]
    measured: Mapping[str, Any]
    openings: Sequence[Decision]
    evaluated: Evaluation | None
    evaluation: str
    rounds: str
    cost: str

    @cached_property
    def ranked(self) -> list[Trial]:
        """The trials that have a value, the best first; failed and diverged ones have none that counts."""
        fit = [t for t in self.trials if t.state is not State.FAILED and math.isfinite(self.objective.loss(t))]
        return sorted(fit, key=self.objective.loss)

    @cached_property
    def others(self) -> list[Trial]:
        having = {trial.number for trial in self.ranked}
        return [trial for trial in self.trials if trial.number not in having]

    @property
    def best(self) -> Trial | None:
        return self.ranked[0] if self.ranked else None

    @property
    def failed(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state is State.FAILED]

    @property
    def counts(self) -> Mapping[State, int]:
        """Only of states that occur."""
        counted = Counter(trial.state for trial in self.trials)
        return {state: counted[state] for state in State if counted[state]}

    @property
    def epochs(self) -> int:
        return sum(len(trial.curve) for trial in self.trials)

    @property
    def busy(self) -> float:
        """Seconds inside trainers."""
        return sum(trial.busy for trial in self.trials)

    @property
    def last_heard(self) -> int:
        """Milliseconds since 1970."""
        return max([self.record.created_at, *(max(t.ended_at, t.curve[-1].at if t.curve else 0) for t in self.trials)])

    @cached_property
    def consultation(self) -> Consultation:
        return consult(self.trials, self.objective)

    @cached_property
    def data(self) -> Mapping[str, Sequence[str]]:
        return environment.hashes(one.data for one in self.segments)

    def last_stretch(self, trial: Trial) -> TrainingSegment | None:
        """Where it was trained in the end."""
        return next((one for one in reversed(self.segments) if one.number == trial.number), None)
