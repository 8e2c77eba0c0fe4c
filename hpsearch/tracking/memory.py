"""The tracker that shows nothing: for studies without MLflow, and for tests."""

from hpsearch.tracking.base import Sync


class MemoryTracker:
    """Remembers what was asked of it, and is always in agreement with the journal.

    closed_within: the seconds that `close` was given; None before.
    """

    def __init__(self) -> None:
        self.started = False
        self.closed_within: float | None = None
        self.problem = ""

    def start(self) -> None:
        self.started = True

    def close(self, timeout: float) -> Sync:
        self.closed_within = timeout
        return Sync(sent=0, pending=0)
