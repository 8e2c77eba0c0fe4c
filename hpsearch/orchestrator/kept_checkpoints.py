"""Removes the checkpoints of ended trials that are not among the best, according to the study's [checkpoints]."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from hpsearch.core.goals import dominates
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, State, Trial, key_of
from hpsearch.orchestrator.observers import Observer
from hpsearch.samplers.base import LeavesTrialsBehind, Sampler
from hpsearch.study.file.sections import Checkpoints
from hpsearch.workers.checkpoints import CheckpointStore, Removal

OVER = (State.COMPLETE, State.PRUNED, State.INFEASIBLE)
"""Trials in these states are never trained again. A FAILED trial may be retried; a PAUSED one may be resumed, unless
its round is past (`LeavesTrialsBehind`)."""

CLOSE_SECONDS = 30.0
"""Seconds to wait for the removal of files at the end of a run. The next run removes the rest."""


class BestEnded:
    """The ended trials with the best parameters: at most `most` different ones, as in `evaluate`, each with all its
    seeds. The value of an ended trial never changes, so a trial that is not among the best never becomes one of them.
    """

    def __init__(self, objective: Objective, most: int):
        self._objective, self._most = objective, most
        self._best: dict[str, dict[int, tuple[float, int]]] = {}

    def add(self, trial: Trial) -> list[int]:
        """Returns the trials that are not, or no longer, among the best; an empty list if all are."""
        if not self._objective.counts(trial):
            return [trial.number]
        own = (self._objective.loss(trial), trial.number)
        seeds = self._best.setdefault(key_of(trial.params), {})
        if (same := seeds.get(trial.seed)) is not None:
            seeds[trial.seed] = min(own, same)
            return [max(own, same)[1]]
        seeds[trial.seed] = own
        if len(self._best) <= self._most:
            return []
        worst = max(self._best, key=lambda key: min(self._best[key].values()))
        return [number for _, number in self._best.pop(worst).values()]


class FrontEnded:
    """In place of `BestEnded` for several goals: the ended trials on the Pareto front. A trial that is dominated once
    stays so."""

    def __init__(self, objective: Objective):
        self._objective = objective
        self._front: dict[int, tuple[float, ...]] = {}

    def add(self, trial: Trial) -> list[int]:
        """Returns the trials that are not, or no longer, on the front."""
        if not self._objective.counts(trial):
            return [trial.number]
        own = self._objective.losses(trial)
        if any(dominates(one, own) for one in self._front.values()):
            return [trial.number]
        beaten = [number for number, one in self._front.items() if dominates(own, one)]
        for number in beaten:
            del self._front[number]
        self._front[trial.number] = own
        return beaten


class KeptCheckpoints(Observer):
    """Called after the end of a trial is recorded. A thread removes the files, so that no trial waits.

    Files of a killed run are removed at the start of the next run. Files that workers write late are removed at the end
    of the run. history: the loop's. work: the study's folder, shared with the workers; files elsewhere are not removed.
    warn: is called with the first problem.
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
        self._best: BestEnded | FrontEnded | None = None
        if rule.most is not None:
            several = bool(history.objective.others)
            self._best = FrontEnded(history.objective) if several else BestEnded(history.objective, rule.most)
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
        """PAUSED trials that will not be resumed have ended too."""
        if not isinstance(self._sampler, LeavesTrialsBehind):
            return
        current = self._history.of_search
        for trial in current:
            number = current.number_of(trial.number)
            is_new = trial.state is State.PAUSED and number not in self._left_behind
            if is_new and self._sampler.is_left_behind(trial, current):
                self._left_behind.add(number)
                self._over(self._history[number])

    def ended(self, trial: Trial) -> None:
        if trial.state in OVER:
            self._over(trial)

    def _over(self, trial: Trial) -> None:
        if self._best is None or trial.superseded:  # trials of earlier code keep their checkpoints
            return
        for number in self._best.add(trial):
            self._unneeded.add(number)
            self._tidy_soon(number)
        if trial.number in self._left_behind - self._unneeded:
            self._tidy_soon(trial.number)

    def finish(self) -> None:
        """Remove the rest, after the last worker has ended. Waits at most `CLOSE_SECONDS`."""
        for number in sorted(self._unneeded):
            self._tidy_soon(number)
        self.close()

    def close(self) -> None:
        """Finish the removals so far. A second call does nothing."""
        if self._thread is None:
            return
        self._queue.put(None)
        with suppress(KeyboardInterrupt):
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                self._note("checkpoints are still being removed")
        self._thread = None

    def _tidy_soon(self, number: int) -> None:
        """Remove the checkpoints of an ended trial; if it is one of the best, only those to resume from."""
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
