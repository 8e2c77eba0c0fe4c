"""The interface of pools: workers that train trials."""

from collections.abc import Sequence
from typing import Protocol

from hpsearch.core.messages import Event, Lost, Order
from hpsearch.trainer.open_trial import Measurement, Result


class Pool(Protocol):
    """Workers that train. A pool decides nothing: it carries out orders and returns events."""

    @property
    def room(self) -> int:
        """How many more trials could start now."""
        ...

    def room_after(self, released: int) -> int:
        """How many could start after `released` running trials are released."""
        ...

    def execute(self, order: Order) -> None:
        """Returns at once. A Start or an Advance results in one Reported or Lost, unless the trial is killed."""
        ...

    def events(self, timeout: float) -> Sequence[Event]:
        """New events, oldest first. Waits up to `timeout` seconds for the first; empty where there is none."""
        ...

    def close(self) -> None:
        """Stop every worker and every process that the pool has started."""
        ...


class Measurer(Protocol):
    """Runs a measurement of the trainer on a worker, before the first trial."""

    def measure(self, measurement: Measurement[Result]) -> Result | Lost:
        """Waits for the result. Lost: the worker died, or the measurement exceeded its time limit."""
        ...


class WorkerPool(Pool, Measurer, Protocol):
    """A pool that runs trials and measurements."""
