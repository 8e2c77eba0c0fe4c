"""How a thread in the background keeps out of the way."""

import time
from collections.abc import Callable, Iterator


def backoff(first: float = 1.0, longest: float = 60.0) -> Iterator[float]:
    """Seconds to wait after each failure in a row."""
    while True:
        yield first
        first = min(2 * first, longest)


class CpuShare:
    """Keeps a thread to a share of one core, in (0, 1].

    wait: waits so many seconds, or less when there is no more need to.
    clock: the seconds of processor time that this thread has had.
    """

    def __init__(self, share: float, wait: Callable[[float], object], clock: Callable[[], float] = time.thread_time):
        self._share, self._wait, self._clock = share, wait, clock
        self._since = 0.0

    def begin(self) -> None:
        self._since = self._clock()

    def rest(self) -> None:
        """Wait as long as it takes to bring what was used since the last rest down to the share."""
        self._wait((self._clock() - self._since) * (1 / self._share - 1))
        self.begin()  # waiting takes no processor time
