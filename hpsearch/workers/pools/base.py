"""What a pool is."""

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
        """How many could once so many trials have been released."""
        ...

    def do(self, order: Order) -> None:
        """Returns at once; what comes of it comes as events. A Start or Advance brings one, unless it is killed."""
        ...

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened, oldest first; waits up to `timeout` seconds for the first. Empty: nothing did."""
        ...

    def close(self) -> None:
        """Stop every worker; nothing of the pool is left running."""
        ...


class Measurer(Protocol):
    """Measures a trainer on one of its workers, before any trial is started."""

    def measure(self, measurement: Measurement[Result]) -> Result | Lost:
        """Waits for the result. Lost: the worker vanished meanwhile, or took far longer than it was given."""
        ...


class WorkerPool(Pool, Measurer, Protocol):
    """What a study runs on."""
