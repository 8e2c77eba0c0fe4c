"""What a pool is."""

from collections.abc import Sequence
from typing import Protocol

from hpsearch.core.messages import Event, Lost, Order
from hpsearch.preflight.measurements import Found, Probe


class Pool(Protocol):
    """Workers that train. It decides nothing: it does what it is told and says what came of it."""

    @property
    def room(self) -> int:
        """How many more trials could start now."""
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


class Prober(Protocol):
    """What measures a trainer on one of its workers, before anything else is asked of it."""

    def probe(self, order: Probe) -> Found | Lost:
        """Waits for it. Lost: the worker vanished meanwhile, or took far longer than it was given."""
        ...


class WorkerPool(Pool, Prober, Protocol):
    """What a study runs on."""
