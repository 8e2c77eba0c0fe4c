"""The status and details of a recorded study, and the details of one trial."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.decisions import RESTARTS, Decision
from hpsearch.core.errors import BadInput, NoTrialSucceeded
from hpsearch.core.front import FrontTrial, front
from hpsearch.core.history import BestTrial, Nearest
from hpsearch.core.time_left import Span
from hpsearch.core.trial import EPOCH, Cause, Numbers, Objective, Trial
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.records.callers_files import as_recorded
from hpsearch.records.evidence_record import evidence_of
from hpsearch.records.export import trial_document, where
from hpsearch.records.find import JournalStudy, check_trial
from hpsearch.records.preflight_record import summary
from hpsearch.study.definition import Study
from hpsearch.study.plan import replaceable, workload
from hpsearch.study.space import Space


@dataclass(frozen=True)
class StudyStatus:
    """state: INTERRUPTED if the process that ran the study has died. trials: the number in each state, by its name in
    lower case; RUNNING trials of an interrupted study count as waiting. holder: the process that runs it. preflight,
    lr_range: results from before the first trial, as text. best: None while no trial has a value.
    cause, cause_numbers: why it is COMPLETE, FAILED or STOPPED, for code. seconds_left: an estimate, while it runs.
    replaceable: the maximum number of INFEASIBLE trials that the search replaces by others; 0 if there are none. unmet:
    the number of trials that do not meet study.require. evidence: see `evidence_of`. front: the Pareto front; None for
    a study with one goal. auto: the choice of `method = "auto"`. unit: of `epochs_trained`, see `Objective.unit`.
    """

    study: str
    state: str
    holder: str | None
    trials: Mapping[str, int]
    epochs_trained: int
    busy_seconds: float
    preflight: str | None
    lr_range: str | None
    best: BestTrial | None
    cause: Cause | None = None
    cause_numbers: Numbers = field(default_factory=dict)
    seconds_left: Span | None = field(default=None, compare=False)  # it changes all the time
    replaceable: int = 0
    unmet: int = 0
    evidence: Sequence[Mapping[str, Any]] = ()
    front: tuple[FrontTrial, ...] | None = None
    auto: Mapping[str, Any] | None = None
    unit: str = EPOCH

    def document(self) -> dict[str, Any]:
        found = {**asdict(self), "cause": self.cause and str(self.cause)}
        del found["replaceable"]  # it follows from the study
        if self.front is None:
            del found["front"]
        if self.auto is None:
            del found["auto"]
        return found


def study_status(journal: Journal, record: StudyRecord) -> StudyStatus:
    counted, holder = journal.summary(record.id), journal.holder(record.id, silent=True)
    trials = {kind.lower(): count for kind, count in counted.trials.items()}
    if interrupted := holder is None and record.state == "RUNNING":
        trials |= {"waiting": trials["waiting"] + trials["running"], "running": 0}
    state = "INTERRUPTED" if interrupted else record.state
    documents = journal.documents(record.id)
    measured, evidence = _measured(documents), evidence_of(documents)
    done = (trials, counted.epochs, round(counted.busy, 3))
    why = (None, {}) if state == "INTERRUPTED" else (record.cause, record.cause_numbers)
    left, replaced = None, 0
    if state == "RUNNING" or trials.get("infeasible"):
        with suppress(BadInput):  # the record has ${env:NAME}, or it is of another version
            study = as_recorded(record, Path())
            left = time_left(journal, record, study) if state == "RUNNING" else None
            replaced = replaceable(study)
    best, unmet, objective = counted.best, counted.unmet, JournalStudy(record).objective
    own = tuple(front(journal.trials(record.id), objective)) if objective.others else None
    more = (evidence, own, record.spec["search"].get("auto"), objective.unit)
    about = (record.name, state, holder, *done, *measured, best, *why, left, replaced, unmet, *more)
    return StudyStatus(*about)


def time_left(journal: Journal, record: StudyRecord, study: Study) -> Span | None:
    """Estimated from the cost of its trials and the parallelism of its runs; None while too few trials have ended."""
    costs, wall = journal.costs(record.id), journal.spent(record.id)
    work = workload(study, restarts=journal.count(record.id, RESTARTS) > 0)
    return work.time_left(costs, sum(one.seconds for one in costs) / wall) if wall > 0 else None


def _measured(documents: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return (
        summary(documents["preflight"]) if "preflight" in documents else None,
        documents["lr_range"]["says"] if "lr_range" in documents else None,
    )


@dataclass(frozen=True)
class StudyDetails:
    """rounds: their results, None for a search without rounds. decisions: those about the whole search. trials: the
    best first, then those without a result."""

    status: StudyStatus
    objective: Objective
    rounds: Mapping[str, Any] | None
    decisions: tuple[Decision, ...]
    trials: Sequence[Trial]
    space: Space

    def document(self) -> dict[str, Any]:
        decisions = [_document(one) for one in self.decisions]
        trials = [_row(one, self.objective) for one in self.trials]
        return {**self.status.document(), "rounds": self.rounds, "decisions": decisions, "trial_list": trials}


def _row(trial: Trial, objective: Objective) -> dict[str, Any]:
    whole = trial_document(trial, objective)
    return {name: whole[name] for name in ("number", "state", "value", "best_epoch", "params")}


def study_details(journal: Journal, study: JournalStudy) -> StudyDetails:
    own, objective = study.record.id, study.objective
    decisions = tuple(one for one in journal.decisions(own) if one.number is None)
    trials = journal.trials(own)
    best = objective.ranked(trials)
    numbers = {one.number for one in best}
    ordered = [*best, *(one for one in trials if one.number not in numbers)]
    rounds = journal.documents(own).get("rounds")
    return StudyDetails(study_status(journal, study.record), objective, rounds, decisions, ordered, study.space)


@dataclass(frozen=True)
class TrialDetails:
    """segments: its environments and data. preflight, lr_range: as in `StudyStatus`. has_rounds: whether the search
    has."""

    study: JournalStudy
    trial: Trial
    decisions: tuple[Decision, ...]
    segments: tuple[TrainingSegment, ...]
    preflight: str | None
    lr_range: str | None
    has_rounds: bool = False

    def document(self) -> dict[str, Any]:
        decisions = [_document(one) for one in self.decisions]
        return {**trial_document(self.trial, self.study.objective), "decisions": decisions, **where(self.segments)}


def trial_details(journal: Journal, study: JournalStudy, number: int) -> TrialDetails:
    """NotFound where the study has no trial of that number."""
    check_trial(journal, study, number)
    own = study.record.id
    decisions, segments = tuple(journal.decisions(own, number)), tuple(journal.segments(own, number))
    documents = journal.documents(own)
    measured, has_rounds = _measured(documents), documents.get("rounds") is not None
    return TrialDetails(study, journal.trial(own, number), decisions, segments, *measured, has_rounds)


def best_trial(journal: Journal, study: JournalStudy) -> TrialDetails:
    """NoTrialSucceeded while no trial has a value."""
    best = journal.summary(study.record.id).best
    if best is None:
        raise NoTrialSucceeded(why_no_best(journal, study))
    return trial_details(journal, study, best.trial)


def why_no_best(journal: Journal, study: JournalStudy) -> str:
    nearest = Nearest.of(journal.trials(study.record.id), study.objective)
    if nearest is None:
        return f'study "{study.record.name}" has no trial with a value yet'
    near = nearest.text(study.objective)
    return f'no trial of study "{study.record.name}" meets study.require; the nearest: {near}'


def _document(decision: Decision) -> dict[str, Any]:
    return {"kind": decision.kind, "reason": decision.reason, "step": decision.step, "at": decision.at}
