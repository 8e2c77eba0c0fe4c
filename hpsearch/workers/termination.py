"""Detects SIGTERM to a training process: a scheduler, a service manager or a user ends it; the trainer has not failed.

Every SIGTERM counts as sent from outside, since a handler does not receive the sender. The trainer itself may send one
with `os.kill(os.getpid(), SIGTERM)` (see `MAX_OUTSIDE` in orchestrator/lost_workers.py). `sys.exit` without SIGTERM is
a failure of the trainer.
"""

import os
import signal
from contextlib import suppress

BY_SIGTERM = "SIGTERM ended its process"


class SigtermWatch:
    """received: whether this process has received SIGTERM since this object was created.

    Python writes the number of each signal with a Python handler to the wakeup descriptor, whatever the handler does:
    the handler of Ray's workers raises SystemExit, and a trainer may set its own. Without a handler the process ends.
    Create it on the main thread: Ray creates actors there, and may call their methods on another thread.
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
    """Let signals to a forked child, such as a DataLoader's worker, not reach its parent's descriptor."""
    with suppress(ValueError):  # not allowed in a process that a thread has forked
        signal.set_wakeup_fd(-1)
