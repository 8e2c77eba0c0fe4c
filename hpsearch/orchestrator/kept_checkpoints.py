"""Removes the checkpoints of trials that have ended and are not among the best, as [checkpoints] of the study says."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from hpsearch.core.history import History
from hpsearch.core.trial import Objective, State, Trial, key_of
from hpsearch.orchestrator.observers import Observer
from hpsearch.samplers.base import LeavesTrialsBehind, Sampler
from hpsearch.study.file.sections import Checkpoints
from hpsearch.workers.checkpoints import CheckpointStore, Removal

OVER = (State.COMPLETE, State.PRUNED, State.INFEASIBLE)
"""Trials in these states are never trained again. A FAILED one may be retried, a PAUSED one resumed, unless its round
was left behind (`LeavesTrialsBehind`)."""

PATIENCE = 30.0
"""Seconds that the end of a run waits for files to be removed. What is left is removed by the next run."""


class BestEnded:
    """The best trials among those that are over: at most `most`, no two with the same parameters, as `evaluate` chooses
    them. The value of such a trial never changes, so one that is not among the best of them never will be.
    """

    def __init__(self, objective: Objective, most: int):
        self._objective, self._most = objective, most
        self._best: dict[str, tuple[float, int]] = {}

    def add(self, trial: Trial) -> int | None:
        """Returns the trial that is not among the best any more, or never was; None where all still are."""
        if not self._objective.counts(trial):
            return trial.number
        key, own = key_of(trial.params), (self._objective.loss(trial), trial.number)
        if (same := self._best.get(key)) is not None:
            self._best[key] = min(own, same)
            return max(own, same)[1]
        self._best[key] = own
        if len(self._best) <= self._most:
            return None
        worst = max(self._best, key=self._best.__getitem__)
        return self._best.pop(worst)[1]


class KeptCheckpoints(Observer):
    """Called after the end of a trial is recorded. Files are removed on a thread, so that no trial waits for it.

    What a killed run has left is removed when the next one begins, and what a worker wrote at the last moment at the
    end of the run. history: the one that the loop writes to. work: the study's folder, which the workers share; what is
    not there is not removed. warn: is called with the first problem.
    """

    def __init__(
        self,
        rule: Checkpoints,
        sampler: Sampler,
        history: History,
        work: Path,
        uid: str,
        warn: Callable[[str], None],
    ):
        self._sampler, self._history = sampler, history
        self._work, self._uid, self._warn = work, uid, warn
        self._why = Removal(rule.keep, rule.most or 0)
        self._best = BestEnded(history.objective, rule.most) if rule.most is not None else None
        self._left_behind: set[int] = set()
        self._unneeded: set[int] = set()
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._warned = False
        for trial in history:
            self.ended(trial)
        self._leave_behind()

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:  # noqa: ARG002
        if notes:  # a round begins
            self._leave_behind()

    def _leave_behind(self) -> None:
        """PAUSED trials that are not resumed any more are over too."""
        if not isinstance(self._sampler, LeavesTrialsBehind):
            return
        current = self._history.current
        for trial in current:
            number = trial.number + current.first
            is_new = trial.state is State.PAUSED and number not in self._left_behind
            if is_new and self._sampler.is_left_behind(trial, current):
                self._left_behind.add(number)
                self._over(self._history[number])

    def ended(self, trial: Trial) -> None:
        if trial.state in OVER:
            self._over(trial)

    def _over(self, trial: Trial) -> None:
        if self._best is None or trial.superseded:  # what is left of the trainer's earlier code stays
            return
        if (number := self._best.add(trial)) is not None:
            self._unneeded.add(number)
            self._tidy_soon(number)
        if trial.number in self._left_behind - self._unneeded:
            self._tidy_soon(trial.number)

    def finish(self) -> None:
        """Remove what is left, once no worker writes any more. Waits `PATIENCE` seconds at most."""
        for number in sorted(self._unneeded):
            self._tidy_soon(number)
        self.close()

    def close(self) -> None:
        """Remove what is to be removed so far. A second time it does nothing."""
        if self._thread is None:
            return
        self._queue.put(None)
        with suppress(KeyboardInterrupt):
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                self._note("checkpoints are still being removed")
        self._thread = None

    def _tidy_soon(self, number: int) -> None:
        """Remove the checkpoints of a trial that is over; where it is one of the best, those to resume from."""
        self._queue.put(number)
        if self._thread is None:
            self._thread = Thread(target=self._work_off, name="checkpoints", daemon=True)
            self._thread.start()

    def _work_off(self) -> None:
        for number in iter(self._queue.get, None):
            store = CheckpointStore.of(self._work, self._uid, number)
            try:
                if number in self._unneeded:
                    store.remove(self._why)
                else:
                    store.keep_best()
            except OSError as problem:
                self._note(f"the checkpoints of trial {number} could not be removed: {problem}")

    def _note(self, problem: str) -> None:
        if not self._warned:
            self._warn(f"warning: {problem}; the next run removes what is left")
        self._warned = True
