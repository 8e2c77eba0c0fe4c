"""SIGTERM to a process that trains: a scheduler, a service manager or a user ends it, and its trainer has not failed.

SIGTERM counts as from outside whoever sends it: its handler does not receive the sender, which may be the trainer
itself with `os.kill(os.getpid(), SIGTERM)` (see `MAX_OUTSIDE` in orchestrator/lost_workers.py). `sys.exit` without
SIGTERM is a failure of the trainer.
"""

import os
import signal
from contextlib import suppress

BY_SIGTERM = "SIGTERM ended its process"


class SigtermWatch:
    """received: whether this process has received SIGTERM since the watch was made.

    Python writes the number of each signal that has a handler in Python code to the wakeup descriptor, whatever the
    handler does: that of Ray's workers raises SystemExit, a trainer may set its own. Without a handler the process
    ends. Made on the main thread: Ray creates an actor there, and may call its methods on another one.
    """

    def __init__(self) -> None:
        self._received = False
        self.descriptor, write = os.pipe()
        for end in self.descriptor, write:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=_drop_wakeup_descriptor)

    @property
    def received(self) -> bool:
        with suppress(BlockingIOError):
            self._received = self._received or signal.SIGTERM in os.read(self.descriptor, 1 << 12)
        return self._received


def _drop_wakeup_descriptor() -> None:
    """What a forked child, such as a DataLoader's worker, receives is not for its parent."""
    with suppress(ValueError):  # forked by a thread, for a moment
        signal.set_wakeup_fd(-1)
