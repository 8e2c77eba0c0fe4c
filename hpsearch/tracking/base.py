"""What a tracker is, and the one that shows nothing."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sync:
    """How far a tracker agrees with the journal. `problem` is a message for the user, "" where there is none."""

    sent: int
    pending: int
    problem: str = ""


class Tracker(Protocol):
    """A projection of the journal that follows it on its own and can be rebuilt at any time.

    problem: what prevents that now, for the user; "" where nothing does.
    """

    problem: str

    def start(self) -> None:
        """Start to follow the journal on its own thread. Returns at once and never raises for an unreachable server."""
        ...

    def close(self, timeout: float) -> Sync:
        """Send what is pending for at most `timeout` seconds, end the thread, and return what is left."""
        ...


class MemoryTracker:
    """Shows nothing, and always agrees with the journal: for studies without MLflow."""

    problem = ""

    def start(self) -> None: ...

    def close(self, timeout: float) -> Sync:  # noqa: ARG002
        return Sync(sent=0, pending=0)
