"""Asks the sampler so that a slow one never keeps a worker waiting."""

from concurrent.futures import Future
from contextlib import suppress
from threading import Thread

from hpsearch.core.decisions import Proposal
from hpsearch.core.history import History
from hpsearch.core.imports import IMPORTING
from hpsearch.samplers.base import Sampler


class Proposals:
    """A prompt sampler is asked when there is room; a slow one on a thread, one trial ahead.

    What a slow ask for trial n may look at is fixed: the trials that had settled when trial n - 1 was started. So a
    search that was killed in the midst of an ask makes the same one again.

    is_thinking: the last `take` gave None because the answer was still on its way.
    """

    def __init__(self, sampler: Sampler):
        self._sampler = sampler
        self._number = -1
        self._answer: Future[Proposal | None] | None = None
        self.is_thinking = False

    def wait(self, timeout: float) -> None:
        """Until the answer is there, for at most so many seconds; at once where nothing is asked."""
        if self._answer is not None:
            with suppress(TimeoutError):
                self._answer.exception(timeout)

    def think(self, history: History) -> None:
        """Begin the ask for the next trial, if the sampler is slow and it has not begun."""
        if not self._sampler.slow or self._number == len(history):
            return
        self._number = len(history)
        known = history.as_of(history[self._number - 1].ended_before if self._number else 0)
        self._answer = Future()
        Thread(target=_ask, args=(self._sampler, known, self._answer), name="sampler", daemon=True).start()

    def take(self, history: History) -> Proposal | None:
        """The next proposal; None: nothing now, or, with `is_thinking`, not yet. Raises what the sampler raised."""
        if not self._sampler.slow:
            return self._sampler.ask(history)
        self.think(history)
        assert self._answer is not None
        self.is_thinking = not self._answer.done()
        return None if self.is_thinking else self._answer.result()


def _ask(sampler: Sampler, history: History, answer: "Future[Proposal | None]") -> None:
    try:
        with IMPORTING:  # of Optuna, and of what it imports when it is first asked
            proposal = sampler.ask(history)
        answer.set_result(proposal)
    except BaseException as problem:  # it is raised where the answer is taken
        answer.set_exception(problem)
