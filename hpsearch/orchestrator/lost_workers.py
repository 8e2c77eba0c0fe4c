"""When a worker counts as lost: which losses use up one of limits.retries, and times in which the driver itself was
suspended, so that it read no reports."""

from collections.abc import MutableMapping

from hpsearch.core.trial import Cause, Trial

LOSSES = (Cause.WORKER_LOST, Cause.STALLED)

MAX_OUTSIDE = 10
"""How often in a row, without a new epoch, a trial may lose its worker by an outside cause before these losses count
too. A trainer that sends SIGTERM to itself, or crashes its node, looks the same, and would be tried again for ever."""


class Losses:
    """A loss counts if the trial itself may have caused it: it is the first loss of the trial, or the trial has not
    reported an epoch since the last loss. On machines that are preempted every hour, a trial of ten hours loses nine
    workers.

    retries: limits.retries.
    """

    def __init__(self, retries: int):
        self._retries = retries
        self._began: dict[int, int] = {}
        self._outside: dict[int, int] = {}

    def started(self, trial: Trial) -> None:
        """The trial starts or resumes on a worker."""
        self._began[trial.number] = trial.epoch

    def attempts_after(self, trial: Trial, outside: bool) -> int | None:
        """`Trial.attempts` after the loss of its worker; None if its retries are used up. outside: see Lost."""
        progress = trial.epoch > self._epoch_before(trial)
        if outside:
            in_a_row = self._outside[trial.number] = 1 if progress else self._outside.get(trial.number, 0) + 1
            if in_a_row <= MAX_OUTSIDE:
                return trial.attempts
        if trial.attempts > 1 and progress:
            return trial.attempts
        return trial.attempts + 1 if trial.attempts <= self._retries else None

    def _epoch_before(self, trial: Trial) -> int:
        """The epoch of the last loss if it is recorded, else of the last start."""
        began = self._began.get(trial.number, trial.epoch)
        return int(trial.cause_numbers.get("epoch", began)) if trial.cause in LOSSES else began


MAX_TURN = 1.0
"""Seconds. A turn of the loop waits at most half a second. One that takes longer was suspended (a closed laptop,
SIGSTOP, a debugger, a locked database), and only this much of it counts."""


class DriverTime:
    """now: time of the loop's clock, when the loop is created."""

    def __init__(self, now: float):
        self._last = now

    def ignore_suspension(self, running: MutableMapping[int, float], now: float) -> None:
        """If the driver was suspended since the last call, or the clock was set back, move the times of the last
        reports by that time, so that no trial counts as stalled because of it."""
        step, self._last = now - self._last, now
        suspended = min(step, 0.0) or max(step - MAX_TURN, 0.0)
        if suspended:
            for number, last in running.items():
                running[number] = min(now, last + suspended)
