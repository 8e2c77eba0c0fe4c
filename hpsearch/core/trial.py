"""Trial, Report and Objective. Decisions about trials are in decisions.py.

All are immutable and can be pickled. Only the loop changes a trial's state.
"""

import json
import math
import statistics
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Any, Literal

from hpsearch.core.goals import Goal, metrics_at, ranks
from hpsearch.core.requirements import Requirement, Unmet

MAX_METRIC_NAME = 500
"""The most characters of a metric's name."""

MEAN_OF_LAST = "mean of last "
"""The prefix of study.at before the number of reports: "mean of last 5"."""

MAX_AVERAGED = 1000
"""The most reports that study.at = "mean of last N" averages."""

MAX_ENSEMBLE_TRIALS = 20
"""The most trials of a search in an evaluation's ensembles; by default this many trials keep their checkpoints."""

Plain = str | int | float | bool

Value = Any
"""A value of a parameter, as in JSON: a `Plain`, or a list or table of such values."""

Params = Mapping[str, Value]
Numbers = Mapping[str, float]
"""The numbers in a reason, by name."""


def key_of(params: Params) -> str:
    """A text that is equal for equal parameters in any order. 1, 1.0 and true are different values."""
    return json.dumps(dict(params), sort_keys=True)


def value_key(value: Value) -> str:
    """A text that is equal for equal values. 1, 1.0 and true are different values, also in lists and tables."""
    return json.dumps(value, sort_keys=True)


def identical(one: Value, other: Value) -> bool:
    """Whether two values are equal and of the same type, also in lists and tables."""
    if type(one) is not type(other):
        return False
    return value_key(one) == value_key(other) if isinstance(one, list | dict) else bool(one == other)


TrialSeeds = Literal["same", "different"]
"""Whether all trials of a study train with the same seed (common random numbers), or each with its own."""

ASK_AND_TELL = "hpsearch:Session"
"""The value of trainer.use if a program trains the trials itself (ask and tell)."""

EPOCH = "epoch"
"""The default word for a step of a curve; trainer.unit changes it."""

COMMAND = "hpsearch:command"
"""The value of trainer.use if the trainer is the program in trainer.command."""

CALLER = "the caller's own code (ask and tell)"
"""The text that screens show for ASK_AND_TELL."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a trainer reports at the end of an epoch.

    step: the epoch, from 1, increasing by any amount. 0: a program's report before training, which is recorded but does
    not count.
    metrics: name -> value, such as {"train_loss": 0.31, "val_accuracy": 0.91}. Not all reports need the study's metric;
    only those with it count.
    at: when the driver received it, milliseconds since 1970; set by the loop.
    """

    step: int
    metrics: Mapping[str, float]
    at: int = 0


class State(StrEnum):
    """The state of a trial.

    WAITING ──► RUNNING ──► COMPLETE    reached its last epoch, its trainer returned, or early stopping ended it
       ▲           │  ├───► PRUNED      worse than other trials, diverged, or took longer than limits.trial
       │           │  ├───► INFEASIBLE  the trainer raised Infeasible, or a generator returned before its first report
       │  lost,    │  ├───► FAILED      the trainer raised, or its worker was lost more than limits.retries times
       └─ stopped ─┘  ▼
                    PAUSED ──► RUNNING  reached its epoch `until`; a sampler may resume it

    FAILED ──► WAITING: a later run tries it again, because the trainer has changed or `--retry-failed` was given.
    """

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    INFEASIBLE = "INFEASIBLE"
    FAILED = "FAILED"

    @property
    def is_active(self) -> bool:
        """WAITING or RUNNING. The others are final, unless a sampler resumes PAUSED, or a later run retries FAILED."""
        return self in (State.WAITING, State.RUNNING)


