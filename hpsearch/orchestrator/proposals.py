"""Asks the sampler; a slow sampler on a thread, so that workers do not wait for it."""

import math
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread

from hpsearch.core.decisions import New, Proposal
from hpsearch.core.history import History
from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.promoting import Promoting


class Proposals:
    """A fast sampler is asked when a worker is free; a slow one on a thread, one trial ahead.

    A slow ask for trial n uses the trials that had ended when trial n - 1 was started, so a search that is killed
    during an ask makes the same proposal again. If it returns None, the sampler is asked again after an INFEASIBLE
    trial that is not counted in the budget of trials, and once when all trials have ended.

    With a pruner that promotes, only the sampler of new trials runs on the thread: promotions depend on the present
    history, and are fast.

    patient: `take` waits for the ask of a slow sampler, for simulations, in which no time passes meanwhile.
    is_asking: the last `take` returned None because the ask had not returned yet.
    """

    def __init__(self, sampler: Sampler, *, patient: bool = False):
        self._sampler, self._patient = sampler, patient
        self._promoting = sampler if isinstance(sampler, Promoting) else None
        self._of_new = self._promoting.sampler if self._promoting else sampler
        self._number = -1
        self._counted = self._ended = 0
        self._answer: Future[Proposal | None] | None = None
        self.is_asking = False

    def wait(self, timeout: float) -> None:
        """Wait for the running ask, for at most `timeout` seconds; return at once if none is running."""
        if self._answer is not None:
            with suppress(TimeoutError):
                self._answer.exception(None if timeout == math.inf else timeout)

    def ask_ahead(self, history: History) -> None:
        """Start the ask for the next trial, if the sampler is slow and the ask has not started yet."""
        if not self._sampler.slow or self._number == len(history):
            return
        self._number = len(history)
        self._begin(history, history[self._number - 1].ended_before if self._number else 0)

    def _begin(self, history: History, ended: int) -> None:
        known = history.as_of(ended)
        self._counted, self._ended, self._answer = known.counted, ended, Future()
        Thread(target=_ask, args=(self._of_new, known, self._answer), name="sampler", daemon=True).start()

    def take(self, history: History) -> Proposal | None:
        """The next proposal. None: there is none now or, if `is_asking`, not yet. Raises exceptions of the sampler."""
        if not self._sampler.slow:
            return self._sampler.ask(history)
        self.is_asking = False
        if self._promoting and (resumed := self._promoting.resume(history)) is not None:
            return resumed
        self.ask_ahead(history)
        assert self._answer is not None
        if self._patient:
            self._answer.exception()
        if self._answer.done() and self._answer.result() is None:
            all_ended = self._ended < history.ended and not any(trial.state.is_active for trial in history)
            if all_ended or history.counted < self._counted:
                self._begin(history, history.ended)
                if self._patient:
                    self._answer.exception()
        self.is_asking = not self._answer.done()
        if self.is_asking:
            return None
        answer = self._answer.result()
        return self._promoting.last(history, answer) if self._promoting and not isinstance(answer, New) else answer


def _ask(sampler: Sampler, history: History, answer: "Future[Proposal | None]") -> None:
    try:
        with IMPORT_LOCK:  # the first ask imports Optuna and its dependencies
            proposal = sampler.ask(history)
        answer.set_result(proposal)
    except BaseException as problem:  # raised by `take`
        answer.set_exception(problem)
