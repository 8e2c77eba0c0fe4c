"""Times in which the driver process did not run, so that it read no reports of its workers."""

from collections.abc import MutableMapping

MAX_TURN = 5.0
"""Seconds. With more time between two checks of the time limits, the driver was suspended (a closed laptop, SIGSTOP, a
debugger, a locked database). A turn of the loop waits at most half a second."""


class DriverTime:
    """now: time of the loop's clock, when the loop is created."""

    def __init__(self, now: float):
        self._last = now

    def ignore_suspension(self, running: MutableMapping[int, float], now: float) -> None:
        """If the driver was suspended since the last call, or the clock was set back, move the times of the last
        reports by that time, so that no trial counts as stalled because of it."""
        step, self._last = now - self._last, now
        if 0 <= step <= MAX_TURN:
            return
        for number, last in running.items():
            running[number] = min(now, last + step)
