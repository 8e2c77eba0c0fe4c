"""The interface of a tracker, and a tracker that sends nothing."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sync:
    """sent, pending: how many trials and reports were sent, and are not sent yet. problem: a message for the user, ""
    for none."""

    sent: int
    pending: int
    problem: str = ""


class Tracker(Protocol):
    """A projection of the journal: updated on its own thread, and rebuilt from the journal at any time.

    problem: why it cannot be updated now, for the user; "" for no problem.
    """

    problem: str

    def start(self) -> None:
        """Start the thread. Returns at once, and never raises because of an unreachable server."""
        ...

    def close(self, timeout: float) -> Sync:
        """Send what is pending, for at most `timeout` seconds, and end the thread."""
        ...


class MemoryTracker:
    """Sends nothing, and nothing is ever pending: for studies without MLflow."""

    problem = ""

    def start(self) -> None: ...

    def close(self, timeout: float) -> Sync:  # noqa: ARG002
        return Sync(sent=0, pending=0)
