"""A search on synthetic curves, without loop, pool and clock: each proposal of the sampler gets a curve."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hpsearch.core.decisions import Continue, New, Over, Pause, Resume, Stop
from hpsearch.core.errors import Infeasible
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.pruners.base import NeverPrune, Pruner
from hpsearch.samplers.base import Sampler

Loss = Callable[[Params, int], float]
"""(params, epoch) -> loss. NaN: the trial diverges. ArithmeticError: it fails. Infeasible: it is infeasible."""

LOSS = Objective("val_loss", "minimize")


def flat(_params: Params, _epoch: int) -> float:
    """The same loss for all parameters."""
    return 0.5


def diverges(_params: Params, _epoch: int) -> float:
    return math.nan


def fails(_params: Params, _epoch: int) -> float:
    raise ArithmeticError


def infeasible(_params: Params, _epoch: int) -> float:
    raise Infeasible("not allowed")


def none(_number: int) -> bool:
    """Prunes no trial."""
    return False


class Simulation:
    """Runs `parallel` trials at a time, which end in a random order (`seed`).

    epochs: a trial that reaches this epoch is COMPLETE; a trial that was proposed for fewer epochs is PAUSED.
    train: returns the train_loss of each report; None: reports have none.
    prune: trial number -> whether it is PRUNED after its first epoch. pruner: judges each report; at the last epoch
    of a trial its verdict has no effect.
    """

    def __init__(
        self,
        sampler: Sampler,
        loss: Loss,
        *,
        epochs: int,
        parallel: int = 1,
        seed: int = 0,
        objective: Objective = LOSS,
        prune: Callable[[int], bool] = none,
        history: History | None = None,
        train: Loss | None = None,
        pruner: Pruner | None = None,
    ):
        self.sampler, self.loss, self.epochs, self.parallel, self.prune = sampler, loss, epochs, parallel, prune
        self.history = History(objective) if history is None else history
        self.proposals: list[New | Resume] = []
        self.end: Over | None = None
        self._train, self._pruner = train, pruner or NeverPrune()
        self._shuffle = np.random.default_rng(seed)

    def run(self, turns: int = 2_000) -> "Simulation":
        """Run until the sampler proposes nothing more, or until `turns` trials have ended; the others stay RUNNING."""
        running = [trial.number for trial in self.history if trial.state.is_active]
        while turns > 0:
            while len(running) < self.parallel and (proposal := self.sampler.ask(self.history)) is not None:
                if isinstance(proposal, Over):
                    self.end = proposal
                    break
                running.append(self._start(proposal))
            if not running:
                break
            self._finish(running.pop(int(self._shuffle.integers(len(running)))))
            turns -= 1
        return self

    def _start(self, proposal: New | Resume) -> int:
        self.proposals.append(proposal)
        match proposal:
            case New(params, until, reason, round_, _):
                number = len(self.history)
                trial = Trial(number, params, number, until, round=round_, origin=reason)
                trial = replace(trial, ended_before=self.history.ended)
            case Resume(number, until, _, round_, _):
                trial = replace(self.history[number], until=until, round=round_)
                assert trial.state is State.PAUSED
                assert trial.epoch < until
        self.history.put(replace(trial, state=State.RUNNING))
        return number

    def _finish(self, number: int) -> None:
        trial = replace(self.history[number], ended=self.history.ended + 1)
        metric = self.history.objective.metric
        while trial.epoch < trial.until:
            try:
                loss = self.loss(trial.params, trial.epoch + 1)
            except ArithmeticError:
                return self.history.put(replace(trial, state=State.FAILED, reason="the trainer raised"))
            except Infeasible as problem:
                reason = str(problem)
                return self.history.put(replace(trial, state=State.INFEASIBLE, cause=Cause.INFEASIBLE, reason=reason))
            metrics = {metric: loss}
            if self._train is not None:
                metrics["train_loss"] = self._train(trial.params, trial.epoch + 1)
            trial = replace(trial, curve=(*trial.curve, Report(trial.epoch + 1, metrics)))
            if not math.isfinite(loss):
                return self.history.put(replace(trial, state=State.PRUNED, cause=Cause.DIVERGED))
            if self.prune(number):
                return self.history.put(replace(trial, state=State.PRUNED, reason="lost"))
            self.history.put(replace(trial, ended=0))
            match self._pruner.judge(trial, self.history) if trial.epoch < self.epochs else Continue():
                case Stop(reason, cause):
                    return self.history.put(replace(trial, state=State.PRUNED, reason=reason, cause=cause))
                case Pause(reason, cause):
                    return self.history.put(replace(trial, state=State.PAUSED, reason=reason, cause=cause))
        state = State.COMPLETE if trial.epoch >= self.epochs else State.PAUSED
        return self.history.put(replace(trial, state=state))
