"""What a tracker is, and the one that shows nothing."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sync:
    """How far a tracker agrees with the journal. `problem` is what to tell the user, "" where all is well."""

    sent: int
    pending: int
    problem: str = ""


class Tracker(Protocol):
    """A projection of the journal that keeps up by itself and can be rebuilt from it at any time.

    problem: what keeps it from doing so now, for the user; "" while all is well.
    """

    problem: str

    def start(self) -> None:
        """Begin to keep up, on a thread of its own. Returns at once and never raises for a server that is away."""
        ...

    def close(self, timeout: float) -> Sync:
        """Send what is pending for at most `timeout` seconds, end the thread, and say what is left."""
        ...


class MemoryTracker:
    """Shows nothing, and always agrees with the journal: for studies without MLflow."""

    problem = ""

    def start(self) -> None: ...

    def close(self, timeout: float) -> Sync:  # noqa: ARG002
        return Sync(sent=0, pending=0)
