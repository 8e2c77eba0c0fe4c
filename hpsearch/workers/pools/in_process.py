"""Trials in this process, without Ray: for debugging (`address = "none"`) and for tests."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hpsearch.core.messages import Advance, Event, Kill, Order, Release, Start
from hpsearch.trainer.open_trial import Measurement, Result
from hpsearch.workers.worker import Setup, Worker


class InProcess:
    """Several workers take turns: each trains one slice, in the order of their orders.

    With one worker a debugger can stop inside the trainer. With several, each has its own random state, so a trial's
    curve does not depend on the other trials.
    """

    def __init__(self, setup: Setup, workers: int = 1):
        setup = replace(setup, shared=workers > 1)
        self._free = [Worker(setup) for _ in range(workers)]
        self._busy: dict[int, Worker] = {}
        self._orders: deque[Start | Advance] = deque()

    @property
    def room(self) -> int:
        return len(self._free)

    def room_after(self, released: int) -> int:
        return self.room + released

    def execute(self, order: Order) -> None:
        match order:
            case Start():
                self._busy[order.number] = self._free.pop()
                self._orders.append(order)
            case Advance():
                self._orders.append(order)
            case Release():
                self._release(order.number, order.over, order.epoch)
            case Kill():
                self._orders = deque(other for other in self._orders if other.number != order.number)
                self._release(order.number)

    def events(self, timeout: float) -> Sequence[Event]:  # noqa: ARG002
        """Train one slice of the next trial. `timeout` is unused: the training runs in this call."""
        if not self._orders:
            return []
        order = self._orders.popleft()
        worker = self._busy[order.number]
        reported = worker.start(order) if isinstance(order, Start) else worker.advance()
        if reported.failure:
            self._release(order.number)
        return [reported]

    def measure(self, measurement: Measurement[Result]) -> Result:
        """Without a time limit here: the measurement itself must stop after its `seconds`."""
        return self._free[0].measure(measurement)

    def _release(self, number: int, over: bool = False, epoch: int | None = None) -> None:
        worker = self._busy.pop(number)
        worker.release(over, epoch)
        self._free.append(worker)

    def close(self) -> None:
        for number in list(self._busy):
            self._release(number)
