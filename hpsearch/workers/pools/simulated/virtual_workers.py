"""A pool of virtual workers. An epoch takes the simulated seconds of its curve, and no real time."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from hpsearch.core.messages import Advance, Event, Failure, Kill, Lost, Order, Provenance, Release, Reported, Start
from hpsearch.workers.pools.simulated.played_curves import Curve, Curves

Fault = Callable[[int, int, int], Failure | Lost | None]
"""(trial, epoch, attempt) -> the failure or loss in that epoch, or None. attempt: of this trial at this epoch, from
1."""

UNSAVED = "the simulated trainer saves no checkpoints"


def no_fault(_trial: int, _epoch: int, _attempt: int) -> None:
    """No failures."""


def lost_workers(share: float, seed: int) -> Fault:
    """A random `share` of all epochs loses its worker; the trial continues from its last checkpoint."""

    def fault(trial: int, epoch: int, attempt: int) -> Lost | None:
        drawn = np.random.default_rng([seed, trial, epoch, attempt]).random()
        return Lost(trial, "the simulated worker was lost") if drawn < share else None

    return fault


class Simulated:
    """Virtual workers. The curves determine the order of events, so a simulation is deterministic.

    workers: the number of trials in parallel. spread: the time of each epoch varies at random (`seed`) by up to this
    fraction, in [0, 1), so that workers do not stay in step.
    resumes: whether trials have checkpoints; without them, a resumed trial trains again from its first epoch.
    fault: the failures and losses to simulate.
    now: the simulated time, in seconds; `clock` and `wall` return it for the loop.
    """

    def __init__(
        self,
        curves: Curves,
        workers: int = 1,
        *,
        spread: float = 0.0,
        seed: int = 0,
        resumes: bool = True,
        fault: Fault = no_fault,
        now: float = 0.0,
    ):
        self.now = now
        self._curves, self._workers, self._spread, self._seed = curves, workers, spread, seed
        self._resumes, self._fault = resumes, fault
        self._running: dict[int, _Training] = {}
        self._pending: list[tuple[float, int, int]] = []  # when the epoch ends, the order in which it began, the trial
        self._orders = 0
        self._attempts: dict[tuple[int, int], int] = {}

    def clock(self) -> float:
        return self.now

    wall = clock

    @property
    def room(self) -> int:
        return self._workers - len(self._running)

    def room_after(self, released: int) -> int:
        return self.room + released

    def execute(self, order: Order) -> None:
        match order:
            case Start():
                curve = self._curves.curve(order.params, order.seed, order.epochs)
                again = 0 if self._resumes else order.after
                self._running[order.number] = _Training(curve, order.after, again)
                self._train(order.number)
            case Advance(number):
                self._train(number)
            case Release(number) | Kill(number):
                self._running.pop(number, None)
                self._pending = [one for one in self._pending if one[2] != number]
                heapq.heapify(self._pending)

    def events(self, timeout: float) -> Sequence[Event]:  # noqa: ARG002
        """The next event; the clock moves to its time. [] if no trial trains."""
        if not self._pending:
            return []
        self.now, _, number = heapq.heappop(self._pending)
        event = self._running[number].event(number, self._fault_of(number), self._resumes)
        if isinstance(event, Lost) or event.failure is not None:
            del self._running[number]
        return [event]

    def close(self) -> None:
        self._running.clear()
        self._pending.clear()

    def _train(self, number: int) -> None:
        training = self._running[number]
        factor = 1.0
        if self._spread:
            draw = np.random.default_rng([self._seed, number, training.epoch])
            factor = float(draw.uniform(1 - self._spread, 1 + self._spread))
        training.factor = factor
        self._orders += 1
        heapq.heappush(self._pending, (self.now + training.seconds, self._orders, number))

    def _fault_of(self, number: int) -> Failure | Lost | None:
        epoch = self._running[number].epoch + 1
        attempt = self._attempts[number, epoch] = self._attempts.get((number, epoch), 0) + 1
        return self._fault(number, epoch, attempt)


class _Training:
    """One trial on a virtual worker. epoch: the last reported one. again: the epochs to train again before the next
    one."""

    def __init__(self, curve: Curve, epoch: int, again: int):
        self.epoch, self.factor = epoch, 1.0
        self._curve, self._again, self._was_reported = curve, again, False
        self._place = sum(report.step <= epoch for report in curve.reports)

    @property
    def seconds(self) -> float:
        """Seconds of the next epoch and of those trained again before it. A failure takes as long as an epoch."""
        times = self._curve.seconds
        own = times[min(self._place, len(times) - 1)] if times else 1.0
        return self.factor * (own + (sum(times[: self._place]) if self._again else 0.0))

    def event(self, number: int, fault: Failure | Lost | None, resumes: bool) -> Reported | Lost:
        if isinstance(fault, Lost):
            return replace(fault, number=number)
        seconds, retrained, self._again = self.seconds, self._again, 0
        reports = self._curve.reports[self._place : self._place + 1]
        failure = fault or (None if reports else self._curve.failure)
        if failure is not None:
            return Reported(number, failure=failure, seconds=seconds, retrained=retrained)
        self._place += 1
        provenance = None if self._was_reported else Provenance(self.epoch, {}, {})
        unsaved = "" if self._was_reported or resumes else UNSAVED
        self._was_reported = True
        self.epoch = reports[0].step if reports else self.epoch
        ended = self._place >= len(self._curve.reports) and self._curve.failure is None
        return Reported(
            number,
            reports,
            ended,
            seconds=seconds,
            provenance=provenance,
            unsaved=unsaved,
            retrained=retrained,
            reads_epochs=self._curve.reads_epochs,
        )
