"""Trials in this very process, without Ray: for debugging (`address = "none"`), and the pool that tests run on."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hpsearch.trial import Advance, Event, Kill, Lost, Order, Release, Start
from hpsearch.worker import Setup, Worker


class InProcess:
    """Several workers take turns, a slice each, in the order in which they were told to go on.

    With one worker a debugger stops inside the trainer; with more, each keeps a random state of its own, so a trial's
    curve does not depend on what is trained beside it.
    """

    def __init__(self, setup: Setup, workers: int = 1):
        setup = replace(setup, shared=workers > 1)
        self._free = [Worker(setup) for _ in range(workers)]
        self._busy: dict[int, Worker] = {}
        self._orders: deque[Start | Advance | Kill] = deque()

    @property
    def room(self) -> int:
        return len(self._free)

    def do(self, order: Order) -> None:
        match order:
            case Start():
                self._busy[order.number] = self._free.pop()
                self._orders.append(order)
            case Release():
                self._free_worker(order.number)
            case Advance() | Kill():
                self._orders.append(order)

    def events(self, timeout: float) -> Sequence[Event]:  # noqa: ARG002
        """Trains one slice of the trial whose turn it is; there is nothing to wait for."""
        return [self._obey(self._orders.popleft())] if self._orders else []

    def _obey(self, order: Start | Advance | Kill) -> Event:
        worker = self._busy[order.number]
        if isinstance(order, Kill):
            self._free_worker(order.number)
            return Lost(order.number, order.reason)
        reported = worker.start(order) if isinstance(order, Start) else worker.more()
        if reported.ended or reported.failure:
            self._free_worker(order.number)
        return reported

    def _free_worker(self, number: int) -> None:
        worker = self._busy.pop(number)
        worker.release()
        self._free.append(worker)

    def close(self) -> None:
        for number in list(self._busy):
            self._free_worker(number)