class Cause(StrEnum):
    """Why a trial is in its state, or why a study ended, for programs (`reason` is for people).

    PATIENCE: the metric no longer improved.
    PRUNED: worse than other trials, or out of bounds.
    DIVERGED: the metric is NaN or infinite.
    INFEASIBLE: the parameters cannot be trained.
    OUT_OF_MEMORY: of the host or the GPU. The trial is retried once, with no other trial in parallel.
    WORKER_LOST: the process died.
    TIMEOUT: longer than limits.trial. STALLED: no report for limits.stall.
    TRAINER_RAISED: the trainer raised an exception, or made no valid report.
    INTERRUPTED: the run was stopped. LIMIT: a limit or budget of the study is used up.
    DONE: trained to its last epoch. EXHAUSTED: every point of the space has a trial.

    The values are recorded in the journal and in exports, so they are never renamed.
    """

    PATIENCE = "patience"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    INFEASIBLE = "infeasible"
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_LOST = "worker_lost"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    TRAINER_RAISED = "trainer_raised"
    INTERRUPTED = "interrupted"
    LIMIT = "limit"
    DONE = "done"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Trial:
    """A parameter set with its seed, curve and state.

    number: from 0, in the order of proposal.
    until: the epoch it currently trains to (>= 1).
    round: its current round of the search, from 1.
    curve: its reports, in the order of their steps.
    reason: why it is in its state, for people.
    cause: the same, for programs. None before it first ended, paused or was interrupted. While it is RUNNING, the cause
        of the last interruption.
    cause_numbers: the numbers in the reason by name, all finite: {"epoch": 2}, {"rank": 7, "of": 9, "epoch": 3}.
    exception: the trainer's exception as Python prints it, "ValueError: no optimizer", of a FAILED trial. Of a COMPLETE
        trial, an exception after its last report.
    origin: why these parameters, for people.
    attempts: 1, plus the number of workers that it lost.
    ended: its position in the order in which trials (last) ended or paused, from 1; 0 before that.
    ended_before: how many trials had ended when it first started. The sampler's next `ask` sees only these.
    busy: seconds that workers spent inside its trainer.
    error: the traceback of `exception`, else "".
    retrained: epochs that were trained again because it was continued without a checkpoint. Budgets count them.
    superseded: trained with an earlier version of the trainer's code. It stays recorded, but is never the best trial,
        and samplers and pruners do not see it.
    reads_epochs: its trainer has read `run.epochs_total`, so its training depends on the most epochs that it may train.
    replaces: the number of an earlier trial with the same parameters and fewer epochs in total, or None. Samplers and
        pruners see this trial in its place.
    """

    number: int
    params: Params
    seed: int
    until: int
    state: State = State.WAITING
    round: int = 1
    curve: tuple[Report, ...] = ()
    reason: str = ""
    origin: str = ""
    attempts: int = 1
    ended: int = 0
    ended_before: int = 0
    busy: float = 0.0
    error: str = ""
    proposed_at: int = 0
    ended_at: int = 0
    cause: Cause | None = None
    cause_numbers: Numbers = field(default_factory=dict)
    exception: str = ""
    retrained: int = 0
    superseded: bool = False
    reads_epochs: bool = False
    replaces: int | None = None

    @property
    def epoch(self) -> int:
        """The last reported epoch, 0 before the first."""
        return self.curve[-1].step if self.curve else 0

    def as_of(self, epoch: int) -> "Trial":
        """The trial as it was when it paused at its first report at or after that epoch."""
        end = bisect_left(self.curve, epoch, key=lambda report: report.step) + 1
        return replace(self, state=State.PAUSED, reason="", cause=None, cause_numbers={}, curve=self.curve[:end])

    @property
    def diverged(self) -> bool:
        """Whether its metric became NaN or infinite."""
        return self.cause is Cause.DIVERGED


