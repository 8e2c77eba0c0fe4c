"""Orders of the loop to a pool, and events of the pool. Immutable; all of it pickles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hpsearch.core.trial import Cause, Params, Report

# What the loop orders from a pool ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Start:
    """Give a trial to a free worker; everything that the worker needs to start or to continue it.

    after: the last epoch whose report is in the journal; the worker resumes from its newest valid checkpoint at or
        before it and keeps to itself what it had to train again.
    until: the epoch after which it waits for the next order (>= after + 1).
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
    """End the worker of a trial that may hang. The trial has no more events; a new worker starts."""

    number: int


Order = Start | Advance | Release | Kill


# Events of a pool ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a trial cannot continue.

    kind: "error", the trainer raised; "oom", host or GPU memory ran out; "contract", what it yields is not a report, or
        lacks the study's metric, as every other trial would; "disk", a checkpoint or report could not be written, which
        is not the trial's fault; "infeasible", the trainer says that these parameters cannot be trained.
    exception: what the trainer raised, where it did: its class and the first line of its text.
    """

    kind: Literal["error", "oom", "contract", "disk", "infeasible"]
    summary: str
    traceback: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Under what a worker trains a trial from the epoch after `after` on: what must be the same for the same curve.

    environment: of the worker, in plain JSON values; see `provenance.environment.of_worker`.
    data: from the trainer's calls of `Run.uses`: name -> SHA-256.
    """

    after: int
    environment: Mapping[str, Any]
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reported:
    """The result of a Start or an Advance.

    reports: new epochs, oldest first. Epochs that take milliseconds come several at a time (`Worker.advance`); the loop
        judges each in turn, and what follows a verdict to stop or pause is dropped as if it had never been trained.
    ended: the trainer ended by itself after these; failure: the trial cannot continue after these, and its worker is
        free. Without a failure the trial waits for its next order, after its end for a Release.
    seconds: spent inside the trainer for these.
    notes: for the user, such as a damaged checkpoint that was skipped.
    provenance: with the first of a Start, and again where the trainer has named more data since.
    unsaved: why there is no checkpoint from which the trial can be continued; "" where there is one.
    retrained: epochs trained again, which the journal has already: the trial has no checkpoints.
    """

    number: int
    reports: tuple[Report, ...] = ()
    ended: bool = False
    failure: Failure | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None
    unsaved: str = ""
    retrained: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker vanished; what the trial had reported before stands.

    traceback: where in the trainer it was, if known.
    cause: WORKER_LOST, or OUT_OF_MEMORY where that is known to have ended it.
    """

    number: int
    reason: str
    traceback: str = ""
    cause: Cause = Cause.WORKER_LOST


Event = Reported | Lost
