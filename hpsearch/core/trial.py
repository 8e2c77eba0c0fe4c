"""The values that travel: what a trial is, what a trainer reports, what a pool can say, what is decided.

Everything here is immutable and pickles. The loop alone makes a Trial with another state.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Plain = str | int | float | bool
Params = Mapping[str, Plain]


def key_of(params: Params) -> str:
    """A word that is the same for the same parameters, in any order; 1, 1.0 and true are not the same."""
    return json.dumps(dict(params), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Report:
    """What a trainer says at the end of an epoch.

    step: the epoch, from 1, rising by one.
    metrics: name -> value, such as {"train_loss": 0.31, "val_accuracy": 0.91}.
    at: when the driver received it, milliseconds since 1970; the loop sets it, a trainer never does.
    """

    step: int
    metrics: Mapping[str, float]
    at: int = 0


class State(StrEnum):
    """Where a trial stands.

    WAITING ──► RUNNING ──► COMPLETE    reached its last epoch, ended by itself, or stopped early on its own curve
       ▲           │  ├───► PRUNED      lost against the others, diverged, or took longer than limits.trial
       │  lost,    │  ├───► FAILED      the trainer raised, or the worker was lost once too often
       └─ stopped ─┘  ▼
                    PAUSED ──► RUNNING  reached the epoch it was asked for; a sampler may have it trained longer
    """

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAILED = "FAILED"

    @property
    def is_active(self) -> bool:
        """It trains, or waits for a worker. To the others nothing happens, unless a sampler resumes a PAUSED one."""
        return self in (State.WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Trial:
    """One parameter set, its seed, its curve, its state.

    number: from 0, in the order of proposal.
    until: the epoch that it may train to for now (>= 1).
    round: which round of the search it belongs to now, from 1.
    curve: one report an epoch, steps rising.
    reason: why it is in its state, for a person to read.
    origin: why these parameters, for a person to read.
    attempts: how many workers it was given to because the one before was lost, from 1.
    ended: its place in the order in which trials were (last) ended or paused, from 1; 0 while it never was.
    ended_before: how many trials had ended when it was first started: what the ask for the next may look at.
    busy: seconds that workers spent inside its trainer.
    error: the traceback of a FAILED trial, else "".
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

    @property
    def epoch(self) -> int:
        """The last epoch that it reported, 0 before the first."""
        return self.curve[-1].step if self.curve else 0

    @property
    def diverged(self) -> bool:
        """Its loss became NaN or infinite."""
        return self.state is State.PRUNED and self.reason.startswith("diverged")


@dataclass(frozen=True, slots=True)
class Objective:
    """What is searched for: a reported metric, a direction, and the epoch at which a curve is judged.

    Inside hpsearch smaller is better: `loss_*` turns the sign of a metric that is maximised, and NaN and both
    infinities count as +inf, so that a diverged trial can never win (FAULTS: Optuna takes -inf for a result).
    """

    metric: str
    goal: Literal["minimize", "maximize"]
    at: Literal["best", "last"] = "best"

    def loss_of(self, report: Report) -> float:
        value = report.metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return math.inf
        return value if self.goal == "minimize" else -value

    def judged(self, trial: Trial) -> Report | None:
        """The report by which the trial is judged: that of its best epoch (the earliest of equals) or its last."""
        if not trial.curve:
            return None
        return trial.curve[-1] if self.at == "last" else min(trial.curve, key=self.loss_of)

    def loss(self, trial: Trial) -> float:
        """Smaller is better; +inf where there is nothing to judge by."""
        report = self.judged(trial)
        return math.inf if report is None or trial.diverged else self.loss_of(report)

    def value(self, trial: Trial) -> float | None:
        """The metric itself, in its own sign; None where there is nothing to judge by."""
        loss = self.loss(trial)
        if math.isinf(loss):
            return None
        return loss if self.goal == "minimize" else -loss


# What a sampler proposes ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class New:
    """Start a trial with these parameters and train it to epoch `until`.

    notes: what was decided with it about the search itself, such as where the round that begins with it looks.
    """

    params: Params
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Revive the PAUSED trial `number` from its checkpoint and train it to epoch `until`. notes: as for `New`."""

    number: int
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more will be proposed, for a reason that a person should know."""

    reason: str


Proposal = New | Resume | Over


# What a pruner or an early stop decides about a trial that has just reported ─────────────────────


@dataclass(frozen=True, slots=True)
class Continue:
    """Train the next epoch. A reason is given (and recorded) only where something was weighed."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """It lost against the others: PRUNED."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """It has trained as far as it was asked: PAUSED, with its checkpoint."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """It is done by its own curve: COMPLETE."""

    reason: str


Verdict = Continue | Stop | Pause | Finish


# What the loop orders from a pool ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Start:
    """Give a trial to a free worker; everything that the worker needs to start or to continue it.

    after: the last epoch whose report is in the journal; the worker goes on from its newest good checkpoint at or
        before it and keeps to itself what it had to train again.
    until: the epoch after which it waits to be told more (>= after + 1).
    epochs: the most that a trial may train in this study.
    """

    number: int
    params: Params
    seed: int
    until: int
    epochs: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Advance:
    """Let a trial that has Reported train on."""

    number: int


@dataclass(frozen=True, slots=True)
class Release:
    """End a trial that has Reported: its generator is closed, its worker is free.

    over: it will not be continued, so of its checkpoints only the best is kept. epoch: the last one that counts, where
    a verdict dropped what came after it; None: all that was reported does.
    """

    number: int
    over: bool
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """Take the worker away from a trial that may be hung. Nothing more is heard of it; a new worker comes."""

    number: int


Order = Start | Advance | Release | Kill


# What a pool says happened ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a trial cannot go on.

    kind: "error", the trainer raised; "oom", host or GPU memory ran out; "contract", it yields what is no report, or
        not the metric that the study asks for, so that no other trial will do better; "disk", what must last could not
        be written, which is no fault of the trial's.
    """

    kind: Literal["error", "oom", "contract", "disk"]
    summary: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Under what a worker trains a trial from the epoch after `after` on: what must be the same for the same curve.

    environment: of the worker, in plain JSON values; see hpsearch.provenance.environment.
    data: what the trainer says it trains on (`Run.uses`): name -> SHA-256.
    """

    after: int
    environment: Mapping[str, Any]
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reported:
    """What came of a Start or an Advance.

    reports: new epochs, oldest first. Epochs that take milliseconds come several at a time (`Worker.more`); the loop
        judges each in turn, and what follows a verdict to stop or pause is dropped as if it had never been trained.
    ended: the trainer came to its end by itself after these; failure: it cannot go on after these, and its worker is
        free. Without a failure the trial waits for its next order, after its end for a Release.
    seconds: spent inside the trainer for these.
    notes: what a person should know, such as a damaged checkpoint that was passed over.
    provenance: with the first of a Start, and again where the trainer has named more data since.
    """

    number: int
    reports: tuple[Report, ...] = ()
    ended: bool = False
    failure: Failure | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker vanished; what the trial had reported before stands.

    traceback: where in the trainer it was, if it could still say.
    """

    number: int
    reason: str
    traceback: str = ""


Event = Reported | Lost


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the study's log of decisions: what was decided, about which trial (None: the study), and why."""

    kind: str
    reason: str
    number: int | None = None
    step: int | None = None
    at: int = 0
