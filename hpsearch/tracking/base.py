"""The interface of a tracker, and a tracker that sends nothing."""

from dataclasses import dataclass, field
from typing import Protocol

from hpsearch.tracking.pending_files import PendingFiles


@dataclass(frozen=True)
class Sync:
    """sent, pending: the number of trials and reports that were sent, and that are not sent yet. problem: a message for
    the user, "" for none.

    files_sent, files_pending: artifacts. only_files: all runs, metrics and states are in MLflow, and `problem` is about
    artifacts.
    """

    sent: int
    pending: int
    problem: str = ""
    files_sent: int = field(default=0, compare=False)
    files_pending: int = field(default=0, compare=False)
    only_files: bool = field(default=False, compare=False)

    @classmethod
    def with_files(cls, sent: int, pending: int, problem: str, files: PendingFiles) -> "Sync":
        only_files = bool(files.problem) and not problem and not pending
        return cls(sent, pending, problem or files.problem, files.sent, len(files), only_files)


class Tracker(Protocol):
    """A projection of the journal: updated on its own thread, and rebuilt from the journal at any time.

    problem: why it cannot be updated now, for the user; "" for no problem.
    """

    problem: str

    def start(self) -> None:
        """Start the thread. Returns at once, and does not raise for an unreachable server."""
        ...

    def close(self, timeout: float) -> Sync:
        """Send all pending changes, for at most `timeout` seconds, and end the thread."""
        ...


class MemoryTracker:
    """Sends nothing, and nothing is ever pending: for studies without MLflow."""

    problem = ""

    def start(self) -> None: ...

    def close(self, timeout: float) -> Sync:  # noqa: ARG002
        return Sync(sent=0, pending=0)
