"""Times in which the driver process did not run, so that it read no reports of its workers."""

from collections.abc import MutableMapping

MAX_TURN = 1.0
"""Seconds. A turn of the loop waits at most half a second. One that takes longer was suspended (a closed laptop,
SIGSTOP, a debugger, a locked database), and only this much of it counts."""


class DriverTime:
    """now: time of the loop's clock, when the loop is created."""

    def __init__(self, now: float):
        self._last = now

    def ignore_suspension(self, running: MutableMapping[int, float], now: float) -> None:
        """If the driver was suspended since the last call, or the clock was set back, move the times of the last
        reports by that time, so that no trial counts as stalled because of it."""
        step, self._last = now - self._last, now
        suspended = min(step, 0.0) or max(step - MAX_TURN, 0.0)
        if suspended:
            for number, last in running.items():
                running[number] = min(now, last + suspended)
