"""The loop of a Session in one program, which holds the study's lease. `shared_loop.py` is for several programs."""

from collections.abc import Callable
from contextlib import ExitStack
from signal import Signals

from hpsearch.core.history import History
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.observers import Notes, Observer
from hpsearch.orchestrator.search import Search
from hpsearch.preflight.runner import PreflightRecord
from hpsearch.study.definition import Study
from hpsearch.workers.pools.ask_and_tell import AskAndTell

Make = Callable[[Study, str], AskAndTell]
Complete = Callable[[Study, AskAndTell, PreflightRecord], PreflightRecord]


class ExclusiveLoop:
    """Call `open`, then `turn` after every call of the pool and `beat` several times a second, and always `close`.

    pool: created by `open`; None if nothing is left to do. The study's lease is held until `close`.
    """

    def __init__(self, study: Study, observer: Observer, notes: Notes):
        self._stack = ExitStack()
        self._search = Search(study, None, observer, notes, self._stack)
        self._loop: Loop | None = None
        self.pool: AskAndTell | None = None

    @property
    def history(self) -> History:
        return self._search.history

    @property
    def is_slow(self) -> bool:
        """Whether a proposal may arrive at any time, from the sampler's thread."""
        return self._search.sampler.slow

    @property
    def is_stopped(self) -> bool:
        """Whether no more trials are started."""
        return self._loop is not None and bool(self._loop.end.stopped)

    def open(self, make: Make, complete: Complete) -> None:
        """Raises the same as `Search.open`."""

        def made(study: Study, uid: str) -> AskAndTell:
            pools.append(make(study, uid))
            return pools[0]

        pools: list[AskAndTell] = []
        with ExitStack() as undo:
            undo.push(self._stack)
            self._loop = self._search.open(made, complete)
            undo.pop_all()
        self.pool = pools[0] if self._loop is not None else None

    def turn(self) -> bool:
        """Process the pool's events. False: the search is over. Raises the same as `Loop.turn`."""
        assert self._loop is not None
        return self._loop.turn()

    def beat(self) -> None:
        """Apply time limits and stop requests while the caller trains."""
        self.turn()

    def stop(self, reason: str) -> None:
        """May be called in a signal handler."""
        if self._loop is not None:
            self._loop.stop(reason)

    def close(self, problem: BaseException | None, signal: Signals | None) -> None:
        """Running trials wait for the next Session. problem: the exception that ended the search, if any."""
        with self._stack:
            if self._loop is None:
                self._search.close()
            elif problem is not None:
                self._loop.abandon(f"the session ended: {type(problem).__name__}")
                self._search.abort(problem)
            else:
                if not self._loop.end.stopped and (self._loop.running or not self._search.is_over()):
                    self._loop.stop("the session was closed", 0.0)
                self._loop.abandon(self._loop.end.stopped)
                self._search.close(signal)
