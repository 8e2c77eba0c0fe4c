"""A search without a loop, a pool or a clock: ask, give a synthetic curve, put it back into the history."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hpsearch.core.decisions import New, Over, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.samplers.base import Sampler

Loss = Callable[[Params, int], float]
"""(params, epoch) -> loss; NaN: it diverges; it may raise: the trial has failed."""

LOSS = Objective("val_loss", "minimize")


def flat(params: Params, epoch: int) -> float:
    """Nothing matters."""
    return 0.5


def diverges(params: Params, epoch: int) -> float:
    return math.nan


def fails(params: Params, epoch: int) -> float:
    raise ArithmeticError


def nobody(number: int) -> bool:
    """The trials that are pruned."""
    return False


class Simulation:
    """`parallel` trials at once, which end in an order that `seed` shuffles.

    epochs: a trial that reached so many is COMPLETE, one that was asked for fewer is PAUSED.
    train: the train_loss beside it, where there is to be one.
    prune: whether a trial has lost against the others when it has trained an epoch, by its number.
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
        prune: Callable[[int], bool] = nobody,
        history: History | None = None,
        train: Loss | None = None,
    ):
        self.sampler, self.loss, self.epochs, self.parallel, self.prune = sampler, loss, epochs, parallel, prune
        self.history = History(objective) if history is None else history
        self.proposals: list[New | Resume] = []
        self.over = ""
        self.end: Over | None = None
        self._train = train
        self._shuffle = np.random.default_rng(seed)

    def run(self, turns: int = 2_000) -> "Simulation":
        """Until the sampler has nothing more to propose, or so many trials have ended; what runs then still runs."""
        running = [trial.number for trial in self.history if trial.state.is_active]
        while turns > 0:
            while len(running) < self.parallel and (proposal := self.sampler.ask(self.history)) is not None:
                if isinstance(proposal, Over):
                    self.end, self.over = proposal, proposal.reason
                    break
                running.append(self._start(proposal))
            if not running:
                break
            self._settle(running.pop(int(self._shuffle.integers(len(running)))))
            turns -= 1
        return self

    def _start(self, proposal: New | Resume) -> int:
        self.proposals.append(proposal)
        match proposal:
            case New(params, until, reason, round_, _):
                number = len(self.history)
                trial = Trial(number, params, seed=number, until=until, round=round_, origin=reason)
            case Resume(number, until, _, round_, _):
                trial = replace(self.history[number], until=until, round=round_)
                assert trial.state is State.PAUSED
                assert trial.epoch < until
        self.history.put(replace(trial, state=State.RUNNING))
        return number

    def _settle(self, number: int) -> None:
        trial = replace(self.history[number], ended=self.history.ended + 1)
        metric = self.history.objective.metric
        while trial.epoch < trial.until:
            try:
                loss = self.loss(trial.params, trial.epoch + 1)
            except ArithmeticError:
                return self.history.put(replace(trial, state=State.FAILED, reason="the trainer raised"))
            metrics = {metric: loss}
            if self._train is not None:
                metrics["train_loss"] = self._train(trial.params, trial.epoch + 1)
            trial = replace(trial, curve=(*trial.curve, Report(trial.epoch + 1, metrics)))
            if not math.isfinite(loss):
                return self.history.put(replace(trial, state=State.PRUNED, cause=Cause.DIVERGED))
            if self.prune(number):
                return self.history.put(replace(trial, state=State.PRUNED, reason="lost"))
        state = State.COMPLETE if trial.epoch >= self.epochs else State.PAUSED
        return self.history.put(replace(trial, state=state))
