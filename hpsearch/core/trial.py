"""What a trial is, what a trainer reports, and how a trial is judged. What is decided: decisions.py.

Everything here is immutable and pickles. The loop alone makes a Trial with another state.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Literal

MAX_METRIC_NAME = 500
"""Most characters of a metric's name."""

Plain = str | int | float | bool
Params = Mapping[str, Plain]
Numbers = Mapping[str, float]
"""Those of a reason, by name."""


def key_of(params: Params) -> str:
    """A word that is the same for the same parameters, in any order; 1, 1.0 and true are not the same."""
    return json.dumps(dict(params), sort_keys=True)


ASK_AND_TELL = "hpsearch:Session"
"""As trainer.use: the trials are trained by a program that asks for them."""

CALLER = "the caller's own code (ask and tell)"
"""The same, for people."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a trainer reports at the end of an epoch.

    step: the epoch, from 1, rising by any amount.
    metrics: name -> value, such as {"train_loss": 0.31, "val_accuracy": 0.91}. The study's metric need not be in all
    reports; a trial is judged by those that have it.
    at: when the driver received it, milliseconds since 1970; the loop sets it, a trainer never does.
    """

    step: int
    metrics: Mapping[str, float]
    at: int = 0


class State(StrEnum):
    """Where a trial stands.

    WAITING ──► RUNNING ──► COMPLETE    reached its last epoch, ended by itself, or stopped early on its own curve
       ▲           │  ├───► PRUNED      lost against the others, diverged, or took longer than limits.trial
       │           │  ├───► INFEASIBLE  the trainer raised Infeasible, or returned before its first report
       │  lost,    │  ├───► FAILED      the trainer raised, or the worker was lost once too often
       └─ stopped ─┘  ▼
                    PAUSED ──► RUNNING  reached the epoch it was asked for; a sampler may have it trained longer

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
        """It trains, or waits for a worker. To the others nothing happens, unless a sampler resumes a PAUSED one."""
        return self in (State.WAITING, State.RUNNING)


class Cause(StrEnum):
    """Why a trial is in its state, or why a study ended: what code reads, where people read `reason`.

    PATIENCE: its metric no longer improved. PRUNED: worse than the others, or out of bounds. DIVERGED: its metric is
    NaN or infinite. INFEASIBLE: its parameters cannot be trained. OUT_OF_MEMORY: of the host or the GPU; a
    WAITING trial is then trained once more, with nothing beside it. WORKER_LOST: its process vanished. TIMEOUT: longer
    than limits.trial. STALLED: no report for limits.stall. TRAINER_RAISED: an exception, or no valid report.
    INTERRUPTED: the run was stopped. LIMIT: a limit or budget of the study is used up. DONE: trained as far as asked.

    The values are recorded in the journal and in exports: they are never renamed.
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


@dataclass(frozen=True, slots=True)
class Trial:
    """One parameter set, its seed, its curve, its state.

    number: from 0, in the order of proposal.
    until: the epoch that it may train to for now (>= 1).
    round: which round of the search it belongs to now, from 1.
    curve: its reports, steps rising.
    reason: why it is in its state, for a person to read; no code looks into it.
    cause: the same for code; None while it has not ended, paused or waited again. RUNNING, that of its last wait.
    cause_numbers: the numbers of the reason by name, all finite: {"epoch": 2}, {"rank": 7, "of": 9, "epoch": 3}.
    exception: what its trainer raised, where it is FAILED for that, as Python prints it: "ValueError: no optimizer". Of
        a COMPLETE trial, what its trainer raised after its last report.
    origin: why these parameters, for a person to read.
    attempts: how many workers it was given to because the one before was lost, from 1.
    ended: its place in the order in which trials were (last) ended or paused, from 1; 0 while it never was.
    ended_before: how many trials had ended when it was first started: what the ask for the next may look at.
    busy: seconds that workers spent inside its trainer.
    error: the traceback of that exception, else "".
    retrained: epochs that were trained again because it was continued without a checkpoint. They cost what others do.
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

    @property
    def epoch(self) -> int:
        """The last epoch that it reported, 0 before the first."""
        return self.curve[-1].step if self.curve else 0

    def as_of(self, epoch: int) -> "Trial":
        """The trial as it was when it paused with its first report at or after that epoch, before it was continued."""
        end = bisect_left(self.curve, epoch, key=lambda report: report.step) + 1
        return replace(self, state=State.PAUSED, reason="", cause=None, cause_numbers={}, curve=self.curve[:end])

    @property
    def diverged(self) -> bool:
        """Its metric became NaN or infinite."""
        return self.cause is Cause.DIVERGED


@dataclass(frozen=True, slots=True)
class Objective:
    """What is searched for: a reported metric, a direction, and the epoch at which a curve is judged.

    failed: whether the result of a trial that FAILED counts: its best epoch before the failure ("keep"), or nothing.

    Inside hpsearch smaller is better: `loss_*` turns the sign of a metric that is maximised, and NaN and both
    infinities count as +inf, so that a diverged trial can never win (FAULTS: Optuna takes -inf for a result).
    """

    metric: str
    goal: Literal["minimize", "maximize"]
    at: Literal["best", "last"] = "best"
    failed: Literal["keep", "drop"] = "keep"

    @property
    def sign(self) -> int:
        """A value of the metric times this is the smaller the better."""
        return 1 if self.goal == "minimize" else -1

    def loss_of(self, report: Report) -> float:
        value = report.metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return math.inf
        return value if self.goal == "minimize" else -value

    def is_in(self, report: Report) -> bool:
        """Whether the report has the metric, so that it can be judged."""
        return self.metric in report.metrics

    def has_diverged(self, report: Report) -> bool:
        """Whether the metric is in the report and is NaN or infinite. Other metrics may be: they are not judged."""
        return not math.isfinite(report.metrics.get(self.metric, 0.0))

    def judged(self, trial: Trial) -> Report | None:
        """The report by which the trial is judged: of those with the metric that of its best epoch (the earliest of
        equals) or the last one. None where no report has the metric."""
        if self.at == "last":
            return next(filter(self.is_in, reversed(trial.curve)), None)
        return min(filter(self.is_in, trial.curve), key=self.loss_of, default=None)

    def steps(self, trial: Trial, newest: int) -> list[int]:
        """The steps of the newest reports that have the metric, the newest first; at most `newest` of them."""
        return [report.step for report in islice(filter(self.is_in, reversed(trial.curve)), newest)]

    def loss(self, trial: Trial) -> float:
        """Smaller is better; +inf where there is nothing to judge by."""
        report = self.judged(trial)
        if report is None or trial.diverged or trial.state is State.INFEASIBLE:
            return math.inf
        return self.loss_of(report)

    def value(self, trial: Trial) -> float | None:
        """The metric itself, in its own sign; None where there is nothing to judge by."""
        loss = self.loss(trial)
        if math.isinf(loss):
            return None
        return loss if self.goal == "minimize" else -loss

    def counts(self, trial: Trial) -> bool:
        """Whether the trial has a result, which may be the best of its study."""
        return math.isfinite(self.loss(trial)) and (self.failed == "keep" or trial.state is not State.FAILED)

    def ranked(self, trials: Iterable[Trial]) -> list[Trial]:
        """Those that have a result, the best first, of equals in their order."""
        return sorted(filter(self.counts, trials), key=self.loss)

    def succeeded(self, trials: Iterable[Trial]) -> list[Trial]:
        """As `ranked`, without FAILED trials in any case. Samplers use it: a failed trial that is tried again must not
        change what they have planned."""
        return [one for one in self.ranked(trials) if one.state is not State.FAILED]
