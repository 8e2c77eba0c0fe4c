"""Orders that the loop sends to a pool, and events that the pool sends. All are immutable and can be pickled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hpsearch.core.trial import Cause, Params, Report

# Orders to a pool ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Start:
    """Start or resume a trial on a free worker.

    after: the last epoch in the journal, 0 for none. The worker resumes from the newest valid checkpoint at or before
        it; epochs up to `after` that it trains again are not reported.
    until: the epoch after which the worker waits for the next order (>= after + 1).
    epochs: the most epochs of a trial in this study.
    """

    number: int
    params: Params
    seed: int
    until: int
    epochs: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Advance:
    """Continue the training of a trial that has Reported."""

    number: int


@dataclass(frozen=True, slots=True)
class Release:
    """End a trial that has Reported: its generator is closed and its worker is free.

    over: it will not be resumed, so only its best checkpoint is kept. epoch: the last epoch that counts, if a verdict
    discarded later reports; None: all reports count.
    """

    number: int
    over: bool
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """End the worker of a trial that may hang, and start a new worker. The trial has no more events."""

    number: int


Order = Start | Advance | Release | Kill


# Events of a pool ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a trial cannot continue.

    kind:
        "error": the trainer raised an exception.
        "oom": host or GPU memory ran out.
        "contract": the trainer yields something that is not a report, or never reports the study's metric. All trials
            would fail in this way.
        "disk": a checkpoint or report could not be written; the trainer is not the cause.
        "infeasible": the trainer raised Infeasible.
        "no_report": a program ended with exit code 0, or a function returned None, without a report.
        "terminated": SIGTERM ended the training.
        "lost": the process died or cannot be reached.
    exception: class and first line of the trainer's exception, "" without one.
    """

    kind: Literal["error", "oom", "contract", "disk", "infeasible", "no_report", "terminated", "lost"]
    summary: str
    traceback: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The environment and data with which a trial trains from epoch `after` + 1 on. Its curve depends on them, besides
    its parameters and seed.

    environment: of the worker, in JSON values; see `provenance.environment.of_worker`.
    data: name -> SHA-256, from the trainer's calls of `Run.uses`.
    """

    after: int
    environment: Mapping[str, Any]
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unread:
    """names: searched parameters that the trainer has not read. missing: names that it read but that are not
    parameters."""

    names: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """The result of a Start or an Advance.

    reports: new epochs, oldest first. Epochs that take milliseconds come several at a time (`Worker.advance`). The loop
        judges each of them, and discards the reports after a verdict to stop or pause.
    ended: the trainer returned after these reports. The trial then waits for a Release, otherwise for its next order.
    failure: the trial cannot continue after these reports, and its worker is free.
    seconds: spent inside the trainer for these reports.
    notes: for the user, such as a damaged checkpoint that was skipped.
    provenance: with the first report after a Start, and again when the trainer has named more data.
    unsaved: why there is no checkpoint to continue the trial from; "" if there is one.
    retrained: epochs that are already in the journal, and were trained again because the trial has no checkpoints.
    warnings: notes that are also shown while the study runs.
    reads_epochs: the trainer has read `run.epochs_total`.
    unread: after the trainer has ended, if there are such parameters.
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
    warnings: tuple[str, ...] = ()
    unread: Unread | None = None
    reads_epochs: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker's process died or cannot be reached. Earlier reports of the trial are kept.

    traceback: of the trainer at that time, if known.
    cause: OUT_OF_MEMORY if memory is known to have run out, otherwise WORKER_LOST.
    outside: the cause is not the trial itself: SIGTERM (a scheduler, a service manager), or the loss of the node.
    reports: made by the worker but not yet sent.
    """

    number: int
    reason: str
    traceback: str = ""
    cause: Cause = Cause.WORKER_LOST
    outside: bool = False
    reports: tuple[Report, ...] = ()

    def reported(self) -> Reported:
        """The same as an event with reports and a failure."""
        kind: Literal["oom", "terminated", "lost"] = "terminated" if self.outside else "lost"
        failure = Failure("oom" if self.cause is Cause.OUT_OF_MEMORY else kind, self.reason, self.traceback)
        return Reported(self.number, self.reports, failure=failure)


@dataclass(frozen=True, slots=True)
class Queued:
    """The trial was given to a worker that still ends its previous trial: its own training has not begun. May be sent
    several times, before the result of the Start."""

    number: int


Event = Reported | Lost | Queued