def mean_of(values: Sequence[float]) -> float:
    """The mean of finite values, also if their sum overflows."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return statistics.mean(values)  # exact, and slower


@dataclass(frozen=True, slots=True)
class Objective:
    """A reported metric, its goal, and the report that gives a trial its value (its judged report).

    at: which report is judged: "best", "last", or "mean of last N". The last is the mean of the last N values (of all
    values if there are fewer) at the last epoch. It is for metrics that are noisy from epoch to epoch, such as the
    return of an agent.
    failed: whether a FAILED trial has a result: "keep", from the epochs before the failure; "drop", never.
    require: a trial that does not meet all of them in its judged report has a value but no result.
    others: the other goals of a study with several. A trial has a result only if it has a value for each of them.
    unit: the word for a step of a curve on screens: "epoch", "step" or "evaluation".

    Inside hpsearch smaller is better: `loss_*` negates a metric that is maximised. NaN and both infinities become +inf,
    so that a diverged trial is never the best (Optuna accepts -inf as a result).
    """

    metric: str
    goal: Literal["minimize", "maximize"]
    at: str = "best"
    failed: Literal["keep", "drop"] = "keep"
    require: tuple[Requirement, ...] = ()
    others: tuple[Goal, ...] = ()
    unit: str = EPOCH

    @property
    def goals(self) -> tuple[Goal, ...]:
        """All goals. The first one determines the epoch at which a trial is judged."""
        return (Goal(self.metric, self.goal), *self.others)

    @property
    def sign(self) -> int:
        """1 for minimize, -1 for maximize, so that a smaller value * sign is better."""
        return 1 if self.goal == "minimize" else -1

    @property
    def averaged(self) -> int:
        """The number of last reports whose mean is a trial's value; 0 with at = "best"."""
        return 0 if self.at == "best" else 1 if self.at == "last" else int(self.at.removeprefix(MEAN_OF_LAST))

    @property
    def label(self) -> str:
        """The metric, for people: "return (mean of last 5)"."""
        return f"{self.metric} ({self.at})" if self.averaged > 1 else self.metric

    def loss_of(self, report: Report) -> float:
        value = report.metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return math.inf
        return value if self.goal == "minimize" else -value

    def is_in(self, report: Report) -> bool:
        """Whether the report has the metric, and is not from before training (step 0)."""
        return report.step > 0 and self.metric in report.metrics

    def has_diverged(self, report: Report) -> bool:
        """Whether the report has the metric and it is NaN or infinite. Other metrics are not checked."""
        return self.is_in(report) and not math.isfinite(report.metrics[self.metric])

    def judged(self, trial: Trial) -> Report | None:
        """The report that gives the trial its value: the best report with the metric (of equals the earliest), or the
        last one. With at = "mean of last N", its metric is the mean. None if no report has the metric."""
        return self._mean(self.deciding(trial.curve))

    def deciding(self, curve: Sequence[Report]) -> tuple[Report, ...]:
        """The reports from which a trial's value is computed, the oldest first: the best one, or the last ones."""
        if self.at == "best":
            best = min(filter(self.is_in, curve), key=self.loss_of, default=None)
            return () if best is None else (best,)
        return tuple(islice(filter(self.is_in, reversed(curve)), self.averaged))[::-1]

    def loss_at(self, curve: Sequence[Report], place: int) -> float:
        """The loss of the report at this index, which has the metric; or of the mean of the last ones up to it."""
        report = curve[place] if self.averaged <= 1 else self._mean(self.deciding(curve[: place + 1]))
        return self.loss_of(report or curve[place])

    def counted(self, curve: Sequence[Report]) -> Iterator[Report]:
        """The reports with the metric. With at = "mean of last N", the metric of each is the mean of the last N."""
        measured = [report for report in curve if self.is_in(report)]
        if self.averaged <= 1:
            yield from measured
            return
        for end in range(1, len(measured) + 1):
            yield self._mean(measured[max(0, end - self.averaged) : end]) or measured[end - 1]

    def _mean(self, reports: Sequence[Report]) -> Report | None:
        """The last of the reports, with the mean of their metrics as its metric."""
        if len(reports) <= 1:
            return reports[0] if reports else None
        values = [report.metrics[self.metric] for report in reports]
        mean = mean_of(values) if all(map(math.isfinite, values)) else math.nan
        return replace(reports[-1], metrics={**reports[-1].metrics, self.metric: mean})

    def steps(self, trial: Trial, newest: int) -> list[int]:
        """The steps of the newest reports that have the metric, the newest first; at most `newest` of them."""
        return [report.step for report in islice(filter(self.is_in, reversed(trial.curve)), newest)]

    def loss(self, trial: Trial) -> float:
        """Smaller is better; +inf for a trial without a value or a result, see `fits`."""
        report = self._with_value(trial)
        return math.inf if report is None or not self.fits(trial.curve, report) else self.loss_of(report)

    def losses(self, trial: Trial) -> tuple[float, ...]:
        """The loss for each goal in the trial's judged report; +inf if there is no value."""
        report = self._with_value(trial)
        return self._losses_at(trial.curve, report) if report is not None else (math.inf,) * len(self.goals)

    def _losses_at(self, curve: Sequence[Report], report: Report) -> tuple[float, ...]:
        metrics = metrics_at(curve, report.step, [one.metric for one in self.others]) if self.others else {}
        return (self.loss_of(report), *(one.loss(metrics) for one in self.others))

    def values(self, trial: Trial) -> dict[str, float]:
        """The metric of each goal as reported, without goals for which the trial has no value."""
        pairs = zip(self.goals, self.losses(trial), strict=True)
        return {one.metric: loss if one.goal == "minimize" else -loss for one, loss in pairs if math.isfinite(loss)}

    def fits(self, curve: Sequence[Report], report: Report) -> bool:
        """Whether a trial with this judged report has a value for each goal and meets `require`."""
        return all(map(math.isfinite, self._losses_at(curve, report)[1:])) and not self.unmet_at(curve, report)

    def value(self, trial: Trial) -> float | None:
        """The metric as reported; None for a trial without a value."""
        report = self._with_value(trial)
        loss = math.inf if report is None else self.loss_of(report)
        if math.isinf(loss):
            return None
        return loss if self.goal == "minimize" else -loss

    def _with_value(self, trial: Trial) -> Report | None:
        """As `judged`; None for a trial that diverged or is infeasible."""
        return None if trial.diverged or trial.state is State.INFEASIBLE else self.judged(trial)

    def unmet(self, trial: Trial, judged: Report | None = None) -> tuple[Unmet, ...]:
        """The requirements that the trial does not meet in its judged report. judged: the report, if it is known."""
        report = (judged or self.judged(trial)) if self.require else None
        return () if report is None else self.unmet_at(trial.curve, report)

    def unmet_at(self, curve: Sequence[Report], report: Report) -> tuple[Unmet, ...]:
        """The requirements that a report of the curve does not meet. `metrics_at` supplies metrics that it lacks."""
        found = []
        for one in self.require:
            metrics = self.metrics_of(curve, report, one)
            if one.excess(metrics) > 0:
                found.append(Unmet(one, metrics))
        return tuple(found)

    def metrics_of(self, curve: Sequence[Report], report: Report, requirement: Requirement) -> dict[str, float]:
        """The metrics in a requirement, at a judged report of the curve. The study's metric has the judged value, which
        may be a mean."""
        metrics = metrics_at(curve, report.step, sorted(requirement.names | requirement.spelled))
        return {name: report.metrics[name] if name == self.metric else value for name, value in metrics.items()}

    def counts(self, trial: Trial) -> bool:
        """Whether the trial has a result and can be the best of its study."""
        kept = self.failed == "keep" or trial.state is not State.FAILED
        return math.isfinite(self.loss(trial)) and kept and not trial.superseded

    def ranked(self, trials: Iterable[Trial]) -> list[Trial]:
        """The trials that have a result, the best first; equal ones in the given order.

        With several goals they are ordered by their non-domination rank, then by the first goal.
        """
        fit = sorted(filter(self.counts, trials), key=self.losses)
        if not self.others:
            return fit
        places = ranks([self.losses(one) for one in fit])
        return [one for _, one in sorted(zip(places, fit, strict=True), key=lambda pair: pair[0])]

    def best(self, trials: Iterable[Trial]) -> Trial | None:
        """The first of `ranked`: the best by the first goal, of equal ones by the next. None if no trial has a
        result."""
        return min(filter(self.counts, trials), key=self.losses, default=None)

    def succeeded(self, trials: Iterable[Trial]) -> list[Trial]:
        """As `ranked`, always without FAILED trials. It is for samplers: a retry of a failed trial must not change
        earlier proposals."""
        return [one for one in self.ranked(trials) if one.state is not State.FAILED]
