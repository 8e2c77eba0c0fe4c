"""What a pool is."""

from collections.abc import Sequence
from typing import Protocol

from hpsearch.trial import Assignment, Event


class Pool(Protocol):
    """Workers that train. It decides nothing: it does what it is told and says what came of it."""

    @property
    def room(self) -> int:
        """How many more trials could start now."""
        ...

    def start(self, assignment: Assignment) -> None:
        """Give a trial to a free worker. Every event that follows leaves the trial waiting or over."""
        ...

    def advance(self, number: int) -> None:
        """Let a trial that has Reported train on."""
        ...

    def release(self, number: int) -> None:
        """End a trial that has Reported: its generator is closed, its checkpoints stay, its worker is free."""
        ...

    def kill(self, number: int, reason: str) -> None:
        """Take the worker away from a trial that may be hung; Lost(number, reason) follows, the slot is free."""
        ...

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened, oldest first; waits up to `timeout` seconds for the first. Empty: nothing did."""
        ...

    def close(self) -> None:
        """Stop every worker; nothing of the pool is left running."""
        ...
