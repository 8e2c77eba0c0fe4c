"""The content of a report: everything in the journal about a study."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision
from hpsearch.core.format import first_line
from hpsearch.core.front import FrontTrial, front
from hpsearch.core.trial import Params, State, Trial, Value
from hpsearch.doctor.study_diagnosis import StudyDiagnosis, diagnose_study
from hpsearch.evaluation.evaluation_result import Evaluation
from hpsearch.evaluation.test_set_ledger import last_result, ledger
from hpsearch.journal import Journal, TrainingSegment
from hpsearch.provenance import data_hashes
from hpsearch.records.evidence_record import evidence_of
from hpsearch.records.find import JournalStudy
from hpsearch.records.study_status import study_status
from hpsearch.study.space import Parameter, Space


@dataclass(frozen=True)
class Content:
    """state:

    as in `hpsearch status`. seconds: wall-clock time of all runs. at: when it was read, ms since 1970. documents: the
    journal's, by kind. openings: evaluations on the test set; tested: the result of the last one, None if none is
    recorded.
    """

    study: JournalStudy
    space: Space
    state: str
    seconds: float
    at: int
    trials: Sequence[Trial]
    decisions: Sequence[Decision]
    segments: Sequence[TrainingSegment]
    documents: Mapping[str, Any]
    openings: Sequence[Decision]
    tested: Evaluation | None

    @cached_property
    def ranked(self) -> list[Trial]:
        """The trials with a value, the best first; diverged trials have none."""
        return self.study.objective.ranked(self.trials)

    @cached_property
    def others(self) -> list[Trial]:
        with_value = {trial.number for trial in self.ranked}
        return [trial for trial in self.trials if trial.number not in with_value]

    def active(self, trials: Sequence[Trial]) -> list[str]:
        """The parameters that some of the trials have, in the order of the study file."""
        names = dict.fromkeys(one.name for one in self.space.parameters)  # a name may have several ranges
        return [name for name in names if any(name in trial.params for trial in trials)]

    def shown(self, params: Params) -> Mapping[str, Value]:
        """The parameters with the names of choices that have names."""
        return self.space.shown(params)

    def of_best(self, parameter: Parameter) -> Value | None:
        """The best trial's value in this range or choice, to be shown; None if it is not active."""
        best = self.best
        return self.shown(best.params)[parameter.name] if best and parameter.is_in(best.params) else None

    @cached_property
    def front(self) -> list[FrontTrial]:
        """The Pareto front of a study with several goals; empty for one goal."""
        return front(self.trials, self.study.objective)

    @property
    def goals(self) -> str:
        """All goals, such as "maximize accuracy and minimize latency_ms"."""
        return " and ".join(f"{one.goal} {one.metric}" for one in self.study.objective.goals)

    @property
    def best(self) -> Trial | None:
        return self.ranked[0] if self.ranked else None

    @property
    def trained_on(self) -> TrainingSegment | None:
        """The last training segment of the best trial."""
        best = self.best
        return next((one for one in reversed(self.segments) if best and one.number == best.number), None)

    @property
    def counts(self) -> Mapping[State, int]:
        """The number of trials by state, without states that do not occur."""
        counted = Counter(trial.state for trial in self.trials)
        return {state: counted[state] for state in State if counted[state]}

    @property
    def epochs(self) -> int:
        """Epochs that were trained in all trials, with those that were trained again, as in `hpsearch status`."""
        return sum(trial.epoch + trial.retrained for trial in self.trials)

    @property
    def failed(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state is State.FAILED]

    @property
    def failures(self) -> Mapping[str, list[Trial]]:
        """The failed trials, grouped by their reason."""
        alike: dict[str, list[Trial]] = {}
        for trial in self.failed:
            alike.setdefault(first_line(trial.reason), []).append(trial)
        return alike

    @property
    def last_report(self) -> int:
        """The time of the last report or end of a trial, in milliseconds since 1970."""
        last = (max(t.ended_at, t.curve[-1].at if t.curve else 0) for t in self.trials)
        return max([self.study.record.created_at, *last])

    @property
    def fixed(self) -> Mapping[str, Any]:
        """Parameters and options with a fixed value."""
        return {**self.study.record.spec["trainer"].get("options", {}), **self.space.fixed}

    @property
    def earlier(self) -> Sequence[Mapping[str, Any]]:
        """The evidence that the sampler uses in addition to these trials."""
        return evidence_of(self.documents)

    @cached_property
    def diagnosis(self) -> StudyDiagnosis:
        return diagnose_study(self.trials, self.study.objective, self.study.metric_meanings)

    @cached_property
    def data(self) -> Mapping[str, Sequence[str]]:
        return data_hashes.by_name(one.data for one in self.segments)

    @cached_property
    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """The environments that trials were trained in, by digest."""
        return {one.environment.digest: one.environment.document for one in self.segments}

    @property
    def versions(self) -> list[Mapping[str, str]]:
        """Versions of Python and of packages, once for each distinct set; usually there is one."""
        found = [one["environment"] for one in self.environments.values()]
        versions = [{"python": one["python"], **one["packages"]} for one in found]
        return list({json.dumps(one, sort_keys=True): one for one in versions}.values())


def read(journal: Journal, study: JournalStudy) -> Content:
    record = study.record
    return Content(
        study=study,
        space=study.space,
        state=study_status(journal, record).state,
        seconds=journal.spent(record.id),
        at=now_ms(),
        trials=journal.trials(record.id),
        decisions=journal.decisions(record.id),
        segments=journal.segments(record.id),
        documents=journal.documents(record.id),
        openings=ledger(journal, record.id),
        tested=last_result(journal, record.id),
    )
