"""The time in which the driver itself did not run: nothing that its workers sent was read then."""

from collections.abc import MutableMapping

MAX_TURN = 5.0
"""Seconds between two checks of the time limits from which the driver counts as suspended (a laptop lid, SIGSTOP, a
debugger, a locked database). A turn of the loop waits at most half a second."""


class DriverTime:
    """now: of the loop's clock, when the loop is made."""

    def __init__(self, now: float):
        self._last = now

    def leave_out_suspension(self, running: MutableMapping[int, float], now: float) -> None:
        """Move the times of the last reports by the time since the last call, where the driver did not run in it or the
        clock was set back, so that no trial counts as stalled for it."""
        step, self._last = now - self._last, now
        if 0 <= step <= MAX_TURN:
            return
        for number, last in running.items():
            running[number] = min(now, last + step)
